"""What REST says of trunks, routes and bans. No ``from __future__ import annotations``: pydantic reads it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ccplatform.contracts.words import TrunkId
from gateway.sip.digest_client import Credentials
from gateway.sip.number_rules import MAX_RULES, CallerRule, NumberRule
from gateway.sip.outbound_routes import MAX_CHOICES, MAX_ROUTES, OutboundRoute, TrunkChoice
from gateway.sip.targets import TargetState
from gateway.sip.trunk import (
    MAX_BACKUPS,
    MAX_PEERS,
    Asserted,
    CallerRules,
    Registration,
    Trunk,
    TrunkDirection,
    TrunkProof,
    TrunkState,
    TrunkTransfer,
)

Text = Annotated[str, Field(max_length=255)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class NumberRuleItem(_Strict):
    """The first rule that fits a number is applied to it."""

    prefix: str = Field("", max_length=32, description="digits, + * #; x is any digit, n one of 2 to 9")
    shortest: int = Field(1, ge=1, le=64)
    longest: int = Field(64, ge=1, le=64)
    strip: int = Field(0, ge=0, le=64, description="characters taken away at the beginning")
    add: str = Field("", max_length=32, description="what is put there")


class CallerRuleItem(_Strict):
    """Who is said to call; the first rule that fits the number called and the caller's is applied."""

    dialled: str = Field("", max_length=32, description="beginning of the numbers that are called, as dialled")
    prefix: str = Field("", max_length=32, description="beginning of the caller's; x any digit, n 2 to 9")
    hidden: bool = Field(False, description="the caller stays unknown, but to emergency numbers")
    number: str = Field("", max_length=32, description="shown in place of the caller's")
    strip: int = Field(0, ge=0, le=64, description="characters taken away at its beginning")
    add: str = Field("", max_length=32, description="what is put there")


class CallerItem(_Strict):
    """Who we say calls."""

    number: str = Field("", max_length=32, description="for callers without a number; with only_own for all")
    only_own: bool = False
    asserted: Asserted = Field(Asserted.NONE, description="header that says who calls beside From (RFC 3325)")


class RegistrationItem(_Strict):
    """The trunk is registered with its provider."""

    seconds: int = Field(3600, ge=60, le=86_400, description="life that is asked for")


class TrunkDefinition(_Strict):
    """A trunk as it is configured."""

    peers: list[Text] = Field(default_factory=list, max_length=MAX_PEERS, description="networks of its calls")
    host: Text | None = Field(None, description="where ours go: an IP address, or a name (RFC 3263)")
    port: int | None = Field(None, ge=1, le=65535, description="null: as DNS says, else 5060 (5061 with TLS)")
    transport: str | None = Field("UDP", max_length=8, description="UDP, TCP or TLS; null: as DNS says")
    backups: list[Text] = Field(
        default_factory=list, max_length=MAX_BACKUPS, description="SIP URIs of servers for when the host fails"
    )
    capacity: int = Field(30, ge=1, le=100_000, description="channels, both ways together")
    capacity_in: int | None = Field(None, ge=0)
    capacity_out: int | None = Field(None, ge=0)
    direction: TrunkDirection = TrunkDirection.BOTH
    proof: TrunkProof = Field(TrunkProof.IP, description="how its calls prove that they are: ip, digest, both")
    account: Text | None = Field(None, description="user of its digest account, both ways")
    domain: Text = Field("", description="host of From, To and Request-URI; empty: ours, and the server's")
    registration: RegistrationItem | None = None
    numbers_in: list[NumberRuleItem] = Field(default_factory=list, max_length=MAX_RULES)
    numbers_out: list[NumberRuleItem] = Field(default_factory=list, max_length=MAX_RULES)
    caller: CallerItem = Field(default_factory=CallerItem)
    callers_out: list[CallerRuleItem] = Field(
        default_factory=list, max_length=MAX_RULES, description="who calls certain numbers, before caller"
    )
    probe_seconds: int = Field(0, ge=0, le=3600, description="pause between OPTIONS probes; 0: none")
    trusted: bool = Field(False, description="its callers' numbers are believed: VIPs get in under overload")
    transfer: TrunkTransfer = Field(
        TrunkTransfer.BRIDGE,
        description="who connects its callers with numbers outside: we (bridge), or the carrier when it takes our "
        "REFER (refer)",
    )


class TrunkChange(TrunkDefinition):
    """A trunk to be kept. Its password is taken and never given."""

    password: str | None = Field(None, min_length=1, max_length=255, description="null: as it is")

    def trunk(self, name: TrunkId, password: str | None, state: TrunkState) -> Trunk:
        """What the gateway makes of it; ``password`` is the present one."""
        secret = self.password or password
        return Trunk(
            id=name,
            peers=tuple(self.peers),
            host=self.host,
            port=self.port,
            transport=self.transport,
            backups=tuple(self.backups),
            capacity=self.capacity,
            capacity_in=self.capacity_in,
            capacity_out=self.capacity_out,
            direction=self.direction,
            proof=self.proof,
            credentials=Credentials(user=self.account, password=secret) if self.account and secret else None,
            domain=self.domain,
            registration=Registration(seconds=self.registration.seconds) if self.registration else None,
            numbers_in=tuple(NumberRule(**rule.model_dump()) for rule in self.numbers_in),
            numbers_out=tuple(NumberRule(**rule.model_dump()) for rule in self.numbers_out),
            caller=CallerRules(**self.caller.model_dump()),
            callers_out=tuple(CallerRule(**rule.model_dump()) for rule in self.callers_out),
            probe_seconds=self.probe_seconds,
            trusted=self.trusted,
            transfer=self.transfer,
            state=state,
        )


class ConfiguredTrunk(TrunkDefinition):
    """A configured trunk."""

    id: str


class TargetItem(BaseModel):
    """One address of a trunk's servers, in order of use."""

    address: str
    transport: str
    name: str = Field(description="what led to the address; empty when it is configured")
    state: TargetState
    missed: int = Field(description="probes missed one after the other")
    round_trip_seconds: float | None = Field(description="of the last probe")
    rests_seconds: float = Field(description="how long it is used last, since it failed a call")


class RegistrationNow(BaseModel):
    """Where a registration with a provider stands."""

    state: str = Field(description="trying, registered, lost")
    reason: str
    server: str
    expires_seconds: float | None


class TrafficItem(BaseModel):
    """Traffic of the last two hours (R10.3.1.1), as far back as it is known; our own figure of the channels."""

    carried_erlang: float = Field(description="channels in use on average")
    offered_erlang: float = Field(description="with what found every channel busy: carried / (1 - blocked share)")
    load_erlang: float = Field(description="carried traffic of one channel, 0 to 1")
    load_class: str = Field(description="idle, or busy from 0.875 Erlang a channel on")
    attempts: int
    blocked: int = Field(description="calls that found every channel busy")


class TrunkItem(TrunkDefinition):
    """One trunk; what is null of its present state was not to be learnt."""

    id: str
    state: TrunkState = Field(description="what the operator wants: active, blocked, isolated")
    in_use: int | None = Field(description="channels in use now, both ways")
    incoming: int | None = None
    outgoing: int | None = None
    targets: list[TargetItem] | None = None
    unresolved: str | None = Field(None, description="why its servers cannot be looked up")
    registered: RegistrationNow | None = None
    traffic: TrafficItem | None = Field(None, description="null while nothing is known of it")


class Trunks(BaseModel):
    """Every trunk; ``revisions`` are what ``If-Match`` takes."""

    items: list[TrunkItem]
    revisions: dict[str, str] = {}
    next_cursor: str | None = None


class ChoiceItem(_Strict):
    """A trunk of a route."""

    trunk: str = Field(max_length=64)
    priority: int = Field(0, ge=0, lt=1000, description="lower is tried first")
    weight: int = Field(1, ge=0, lt=65536, description="share among those of the same priority")


class RouteItem(_Strict):
    """Numbers that begin with the prefix go out by these trunks."""

    prefix: str = Field(max_length=32)
    exact: bool = Field(False, description="the number itself, and none that is longer")
    emergency: bool = False
    choices: list[ChoiceItem] = Field(min_length=1, max_length=MAX_CHOICES)

    def route(self) -> OutboundRoute:
        """What the gateway makes of it."""
        choices = (
            TrunkChoice(trunk=TrunkId(one.trunk), priority=one.priority, weight=one.weight) for one in self.choices
        )
        return OutboundRoute(
            prefix=self.prefix, exact=self.exact, emergency=self.emergency, choices=tuple(choices)
        )


class Routes(_Strict):
    """Every route of calls out."""

    items: list[RouteItem] = Field(max_length=MAX_ROUTES)
    next_cursor: str | None = None


class BanItem(BaseModel):
    """A source that is not listened to."""

    source: str
    fault: str = Field(description="digest, stranger, malformed or scanner")
    since_seconds: float
    left_seconds: float


class Bans(BaseModel):
    """Every ban, and counts since the start."""

    items: list[BanItem]
    next_cursor: str | None = None
    imposed: dict[str, int]
    dropped: int


class PortItem(BaseModel):
    """A listener."""

    transport: str
    port: int


class Ports(BaseModel):
    """Every listener of SIP."""

    items: list[PortItem]
    next_cursor: str | None = None


def trunk_definition(trunk: Trunk) -> TrunkDefinition:
    """A trunk as it is configured."""
    account = trunk.credentials.user if trunk.credentials is not None else None
    return TrunkDefinition(
        peers=list(trunk.peers),
        host=trunk.host,
        port=trunk.port,
        transport=trunk.transport,
        backups=list(trunk.backups),
        capacity=trunk.capacity,
        capacity_in=trunk.capacity_in,
        capacity_out=trunk.capacity_out,
        direction=trunk.direction,
        proof=trunk.proof,
        account=account,
        domain=trunk.domain,
        registration=RegistrationItem.model_validate(trunk.registration) if trunk.registration else None,
        numbers_in=[NumberRuleItem.model_validate(rule) for rule in trunk.numbers_in],
        numbers_out=[NumberRuleItem.model_validate(rule) for rule in trunk.numbers_out],
        caller=CallerItem.model_validate(trunk.caller),
        callers_out=[CallerRuleItem.model_validate(rule) for rule in trunk.callers_out],
        probe_seconds=trunk.probe_seconds,
        trusted=trunk.trusted,
        transfer=trunk.transfer,
    )


def trunk_item(
    trunk: Trunk, now: dict[str, Any] | None, in_use: int | None, traffic: dict[str, Any] | None
) -> TrunkItem:
    """A trunk as it is configured and, if that is known, as it is ``now``."""
    definition = trunk_definition(trunk)
    present: dict[str, Any] = {}
    if now is not None:
        present = {name: now[name] for name in ("incoming", "outgoing", "targets", "unresolved")}
        present["registered"] = now["registration"]
    if traffic is not None:
        present["traffic"] = TrafficItem(**traffic)
    return TrunkItem(**definition.model_dump(), id=trunk.id, state=trunk.state, in_use=in_use, **present)

"""What a trunk is: who its calls come from, where ours go, how many, and how its numbers are written."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from ccplatform.contracts.words import TrunkId
from gateway.errors import BadTrunk, SipParseError
from gateway.sip.digest_client import Credentials
from gateway.sip.flows import TRANSPORTS, Flow
from gateway.sip.locating import Server
from gateway.sip.number_rules import CallerRule, NumberRule, check_rules
from gateway.sip.syntax import is_token
from gateway.sip.uri import ip_of, parse_hostport, parse_uri

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_CHANNELS: Final = 100_000
MAX_BACKUPS: Final = 16
MAX_PEERS: Final = 256


class TrunkDirection(StrEnum):
    """Which way calls may go on a trunk, seen from the centre."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class TrunkProof(StrEnum):
    """How a caller proves that he is the trunk."""

    IP = "ip"  # by his address
    DIGEST = "digest"  # by the trunk's account, from any address
    BOTH = "both"


class TrunkState(StrEnum):
    """What the operator wants of a trunk (R10.4.a)."""

    ACTIVE = "active"
    BLOCKED = "blocked"  # no new calls; those that run go on, registration and probes too
    ISOLATED = "isolated"  # cut off: calls are ended, nothing is registered or probed


class Asserted(StrEnum):
    """The header that says who calls (RFC 3325); the last for peers that do not trust us to assert."""

    NONE = "none"
    ASSERTED = "P-Asserted-Identity"
    PREFERRED = "P-Preferred-Identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRules:
    """Who we say calls. ``number`` stands in for callers without a number, ``only_own`` for all others too: then
    the true one is not shown. ``asserted`` is the header that says it beside From."""

    number: str = ""
    only_own: bool = False
    asserted: Asserted = Asserted.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How the trunk is registered with its provider: ``seconds`` is what is asked for."""

    seconds: int = 3600


class TrunkTransfer(StrEnum):
    """Who connects a caller of the trunk with a number outside."""

    BRIDGE = "bridge"  # we do: he stays on a channel, as whom he is connected with does
    REFER = "refer"  # his carrier is asked to (RFC 3515); where it does not, we do


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """One trunk. ``peers`` are the networks that its calls come from.

    Ours go to ``host``: an IP address, or a name that is looked up as RFC 3263 says unless ``port`` and
    ``transport`` already say it all; None: it takes no calls. ``backups`` are SIP URIs of servers for when it does
    not serve. ``capacity`` is its number of channels, both ways together; ``capacity_in`` and ``capacity_out``
    bound one way. ``trusted``: the numbers of its callers are theirs, so that VIPs among them are known under
    overload. ``domain`` is the host of From, To and Request-URI (empty: ours, and the server's address).
    ``callers_out`` say who calls certain numbers, before ``caller`` says it of all; the first that fits.
    ``transfer`` says who connects its callers with numbers outside.
    """

    id: TrunkId
    peers: tuple[str, ...] = ()
    host: str | None = None
    port: int | None = None
    transport: str | None = "UDP"
    backups: tuple[str, ...] = ()
    capacity: int = 30
    capacity_in: int | None = None
    capacity_out: int | None = None
    direction: TrunkDirection = TrunkDirection.BOTH
    proof: TrunkProof = TrunkProof.IP
    credentials: Credentials | None = None
    domain: str = ""
    registration: Registration | None = None
    numbers_in: tuple[NumberRule, ...] = ()
    numbers_out: tuple[NumberRule, ...] = ()
    caller: CallerRules = CallerRules()
    callers_out: tuple[CallerRule, ...] = ()
    probe_seconds: int = 0
    trusted: bool = False
    transfer: TrunkTransfer = TrunkTransfer.BRIDGE
    state: TrunkState = TrunkState.ACTIVE

    def networks(self) -> tuple[Network, ...]:
        """``peers``, parsed."""
        return tuple(ipaddress.ip_network(peer, strict=False) for peer in self.peers)

    def servers(self) -> tuple[Server, ...]:
        """Where its calls go, in order of use."""
        if self.host is None:
            return ()
        first = Server(self.host, self.port, self.transport)
        return (first, *(_server_of(uri) for uri in self.backups))

    def flow(self) -> Flow | None:
        """Where its calls go when no name must be looked up for it."""
        return self.servers()[0].flow() if self.host is not None else None

    def check(self) -> None:
        """Raise :class:`BadTrunk` with the reason when the definition makes no sense."""
        try:
            self._check()
        except SipParseError as error:
            where = error.where if error.where in ("host", "backup") else ""
            raise BadTrunk(f"trunk {self.id}: {error}", "backups" if where == "backup" else where) from error

    def _check(self) -> None:
        if not is_token(self.id) or len(self.id) > 64:
            raise BadTrunk(f"trunk {self.id[:64]!r}: the name must be a token of at most 64 characters", "id")
        self._check_addresses()
        bounds = [bound for bound in (self.capacity_in, self.capacity_out) if bound is not None]
        if not 0 < self.capacity <= MAX_CHANNELS or not all(0 <= bound <= self.capacity for bound in bounds):
            raise BadTrunk(
                f"trunk {self.id}: capacity out of range (1 to {MAX_CHANNELS}; one way at most that)", "capacity"
            )
        if self.direction is not TrunkDirection.IN and self.host is None:
            raise BadTrunk(f"trunk {self.id}: direction {self.direction} needs a host", "host")
        if self.credentials is None and (self.proof is not TrunkProof.IP or self.registration is not None):
            raise BadTrunk(f"trunk {self.id}: digest and registration need an account", "account")
        if self.registration is not None and (self.host is None or not 60 <= self.registration.seconds <= 86_400):
            raise BadTrunk(f"trunk {self.id}: registration needs a host and 60 to 86400 seconds", "registration")
        if self.probe_seconds and (self.host is None or not 1 <= self.probe_seconds <= 3600):
            raise BadTrunk(f"trunk {self.id}: probes need a host and 1 to 3600 seconds", "probe_seconds")
        if not set(self.caller.number) <= set("+0123456789*#") or len(self.caller.number) > 32:
            raise BadTrunk(f"trunk {self.id}: the caller's number has other than digits, + * #", "caller.number")
        for field, rules in (
            ("numbers_in", self.numbers_in),
            ("numbers_out", self.numbers_out),
            ("callers_out", self.callers_out),
        ):
            try:
                check_rules(rules)
            except BadTrunk as error:
                raise BadTrunk(f"trunk {self.id}: {error}", field) from error

    def _check_addresses(self) -> None:
        if len(self.peers) > MAX_PEERS or len(self.backups) > MAX_BACKUPS:
            raise BadTrunk(f"trunk {self.id}: at most {MAX_PEERS} peers and {MAX_BACKUPS} backups")
        for peer in self.peers:
            try:
                ipaddress.ip_network(peer, strict=False)
            except ValueError as error:
                raise BadTrunk(f"trunk {self.id}: peer {peer!r} is not a network: {error}", "peers") from error
        if self.transport is not None and self.transport not in TRANSPORTS:
            raise BadTrunk(
                f"trunk {self.id}: transport {self.transport!r} is none of {', '.join(TRANSPORTS)}", "transport"
            )
        if self.port is not None and not 0 < self.port < 65536:
            raise BadTrunk(f"trunk {self.id}: port {self.port} out of range", "port")
        for name in filter(None, (self.host, self.domain)):
            if ip_of(name) is None and parse_hostport(name, "host")[1] is not None:
                raise BadTrunk(f"trunk {self.id}: {name!r} is not a host: the port stands by itself", "host")
        for uri in self.backups:
            _server_of(uri)


def _server_of(uri: str) -> Server:
    parsed = parse_uri(uri, "backup")
    if parsed.scheme not in ("sip", "sips") or (parsed.transport or "UDP") not in TRANSPORTS:
        raise SipParseError(f"{uri!r} cannot be called", "backup")
    transport = "TLS" if parsed.scheme == "sips" else parsed.transport
    return Server(ip_of(parsed.host) or parsed.host, parsed.port, transport)

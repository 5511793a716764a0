"""Who may call, and who that is: an INVITE that begins a dialog, a REGISTER. Pure.

A request whose From belongs to a seat is always challenged, whatever address it comes from; others must come
from a trunk: from its address, with its account, or both, as the trunk wants it. Nothing else gets in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from ccplatform.contracts.words import ReleaseCause, SeatId
from gateway.errors import SipParseError
from gateway.sip.digest import ALGORITHMS, DigestServer, Secrets, Verdict, hash_a1, parse_digest
from gateway.sip.digest_client import DigestClient
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest
from gateway.sip.overload_guard import OverloadGuard
from gateway.sip.replaces import replaces_of
from gateway.sip.seats import SeatDirectory
from gateway.sip.trunk import Trunk, TrunkDirection, TrunkProof, TrunkState
from gateway.sip.trunks import TrunkChannels, TrunkDirectory

#: What Retry-After says when calls are refused for a while, seconds.
RETRY_AFTER_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call may go on, from a seat or from a trunk."""

    seat: SeatId | None = None
    trunk: Trunk | None = None


@dataclass(frozen=True, slots=True)
class Challenged:
    """Say 401 with these challenges; ``wrong`` when credentials were given, and they were."""

    challenges: list[str]
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refuse with this status. ``cause`` is given when a known trunk or seat is refused: then it is a fact."""

    status: int
    cause: ReleaseCause | None = None
    trunk: Trunk | None = None
    retry_after_seconds: int | None = None
    seat: SeatId | None = None


Decision: TypeAlias = Admitted | Challenged | Rejected


class Admission:
    """Judges requests that begin something. ``line_free(seat)`` says whether its phones may have another call,
    ``pass_of(user, sip_user)`` what a digest user that is a pass of that seat proves itself with."""

    def __init__(
        self,
        *,
        seats: SeatDirectory,
        trunks: TrunkDirectory,
        channels: TrunkChannels,
        digest: DigestServer,
        overload: OverloadGuard | None = None,
        md5_only_phones: tuple[str, ...] = (),
        line_free: Callable[[SeatId], bool] = lambda _: True,
        is_emergency: Callable[[str], bool] = lambda _: False,
        pass_of: Callable[[str, str], Secrets | None] = lambda _user, _sip_user: None,
    ) -> None:
        self._pass_of = pass_of
        self._is_emergency = is_emergency
        self._line_free = line_free
        self._overload = overload
        self._seats = seats
        self._trunks = trunks
        self._channels = channels
        self._digest = digest
        self._md5_only_phones = md5_only_phones

    def call(self, request: SipRequest, flow: Flow, refusing: ReleaseCause | None, now: float) -> Decision:
        """Decide about an INVITE; ``refusing`` is why no call is let in at present, if so."""
        user = account_of(request)
        if "replaces" in request.headers:
            return self._replacement(request, user, now)
        if self._seats.of_user(user) is not None:
            decision = self.account(request, user, now)
            if self._is_emergency(request.uri.name):
                return decision
            if isinstance(decision, Admitted) and refusing is not None:
                return Rejected(503, refusing, None, RETRY_AFTER_SECONDS, decision.seat)
            if isinstance(decision, Admitted) and decision.seat is not None and not self._line_free(decision.seat):
                return Rejected(486, ReleaseCause.BUSY, seat=decision.seat)
            return self._unless_overloaded(decision, request, user)
        trunk = self._trunk_of(request, flow, now)
        if not isinstance(trunk, Trunk):
            return trunk
        if trunk.direction is TrunkDirection.OUT:
            return Rejected(403)
        if refusing is None and trunk.state is not TrunkState.ACTIVE:
            refusing = ReleaseCause.UNAVAILABLE
        if refusing is not None:
            return Rejected(503, refusing, trunk, RETRY_AFTER_SECONDS)
        if not self._channels.free(trunk, incoming=True):
            return Rejected(486, ReleaseCause.BUSY, trunk)
        return self._unless_overloaded(Admitted(trunk=trunk), request, user)

    def _replacement(self, request: SipRequest, user: str, now: float) -> Decision:
        """An INVITE that takes a call over is no new call, and nobody's but a seat's."""
        if self._seats.of_user(user) is None:
            return Rejected(403)
        decision = self.account(request, user, now)
        _ = replaces_of(request) if isinstance(decision, Admitted) else None  # nonsense gets its 400
        return decision

    def _unless_overloaded(self, decision: Decision, request: SipRequest, user: str) -> Decision:
        if self._overload is None or not isinstance(decision, Admitted):
            return decision
        trunk = decision.trunk
        retry_after = self._overload.refuses(request, caller=user, seat=decision.seat is not None, trunk=trunk)
        overloaded = Rejected(503, ReleaseCause.OVERLOAD, trunk, retry_after, decision.seat)
        return decision if retry_after is None else overloaded

    def is_trunk(self, flow: Flow) -> bool:
        """Whether an address belongs to a trunk, so that it is no stranger."""
        return self._trunks.of_source(flow) is not None

    def is_at(self, host: str) -> bool:
        """Whether a trunk has this address, whatever the port."""
        return self.is_trunk(Flow("UDP", host, 0))

    def client_of(self, trunk: Trunk | None) -> DigestClient | None:
        """Who answers the challenges of a trunk."""
        return self._trunks.client(trunk.id) if trunk is not None else None

    def account(self, request: SipRequest, user: str, now: float) -> Decision:
        """Check that a request carries the credentials of the seat account ``user``."""
        seat = self._seats.of_user(user)

        def secrets(name: str) -> Secrets | None:
            if seat is None:
                return None
            return seat.secrets if name == user else self._pass_of(name, user)

        decision = self._credentials(request, secrets, now)
        return Admitted(seat=seat.id) if isinstance(decision, str) and seat is not None else _refusal(decision)

    def _trunk_of(self, request: SipRequest, flow: Flow, now: float) -> Trunk | Challenged | Rejected:
        """The trunk that a request comes from, proven as it wants to be."""
        known = self._trunks.of_source(flow)
        if known is not None and known.proof is TrunkProof.IP:
            return known
        if known is None and not self._trunks.takes_accounts:
            return Rejected(403)

        def secrets(user: str) -> Secrets | None:
            trunk = self._trunks.of_account(user)
            fits = trunk is not None and (
                trunk is known if known is not None else trunk.proof is TrunkProof.DIGEST
            )
            return self._secrets(trunk) if trunk is not None and fits else None

        decision = self._credentials(request, secrets, now)
        trunk = self._trunks.of_account(decision) if isinstance(decision, str) else None
        return trunk if trunk is not None else _refusal(decision)

    def _secrets(self, trunk: Trunk) -> Secrets | None:
        account, realm = trunk.credentials, self._digest.realm
        if account is None:
            return None
        return Secrets(
            ha1_md5=hash_a1("MD5", account.user, realm, account.password),
            ha1_sha256=hash_a1("SHA-256", account.user, realm, account.password),
        )

    def _credentials(
        self, request: SipRequest, secrets_of: Callable[[str], Secrets | None], now: float
    ) -> str | Challenged | Rejected:
        """The user whose credentials a request carries; else a challenge."""
        try:
            given = [parse_digest(value, "Authorization") for value in request.headers.all("authorization")]
        except SipParseError:
            return Rejected(400)
        stale = wrong = False
        for credentials in given:
            if credentials is None or credentials.get("realm") != self._digest.realm:
                continue
            user = credentials.get("username") or ""
            verdict = self._digest.judge(
                credentials,
                method=request.method,
                request_uri=request.uri_text,
                secrets=secrets_of(user),
                now=now,
            )
            if verdict is Verdict.GOOD:
                return user
            stale = stale or verdict is Verdict.STALE
            wrong = wrong or verdict is Verdict.BAD
        challenges = self._digest.challenges(now, stale=stale, algorithms=self._offered(request))
        return Challenged(challenges, wrong)

    def _offered(self, request: SipRequest) -> tuple[str, ...]:
        """The digest algorithms that this phone is offered, in order.

        RFC 8760 has phones skip the challenges that they cannot answer. Old ones do not: some give up when any
        challenge is not MD5 (the settings name them), some look at the first alone. These are mostly tools, which
        do not say what they are either, so the nameless get MD5 first.
        """
        phone = request.headers.first("user-agent")
        if phone is None:
            return ALGORITHMS[::-1]
        return ("MD5",) if phone.startswith(self._md5_only_phones) else ALGORITHMS


def account_of(request: SipRequest) -> str:
    """The user of the From URI: an account or a calling number; empty text when its URI is of another kind."""
    try:
        return request.from_.uri.name
    except SipParseError:
        return ""


def _refusal(decision: str | Challenged | Rejected) -> Challenged | Rejected:
    """What is said to credentials that prove nothing here."""
    return Rejected(403) if isinstance(decision, str) else decision

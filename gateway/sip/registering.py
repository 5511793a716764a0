"""Our registration with a provider (RFC 3261 section 10.2): made, refreshed at half its life, mended. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from ccplatform.kernel.core import DeadlineReached
from gateway.errors import SipParseError
from gateway.sip.dialogs import MAX_FORWARDS, Identity
from gateway.sip.digest_client import DigestClient
from gateway.sip.flows import Flow
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.responses import retry_after
from gateway.sip.syntax import parse_number
from gateway.sip.transaction_layer import RequestFailed, ResponseArrived
from gateway.sip.trunk import Trunk
from gateway.sip.uri import escape_user, host_text

#: First and longest pause after a failure, seconds; it doubles (RFC 5626 section 4.5).
BACKOFF_SECONDS: Final = (10.0, 600.0)
#: Least time between two refreshes, seconds, whatever life a registrar grants.
MIN_REFRESH_SECONDS: Final = 5.0
#: Longest life that is believed or asked for, seconds.
MAX_EXPIRES: Final = 86_400
#: Requests that one attempt may take: challenges and a 423 are answered once each.
MAX_REQUESTS: Final = 4
#: Service-Route values that are kept.
MAX_ROUTES: Final = 8
#: Contacts of one answer that are looked at.
MAX_CONTACTS: Final = 16


class RegistrationState(StrEnum):
    """Where a registration stands."""

    OFF = "off"
    TRYING = "trying"
    REGISTERED = "registered"
    LOST = "lost"  # refused, or expired without a refresh


@dataclass(frozen=True, slots=True)
class Begin:
    """Register, or register anew at once."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take the registration back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRegister:
    """Send the request; its response or failure follows."""

    request: SipRequest
    flow: Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationChanged:
    """The state is another; ``reason`` says why it was lost."""

    state: RegistrationState
    reason: str = ""


RegisteringEvent: TypeAlias = Begin | Withdraw | ResponseArrived | RequestFailed
RegisteringEffect: TypeAlias = SendRegister | RegistrationChanged


class Registering:
    """One trunk's registration. ``flows()`` are the addresses of the registrar in order of trial, ``random()`` a
    number from 0 up to 1 that spreads retries."""

    def __init__(
        self,
        trunk: Trunk,
        *,
        identity: Identity,
        client: DigestClient,
        call_id: str,
        tag: str,
        flows: Callable[[float], list[Flow]],
        random: Callable[[], float],
    ) -> None:
        assert trunk.registration is not None
        self.state = RegistrationState.OFF
        self.reason = ""
        #: Where it is registered, until when (monotonic), and the way its calls take (RFC 3608).
        self.flow: Flow | None = None
        self.expires_at: float | None = None
        self.service_route: tuple[str, ...] = ()
        #: Contacts of others that the registrar has for the same address, as it told last.
        self.others: tuple[str, ...] = ()
        self._trunk = trunk
        self._identity = identity
        self._client = client
        self._call_id = call_id
        self._tag = tag
        self._flows = flows
        self._random = random
        self._asked = trunk.registration.seconds
        self._sequence = 0
        self._requests = 0
        self._failures = 0
        self._to_try: list[Flow] = []
        self._current: SipRequest | None = None
        self._due: float | None = None

    @property
    def asking(self) -> bool:
        """Whether a request of ours is unanswered."""
        return self._current is not None

    def next_deadline(self) -> float | None:
        """The next refresh or attempt, or the end of the registration's life, whichever comes first."""
        instants = [at for at in (self._due, self.expires_at) if at is not None]
        return min(instants, default=None)

    def handle(self, event: RegisteringEvent | DeadlineReached, now: float) -> list[RegisteringEffect]:
        """Take one event."""
        match event:
            case Begin():
                self._failures = 0
                return self._begin(now)
            case Withdraw():
                return self._withdraw()
            case DeadlineReached():
                return self._deadline(now)
            case ResponseArrived(_, response):
                if not response.final or not self._is_current(response.cseq.number):
                    return []
                try:
                    return self._response(response, now)
                except SipParseError as error:
                    return self._failed(str(error), None, now)
            case RequestFailed(_, request, timed_out):
                if not self._is_current(request.cseq.number):
                    return []
                return self._unreachable("no answer" if timed_out else "cannot be reached", None, now)

    # --- sending ------------------------------------------------------------------------------------------

    def _begin(self, now: float) -> list[RegisteringEffect]:
        self._to_try = self._flows(now)
        self._requests = 0
        changed = self._become(RegistrationState.TRYING) if self.state is not RegistrationState.REGISTERED else []
        if not self._to_try:
            return [*changed, *self._failed("no server is known", None, now)]
        return [*changed, *self._send(self._register(self._asked))]

    def _register(self, expires: int) -> SipRequest:
        trunk, headers = self._trunk, Headers()
        user = escape_user(self._client.credentials.user)
        domain = host_text(trunk.domain or trunk.host or "")
        self._sequence += 1
        headers.put("max-forwards", MAX_FORWARDS)
        headers.put("from", f"<sip:{user}@{domain}>;tag={self._tag}")
        headers.put("to", f"<sip:{user}@{domain}>")
        headers.put("call-id", self._call_id)
        headers.put("cseq", f"{self._sequence} REGISTER")
        headers.put("contact", self._contact())
        headers.put("expires", str(expires))
        headers.put("supported", "path")
        headers.put("user-agent", self._identity.user_agent)
        request = SipRequest("REGISTER", f"sip:{domain}", headers)
        self._client.anticipate(request)
        return request

    def _contact(self) -> str:
        address = self._identity.contact(self._to_try[0])
        return address.replace(f":{self._identity.user}@", f":{escape_user(self._client.credentials.user)}@", 1)

    def _send(self, request: SipRequest) -> list[RegisteringEffect]:
        self._current = request
        self._due = None
        self._requests += 1
        return [SendRegister(request=request, flow=self._to_try[0])]

    def _withdraw(self) -> list[RegisteringEffect]:
        registered, flow = self.state is RegistrationState.REGISTERED, self.flow
        self._due = self.expires_at = self.flow = self._current = None
        self.service_route = ()
        changed = self._become(RegistrationState.OFF)
        if not registered or flow is None:
            return changed
        self._to_try = [flow]
        self._requests = 0
        return [*changed, *self._send(self._register(0))]

    # --- answers ------------------------------------------------------------------------------------------

    def _is_current(self, sequence: int) -> bool:
        return self._current is not None and sequence == self._current.cseq.number

    def _response(self, response: SipResponse, now: float) -> list[RegisteringEffect]:
        assert self._current is not None
        if response.status < 300:
            return self._accepted(response, now)
        if self._requests < MAX_REQUESTS:
            again = self._client.answer(self._current, response, self._sequence + 1)
            if again is not None:
                self._sequence += 1
                return self._send(again)
            too_brief = response.status == 423 and self.state is not RegistrationState.OFF
            longer = response.number("min-expires") if too_brief else None
            if longer is not None and self._asked < longer <= MAX_EXPIRES:
                self._asked = longer
                return self._send(self._register(self._asked))
        reason = f"{response.status} {response.reason}"
        if response.status in (408, 500, 502, 503, 504):
            return self._unreachable(reason, retry_after(response), now)
        return self._failed(reason, retry_after(response), now)

    def _accepted(self, response: SipResponse, now: float) -> list[RegisteringEffect]:
        assert self._current is not None
        if self.state is RegistrationState.OFF:  # it was taken back
            self._current = None
            return []
        granted = self._granted(response)
        if not granted:
            return self._failed("the registrar granted no time", None, now)
        self._failures = 0
        self.flow = self._to_try[0]
        self.expires_at = now + granted
        self.service_route = tuple(response.headers.values("service-route")[:MAX_ROUTES])
        self.others = self._strangers(response)
        self._due = now + max(granted / 2, MIN_REFRESH_SECONDS)
        self._current = None
        return self._become(RegistrationState.REGISTERED)

    def _granted(self, response: SipResponse) -> int:
        """The life of our binding: of our Contact, else of the Expires header, else what we asked for."""
        assert self._current is not None
        ours = self._ours()
        for contact in response.addresses("contact"):
            if contact.uri.identity() == ours:
                text = contact.params.get("expires")
                if text is not None:
                    return min(parse_number(text, "Contact"), MAX_EXPIRES)
        expires = response.number("expires")
        return min(self._asked if expires is None else expires, MAX_EXPIRES)

    def _strangers(self, response: SipResponse) -> tuple[str, ...]:
        ours = self._ours()
        uris = [contact.uri for contact in response.addresses("contact")[:MAX_CONTACTS]]
        return tuple(str(uri) for uri in uris if uri.identity() != ours)

    def _ours(self) -> str:
        assert self._current is not None
        return self._current.addresses("contact")[0].uri.identity()

    # --- failures -----------------------------------------------------------------------------------------

    def _unreachable(self, reason: str, retry_after: float | None, now: float) -> list[RegisteringEffect]:
        """The next server, if there is one (RFC 3263 section 4.3)."""
        if self.state is not RegistrationState.OFF and len(self._to_try) > 1:
            self._to_try.pop(0)
            self._requests = 0
            return self._send(self._register(self._asked))
        return self._failed(reason, retry_after, now)

    def _failed(self, reason: str, retry_after: float | None, now: float) -> list[RegisteringEffect]:
        if self.state is RegistrationState.OFF:  # what was not taken back expires
            self._current = None
            return []
        first, longest = BACKOFF_SECONDS
        pause = min(first * 2**self._failures, longest) * (1 - self._random() / 2)
        self._failures = min(self._failures + 1, 16)
        self._due = now + max(pause, min(retry_after or 0.0, longest))
        self._current = None
        self.reason = reason
        if self.state is RegistrationState.REGISTERED:  # it stands until it expires
            return []
        return self._become(RegistrationState.LOST, reason)

    def _deadline(self, now: float) -> list[RegisteringEffect]:
        effects: list[RegisteringEffect] = []
        if self.expires_at is not None and self.expires_at <= now:
            self.expires_at = self.flow = None
            self.service_route = ()
            effects += self._become(RegistrationState.LOST, self.reason or "not refreshed in time")
        if self._due is not None and self._due <= now:
            effects += self._begin(now)
        return effects

    def _become(self, state: RegistrationState, reason: str = "") -> list[RegisteringEffect]:
        if self.state is state:
            return []
        trying_again = self.state is RegistrationState.LOST and state is RegistrationState.TRYING
        self.state = RegistrationState.LOST if trying_again else state  # an attempt alone is no news
        if state is RegistrationState.REGISTERED:
            self.reason = ""
        return [] if trying_again else [RegistrationChanged(state=state, reason=reason)]

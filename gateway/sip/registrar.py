"""The registrar (RFC 3261 section 10.3): which contacts each seat can be reached at. A pure core.

Requests come in authenticated. A call goes to the address and connection that the REGISTER came from, not blindly
to what the Contact says, so that phones behind NAT are reached (RFC 3581, RFC 5626 section 5.3).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import unquote as percent_decode

from ccplatform.contracts.words import SeatId
from ccplatform.kernel.core import DeadlineReached
from gateway.errors import SipParseError
from gateway.sip.bindings import Binding, flow_of_contact
from gateway.sip.flows import SECURE, Flow
from gateway.sip.gruu import Gruus, mark_of
from gateway.sip.headers import NameAddr
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outbound import FLOW_TIMER_SECONDS, flow_of_phone, keeps_flows, path_of
from gateway.sip.responses import response_to
from gateway.sip.syntax import readable
from gateway.sip.transaction_layer import ServerKey
from gateway.sip.uri import SipUri, parse_uri

#: Contacts that one seat may have; one more takes the place of the one that was not refreshed for longest.
MAX_CONTACTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrarLimits:
    """Times to live, seconds: shortest (423 below), default, longest; ``max_bindings`` of all seats together."""

    shortest: int = 60
    default: int = 3600
    longest: int = 3600
    max_bindings: int = 10_000


# --- events and effects -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegisterArrived:
    """An authenticated REGISTER for a seat."""

    seat: SeatId
    transaction: ServerKey
    request: SipRequest
    flow: Flow


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """A TCP connection is gone, and with it the contacts that were registered over it."""

    flow: Flow


@dataclass(frozen=True, slots=True)
class SeatsRemoved:
    """Seats are no longer configured."""

    seats: frozenset[SeatId]


@dataclass(frozen=True, slots=True)
class SeatReset:
    """An operator wants a seat to register anew."""

    seat: SeatId


RegistrarEvent: TypeAlias = RegisterArrived | ConnectionLost | SeatsRemoved | SeatReset


@dataclass(frozen=True, slots=True)
class RegisterAnswered:
    """Send this response."""

    transaction: ServerKey
    response: SipResponse


@dataclass(frozen=True, slots=True)
class BindingsChanged:
    """A seat's contacts are these now: to be stored."""

    seat: SeatId
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class SeatAppeared:
    """A seat that had no contact has one."""

    seat: SeatId
    transport: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class SeatDisappeared:
    """A seat's last contact is gone: expired, removed or connection_lost."""

    seat: SeatId
    reason: str


RegistrarEffect: TypeAlias = RegisterAnswered | BindingsChanged | SeatAppeared | SeatDisappeared


class _Rejected(Exception):
    def __init__(self, status: int, reason: str = "", header: tuple[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.header = header


class Registrar:
    """Contacts of all seats, by their keys; ``gruus`` makes the names of single phones."""

    def __init__(self, limits: RegistrarLimits, gruus: Gruus) -> None:
        self._limits = limits
        self._gruus = gruus
        self._seats: dict[SeatId, dict[str, Binding]] = {}
        self._marks: dict[bytes, tuple[SeatId, str]] = {}
        self._expiries: list[tuple[float, SeatId, str]] = []
        self._count = 0

    def is_at(self, host: str) -> bool:
        """Whether any contact is at this address; looks at all of them."""
        return any(binding.flow.host == host for seat in self._seats.values() for binding in seat.values())

    def contacts(self, seat: SeatId) -> tuple[Binding, ...]:
        """A seat's contacts, the latest refreshed first."""
        bindings = self._seats.get(seat, {}).values()
        return tuple(sorted(bindings, key=lambda binding: -binding.refreshed_at))

    def phone_of(self, uri: SipUri, seat_of: Callable[[str], SeatId | None]) -> tuple[SeatId, str] | None:
        """The seat and the name of its phone that a GRUU is for, registered or not; None when ``uri`` is no GRUU
        of ours. ``seat_of`` finds the seat of an account."""
        named = uri.param("gr")
        if named is None or not self._gruus.is_ours(uri):
            return None
        if not named:
            return self._marks.get(self._gruus.mark(uri.user) or b"")
        seat = seat_of(uri.name)
        return (seat, percent_decode(named).lower()) if seat is not None else None

    def next_deadline(self) -> float | None:
        """When the next contact may expire (early after refreshes)."""
        return self._expiries[0][0] if self._expiries else None

    def handle(self, event: RegistrarEvent | DeadlineReached, now: float) -> list[RegistrarEffect]:
        """Take one event."""
        match event:
            case RegisterArrived():
                return self._register(event, now)
            case ConnectionLost(flow):
                return self._connection_lost(flow)
            case SeatsRemoved(seats):
                return self._drop([seat for seat in self._seats if seat in seats], lambda _: True, "removed")
            case SeatReset(seat):
                return self._drop([seat] if seat in self._seats else [], lambda _: True, "reset")
            case DeadlineReached():
                return self._expire(now)

    def _connection_lost(self, flow: Flow) -> list[RegistrarEffect]:
        def lost(binding: Binding) -> bool:
            return binding.flow == flow

        seats = [seat for seat, found in self._seats.items() if any(map(lost, found.values()))]
        return self._drop(seats, lost, "connection_lost")

    # --- REGISTER -----------------------------------------------------------------------------------------

    def _register(self, event: RegisterArrived, now: float) -> list[RegistrarEffect]:
        request, before = event.request, self._seats.get(event.seat, {})
        try:
            after = self._updated(event, before, now)
        except SipParseError as error:
            return [RegisterAnswered(event.transaction, response_to(request, 400, readable(str(error))[:120]))]
        except _Rejected as rejected:
            response = response_to(request, rejected.status, rejected.reason)
            if rejected.header is not None:
                response.headers.put(*rejected.header)
            return [RegisterAnswered(event.transaction, response)]
        effects: list[RegistrarEffect] = []
        if after != before:
            self._replace(event.seat, after)
            effects += self._changes(event.seat, before, "removed")
        return [RegisterAnswered(event.transaction, self._listing(event, now)), *effects]

    def _updated(self, event: RegisterArrived, before: dict[str, Binding], now: float) -> dict[str, Binding]:
        """The seat's contacts after the request (section 10.3 steps 6 to 8); raises and changes nothing."""
        request = event.request
        values = request.headers.values("contact")
        after = dict(before)
        if "*" in values:
            if len(values) != 1 or request.number("expires") != 0:
                raise _Rejected(400, "Contact * needs Expires 0 and no other contact")
            for binding in before.values():
                self._check_order(binding, request)
            return {}
        if len(values) > MAX_CONTACTS:
            raise _Rejected(403, f"At most {MAX_CONTACTS} contacts")
        for contact in request.addresses("contact"):
            uri = parse_uri(contact.uri_text, "Contact")
            if uri.scheme != "sip" and (uri.scheme != "sips" or event.flow.transport not in SECURE):
                raise _Rejected(400, "Contact must be a sip URI, or a sips URI over TLS")
            if self._gruus.is_ours(uri):  # it would lead back here (RFC 5627 section 5.1)
                raise _Rejected(403, "Contact must not be a GRUU")
            lifetime = self._lifetime(contact, request)
            binding = self._binding(event, contact, now, lifetime)
            for key in [key for key, old in after.items() if binding.replaces(old)]:
                self._check_order(after.pop(key), request)
            if lifetime > 0:
                after[binding.key] = binding
        while len(after) > MAX_CONTACTS:
            del after[min(after, key=lambda key: after[key].refreshed_at)]
        if self._count - len(before) + len(after) > self._limits.max_bindings and len(after) > len(before):
            raise _Rejected(503, "Too many registrations", ("retry-after", "60"))
        return after

    def _lifetime(self, contact: NameAddr, request: SipRequest) -> int:
        text = contact.params.get("expires") or request.headers.first("expires") or ""
        if not (text.isascii() and text.isdigit()) or len(text) > 10:
            return self._limits.default  # A malformed value counts as the default (section 20.19).
        seconds = int(text)
        if 0 < seconds < self._limits.shortest:
            raise _Rejected(423, "", ("min-expires", str(self._limits.shortest)))
        return min(seconds, self._limits.longest)

    @staticmethod
    def _check_order(binding: Binding, request: SipRequest) -> None:
        if binding.call_id == request.call_id and request.cseq.number <= binding.sequence:
            raise _Rejected(500, "CSeq out of order")

    @staticmethod
    def _binding(event: RegisterArrived, contact: NameAddr, now: float, lifetime: int) -> Binding:
        request, path = event.request, path_of(event.request)
        phone = flow_of_phone(request, contact)
        managed = phone is not None and phone.managed
        if managed and len(request.headers.values("contact")) > 1:
            raise _Rejected(400, "One contact for each flow")
        if managed and not keeps_flows(request, path):
            raise _Rejected(439, "First Hop Lacks Outbound Support")
        return Binding(
            uri=contact.uri_text,
            flow=event.flow if path or managed else flow_of_contact(contact, event.flow),
            path=path,
            phone=phone,
            call_id=request.call_id,
            sequence=request.cseq.number,
            expires_at=now + lifetime,
            refreshed_at=now,
            user_agent=readable(request.headers.first("user-agent") or "")[:200],
        )

    def _listing(self, event: RegisterArrived, now: float) -> SipResponse:
        response = response_to(event.request, 200)
        response.headers.put_all(
            "contact",
            [
                f"<{binding.uri}>;expires={max(1, round(binding.expires_at - now))}{self._naming(event, binding)}"
                for binding in self.contacts(event.seat)
            ],
        )
        response.headers.put_all("path", event.request.headers.all("path"))
        if _manages_flow(event):
            response.headers.put("require", "outbound")
            response.headers.put("flow-timer", str(FLOW_TIMER_SECONDS))
        return response

    def _naming(self, event: RegisterArrived, binding: Binding) -> str:
        """Who the phone of a contact is, with its GRUUs if they are asked for (RFC 5627 section 5.2)."""
        phone = binding.phone
        if phone is None:
            return ""
        if "gruu" not in event.request.headers.tokens("supported"):
            return phone.parameters()
        public = self._gruus.public(event.request.to.uri.name, phone.instance.strip("<>"))
        temporary = self._gruus.temporary(mark_of(event.seat, phone.name, binding.call_id))
        return f'{phone.parameters()};pub-gruu="{public}";temp-gruu="{temporary}"'

    # --- keeping ------------------------------------------------------------------------------------------

    def _replace(self, seat: SeatId, after: dict[str, Binding]) -> None:
        before = self._seats.get(seat, {})
        self._count += len(after) - len(before)
        self._mark(seat, before, after)
        for key, binding in after.items():
            if before.get(key) != binding:
                heapq.heappush(self._expiries, (binding.expires_at, seat, key))
        if after:
            self._seats[seat] = after
        else:
            self._seats.pop(seat, None)

    def _mark(self, seat: SeatId, before: dict[str, Binding], after: dict[str, Binding]) -> None:
        for binding in before.values():
            if binding.phone is not None:
                self._marks.pop(mark_of(seat, binding.phone.name, binding.call_id), None)
        for binding in after.values():
            if binding.phone is not None:
                self._marks[mark_of(seat, binding.phone.name, binding.call_id)] = (seat, binding.phone.name)

    def _changes(self, seat: SeatId, before: dict[str, Binding], reason: str) -> list[RegistrarEffect]:
        bindings = self.contacts(seat)
        effects: list[RegistrarEffect] = [BindingsChanged(seat, bindings)]
        if bindings and not before:
            effects.append(SeatAppeared(seat, bindings[0].flow.transport, bindings[0].user_agent))
        elif before and not bindings:
            effects.append(SeatDisappeared(seat, reason))
        return effects

    def _drop(
        self, seats: Iterable[SeatId], gone: Callable[[Binding], bool], reason: str
    ) -> list[RegistrarEffect]:
        effects: list[RegistrarEffect] = []
        for seat in seats:
            before = self._seats[seat]
            self._replace(seat, {key: binding for key, binding in before.items() if not gone(binding)})
            effects += self._changes(seat, before, reason)
        return effects

    def _expire(self, now: float) -> list[RegistrarEffect]:
        effects: list[RegistrarEffect] = []
        while self._expiries and self._expiries[0][0] <= now:
            _, seat, key = heapq.heappop(self._expiries)
            binding = self._seats.get(seat, {}).get(key)
            if binding is not None and binding.expires_at <= now:
                effects += self._drop([seat], lambda other: other.expires_at <= now, "expired")
        return effects

    # --- over a restart -----------------------------------------------------------------------------------

    def snapshot(self, now: float) -> dict[str, Any]:
        """JSON-able data of all contacts."""
        return {seat: [b.snapshot(now) for b in found.values()] for seat, found in self._seats.items()}

    def restore(self, data: dict[str, Any], now: float) -> None:
        """Take the contacts of :meth:`snapshot`, without those that expired since."""
        for seat, rows in data.items():
            bindings = [Binding.restore(row, now) for row in rows]
            self.load(SeatId(seat), [binding for binding in bindings if binding.expires_at > now])

    def load(self, seat: SeatId, bindings: Iterable[Binding]) -> None:
        """Set a seat's contacts, as they were stored."""
        self._replace(seat, {binding.key: binding for binding in bindings})


def _manages_flow(event: RegisterArrived) -> bool:
    contacts = event.request.headers.values("contact")
    if len(contacts) != 1 or contacts[0].strip() == "*":
        return False
    phone = flow_of_phone(event.request, event.request.addresses("contact")[0])
    return phone is not None and phone.managed

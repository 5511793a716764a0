"""The shell of the registrar: its timer, its facts, and what is to be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from ccplatform.contracts.facts import SeatRegistered, SeatUnregistered
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import SeatId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.sip.bindings import Binding
from gateway.sip.message import SipResponse
from gateway.sip.registrar import (
    BindingsChanged,
    RegisterAnswered,
    Registrar,
    RegistrarEffect,
    RegistrarEvent,
    SeatAppeared,
    SeatDisappeared,
    SeatReset,
    SeatsRemoved,
)
from gateway.sip.seats import SeatDirectory
from gateway.sip.transaction_layer import SendAck, SendRequest, ServerKey
from gateway.sip.uri import SipUri


class Registrations:
    """Drives the registrar. ``changed(seat)`` hears of each change of a seat's contacts, to be written behind."""

    def __init__(
        self,
        registrar: Registrar,
        *,
        clock: Clock,
        tasks: TaskSupervisor,
        facts: Facts,
        changed: Callable[[SeatId], None],
        seats: SeatDirectory,
    ) -> None:
        self._registrar = registrar
        self._seats = seats
        self._facts = facts
        self._changed = changed
        self._answer: Callable[[ServerKey, SipResponse], None] = lambda _key, _response: None
        self._runner: EffectRunner[RegistrarEvent, RegistrarEffect] = EffectRunner(
            registrar, self._perform, clock, tasks.guarded("sip registrar")
        )

    def answer_with(self, answer: Callable[[ServerKey, SipResponse], None]) -> None:
        """Send responses there."""
        self._answer = answer

    def tell(self, event: RegistrarEvent) -> None:
        """Give the registrar an event."""
        self._runner.post(event)

    def contacts(self, seat: SeatId) -> tuple[Binding, ...]:
        """Where a seat can be reached, the latest refreshed first."""
        return self._registrar.contacts(seat)

    def seat_of(self, uri: SipUri) -> SeatId | None:
        """The seat that a URI is for, by its account or by a GRUU."""
        seat = self._seats.of_user(self.dialled(uri)[0])
        return seat.id if seat is not None else None

    def dialled(self, uri: SipUri) -> tuple[str, str]:
        """The number that a phone asks for and, if by a GRUU, the name of the one phone there (RFC 5627)."""
        phone = self._phone_of(uri)
        seat = self._seats.get(phone[0]) if phone is not None else None
        return (uri.name, "") if phone is None or seat is None else (seat.sip_user, phone[1])

    def _phone_of(self, uri: SipUri) -> tuple[SeatId, str] | None:
        def seat_of(user: str) -> SeatId | None:
            seat = self._seats.of_user(user)
            return seat.id if seat is not None else None

        return self._registrar.phone_of(uri, seat_of)

    def retargeted(self, event: SendRequest | SendAck) -> SendRequest | SendAck:
        """A request to a phone that gave its GRUU as Contact goes to where that phone is now (section 6.1)."""
        request = event.request
        phone = self._phone_of(request.uri)
        if phone is None:
            return event
        seat, name = phone
        found = [one for one in self.contacts(seat) if one.phone is not None and one.phone.name == name]
        if not found:
            return event
        request.uri_text = found[0].uri
        if "route" in request.headers:  # the way of the dialog goes before that of the registration
            return event
        request.headers.put_all("route", list(found[0].path))
        return replace(event, flow=found[0].flow)

    def reachable(self, seat: SeatId) -> bool:
        """Whether a seat has a contact."""
        return bool(self._registrar.contacts(seat))

    def is_at(self, host: str) -> bool:
        """Whether any phone is registered from this address; looks at all of them."""
        return self._registrar.is_at(host)

    def load(self, stored: Mapping[SeatId, Sequence[Binding]]) -> None:
        """Take registrations back after a restart; contacts that came in by now count more."""
        for seat, bindings in stored.items():
            if not self._registrar.contacts(seat):
                self._registrar.load(seat, bindings)
        self._runner.rearm()

    def remove_seats(self, seats: frozenset[SeatId]) -> None:
        """Seats are no longer configured: their registrations end."""
        self._runner.post(SeatsRemoved(seats))

    def reset_seat(self, seat: SeatId) -> None:
        """A seat's registrations are forgotten, until its phones register again."""
        self._runner.post(SeatReset(seat))

    def close(self) -> None:
        """Stop the timer."""
        self._runner.close()

    def _perform(self, effect: RegistrarEffect) -> None:
        match effect:
            case RegisterAnswered(transaction, response):
                self._answer(transaction, response)
            case BindingsChanged(seat):
                self._changed(seat)
            case SeatAppeared(seat, transport, user_agent):
                self._facts.record(SeatRegistered(seat=seat, transport=transport, user_agent=user_agent))
            case SeatDisappeared(seat, reason):
                self._facts.record(SeatUnregistered(seat=seat, reason=reason))

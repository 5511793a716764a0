"""The shell of the registrar: its timer, its facts, and what is to be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ccplatform.contracts.facts import SeatRegistered, SeatUnregistered
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import SeatId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.sip.message import SipResponse
from gateway.sip.registrar import (
    Binding,
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
from gateway.sip.transaction_layer import ServerKey


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
    ) -> None:
        self._registrar = registrar
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

"""Transactions: the shared executor of the machines in :mod:`gateway.sip.transaction_tables`.

Theory of operation. On entering a state, the timers that belong to it are started unless they run already, and all
others are stopped; a timer of zero length (reliable transports) fires at once. What the peer sends and no rule
names is ignored; what the user sends and no rule allows raises, and nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct

from ccplatform.kernel.core import DeadlineReached
from gateway.errors import IllegalEvent
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.responses import ack_to_failure
from gateway.sip.transaction_tables import (
    ABSORBING_TIMERS,
    INVITE_CLIENT,
    REPEATING_TIMERS,
    Cue,
    Do,
    Machine,
    State,
)


@dataclass(frozen=True, slots=True)
class TimerValues:
    """T1 (round-trip estimate), T2 (longest retransmit interval), T4 (life of a packet) and the session timer that
    we ask for (RFC 4028; 0: none), all in seconds."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    session: int = 0


class Received(Struct, frozen=True):
    """A message of the peer that belongs to this transaction."""

    message: SipMessage


class Respond(Struct, frozen=True):
    """The transaction user answers (server transactions)."""

    response: SipResponse


class TransportFailed(Struct, frozen=True):
    """The transport could not deliver."""


class Transmit(Struct, frozen=True):
    """Effect: put a message on the wire."""

    message: SipMessage


class Tell(Struct, frozen=True):
    """Effect: the transaction user sees this message."""

    message: SipMessage


class TellFailed(Struct, frozen=True):
    """Effect: the transaction failed without a final response."""

    timed_out: bool


TransactionEvent: TypeAlias = Received | Respond | TransportFailed
TransactionEffect: TypeAlias = Transmit | Tell | TellFailed


class Transaction:
    """One transaction: executes a :class:`Machine` for one request.

    A client transaction is born by sending ``request``: :meth:`start` returns that. A server transaction is born
    with the request received; passing it up is its owner's business.
    """

    __slots__ = (
        "_deadlines",
        "_intervals",
        "_last",
        "_reliable",
        "_rings",
        "_values",
        "machine",
        "request",
        "state",
    )

    def __init__(self, machine: Machine, request: SipRequest, reliable: bool, values: TimerValues) -> None:
        self.machine = machine
        self.request = request
        self.state = machine.first
        self._reliable = reliable
        self._values = values
        self._last: SipMessage | None = request if machine.client else None
        self._deadlines: dict[Cue, float] = {}
        self._intervals: dict[Cue, float] = {}
        self._rings = False

    def start(self, now: float) -> list[TransactionEffect]:
        """Begin: start the first state's timers; a client transaction sends its request."""
        self._set_timers(now)
        return [Transmit(self.request)] if self.machine.client else []

    def cancelled(self, now: float) -> None:
        """A CANCEL was sent: without a final response it ends 64·T1 from now (RFC 3261 section 9.1)."""
        if self.state is State.PROCEEDING:
            self._deadlines[Cue.B] = now + 64 * self._values.t1

    def next_deadline(self) -> float | None:
        """When the next timer fires."""
        return min(self._deadlines.values()) if self._deadlines else None

    def handle(self, event: TransactionEvent | DeadlineReached, now: float) -> list[TransactionEffect]:
        """Take one event. Messages of the peer that do not fit are ignored; misuse by the user raises."""
        match event:
            case Received(message):
                ringing = isinstance(message, SipResponse) and 100 < message.status < 200
                self._rings = self._rings or (self.machine is INVITE_CLIENT and ringing)
                return self._apply(self._cue_of(message), message, now)
            case Respond(response):
                cue = _response_cue(response)
                if self.machine.client or (self.state, cue) not in self.machine.rules:
                    raise IllegalEvent(f"{self.machine.name} transaction in {self.state} cannot send {response!r}")
                return self._apply(cue, response, now)
            case TransportFailed() if self._rings and self.state is State.PROCEEDING:
                # Whose connection is gone while he rings may answer over another one (section 18.2.2): a page that
                # is loaded anew does. He has the time of one who was sent a CANCEL.
                self._deadlines.setdefault(Cue.B, now + 64 * self._values.t1)
                return []
            case TransportFailed():
                return self._apply(Cue.TRANSPORT_FAILED, None, now)
            case DeadlineReached():
                return self._fire(now)

    def _cue_of(self, message: SipMessage) -> Cue:
        if isinstance(message, SipResponse):
            return _response_cue(message)
        return Cue.ACK if message.method == "ACK" else Cue.REQUEST

    def _fire(self, now: float) -> list[TransactionEffect]:
        effects: list[TransactionEffect] = []
        for timer in sorted(self._deadlines, key=lambda cue: self._deadlines[cue]):
            due = self._deadlines.get(timer)
            if due is None or due > now:
                continue
            if timer in REPEATING_TIMERS:
                self._repeat_later(timer, now)
            else:
                del self._deadlines[timer]
            effects += self._apply(timer, None, now)
        return effects

    def _repeat_later(self, timer: Cue, now: float) -> None:
        doubled = self._intervals[timer] * 2
        if timer is Cue.E and self.state is State.PROCEEDING:
            doubled = self._values.t2
        self._intervals[timer] = doubled if timer is Cue.A else min(doubled, self._values.t2)
        self._deadlines[timer] = now + self._intervals[timer]

    def _apply(self, cue: Cue, message: SipMessage | None, now: float) -> list[TransactionEffect]:
        rule = self.machine.rules.get((self.state, cue))
        if rule is None:
            return []
        state, actions = rule
        effects: list[TransactionEffect] = []
        for action in actions:
            self._do(action, message, effects)
        if state is not self.state:
            self.state = state
            self._set_timers(now)
            for timer in [timer for timer, due in self._deadlines.items() if due <= now]:
                del self._deadlines[timer]
                effects += self._apply(timer, None, now)
        return effects

    def _do(self, action: Do, message: SipMessage | None, effects: list[TransactionEffect]) -> None:
        if action is Do.SEND_ACK:
            assert isinstance(message, SipResponse)
            effects.append(Transmit(ack_to_failure(self.request, message)))
        elif action is Do.SEND:
            assert message is not None
            self._last = message
            effects.append(Transmit(message))
        elif action is Do.REPEAT:
            if self._last is not None:
                effects.append(Transmit(self._last))
        elif action is Do.TELL:
            assert message is not None
            effects.append(Tell(message))
        else:
            effects.append(TellFailed(action is Do.TELL_TIMEOUT))

    def _set_timers(self, now: float) -> None:
        timers = self.machine.timers.get(self.state, ())
        for timer in [timer for timer in self._deadlines if timer not in timers]:
            del self._deadlines[timer]
        for timer in timers:
            if timer in self._deadlines or (self._reliable and timer in REPEATING_TIMERS):
                continue
            length = self._length(timer)
            self._intervals[timer] = length
            self._deadlines[timer] = now + length

    def _length(self, timer: Cue) -> float:
        if timer in REPEATING_TIMERS:
            return self._values.t1
        if timer in ABSORBING_TIMERS:
            if self._reliable:
                return 0.0
            return 64 * self._values.t1 if timer in (Cue.D, Cue.J) else self._values.t4
        return 64 * self._values.t1


def _response_cue(response: SipResponse) -> Cue:
    if response.status < 200:
        return Cue.PROVISIONAL
    return Cue.SUCCESS if response.status < 300 else Cue.FAILURE

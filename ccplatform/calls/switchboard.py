"""All calls of the node, as one pure core: finds the saga an event belongs to and keeps their deadlines."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, assert_never

from ccplatform.calls.errors import NoSuchCall, OnlyAsked
from ccplatform.calls.inputs import (
    CallBackBegins,
    CallInput,
    CallOffered,
    CallOutBegins,
    ConsultOrder,
    MessageBegan,
    MessageClosed,
    Overflowed,
    PhoneJoin,
    PhonePickUp,
    PhoneTransfer,
    RecordingBegan,
    SagaInput,
)
from ccplatform.calls.joining import keeps_first
from ccplatform.calls.model import CallEffect, Music
from ccplatform.calls.saga import CallSaga
from ccplatform.calls.snapshot import restore_state, snapshot_state
from ccplatform.contracts.commands import (
    ControlParties,
    ControlRecording,
    DropParty,
    HangUpCall,
    HoldCall,
    MoveCall,
    SuperviseCall,
)
from ccplatform.contracts.flows import FlowAsked
from ccplatform.contracts.legs import (
    DigitPressed,
    LegAnswered,
    LegAudible,
    LegEarly,
    LegEnded,
    LegHeld,
    LegMoved,
    LegOffered,
    LegPickUpAsked,
    LegQuality,
    LegReferred,
    LegRinging,
    LegTransferAsked,
    PlaybackEnded,
    PlaybackStarted,
    ReportTransfer,
    TransferStep,
)
from ccplatform.contracts.media import TapEnded, VoiceChanged
from ccplatform.contracts.routing import (
    AgentOffered,
    CallBackDropped,
    CallBackOffered,
    OfferWithdrawn,
    QueueRefused,
)
from ccplatform.contracts.words import CallId, ContactId, LegId, ReleaseCause
from ccplatform.kernel.core import DEADLINE, DeadlineReached
from ccplatform.kernel.errors import LocalMisuse

#: Orders to call that are known again when they are repeated.
MAX_ORDERS: Final = 10_000


class Switchboard:
    """The core of `calls`. ``changed`` collects the calls that an event touched, for their snapshots."""

    def __init__(self, *, music: Music, new_id: Callable[[], str], max_parties: int) -> None:
        self._music = music
        self._new_id = new_id
        self._max_parties = max_parties
        self._calls: dict[CallId, CallSaga] = {}
        self._by_contact: dict[ContactId, CallSaga] = {}
        self._by_leg: dict[LegId, CallSaga] = {}
        self._legs: dict[CallId, set[LegId]] = {}
        self._contacts: dict[CallId, set[ContactId]] = {}  # that saga besides its own
        self._asked: dict[CallId, CallId] = {}  # by the call of its consultation, whose that is
        self._asking: dict[CallId, CallId] = {}  # the other way round
        self._ordered: dict[str, tuple[CallId, ContactId]] = {}
        self._deadlines: list[tuple[float, CallId]] = []
        self.changed: set[CallId] = set()

    def __len__(self) -> int:
        return len(self._calls)

    def calls(self) -> tuple[CallId, ...]:
        """Every call that has not ended."""
        return tuple(self._calls)

    def made_by(self, key: str) -> tuple[CallId, ContactId] | None:
        """The call that was ordered by this key, if it is one of the latest."""
        return self._ordered.get(key)

    def saga(self, call: CallId) -> CallSaga:
        """The saga of a call; raises :class:`NoSuchCall`, for that of a consultation :class:`OnlyAsked`."""
        saga = self._calls.get(call)
        if saga is None:
            raise OnlyAsked(call) if call in self._asked else NoSuchCall(call)
        return saga

    def saga_with(self, call: CallId) -> CallSaga:
        """The saga of a call, or of the one that a consultation is about; raises :class:`NoSuchCall`."""
        return self.saga(self._asked.get(call, call))

    def saga_of(self, leg: LegId) -> CallSaga | None:
        """The call that a leg is on."""
        return self._by_leg.get(leg)

    def handle(self, event: CallInput | DeadlineReached, now: float) -> list[CallEffect]:
        """Hand the event to its saga. Events of calls that are gone are dropped; unknown orders raise."""
        match event:  # what comes most often first
            case (
                LegRinging()
                | LegAnswered()
                | LegEnded()
                | LegMoved()
                | LegEarly()
                | LegHeld()
                | LegReferred()
                | VoiceChanged()
                | TapEnded()
                | LegQuality()
                | DigitPressed()
                | LegAudible()
                | PlaybackStarted()
                | PlaybackEnded()
            ):
                saga = self._by_leg.get(event.leg)
                return self._step(saga, event, now) if saga else []
            case CallOffered():
                return self._begin(event)
            case CallBackBegins():
                return self._begin_call_back(event, now)
            case CallOutBegins():
                return self._begin_call_out(event, now)
            case CallBackOffered():
                raise LocalMisuse("an offered call-back needs its call: post CallBackBegins")
            case DeadlineReached():
                return self._run_deadlines(now)
            case LegOffered():
                raise LocalMisuse("an offered leg needs its entry point: post CallOffered")
            case LegTransferAsked() | LegPickUpAsked():
                raise LocalMisuse("a number, or a wish, needs its meaning: post PhoneTransfer or PhonePickUp")
            case FlowAsked():
                saga = self._by_contact.get(event.contact)
                return self._step(saga, event.request, now) if saga else []
            case PhoneTransfer():
                saga = self._by_leg.get(event.leg)
                return self._step(saga, event, now) if saga else [_refused(event.leg, ReleaseCause.UNAVAILABLE)]
            case PhonePickUp():
                saga = self._by_leg.get(event.leg)
                return self._step(saga, event, now) if saga else []
            case PhoneJoin():
                return self._join(event, now)
            case Overflowed() | AgentOffered() | OfferWithdrawn() | QueueRefused() | CallBackDropped():
                saga = self._by_contact.get(event.contact)
                return self._step(saga, event, now) if saga else []
            case RecordingBegan() | MessageBegan() | MessageClosed():
                saga = self._calls.get(event.call)
                return self._step(saga, event, now) if saga else []
            case HangUpCall():
                return self._step(self.saga_with(event.call), event, now)
            case (
                HoldCall()
                | MoveCall()
                | ConsultOrder()
                | ControlParties()
                | DropParty()
                | SuperviseCall()
                | ControlRecording()
            ):
                return self._step(self.saga(event.call), event, now)
            case _:
                assert_never(event)

    def next_deadline(self) -> float | None:
        """The earliest deadline of any call."""
        while self._deadlines:
            when, call = self._deadlines[0]
            saga = self._calls.get(call)
            if saga is not None and saga.state.deadline_at == when:
                return when
            heapq.heappop(self._deadlines)
        return None

    def snapshot(self, call: CallId, now: float, wall: datetime) -> dict[str, Any]:
        """One call's state, with ages instead of instants."""
        return snapshot_state(self.saga(call).state, now, wall)

    def restore(self, data: dict[str, Any], now: float, wall: datetime) -> CallSaga:
        """Take a call back."""
        saga = CallSaga(
            restore_state(data, now, wall), music=self._music, new_id=self._new_id, max_parties=self._max_parties
        )
        self._adopt(saga)
        return saga

    def forget(self, call: CallId) -> None:
        """Drop a call that could not be taken back."""
        self._drop(self.saga(call))

    def _begin(self, event: CallOffered) -> list[CallEffect]:
        saga, effects = CallSaga.begin(
            event, music=self._music, new_id=self._new_id, max_parties=self._max_parties
        )
        self._adopt(saga)
        return effects

    def _begin_call_back(self, event: CallBackBegins, now: float) -> list[CallEffect]:
        saga, effects = CallSaga.call_back(
            event, now, music=self._music, new_id=self._new_id, max_parties=self._max_parties
        )
        self._adopt(saga)
        self.changed.add(saga.state.call)
        return effects

    def _begin_call_out(self, event: CallOutBegins, now: float) -> list[CallEffect]:
        saga, effects = CallSaga.call_out(
            event, now, music=self._music, new_id=self._new_id, max_parties=self._max_parties
        )
        self._adopt(saga)
        self.changed.add(saga.state.call)
        return effects

    def _adopt(self, saga: CallSaga) -> None:
        if saga.state.key:
            self._ordered[saga.state.key] = saga.state.call, saga.state.contact
            if len(self._ordered) > MAX_ORDERS:
                del self._ordered[next(iter(self._ordered))]
        self._calls[saga.state.call] = saga
        self._by_contact[saga.state.contact] = saga
        self._index(saga)

    def _step(self, saga: CallSaga, event: SagaInput, now: float) -> list[CallEffect]:
        before = saga.state.deadline_at
        effects = saga.handle(event, now)
        self._settle(saga, before)
        return effects

    def _join(self, event: PhoneJoin, now: float) -> list[CallEffect]:
        """Two calls of a phone become one: the leg of whom it asked moves to the call that is kept."""
        mine, other = self._by_leg.get(event.leg), self._by_leg.get(event.other)
        first = (
            keeps_first(mine.state, event.leg, other.state, event.other)
            if mine is not None and other is not None and mine is not other
            else None
        )
        if mine is None or other is None or first is None:
            return [_refused(event.leg, ReleaseCause.REJECTED)]
        kept, giver, own = (mine, other, event.other) if first else (other, mine, event.leg)
        before = kept.state.deadline_at, giver.state.deadline_at
        yielded, effects = giver.yield_party(own, kept.state, now, asked=giver is mine)
        if yielded.leg is not None:
            self._legs[giver.state.call].discard(yielded.leg)
        effects += kept.take_in(event.other if giver is mine else event.leg, yielded, now, asked=kept is mine)
        self._settle(kept, before[0])
        self._settle(giver, before[1])
        return [ReportTransfer(leg=event.leg, step=TransferStep.ACCEPTED), *effects]

    def _settle(self, saga: CallSaga, before: float | None) -> None:
        self.changed.add(saga.state.call)
        if saga.finished:
            self._drop(saga)
        else:
            self._index(saga, before)

    def _index(self, saga: CallSaga, before: float | None = None) -> None:
        legs = self._legs.setdefault(saga.state.call, set())
        for leg in saga.state.live_legs:
            if leg not in legs:
                legs.add(leg)
                self._by_leg[leg] = saga
        if saga.state.second is not None or saga.state.members:
            contacts = self._contacts.setdefault(saga.state.call, set())
            for contact in saga.state.contacts():
                contacts.add(contact)
                self._by_contact[contact] = saga
        self._index_asked(saga)
        deadline = saga.state.deadline_at
        if deadline is not None and deadline != before:
            heapq.heappush(self._deadlines, (deadline, saga.state.call))

    def _index_asked(self, saga: CallSaga) -> None:
        call, second = saga.state.call, saga.state.second
        asked = None if second is None else second.call
        if self._asking.get(call) == asked:
            return
        self._asked.pop(self._asking.pop(call, call), None)
        if asked is not None:
            self._asking[call], self._asked[asked] = asked, call

    def _drop(self, saga: CallSaga) -> None:
        state = saga.state
        self._asked.pop(self._asking.pop(state.call, state.call), None)
        self._calls.pop(state.call, None)
        self._by_contact.pop(state.contact, None)
        self.changed.discard(state.call)
        for leg in self._legs.pop(state.call, ()):
            self._by_leg.pop(leg, None)
        for contact in self._contacts.pop(state.call, ()):
            self._by_contact.pop(contact, None)

    def _run_deadlines(self, now: float) -> list[CallEffect]:
        effects: list[CallEffect] = []
        while (when := self.next_deadline()) is not None and when <= now:
            _, call = heapq.heappop(self._deadlines)
            effects += self._step(self._calls[call], DEADLINE, now)
        return effects


def _refused(leg: LegId, cause: ReleaseCause) -> ReportTransfer:
    return ReportTransfer(leg=leg, step=TransferStep.REFUSED, cause=cause)

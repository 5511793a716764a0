"""A world around the switchboard in which the other packages are tiny, honest fakes driven by the test."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TypeVar

from ccplatform.calls.inputs import CallInput, CallOffered, RecordingBegan
from ccplatform.calls.model import CallEffect, ConsiderRecording, Record
from ccplatform.calls.switchboard import Switchboard
from ccplatform.contracts.facts import ContactEnded, Fact
from ccplatform.contracts.flows import EndFlow, FlowAsked, FlowFinished, FlowRequest, StartFlow
from ccplatform.contracts.legs import DialLeg, LegAnswered, LegEnded, LegOffered, ReleaseLeg
from ccplatform.contracts.media import FileItem, PlayItem
from ccplatform.contracts.words import (
    CallId,
    ContactId,
    FlowId,
    FlowOutcome,
    LegId,
    QueueId,
    RecordingId,
    ReleaseCause,
    TrunkId,
)
from ccplatform.kernel.core import DEADLINE, DeadlineReached

T = TypeVar("T")

CALLER = LegId("caller-leg")
CONTACT = ContactId("contact-1")
CALL = CallId("call-1")
WALL = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def music_of(queue: QueueId | None) -> tuple[PlayItem, ...]:
    """Each queue has a piece of its own."""
    return (FileItem(path=f"/{queue}.wav"),)


class World:
    """Posts events, collects effects; legs end when released, flows finish when ended."""

    def __init__(self) -> None:
        numbers = itertools.count(1)
        self.core = Switchboard(music=music_of, new_id=lambda: f"id-{next(numbers)}", max_parties=6)
        self.now = 1000.0
        self.effects: list[CallEffect] = []
        self.facts: list[Fact] = []
        self.flows: set[ContactId] = set()  # whose flow goes on
        self.ended_legs: set[LegId] = set()
        self.answered_legs: set[LegId] = set()
        self.record = True
        self.asked_for_transfer = 0
        self.lost: set[ContactId] = set()  # that the ACD knows no more

    def post(self, event: CallInput | DeadlineReached) -> list[CallEffect]:
        """Handle an event and everything that follows from it at once; returns the direct effects."""
        effects = self.core.handle(event, self.now)
        for effect in effects:
            self._perform(effect)
        return effects

    def _perform(self, effect: CallEffect) -> None:
        self.effects.append(effect)
        match effect:
            case Record():
                self.facts.append(effect.fact)
            case ReleaseLeg() if effect.leg not in self.ended_legs:
                self.leg_ends(effect.leg, effect.cause, by_remote=False)
            case StartFlow():
                self.flows.add(effect.contact)
            case EndFlow() if effect.contact in self.flows:
                self.flows.discard(effect.contact)
                outcome = FlowOutcome.ABANDONED if effect.abandoned else FlowOutcome.COMPLETED
                self.asks(FlowFinished(outcome=outcome), effect.contact)
            case ConsiderRecording() if self.record:
                recording = RecordingId(f"rec-{len(self.all_of(ConsiderRecording))}")
                talk = effect.talk
                self.post(RecordingBegan(call=talk.call, contact=talk.contact, recording=recording))
            case _:
                pass

    def arrive(self, dialled: str = "95000") -> list[CallEffect]:
        """A caller arrives through the trunk."""
        offer = LegOffered(
            leg=CALLER,
            trunk=TrunkId("pstn"),
            seat=None,
            caller="13800000001",
            caller_name="",
            dialled=dialled,
            transport="udp",
            sip_call_id="abc@test",
            received_at=self.now,
        )
        return self.post(CallOffered(offer=offer, call=CALL, contact=CONTACT, flow=FlowId("main")))

    @property
    def flow_alive(self) -> bool:
        """Whether the caller's flow goes on."""
        return CONTACT in self.flows

    @flow_alive.setter
    def flow_alive(self, alive: bool) -> None:
        (self.flows.add if alive else self.flows.discard)(CONTACT)

    def asks(self, request: FlowRequest, contact: ContactId = CONTACT) -> list[CallEffect]:
        """The flow asks for something."""
        return self.post(FlowAsked(contact=contact, request=request))

    def answers(self, leg: LegId, device: str = "") -> list[CallEffect]:
        """A leg is up."""
        self.answered_legs.add(leg)
        return self.post(LegAnswered(leg=leg, device=device))

    def leg_ends(self, leg: LegId, cause: ReleaseCause = ReleaseCause.NORMAL, *, by_remote: bool = True) -> None:
        """A leg ends."""
        self.ended_legs.add(leg)
        self.post(LegEnded(leg=leg, cause=cause, by_remote=by_remote))

    def passes(self, seconds: float) -> None:
        """Time goes by; deadlines fire."""
        self.now += seconds
        deadline = self.core.next_deadline()
        if deadline is not None and deadline <= self.now:
            self.post(DEADLINE)

    def all_of(self, kind: type[T]) -> list[T]:
        """Every effect or fact of a kind so far."""
        return [item for item in (*self.effects, *self.facts) if isinstance(item, kind)]

    def last(self, kind: type[T]) -> T:
        """The newest of a kind."""
        return self.all_of(kind)[-1]

    def dialled_leg(self) -> LegId:
        """The leg that was dialled last."""
        return self.last(DialLeg).leg

    def talking_leg(self) -> LegId:
        """The other party's leg, or the last that was dialled."""
        if CALL in self.core.calls():
            other = self.core.saga(CALL).state.other_leg
            if other is not None:
                return other
        return self.dialled_leg()

    def outcome_of(self, contact: ContactId) -> ContactEnded:
        """The one end of a contact of the call."""
        (ended,) = (ended for ended in self.all_of(ContactEnded) if ended.contact == contact)
        return ended

    def outcome(self) -> ContactEnded:
        """The one end of the contact."""
        (ended,) = self.all_of(ContactEnded)
        return ended

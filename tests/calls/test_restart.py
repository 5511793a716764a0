"""Calls over a restart of control: what a worker kept is enough, and what is missing is not waited for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ccplatform.calls.ports import CallPorts
from ccplatform.calls.service import CallService
from ccplatform.calls.settings import CallsSettings
from ccplatform.contracts.facts import ConnectionCleared, ContactEnded, Diverted, Established, Fact, FlowLeft
from ccplatform.contracts.flows import EndFlow, EnterQueue, FlowAsked, FlowCommand, FlowFinished, StartFlow
from ccplatform.contracts.legs import (
    AnswerLeg,
    DialLeg,
    DialTarget,
    LegAnswered,
    LegCommand,
    LegEnded,
    LegOffered,
    LegRinging,
    ReleaseLeg,
    SurvivingCall,
)
from ccplatform.contracts.media import FileItem, KeepSnapshot, MediaCommand, Play, PlayItem, RecordingClosed
from ccplatform.contracts.recordings import Message, RecordingOrder, Talk
from ccplatform.contracts.routing import (
    AgentOffered,
    EngageAgent,
    OfferFailed,
    QueueContact,
    RouterCommand,
    TalkReleased,
    TransferContact,
)
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    FlowId,
    FlowOutcome,
    LegId,
    OfferEnd,
    Outcome,
    QueueId,
    RecordingId,
    RecordingMode,
    ReleaseCause,
    SeatId,
    TrunkId,
)
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from tests.support.sealed import SEAL

CALLER = LegId("caller-leg")
RECORDING = RecordingId("recording-1")


class Legs:
    """Legs answer and end at once; ``up`` are those that can be kept and taken back."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.up: set[LegId] = set()
        self.lost: set[LegId] = set()
        self.commands: list[LegCommand] = []

    def perform(self, command: LegCommand) -> None:
        self.commands.append(command)
        match command:
            case AnswerLeg(leg=leg):
                self.up.add(leg)
                self.centre.calls.leg_event(LegAnswered(leg=leg, device="13900000001"))
            case DialLeg(leg=leg):
                self.up.add(leg)
                self.centre.calls.leg_event(LegRinging(leg=leg, device="seat-04"))
            case ReleaseLeg(leg=leg, cause=cause) if leg in self.up:
                self.up.discard(leg)
                self.centre.calls.leg_event(LegEnded(leg=leg, cause=cause, by_remote=False))
            case _:
                pass

    def snapshot(self, leg: LegId) -> dict[str, Any] | None:
        return {"leg": leg} if leg in self.up else None

    def restore(self, leg: LegId, data: dict[str, Any], *, media: bool) -> bool:
        assert data == {"leg": leg}
        if leg in self.lost or not media:
            return False
        self.up.add(leg)
        return True


class Throttle:
    def refuses_order(self, number: str, order: str) -> float | None:
        return None


class Numbers:
    def target(self, number: str) -> DialTarget | None:
        return None

    def reach(self, number: str) -> DialTarget | None:
        return None

    def is_emergency(self, number: str) -> bool:
        return False

    def number_of(self, seat: SeatId) -> str:
        return ""

    def shown_by(self, seat: SeatId) -> str:
        return ""

    def in_one_group(self, seat: SeatId, other: SeatId) -> bool:
        return False


class Media:
    def __init__(self) -> None:
        self.kept: dict[CallId, dict[str, Any]] = {}
        self.commands: list[MediaCommand] = []

    def perform(self, command: MediaCommand) -> None:
        self.commands.append(command)
        if isinstance(command, KeepSnapshot):
            self.kept[command.call] = json.loads(json.dumps(command.snapshot))


class Flows:
    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.running: set[ContactId] = set()
        self.gone = False

    def entry_point(self, dialled: str, from_seat: bool) -> FlowId | None:
        return FlowId("support")

    def knows(self, flow: FlowId) -> bool:
        return True

    def perform(self, command: FlowCommand) -> None:
        if isinstance(command, StartFlow):
            self.running.add(command.contact)
        elif isinstance(command, EndFlow) and command.contact in self.running:
            self.running.discard(command.contact)
            asked = FlowAsked(contact=command.contact, request=FlowFinished(outcome=FlowOutcome.COMPLETED))
            self.centre.calls.flow_asked(asked)

    def snapshot(self, contact: ContactId) -> dict[str, Any] | None:
        return {"flow": "support"} if contact in self.running else None

    def restore(self, contact: ContactId, data: dict[str, Any]) -> bool:
        if not self.gone:
            self.running.add(contact)
        return not self.gone


class Router:
    def __init__(self) -> None:
        self.commands: list[RouterCommand] = []
        self.places: set[ContactId] = set()
        self.refuses = False

    def perform(self, command: RouterCommand) -> None:
        self.commands.append(command)
        if isinstance(command, QueueContact):
            self.places.add(command.contact)

    def refusal(self, queue: QueueId) -> str:
        return "queue_full" if self.refuses else ""

    def pick_up(self, contact: ContactId, agent: AgentId) -> None:
        raise AssertionError("nobody picks up here")

    def may_pick_up(self, agent: AgentId, contact: ContactId, rung: AgentId) -> bool:
        raise AssertionError("nobody picks up here")

    def one_team(self, agent: AgentId, other: AgentId) -> bool:
        raise AssertionError("nobody picks up here")

    def agent_at(self, seat: SeatId) -> AgentId | None:
        return AgentId("1006") if seat == "seat-06" else None

    def seat_of(self, agent: AgentId) -> SeatId | None:
        return None

    def knows_agent(self, agent: AgentId) -> bool:
        return False

    def has_contact(self, agent: AgentId) -> bool:
        return False

    def check_call(self, agent: AgentId) -> None:
        raise AssertionError("nobody is called here")

    def snapshot(self, contact: ContactId) -> dict[str, Any] | None:
        return {"place": contact} if contact in self.places else None

    def restore(self, contact: ContactId, data: dict[str, Any]) -> bool:
        return not self.refuses


class Recorder:
    def __init__(self) -> None:
        self.ended: list[RecordingId] = []

    def decide(self, talk: Talk) -> RecordingOrder | None:
        return RecordingOrder(recording=RECORDING, path="/nowhere.wav", seal=SEAL, mode=RecordingMode.FULL)

    def on_demand(self, talk: Talk) -> bool:
        return False

    def take_message(self, message: Message) -> RecordingOrder | None:
        return RecordingOrder(recording=RECORDING, path="/nowhere.wav", seal=SEAL, mode=RecordingMode.MESSAGE)

    def closed(self, closed: RecordingClosed) -> None:
        self.ended.append(closed.recording)


class Rows:
    def __init__(self) -> None:
        self.restored: list[dict[str, Any]] = []

    def snapshot_call(self, contact: ContactId) -> dict[str, Any] | None:
        return {"row": contact}

    def restore_call(self, data: dict[str, Any]) -> None:
        self.restored.append(data)


class Whispers:
    """Speaks every text but one."""

    def __init__(self) -> None:
        self.prepared: list[str] = []

    def prepare(self, whisper: str) -> None:
        self.prepared.append(whisper)

    def items(self, whisper: str) -> tuple[PlayItem, ...]:
        return () if whisper == "unspeakable" else (FileItem(path=f"/{whisper}.wav"),)


class Centre:
    """A control process as far as `calls` goes; :meth:`restarted` is the one that comes after it."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.facts: list[Fact] = []
        self.tasks = TaskSupervisor(clock)
        self.legs, self.media, self.flows = Legs(self), Media(), Flows(self)
        self.router, self.recorder, self.rows = Router(), Recorder(), Rows()
        self.whispers = Whispers()
        self.calls = CallService(
            clock=clock,
            ids=Ids(clock),
            facts=self,
            music=lambda _: (FileItem(path="/music.wav"),),
            guard=self.tasks.guarded("calls"),
            settings=CallsSettings(),
        )
        self.calls.connect(
            CallPorts(
                legs=self.legs,
                numbers=Numbers(),
                media=self.media,
                flows=self.flows,
                router=self.router,
                recorder=self.recorder,
                rows=self.rows,
                whispers=self.whispers,
                throttle=Throttle(),
            )
        )

    def record(self, fact: Fact) -> None:
        self.facts.append(fact)

    def of(self, kind: type[Any]) -> list[Any]:
        return [item for item in (*self.facts, *self.router.commands) if isinstance(item, kind)]

    @property
    def contact(self) -> ContactId:
        (contact,) = self.flows.running
        return contact

    def arrive(self, seat: SeatId | None = None) -> None:
        offer = LegOffered(
            leg=CALLER,
            trunk=TrunkId("pstn") if seat is None else None,
            seat=seat,
            caller="13900000001",
            caller_name="",
            dialled="95001",
            transport="UDP",
            sip_call_id="a@b",
            received_at=self.clock.now(),
        )
        self.calls.leg_event(offer)
        self.clock.advance(1)

    def queue(self) -> None:
        request = EnterQueue(queue=QueueId("support"), priority=5)
        self.calls.flow_asked(FlowAsked(contact=self.contact, request=request))
        self.clock.advance(1)

    def ring(self, whisper: str = "", agent: str = "1004") -> None:
        offered = AgentOffered(
            contact=self.contact,
            queue=QueueId("support"),
            agent=AgentId(agent),
            seat=SeatId(f"seat-{agent[-2:]}"),
            whisper=whisper,
        )
        self.calls.router_event(offered)
        self.clock.advance(1)

    def talk(self) -> None:
        (dial,) = [command for command in self.legs.commands if isinstance(command, DialLeg)]
        self.calls.leg_event(LegAnswered(leg=dial.leg, device="seat-04"))
        self.clock.advance(1)

    def survivors(self) -> list[SurvivingCall]:
        return [
            SurvivingCall(call=call, legs=tuple(self.legs.up), snapshot=snapshot)
            for call, snapshot in self.media.kept.items()
        ]

    def restarted(self, seconds: float = 3.0, spoil: Callable[[Centre], None] = lambda centre: None) -> Centre:
        """The next process, that many seconds later, with every surviving call taken back."""
        survivors = self.survivors()
        self.clock.advance(seconds)
        later = Centre(self.clock)
        spoil(later)
        for survivor in survivors:
            later.calls.restore(survivor)
        assert later.tasks.crashes == 0
        return later


@pytest.fixture
def centre() -> Centre:
    made = Centre(VirtualClock())
    made.arrive()
    return made


def test_a_talk_goes_on_and_ends_with_its_whole_length(centre: Centre) -> None:
    centre.queue()
    centre.ring()
    centre.talk()
    later = centre.restarted(seconds=10.0)
    assert later.calls.active == 1
    assert later.calls.open_recordings() == {RECORDING}
    assert len(later.rows.restored) == 1
    later.clock.advance(5)
    later.calls.leg_event(LegEnded(leg=CALLER, cause=ReleaseCause.NORMAL, by_remote=True))
    (ended,) = later.of(ContactEnded)
    assert (ended.outcome, ended.agent) == (Outcome.HANDLED, "1004")
    assert ended.talk_seconds == pytest.approx(16.0)
    assert ended.queue_seconds == pytest.approx(2.0)
    assert later.calls.active == 0


@pytest.mark.parametrize("talks", [False, True])
def test_an_agent_who_called_a_number_of_the_centre_is_busy_until_he_hangs_up(talks: bool) -> None:
    centre = Centre(VirtualClock())
    centre.arrive(SeatId("seat-06"))
    engaged = EngageAgent(contact=centre.contact, agent=AgentId("1006"))
    assert centre.router.commands == [engaged]
    centre.queue()
    if talks:
        centre.ring()
        centre.talk()
    later = centre.restarted()
    again = replace(engaged, seat=SeatId("seat-06"))  # he may have asked to sign out meanwhile
    assert [command for command in later.router.commands if isinstance(command, EngageAgent)] == [again]
    later.calls.leg_event(LegEnded(leg=CALLER, cause=ReleaseCause.NORMAL, by_remote=True))
    released = TalkReleased(contact=engaged.contact, agent=engaged.agent, talked=talks)
    assert later.of(TalkReleased)[0] == released


def test_a_phone_at_which_nobody_is_signed_in_engages_nobody() -> None:
    centre = Centre(VirtualClock())
    centre.arrive(SeatId("seat-07"))
    assert centre.router.commands == []


def test_an_agent_who_is_told_something_is_told_on_and_his_talk_begins_by_the_deadline(centre: Centre) -> None:
    centre.queue()
    centre.ring("Support")
    centre.talk()
    assert centre.whispers.prepared == ["Support"]
    told = [command for command in centre.media.commands if isinstance(command, Play)][-1]
    assert told.items == (FileItem(path="/Support.wav"),)
    later = centre.restarted(seconds=3.0)
    assert (later.of(Established), later.calls.open_recordings()) == ([], set())
    later.clock.advance(7.0)
    (established,) = later.of(Established)
    assert established.queue_seconds == pytest.approx(12.0)
    assert later.calls.open_recordings() == {RECORDING}


def test_an_agent_who_is_lost_while_he_is_told_something_leaves_the_caller_in_his_queue(centre: Centre) -> None:
    centre.queue()
    centre.ring("Support")
    centre.talk()

    def lose_agent(later: Centre) -> None:
        later.legs.lost = centre.legs.up - {CALLER}

    later = centre.restarted(spoil=lose_agent)
    (again,) = later.of(TransferContact)
    assert again.queue == "support"
    assert later.calls.active == 1


def test_what_cannot_be_said_keeps_nobody_waiting(centre: Centre) -> None:
    centre.queue()
    centre.ring("unspeakable")
    centre.talk()
    (established,) = centre.of(Established)
    assert established.queue_seconds == pytest.approx(2.0)


def test_who_rings_rings_on_and_can_be_answered(centre: Centre) -> None:
    centre.queue()
    centre.ring()
    later = centre.restarted()
    assert later.of(OfferFailed) == []
    (agent,) = later.legs.up - {CALLER}
    later.calls.leg_event(LegAnswered(leg=agent, device="seat-04"))
    (established,) = later.of(Established)
    assert established.queue_seconds == pytest.approx(5.0)


def test_a_phone_that_cannot_ring_on_loses_the_offer_and_the_caller_waits(centre: Centre) -> None:
    centre.queue()
    centre.ring()
    (agent,) = centre.legs.up - {CALLER}
    later = centre.restarted(spoil=lambda made: made.legs.lost.add(agent))
    (failed,) = later.of(OfferFailed)
    assert (failed.agent, failed.end) == ("1004", OfferEnd.WITHDRAWN)
    assert later.calls.active == 1
    assert later.of(ContactEnded) == []


def test_all_phones_that_ring_ring_on_and_the_first_answer_has_the_caller(centre: Centre) -> None:
    centre.queue()
    for agent in ("1004", "1005", "1006"):
        centre.ring(agent=agent)
    _, second, _ = [command.leg for command in centre.legs.commands if isinstance(command, DialLeg)]
    later = centre.restarted()
    assert (later.of(OfferFailed), later.legs.commands) == ([], [])
    later.calls.leg_event(LegAnswered(leg=second, device="seat-05"))
    (established,) = later.of(Established)
    assert established.agent == "1005"
    assert later.legs.up == {CALLER, second}
    assert {fact.cause for fact in later.of(Diverted)} == {ReleaseCause.ELSEWHERE}


def test_of_several_phones_only_those_lose_their_offers_that_cannot_ring_on(centre: Centre) -> None:
    centre.queue()
    for agent in ("1004", "1005"):
        centre.ring(agent=agent)
    first, second = [command.leg for command in centre.legs.commands if isinstance(command, DialLeg)]
    later = centre.restarted(spoil=lambda made: made.legs.lost.add(first))
    (failed,) = later.of(OfferFailed)
    assert (failed.agent, failed.end) == ("1004", OfferEnd.WITHDRAWN)
    later.calls.leg_event(LegAnswered(leg=second, device="seat-05"))
    assert [fact.agent for fact in later.of(Established)] == ["1005"]


def test_a_waiting_caller_without_a_place_queues_again_with_his_age(centre: Centre) -> None:
    centre.queue()

    def refuse(later: Centre) -> None:
        later.router.refuses = True

    later = centre.restarted(seconds=20.0, spoil=refuse)
    (again,) = later.of(QueueContact)
    assert (again.queue, again.waited_seconds) == ("support", pytest.approx(21.0))


def test_ringing_without_a_place_is_stopped_and_the_caller_queues_again(centre: Centre) -> None:
    centre.queue()
    centre.ring()
    (agent,) = centre.legs.up - {CALLER}

    def refuse(later: Centre) -> None:
        later.router.refuses = True

    later = centre.restarted(spoil=refuse)
    assert [command for command in later.legs.commands if isinstance(command, ReleaseLeg)] == [
        ReleaseLeg(leg=agent, cause=ReleaseCause.CANCELLED)
    ]
    assert [again.waited_seconds for again in later.of(QueueContact)] == [pytest.approx(5.0)]
    assert later.calls.active == 1


def test_a_caller_whose_flow_is_lost_is_not_left_in_silence(centre: Centre) -> None:
    centre.calls.leg_event(LegAnswered(leg=CALLER, device=""))
    centre.legs.up.add(CALLER)
    centre.clock.advance(1)

    def forget(later: Centre) -> None:
        later.flows.gone = True

    later = centre.restarted(spoil=forget)
    (left,) = later.of(FlowLeft)
    assert (left.outcome, left.cause) == (FlowOutcome.FAILED, "lost_in_restart")
    assert [ended.outcome for ended in later.of(ContactEnded)] == [Outcome.FAILED]
    assert later.calls.active == 0


def test_a_leg_that_is_lost_ends_its_call(centre: Centre) -> None:
    centre.queue()
    centre.ring()
    centre.talk()
    later = centre.restarted(spoil=lambda made: made.legs.lost.add(CALLER))
    assert {cleared.leg for cleared in later.of(ConnectionCleared)} >= {CALLER}
    (ended,) = later.of(ContactEnded)
    assert (ended.outcome, ended.cause) == (Outcome.HANDLED, ReleaseCause.FAILED)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"v": 99},
        {"call": {}},
        {"call": {"stamp": "yesterday", "state": {}}},
        {"legs": 3},
        {"flow": []},
    ],
)
def test_what_cannot_be_read_is_not_taken_back_and_stops_nobody(centre: Centre, spoiled: dict[str, Any]) -> None:
    centre.queue()
    (survivor,) = centre.survivors()
    later = Centre(centre.clock)
    broken = SurvivingCall(call=survivor.call, legs=survivor.legs, snapshot={**survivor.snapshot, **spoiled})
    assert later.calls.restore(broken) is None
    assert later.calls.restore(SurvivingCall(call=survivor.call, legs=survivor.legs)) is None
    assert later.calls.active == 0
    assert later.calls.restore(survivor) == centre.contact

"""Calls and the ACD together, both real, with the network, the flows and the media around them played by the test.

A leg that is let go ends later, as on a network, and may answer before it does. Control can die at any moment; the
next one takes back what its media workers and its database kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from acd.engine import AcdEngine
from acd.errors import BadSnapshot
from acd.events import (
    AcdEvent,
    ContactPlace,
    Effect,
    GoReady,
    PauseMatching,
    PickUp,
    PutBack,
    RestoreContact,
    ResumeMatching,
    SaveAgent,
    SaveQueue,
    SeatReachability,
    SignIn,
)
from acd.model import Agent, Queue, Strategy
from acd.skills import SkillId
from ccplatform.calls.model import CallState
from ccplatform.calls.ports import CallPorts
from ccplatform.calls.service import CallService
from ccplatform.calls.settings import CallsSettings
from ccplatform.contracts.facts import ContactEnded, Fact
from ccplatform.contracts.flows import EndFlow, FlowAsked, FlowCommand, FlowFinished, FlowRequest, StartFlow
from ccplatform.contracts.legs import (
    AdoptLeg,
    AnswerLeg,
    DialLeg,
    DialTarget,
    LegCommand,
    LegEnded,
    LegOffered,
    NumberTarget,
    ReleaseLeg,
    SeatTarget,
    SurvivingCall,
)
from ccplatform.contracts.media import (
    FileItem,
    ForgetCall,
    KeepSnapshot,
    MediaCommand,
    PlayItem,
    RecordParties,
    StartRecording,
    StopRecording,
)
from ccplatform.contracts.recordings import Message, RecordingOrder, Talk
from ccplatform.contracts.routing import (
    AgentOffered,
    CallBackOffered,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    RouterCommand,
)
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    FlowId,
    FlowOutcome,
    LegId,
    QueueId,
    RecordingId,
    RecordingMode,
    ReleaseCause,
    SeatId,
    TrunkId,
)
from ccplatform.kernel.clock import Clock, TimerHandle, VirtualClock
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.ids import Ids
from tests.calls.test_restart import Rows, Throttle
from tests.support.sealed import SEAL

AGENTS = [AgentId(name) for name in ("1001", "1002", "1003", "1004")]
TEAMS = {AGENTS[1]: "evening", AGENTS[3]: "evening"}
QUEUES = [
    Queue(
        id=QueueId("support"),
        name="Support",
        skill=SkillId("all"),
        strategy=Strategy.RING_ALL,
        rung_at_most=2,
        ring_seconds=20.0,
        whisper="Support",
    ),
    Queue(id=QueueId("experts"), name="Experts", skill=SkillId("all"), ring_seconds=10.0, wrap_up_seconds=0.0),
]
#: The longest that anything may take that nobody does anything about, seconds.
LONGEST = 200.0


def seat_of(agent: AgentId) -> SeatId:
    return SeatId(f"seat-{agent}")


class Router:
    """The engine as `calls` sees it; ``promises`` are call-backs in line, of which calls are made when offered."""

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.engine = AcdEngine()
        self.runner: EffectRunner[AcdEvent, Effect] = EffectRunner(self.engine, self._tell, whole.life)
        self.promises: dict[ContactId, bool] = {}  # whether the customer is called first

    def fill(self, before: Router | None) -> None:
        """Configuration and agents, as the database has them; matching is paused."""
        post = self.runner.post
        post(PauseMatching())
        for queue in QUEUES:
            post(SaveQueue(queue=queue))
        for agent in AGENTS:
            post(SaveAgent(agent=Agent(id=agent, name="N", skills={SkillId("all"): 5}, team=TEAMS.get(agent, ""))))
            post(SeatReachability(seat=seat_of(agent), reachable=True))
            presence = before.engine.presence(agent) if before is not None else None
            if before is None:
                post(SignIn(agent=agent, seat=seat_of(agent)))
                post(GoReady(agent=agent))
            elif presence is not None:
                standing = before.engine.standing(agent, self.whole.clock.now())
                post(
                    PutBack(
                        agent=agent,
                        seat=presence.seat,
                        asked=presence.asked,
                        reason=presence.reason,
                        standing=standing,
                    )
                )

    def resume(self) -> None:
        self.runner.post(ResumeMatching())

    def promise(self, contact: ContactId, customer_first: bool) -> None:
        self.promises[contact] = customer_first
        lead = 40.0 if customer_first else 0.0
        self.runner.post(QueueContact(contact=contact, queue=QUEUES[0].id, patient=True, lead_seconds=lead))

    def _tell(self, effect: Effect) -> None:
        match effect:
            case AgentOffered(contact=contact) if contact in self.promises:
                first = self.promises.pop(contact)
                offered = CallBackOffered(
                    contact=contact,
                    call_back=f"promise-{contact}",
                    queue=QUEUES[0].id,
                    agent=effect.agent,
                    seat=effect.seat,
                    trunk=None,
                    number="13900000009",
                    customer_first=first,
                )
                self.whole.calls.router_event(offered)
            case AgentOffered() | OfferWithdrawn() | QueueRefused():
                self.whole.calls.router_event(effect)
            case _:
                self.whole.acd_facts.append(effect)

    # --- contracts.routing.Router ---

    def perform(self, command: RouterCommand) -> None:
        self.runner.post(command)

    def refusal(self, queue: QueueId) -> str:
        return self.engine.refusal(queue)

    def pick_up(self, contact: ContactId, agent: AgentId) -> None:
        command = PickUp(agent=agent, contact=contact)
        self.engine.check(command)
        self.runner.post(command)

    def may_pick_up(self, agent: AgentId, contact: ContactId, rung: AgentId) -> bool:
        return self.engine.may_pick_up(agent, contact, rung)

    def one_team(self, agent: AgentId, other: AgentId) -> bool:
        return self.engine.one_team(agent, other)

    def agent_at(self, seat: SeatId) -> AgentId | None:
        return self.engine.agent_at(seat)

    def seat_of(self, agent: AgentId) -> SeatId | None:
        return self.engine.seat_of(agent) if self.engine.knows_agent(agent) else None

    def knows_agent(self, agent: AgentId) -> bool:
        return self.engine.knows_agent(agent)

    def has_contact(self, agent: AgentId) -> bool:
        return self.engine.has_contact(agent)

    def check_call(self, agent: AgentId) -> None:
        self.engine.check_call(agent)

    def snapshot(self, contact: ContactId) -> dict[str, Any] | None:
        place = self.engine.place(contact, self.whole.clock.now())
        if place is None:
            return None
        return {"at": self.whole.clock.wall().isoformat(), "place": msgspec.to_builtins(place)}

    def restore(self, contact: ContactId, data: dict[str, Any]) -> bool:
        away = (self.whole.clock.wall() - datetime.fromisoformat(data["at"])).total_seconds()
        event = RestoreContact(contact=contact, place=msgspec.convert(data["place"], type=ContactPlace).aged(away))
        try:
            self.engine.check_restore(event)
        except BadSnapshot:
            return False
        self.runner.post(event)
        return True


class Network:
    """All legs: those ``up`` or ringing are ``there``; ``leaving`` are let go and end soon."""

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.there: dict[LegId, DialTarget | None] = {}
        self.up: set[LegId] = set()
        self.answering: list[LegId] = []
        self.leaving: dict[LegId, ReleaseCause] = {}

    def perform(self, command: LegCommand) -> None:
        match command:
            case AdoptLeg(leg=leg):
                assert leg in self.there
            case DialLeg(leg=leg, target=target):
                assert leg not in self.whole.legs_ended, "a leg is dialled once"
                self.there[leg] = target
            case AnswerLeg(leg=leg) if leg in self.there and leg not in self.leaving:
                self.answering.append(leg)
            case ReleaseLeg(leg=leg, cause=cause) if leg in self.there:
                self.leaving.setdefault(leg, cause)
            case _:
                pass

    def snapshot(self, leg: LegId) -> dict[str, Any] | None:
        return {"leg": leg} if leg in self.there else None

    def restore(self, leg: LegId, data: dict[str, Any], *, media: bool) -> bool:
        return media and data["leg"] in self.there


class Numbers:
    """``8…`` is the seat of an agent, ``1…`` outside."""

    def target(self, number: str) -> DialTarget | None:
        return self.reach(number)

    def reach(self, number: str) -> DialTarget | None:
        if number.startswith("8"):
            return SeatTarget(seat=SeatId(f"seat-1{number[1:]}"))
        return NumberTarget(number=number) if number.startswith("13") else None

    def is_emergency(self, number: str) -> bool:
        return False

    def number_of(self, seat: SeatId) -> str:
        return f"8{seat[-3:]}"

    def shown_by(self, seat: SeatId) -> str:
        return ""

    def in_one_group(self, seat: SeatId, other: SeatId) -> bool:
        return {seat[-1], other[-1]} == {"1", "3"}


class Media:
    """Recordings that run, and the snapshots that workers keep."""

    def __init__(self) -> None:
        self.kept: dict[CallId, dict[str, Any]] = {}
        self.recordings: dict[RecordingId, CallId] = {}

    def perform(self, command: MediaCommand) -> None:
        match command:
            case KeepSnapshot():
                self.kept[command.call] = json.loads(json.dumps(command.snapshot))
            case ForgetCall():
                self.kept.pop(command.call, None)
            case StartRecording():
                assert command.recording not in self.recordings
                self.recordings[command.recording] = command.call
            case StopRecording():
                assert self.recordings.pop(command.recording, None), "stopped once, and only what runs"
            case RecordParties():
                assert command.recording in self.recordings
            case _:
                pass


class Flows:
    """Flows run until they are told to end; numbers that begin with 95 lead to one."""

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.running: set[ContactId] = set()

    def entry_point(self, dialled: str, from_seat: bool) -> FlowId | None:
        return FlowId("support") if dialled.startswith("95") else None

    def knows(self, flow: FlowId) -> bool:
        return True

    def perform(self, command: FlowCommand) -> None:
        if isinstance(command, StartFlow):
            assert command.contact not in self.running
            self.running.add(command.contact)
        elif isinstance(command, EndFlow) and command.contact in self.running:
            self.running.discard(command.contact)
            finished = FlowFinished(outcome=FlowOutcome.COMPLETED)
            self.whole.calls.flow_asked(FlowAsked(contact=command.contact, request=finished))

    def snapshot(self, contact: ContactId) -> dict[str, Any] | None:
        return {"flow": "support"} if contact in self.running else None

    def restore(self, contact: ContactId, data: dict[str, Any]) -> bool:
        return contact in self.running


class Recorder:
    """Records everything."""

    def __init__(self) -> None:
        self.made = 0

    def decide(self, talk: Talk) -> RecordingOrder | None:
        self.made += 1
        return RecordingOrder(
            recording=RecordingId(f"r{self.made}"), path="/nowhere.wav", seal=SEAL, mode=RecordingMode.FULL
        )

    def on_demand(self, talk: Talk) -> bool:
        return False

    def take_message(self, message: Message) -> RecordingOrder | None:
        return None

    def closed(self, closed: object) -> None:
        raise AssertionError("no worker closes a recording here")


class Whispers:
    def prepare(self, whisper: str) -> None:
        pass

    def items(self, whisper: str) -> tuple[PlayItem, ...]:
        return (FileItem(path="/whisper.wav"),)


class Life:
    """The clock of one process: its timers die with it."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.over = False

    def now(self) -> float:
        return self._clock.now()

    def wall(self) -> datetime:
        return self._clock.wall()

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        return self._clock.call_at(when, lambda: None if self.over else callback())


class Numbered(Ids):
    """Ids in their order, the same in every run."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._count = 0

    def new(self, at: datetime | None = None) -> str:
        self._count += 1
        return f"{self._count:06}"


class Whole:
    """See the module. Events of the network, the flows and people come from outside."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.ids = Numbered(self.clock)
        self.facts: list[Fact] = []
        self.acd_facts: list[Effect] = []
        self.legs_ended: list[LegId] = []
        self.media, self.recorder, self.network, self.flows = Media(), Recorder(), Network(self), Flows(self)
        self.rows = Rows()
        self._begin(None)
        self.router.resume()

    def _begin(self, before: Router | None) -> None:
        self.life = Life(self.clock)
        self.calls = CallService(
            clock=self.life,
            ids=self.ids,
            facts=self,
            music=lambda _: (FileItem(path="/music.wav"),),
            guard=lambda step: step(),
            settings=CallsSettings(),
        )
        self.router = Router(self)
        self.calls.connect(
            CallPorts(
                legs=self.network,
                numbers=Numbers(),
                media=self.media,
                flows=self.flows,
                router=self.router,
                recorder=self.recorder,
                rows=self.rows,
                whispers=Whispers(),
                throttle=Throttle(),
            )
        )
        self.router.fill(before)

    def record(self, fact: Fact) -> None:
        self.facts.append(fact)

    # --- what happens ---

    def arrives(self, dialled: str = "95001", seat: SeatId | None = None) -> LegId:
        leg = LegId(f"leg-{self.ids.new()}")
        self.network.there[leg] = None
        offer = LegOffered(
            leg=leg,
            trunk=None if seat else TrunkId("pstn"),
            seat=seat,
            caller="13900000001",
            caller_name="",
            dialled=dialled,
            transport="UDP",
            sip_call_id="a@b",
            received_at=self.clock.now(),
        )
        self.calls.leg_event(offer)
        return leg

    def asks(self, contact: ContactId, request: FlowRequest) -> None:
        self.calls.flow_asked(FlowAsked(contact=contact, request=request))

    def leg_ends(self, leg: LegId, cause: ReleaseCause = ReleaseCause.NORMAL, *, by_remote: bool = True) -> None:
        self._forget(leg)
        self.calls.leg_event(LegEnded(leg=leg, cause=cause, by_remote=by_remote))

    def settle(self) -> None:
        """Everything that was let go is gone."""
        while self.network.leaving:
            leg, cause = next(iter(self.network.leaving.items()))
            self.leg_ends(leg, cause, by_remote=False)

    def restart(
        self, away: float, lose: Callable[[list[LegId]], Iterable[LegId]], *, latest_first: bool = False
    ) -> None:
        """Control dies once its workers know all, and the next one takes back what it can; some legs are lost.

        Workers tell of their calls in any order: here the earliest comes first, or the latest.
        """
        self.clock.advance(0.1)
        before, promises, survivors = self.router, dict(self.router.promises), dict(self.media.kept)
        known = {leg for kept in survivors.values() for leg in kept["call"]["state"]["live_legs"]}
        for leg in [leg for leg in self.network.there if leg not in known]:
            self._forget(leg)  # nobody can end its dialog any more
        for leg in lose(sorted(self.network.there)):
            self._forget(leg)
        unknown = [state for state in self.states() if state.call not in survivors]
        self.life.over = True
        self._begin(before)
        for state in unknown:  # nothing happened to them yet
            self.calls.end_lost_contact(state.contact, dialled=state.dialled, trunk=None, total_seconds=0.0)
            self.flows.running.discard(state.contact)
        self.clock.advance(away)
        for call, snapshot in sorted(survivors.items(), reverse=latest_first):
            survivor = SurvivingCall(call=call, legs=tuple(self.network.there), snapshot=snapshot)
            assert self.calls.restore(survivor) is not None
        for contact, first in promises.items():
            self.router.promise(contact, first)
        self.router.resume()

    def _forget(self, leg: LegId) -> None:
        self.legs_ended.append(leg)
        self.network.there.pop(leg)
        self.network.up.discard(leg)
        self.network.leaving.pop(leg, None)
        if leg in self.network.answering:
            self.network.answering.remove(leg)

    # --- what is there ---

    def states(self) -> list[CallState]:
        """Every call."""
        core = self.calls._core
        return [core.saga(call).state for call in core.calls()]

    def outcomes(self) -> list[ContactId]:
        """Contacts that ended."""
        return [fact.contact for fact in self.facts if isinstance(fact, ContactEnded)]

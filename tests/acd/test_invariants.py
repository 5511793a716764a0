"""The invariants of the engine under random events, with a twin restored from a snapshot at any step."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.engine import AGEING_SECONDS, AcdEngine
from acd.errors import BadSnapshot, ContactPlaced
from acd.events import (
    AcdEvent,
    ContactPlace,
    Effect,
    GoNotReady,
    GoReady,
    OpenQueue,
    PauseMatching,
    Phase,
    PickUp,
    PutBack,
    RemoveAgent,
    RemoveQueue,
    RestoreContact,
    SaveAgent,
    SaveQueue,
    SeatReachability,
    SignIn,
    SignOut,
    Wish,
)
from acd.model import CAPACITY, RINGS_MANY, Agent, Overflow, OverflowCause, Queue, Ring, Strategy, TargetKind
from acd.skills import SkillId, meets
from acd.snapshots import EngineData
from ccplatform.contracts.facts import AgentStateChanged, Offered, OfferEnded, Queued, QueueLeft
from ccplatform.contracts.routing import (
    AgentOffered,
    CallAgent,
    EngageAgent,
    HandOver,
    OfferAnswered,
    OfferFailed,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    TalkHeld,
    TalkReleased,
    TransferContact,
    WithdrawContact,
)
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd, QueueId, SeatId
from ccplatform.kernel.core import DEADLINE, DeadlineReached
from ccplatform.kernel.errors import Refusal

AGENTS = [AgentId(name) for name in "1234"]
SEATS = [SeatId(f"s{number}") for number in range(1, 5)]
QUEUES = [QueueId(name) for name in ("a", "b", "c", "d")]
CONTACTS = [ContactId(f"k{number:02}") for number in range(12)]
OWN_CALLS = [ContactId("d1"), ContactId("d2")]
SKILLS = X, Y = SkillId("x"), SkillId("y")

agents = st.builds(
    Agent,
    id=st.sampled_from(AGENTS),
    name=st.just("N"),
    skills=st.fixed_dictionaries({}, optional=dict.fromkeys(SKILLS, st.integers(1, 3))),
    position=st.integers(1, 3),
)
#: Random strategies draw anew after a restart: they are tried in tests/acd/test_strategies.py.
strategies = st.sampled_from([s for s in Strategy if s not in (Strategy.RANDOM, Strategy.WEIGHTED_RANDOM)])
overflows = st.builds(
    lambda cause, target: Overflow(
        cause=cause,
        kind=TargetKind.QUEUE if target in QUEUES else TargetKind.FLOW,
        to=target,
    ),
    cause=st.sampled_from(OverflowCause),
    target=st.sampled_from([*QUEUES, "sorry"]),
)


@st.composite
def queues(draw: st.DrawFn) -> Queue:
    strategy = draw(strategies)
    shares = draw(st.booleans()) and strategy not in RINGS_MANY
    name = draw(st.sampled_from(QUEUES))
    overflow = draw(st.one_of(st.none(), st.none(), overflows))
    cause = overflow.cause if overflow is not None else None
    return Queue(
        id=name,
        name="N",
        skill=draw(st.sampled_from(SKILLS)),
        min_level=3,
        requires=draw(st.sampled_from(["", "", "x and y or x >= 2"])),
        rings=draw(st.sampled_from([(), (), RINGS])),
        strategy=strategy,
        ring_seconds=draw(st.sampled_from([5.0, 20.0])),
        ring_more_seconds=draw(st.sampled_from([1.0, 3.5])),
        rung_at_most=draw(st.integers(1, 3)),
        wrap_up_seconds=draw(st.sampled_from([0.0, 10.0])),
        weight=draw(st.integers(-1, 1)),
        capacity=draw(st.sampled_from([30, 60])) if shares else 100,
        gives_way=shares and draw(st.booleans()),
        max_waiting=draw(st.sampled_from([2, 100])),
        max_wait_seconds=40.0 if cause is OverflowCause.MAX_WAIT else draw(st.sampled_from([0.0, 0.0, 40.0])),
        overflows=(overflow,) if overflow is not None and overflow.to != name else (),
        calendar="office" if cause is OverflowCause.CLOSED else "",
    )


RINGS = (Ring(after_seconds=4.5, requires="x or y >= 2"), Ring(after_seconds=30.0, requires="x or y"))
wishes: st.SearchStrategy[Wish] = st.one_of(
    st.builds(SignIn, agent=st.sampled_from(AGENTS), seat=st.sampled_from(SEATS)),
    st.builds(SignOut, agent=st.sampled_from(AGENTS)),
    st.builds(GoReady, agent=st.sampled_from(AGENTS)),
    st.builds(GoNotReady, agent=st.sampled_from(AGENTS), reason=st.sampled_from(["", "break"])),
)
FIRST_AGENTS = [
    Agent(id=agent, name="N", skills=skills)
    for agent, skills in zip(AGENTS, [{X: 3, Y: 1}, {X: 1}, {Y: 2}, {X: 2, Y: 3}], strict=True)
]
FIRST_QUEUES = [
    Queue(id=QUEUES[0], name="N", skill=X),
    Queue(id=QUEUES[1], name="N", skill=Y, ring_seconds=5.0, strategy=Strategy.RING_ALL, rung_at_most=2),
    Queue(id=QUEUES[2], name="N", skill=X, min_level=3, rings=RINGS, weight=1, wrap_up_seconds=0.0),
    Queue(id=QUEUES[3], name="N", skill=Y, capacity=30, gives_way=True, strategy=Strategy.ROUND_ROBIN),
]
MOST = 10
WITH_TALK = (AgentState.TALKING, AgentState.HELD)


def attempt(engine: AcdEngine, event: AcdEvent | DeadlineReached, now: float) -> list[Effect] | str:
    """The effects of an event, or the text of its refusal."""
    try:
        return list(engine.handle(event, now))
    except (Refusal, ContactPlaced) as error:
        return str(error)


def rings(data: EngineData) -> dict[tuple[ContactId, AgentId], tuple[float, float | None]]:
    """Who is rung for whom, since when and for how long."""
    offers = [work for work in data.engagements if work.state is AgentState.RESERVED]
    return {(offer.contact, offer.agent): (offer.age, offer.ends_in) for offer in offers}


@dataclass
class Book:
    """What the facts tell, kept the way a reader of the journal would."""

    states: dict[AgentId, AgentState] = field(default_factory=dict)
    accounted: dict[AgentId, float] = field(default_factory=dict)
    queued: dict[ContactId, QueueId] = field(default_factory=dict)
    ringing: set[tuple[ContactId, AgentId]] = field(default_factory=set)

    def write(self, effect: Effect) -> None:
        match effect:
            case AgentStateChanged():
                assert self.states.get(effect.agent, AgentState.SIGNED_OUT) is effect.previous
                assert effect.previous_seconds >= 0
                self.states[effect.agent] = effect.state
                self.accounted[effect.agent] = self.accounted.get(effect.agent, 0.0) + effect.previous_seconds
            case Queued():
                assert effect.contact not in self.queued
                self.queued[effect.contact] = effect.queue
            case QueueLeft():
                assert self.queued.pop(effect.contact) == effect.queue
                assert effect.contact not in {contact for contact, _ in self.ringing}
            case Offered():
                assert (effect.contact, effect.agent) not in self.ringing
                self.ringing.add((effect.contact, effect.agent))
            case OfferEnded():
                self.ringing.remove((effect.contact, effect.agent))
            case AgentOffered():
                assert (effect.contact, effect.agent) in self.ringing
            case OfferWithdrawn():
                assert (effect.contact, effect.agent) not in self.ringing
            case QueueRefused():
                assert effect.contact not in self.queued


class Centre(RuleBasedStateMachine):
    """Times are quarters of seconds, so that ages are exact."""

    @initialize()
    def start(self) -> None:
        self.engine = AcdEngine(max_contacts=MOST)
        self.twin: AcdEngine | None = None
        self.offset = 0.0
        self.now = 1000.0
        self.book = Book()
        self.read: EngineData | None = None
        self.born: dict[AgentId, float] = {}
        for queue in FIRST_QUEUES:
            self.give(SaveQueue(queue=queue))
        for person, seat in zip(FIRST_AGENTS, SEATS, strict=True):
            self.save_agent(person)
            self.give(SeatReachability(seat=seat, reachable=True))
            self.come_to_work(person.id)

    def give(self, event: AcdEvent | DeadlineReached) -> None:
        """One event for the engine, and the same for its twin; refused events must change nothing."""
        answer = attempt(self.engine, event, self.now)
        before, self.read = self.read, None
        if self.twin is not None:
            twin = attempt(self.twin, event, self.now + self.offset)
            assert twin == answer, (event, twin, answer)
        if isinstance(answer, str):
            assert before is None or self.data() == before, answer
            return
        for effect in answer:
            self.book.write(effect)
        if not isinstance(event, DeadlineReached | PickUp | SaveQueue | RemoveQueue):
            self.nobody_was_passed_over(answer)

    def nobody_was_passed_over(self, effects: list[Effect]) -> None:
        """Who is offered came before all who wait on and could have been offered to the same agent."""
        data = self.data()
        for effect in effects:
            if isinstance(effect, AgentOffered) and effect.contact in data.contacts:
                offered = data.contacts[effect.contact]
                if offered.phase is Phase.OFFERED and offered.preferred is None and offered.queue:
                    for contact, place in data.contacts.items():
                        if place.phase is Phase.WAITING and self.may_take(data, effect.agent, place):
                            assert self.turn(data, effect.contact, offered) < self.turn(data, contact, place)

    def turn(self, data: EngineData, contact: ContactId, place: ContactPlace) -> tuple[float, ContactId]:
        weight = next((queue.weight for queue in data.queues if queue.id == place.queue), 0)
        return (self.now - place.age - (place.priority + weight) * AGEING_SECONDS, contact)

    def may_take(self, data: EngineData, agent: AgentId, place: ContactPlace) -> bool:
        """Whether skills, rings and preferences let the agent have the contact, and his other contacts do."""
        queue = next(queue for queue in data.queues if queue.id == place.queue)
        busy = [work for work in data.engagements if work.agent == agent]
        taken = sum(work.capacity for work in busy if queue.gives_way or not work.gives_way)
        if taken + queue.capacity > CAPACITY:
            return False
        if place.preferred is not None:
            return place.preferred == agent
        skills = next(person.skills for person in data.agents if person.id == agent)
        opened = 1 + sum(ring.after_seconds <= place.age for ring in queue.rings)
        return any(meets(requirement.need, skills) for requirement in queue.requirements()[:opened])

    def data(self) -> EngineData:
        """The engine as data; made once per event, as it costs much."""
        if self.read is None:
            self.read = msgspec.convert(self.engine.snapshot(self.now), type=EngineData)
        return self.read

    # --- what can happen ---

    @rule(wish=wishes)
    def ask(self, wish: Wish) -> None:
        self.give(wish)

    @rule(agent=st.sampled_from(AGENTS))
    def come_to_work(self, agent: AgentId) -> None:
        self.give(SignIn(agent=agent, seat=SEATS[AGENTS.index(agent)]))
        self.give(GoReady(agent=agent))

    @rule(
        queue=st.sampled_from(QUEUES),
        priority=st.integers(4, 6),
        age=st.sampled_from([0.0, 3.5]),
    )
    def call(self, queue: QueueId, priority: int, age: float) -> None:
        contact = next((name for name in CONTACTS if self.engine.position(name) is None), CONTACTS[0])
        self.give(QueueContact(contact=contact, queue=queue, priority=priority, waited_seconds=age))

    @rule(queue=st.sampled_from(QUEUES), agent=st.sampled_from(AGENTS), seconds=st.sampled_from([0.0, 3.0, 60.0]))
    def call_for_one(self, queue: QueueId, agent: AgentId, seconds: float) -> None:
        contact = next((name for name in CONTACTS if self.engine.position(name) is None), CONTACTS[0])
        self.give(QueueContact(contact=contact, queue=queue, preferred=agent, preferred_seconds=seconds))

    @rule(queue=st.sampled_from(QUEUES), age=st.sampled_from([0.0, 100.0]), lead=st.sampled_from([0.0, 4.0]))
    def promise(self, queue: QueueId, age: float, lead: float) -> None:
        contact = next((name for name in CONTACTS if self.engine.position(name) is None), CONTACTS[0])
        self.give(QueueContact(contact=contact, queue=queue, waited_seconds=age, patient=True, lead_seconds=lead))

    @rule(data=st.data())
    def call_known_queue(self, data: st.DataObject) -> None:
        known = [view.id for view in self.engine.describe_queues(self.now)]
        if known:
            self.call(data.draw(st.sampled_from(known)), 5, 0.0)

    @rule(contact=st.sampled_from(CONTACTS), queue=st.sampled_from(QUEUES))
    def transfer(self, contact: ContactId, queue: QueueId) -> None:
        self.give(TransferContact(contact=contact, queue=queue))

    @rule(agent=st.sampled_from(AGENTS))
    def call_directly(self, agent: AgentId) -> None:
        contact = next((name for name in CONTACTS if self.engine.position(name) is None), CONTACTS[0])
        self.give(CallAgent(contact=contact, agent=agent))

    @rule(pick=st.integers(0, 9), contact=st.sampled_from(CONTACTS), queue=st.sampled_from([None, *QUEUES]))
    def hand_over(self, pick: int, contact: ContactId, queue: QueueId | None) -> None:
        """A talk goes on under the name of a contact that talks, or is over."""
        talks = [c for c, p in self.data().contacts.items() if p.phase is Phase.TALKING]
        if talks:
            self.give(HandOver(contact=contact, source=talks[pick % len(talks)], queue=queue))

    @rule(contact=st.sampled_from(CONTACTS), agent=st.sampled_from(AGENTS))
    def pick_up(self, contact: ContactId, agent: AgentId) -> None:
        self.give(PickUp(contact=contact, agent=agent))

    @rule(contact=st.sampled_from(CONTACTS), reason=st.sampled_from(["abandoned", "transferred"]))
    def withdraw(self, contact: ContactId, reason: str) -> None:
        self.give(WithdrawContact(contact=contact, reason=reason))

    @precondition(lambda self: self.book.ringing)
    @rule(pick=st.integers(0, 9), end=st.sampled_from([OfferEnd.ANSWERED, *OfferEnd]))
    def end_offer(self, pick: int, end: OfferEnd) -> None:
        contact, agent = sorted(self.book.ringing)[pick % len(self.book.ringing)]
        if end is OfferEnd.ANSWERED:
            self.give(OfferAnswered(contact=contact, agent=agent))
        else:
            self.give(OfferFailed(contact=contact, agent=agent, end=end))

    @precondition(lambda self: self.book.ringing)
    @rule(agent=st.sampled_from(AGENTS))
    def wrong_answer(self, agent: AgentId) -> None:
        contact, _ = min(self.book.ringing)
        if (contact, agent) not in self.book.ringing:
            before = self.engine.snapshot(self.now)
            self.give(OfferAnswered(contact=contact, agent=agent))
            assert self.engine.snapshot(self.now) == before

    @rule(pick=st.integers(0, 9), what=st.sampled_from(["hold", "retrieve", "release"]))
    def talk(self, pick: int, what: str) -> None:
        talks = [(c, p.agent) for c, p in self.data().contacts.items() if p.phase is Phase.TALKING]
        if talks:
            contact, agent = talks[pick % len(talks)]
            assert agent is not None
            if what == "release":
                self.give(TalkReleased(contact=contact, agent=agent))
            else:
                self.give(TalkHeld(contact=contact, agent=agent, held=what == "hold"))

    @rule(
        contact=st.sampled_from(OWN_CALLS),
        agent=st.sampled_from(AGENTS),
        what=st.sampled_from(["engage", "engage", "hold", "retrieve", "release", "not reached", "queue"]),
        queue=st.sampled_from(QUEUES),
    )
    def call_past_the_queues(self, contact: ContactId, agent: AgentId, what: str, queue: QueueId) -> None:
        match what:
            case "engage":
                if self.engine.position(contact) is None:
                    self.give(EngageAgent(contact=contact, agent=agent, wrap_up_seconds=10.0))
            case "release" | "not reached":
                self.give(TalkReleased(contact=contact, agent=agent, talked=what == "release"))
            case "queue":
                self.give(TransferContact(contact=contact, queue=queue, agent=agent))
            case _:
                self.give(TalkHeld(contact=contact, agent=agent, held=what == "hold"))

    @rule(seconds=st.sampled_from([0.25, 1.0, 4.75, 10.0, 20.0, 3600.0]))
    def pass_time(self, seconds: float) -> None:
        """Deadlines come late sometimes: a jump past several of them at once."""
        self.now += seconds
        self.read = None
        deadline = self.engine.next_deadline()
        if deadline is not None and deadline <= self.now:
            self.give(DEADLINE)

    @rule(seat=st.sampled_from(SEATS), reachable=st.booleans())
    def reach(self, seat: SeatId, reachable: bool) -> None:
        self.give(SeatReachability(seat=seat, reachable=reachable))

    def save_agent(self, agent: Agent) -> None:
        known = {row.id for row in self.data().states}
        self.give(SaveAgent(agent=agent))
        if agent.id not in known:
            self.born[agent.id] = self.now
            self.book.accounted[agent.id] = 0.0

    @rule(
        change=st.one_of(
            agents,
            queues(),
            queues(),
            st.builds(RemoveAgent, agent=st.sampled_from(AGENTS)),
            st.builds(RemoveQueue, queue=st.sampled_from(QUEUES)),
            st.builds(OpenQueue, queue=st.sampled_from(QUEUES), open=st.booleans()),
        )
    )
    def configure(self, change: Agent | Queue | RemoveAgent | RemoveQueue | OpenQueue) -> None:
        if isinstance(change, Agent):
            self.save_agent(change)
        else:
            self.give(SaveQueue(queue=change) if isinstance(change, Queue) else change)

    @rule(offset=st.sampled_from([-500.0, 0.0, 250.5]))
    def start_twin(self, offset: float) -> None:
        """A standby takes the snapshot on another machine, whose monotonic clock differs."""
        data = json.loads(json.dumps(self.engine.snapshot(self.now)))
        self.offset = offset
        self.twin = AcdEngine.restore(data, self.now + offset, max_contacts=MOST)

    @precondition(lambda self: self.twin is not None)
    @rule()
    def twin_takes_over(self) -> None:
        assert self.twin is not None
        shift = self.offset
        self.engine, self.twin = self.twin, None
        self.now += shift
        self.read = None
        self.born = {agent: born + shift for agent, born in self.born.items()}

    @rule(contact=st.sampled_from(CONTACTS))
    def restore_contact_elsewhere(self, contact: ContactId) -> None:
        """A contact's own place, put into an engine with the same agents, not ready: it is where it was."""
        place = self.engine.place(contact, self.now)
        if place is None:
            return
        data = self.data()
        other = AcdEngine()
        for queue in (*data.leaving, *data.queues):
            other.handle(SaveQueue(queue=queue), self.now)
        for agent in data.agents:
            other.handle(SaveAgent(agent=agent), self.now)
        if any(row.id == place.agent and row.removed for row in data.states):
            return
        other.handle(RestoreContact(contact=contact, place=place), self.now)
        if other.place(contact, self.now) is None and not place.queue:
            return  # he was called himself, and is not ready there
        if other.place(contact, self.now) is None:
            assert next(queue for queue in data.queues if queue.id == place.queue).max_wait_seconds <= place.age
            return
        again = other.place(contact, self.now)
        assert again is not None
        assert (again.priority, again.age) == (place.priority, place.age)
        if place.phase is Phase.TALKING:
            assert again == place
        else:
            assert again.phase is Phase.WAITING  # nobody is ready there

    @rule(order=st.randoms(use_true_random=False))
    def restore_everything_elsewhere(self, order: Random) -> None:
        """What control keeps apart, agents with their standings and contacts one by one in any order: who is rung
        is rung on for as long, and nothing else happens."""
        data, other = self.data(), AcdEngine()
        sizes = {queue.id: (queue.capacity, queue.gives_way) for queue in data.queues}
        taken = [(work.queue, (work.capacity, work.gives_way)) for work in data.engagements]
        if any(sizes.get(name, size) != size for name, size in taken):
            return  # a queue was changed: what the agents had together may fit no more
        other.handle(PauseMatching(), self.now)
        for queue in data.queues:
            other.handle(SaveQueue(queue=queue), self.now)
        for row in data.states:
            presence = self.engine.presence(row.id)
            other.handle(SaveAgent(agent=next(one for one in data.agents if one.id == row.id)), self.now)
            if presence is None:
                continue
            other.handle(SeatReachability(seat=presence.seat, reachable=presence.seat in data.reachable), self.now)
            back = PutBack(
                agent=row.id,
                seat=presence.seat,
                asked=presence.asked,
                reason=presence.reason,
                standing=self.engine.standing(row.id, self.now),
            )
            other.handle(back, self.now)
        talks = {(work.contact, work.agent) for work in data.engagements if work.state in WITH_TALK}
        come: list[AcdEvent] = [RestoreContact(contact=name, place=place) for name, place in data.contacts.items()]
        given = {(name, place.agent) for name, place in data.contacts.items()}
        come += [EngageAgent(contact=name, agent=agent) for name, agent in sorted(talks - given)]
        order.shuffle(come)
        effects: list[Effect] = []
        for event in come:
            with suppress(BadSnapshot):
                effects += other.handle(event, self.now)
        again = msgspec.convert(other.snapshot(self.now), type=EngineData)
        withdrawn = {(e.contact, e.agent) for e in effects if isinstance(e, OfferWithdrawn)}
        there = {row.id for row in data.states if self.engine.presence(row.id) is not None}
        queues = {"", *(queue.id for queue in data.queues)}
        lost = {name for name, place in data.contacts.items() if place.queue not in queues}
        talks_again = {(work.contact, work.agent) for work in again.engagements if work.state in WITH_TALK}
        assert {(name, agent) for name, agent in talks if agent in there and name not in lost} <= talks_again
        rung, rung_again = rings(data), rings(again)
        assert rung_again.keys() | withdrawn == {pair for pair in rung if pair[0] in again.contacts} | withdrawn
        assert {pair: rung[pair] for pair in rung_again} == rung_again, (rung, rung_again)
        assert not {agent for _, agent in withdrawn} & there, (withdrawn, data.engagements, data.states)
        assert not [effect for effect in effects if isinstance(effect, AgentOffered)]

    # --- what holds after every step ---

    @invariant()
    def every_contact_and_every_agent_agree_on_who_has_whom(self) -> None:
        data = self.data()
        ringing = {(w.contact, w.agent) for w in data.engagements if w.state is AgentState.RESERVED}
        works = [work for work in data.engagements if work.contact in data.contacts and work.state in WITH_TALK]
        given = [work for work in works if work.agent == data.contacts[work.contact].agent]
        talking = {work.contact: work.agent for work in given}
        assert ringing == self.book.ringing
        assert len(talking) == len(given)
        # an agent who called a colleague talks on while that one lets the call wait in a queue
        assert all(work in given or work.contact in OWN_CALLS for work in works)
        assert not {contact for contact, _ in ringing} & set(talking)
        called = {contact for contact, place in data.contacts.items() if not place.queue}
        assert set(self.book.queued) | set(talking) | called == set(data.contacts)
        assert not set(self.book.queued) & set(talking)
        for contact, place in data.contacts.items():
            assert place.phase is (
                Phase.TALKING
                if contact in talking
                else Phase.OFFERED
                if contact in {ringing for ringing, _ in ringing}
                else Phase.WAITING
            )

    @invariant()
    def an_agents_contacts_fit_and_decide_his_state(self) -> None:
        data = self.data()
        for row in data.states:
            works = [work for work in data.engagements if work.agent == row.id]
            given = [work for work in works if work.contact not in OWN_CALLS]
            assert sum(work.capacity for work in given if not work.gives_way) <= CAPACITY
            assert sum(work.capacity for work in works if work.gives_way) <= CAPACITY
            held = {work.state for work in works}
            order = (AgentState.TALKING, AgentState.HELD, AgentState.RESERVED, AgentState.WRAP_UP)
            chief = next((state for state in order if state in held), row.asked)
            assert row.standing.state is chief

    @invariant()
    def seats_are_not_shared(self) -> None:
        seats = [row.seat for row in self.data().states if row.seat is not None]
        assert len(set(seats)) == len(seats)
        for row in self.data().states:
            assert (row.seat is None) == (row.standing.state is AgentState.SIGNED_OUT)

    @invariant()
    def nobody_has_room_while_a_contact_he_may_take_waits(self) -> None:
        data = self.data()
        waiting = [place for place in data.contacts.values() if place.phase is Phase.WAITING]
        for row in data.states:
            if row.asked is AgentState.READY and not row.removed and row.seat in data.reachable:
                passed = [place for place in waiting if self.may_take(data, row.id, place)]
                assert not passed, (row, passed, data.engagements, data.queues)

    @invariant()
    def nothing_outlives_its_time(self) -> None:
        data = self.data()
        for work in data.engagements:
            assert (work.ends_in is not None) == (work.state not in WITH_TALK)
            if work.ends_in is not None:
                assert work.ends_in > 0
                place = data.contacts.get(work.contact)
                assert work.age + work.ends_in <= 20 + (4 if place is not None and place.patient else 0)
        for row in data.states:
            if row.seat is not None and row.asked is AgentState.READY and row.seat not in data.reachable:
                taken = sum(w.capacity for w in data.engagements if w.agent == row.id and not w.gives_way)
                assert row.removed or row.grace_in is not None or taken >= CAPACITY
            assert row.grace_in is None or row.grace_in > 0
        for place in data.contacts.values():
            queue = next((queue for queue in data.queues if queue.id == place.queue), None)
            limited = queue is not None and queue.max_wait_seconds and not place.patient
            if place.phase is Phase.WAITING and queue is not None and limited:
                assert place.age < queue.max_wait_seconds
            assert place.preferred is None or place.phase is not Phase.WAITING or place.preferred_seconds > 0

    @invariant()
    def every_interval_is_accounted_for(self) -> None:
        for row in self.data().states:
            assert self.book.accounted[row.id] + row.standing.age == self.now - self.born[row.id]
            assert self.book.states.get(row.id, AgentState.SIGNED_OUT) is row.standing.state

    @invariant()
    def the_twin_is_the_same(self) -> None:
        if self.twin is not None:
            twin, engine = self.twin.snapshot(self.now + self.offset), self.engine.snapshot(self.now)
            for part, value in engine.items():
                assert twin[part] == value, (part, twin[part], value)


Centre.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestInvariants = Centre.TestCase

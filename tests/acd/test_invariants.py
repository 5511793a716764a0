"""The invariants of the engine under random events, with a twin restored from a snapshot at any step."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.engine import AcdEngine
from acd.events import (
    AcdEvent,
    Effect,
    GoNotReady,
    GoReady,
    Phase,
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
from acd.model import Agent, Queue, SkillId
from acd.snapshots import EngineData
from ccplatform.contracts.facts import AgentStateChanged, Offered, OfferEnded, Queued, QueueLeft
from ccplatform.contracts.routing import (
    AgentOffered,
    OfferAnswered,
    OfferFailed,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    TalkHeld,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd, QueueId, SeatId
from ccplatform.kernel.core import DEADLINE, DeadlineReached
from ccplatform.kernel.errors import PlatformError

AGENTS = [AgentId(name) for name in "1234"]
SEATS = [SeatId(f"s{number}") for number in range(1, 5)]
QUEUES = [QueueId(name) for name in ("a", "b", "c")]
CONTACTS = [ContactId(f"k{number:02}") for number in range(12)]
SKILLS = X, Y = SkillId("x"), SkillId("y")

agents = st.builds(
    Agent,
    id=st.sampled_from(AGENTS),
    name=st.just("N"),
    skills=st.fixed_dictionaries({}, optional=dict.fromkeys(SKILLS, st.integers(1, 3))),
)
queues = st.builds(
    Queue,
    id=st.sampled_from(QUEUES),
    name=st.just("N"),
    skill=st.sampled_from(SKILLS),
    min_level=st.sampled_from([1, 1, 2]),
    ring_seconds=st.sampled_from([5.0, 20.0]),
    wrap_up_seconds=st.sampled_from([0.0, 10.0]),
    weight=st.integers(-1, 1),
    max_waiting=st.sampled_from([2, 100]),
)
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
    Queue(id=QUEUES[1], name="N", skill=Y, ring_seconds=5.0),
    Queue(id=QUEUES[2], name="N", skill=X, min_level=2, weight=1, wrap_up_seconds=0.0),
]
MOST = 10
WITH_CONTACT = (AgentState.RESERVED, AgentState.TALKING, AgentState.HELD)


def attempt(engine: AcdEngine, event: AcdEvent | DeadlineReached, now: float) -> list[Effect] | str:
    """The effects of an event, or the text of its refusal."""
    try:
        return list(engine.handle(event, now))
    except PlatformError as error:
        return str(error)


@dataclass
class Book:
    """What the facts tell, kept the way a reader of the journal would."""

    states: dict[AgentId, AgentState] = field(default_factory=dict)
    accounted: dict[AgentId, float] = field(default_factory=dict)
    queued: dict[ContactId, QueueId] = field(default_factory=dict)
    ringing: dict[ContactId, AgentId] = field(default_factory=dict)

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
                assert effect.contact not in self.ringing
            case Offered():
                assert effect.contact not in self.ringing
                assert effect.agent not in self.ringing.values()
                self.ringing[effect.contact] = effect.agent
            case OfferEnded():
                assert self.ringing.pop(effect.contact) == effect.agent
            case AgentOffered():
                assert self.ringing[effect.contact] == effect.agent
            case OfferWithdrawn():
                assert self.ringing.get(effect.contact) != effect.agent
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
        self.born: dict[AgentId, float] = {}
        for queue in FIRST_QUEUES:
            self.give(SaveQueue(queue=queue))
        for person, seat in zip(FIRST_AGENTS, SEATS, strict=True):
            self.save_agent(person)
            self.give(SeatReachability(seat=seat, reachable=True))
            self.come_to_work(person.id)

    def give(self, event: AcdEvent | DeadlineReached) -> None:
        """One event for the engine, and the same for its twin; refused events must change nothing."""
        before = self.engine.snapshot(self.now)
        answer = attempt(self.engine, event, self.now)
        if self.twin is not None:
            assert attempt(self.twin, event, self.now + self.offset) == answer
        if isinstance(answer, str):
            assert self.engine.snapshot(self.now) == before
            return
        for effect in answer:
            self.book.write(effect)

    def data(self) -> EngineData:
        return msgspec.convert(self.engine.snapshot(self.now), type=EngineData)

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

    @rule(data=st.data())
    def call_known_queue(self, data: st.DataObject) -> None:
        known = [view.id for view in self.engine.describe_queues(self.now)]
        if known:
            self.call(data.draw(st.sampled_from(known)), 5, 0.0)

    @rule(contact=st.sampled_from(CONTACTS), reason=st.sampled_from(["abandoned", "transferred"]))
    def withdraw(self, contact: ContactId, reason: str) -> None:
        self.give(WithdrawContact(contact=contact, reason=reason))

    @precondition(lambda self: self.book.ringing)
    @rule(pick=st.integers(0, 9), end=st.sampled_from([OfferEnd.ANSWERED, *OfferEnd]))
    def end_offer(self, pick: int, end: OfferEnd) -> None:
        contact, agent = list(self.book.ringing.items())[pick % len(self.book.ringing)]
        if end is OfferEnd.ANSWERED:
            self.give(OfferAnswered(contact=contact, agent=agent))
        else:
            self.give(OfferFailed(contact=contact, agent=agent, end=end))

    @precondition(lambda self: self.book.ringing)
    @rule(agent=st.sampled_from(AGENTS))
    def wrong_answer(self, agent: AgentId) -> None:
        contact, ringing = next(iter(self.book.ringing.items()))
        if ringing != agent:
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

    @rule(seconds=st.sampled_from([0.25, 1.0, 4.75, 10.0, 20.0, 3600.0]))
    def pass_time(self, seconds: float) -> None:
        """Deadlines come late sometimes: a jump past several of them at once."""
        self.now += seconds
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
            queues,
            queues,
            st.builds(RemoveAgent, agent=st.sampled_from(AGENTS)),
            st.builds(RemoveQueue, queue=st.sampled_from(QUEUES)),
        )
    )
    def configure(self, change: Agent | Queue | RemoveAgent | RemoveQueue) -> None:
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
        again = other.place(contact, self.now)
        assert again is not None
        assert (again.queue, again.priority, again.age) == (place.queue, place.priority, place.age)
        if place.phase is Phase.TALKING:
            assert again == place
        else:
            assert again.phase is Phase.WAITING  # nobody is ready there

    # --- what holds after every step ---

    @invariant()
    def every_contact_and_every_agent_agree_on_who_has_whom(self) -> None:
        data = self.data()
        states = {row.id: row for row in data.states}
        pairs = [(contact, place.agent) for contact, place in data.contacts.items() if place.agent is not None]
        assert len({agent for _, agent in pairs}) == len(pairs)
        assert {agent for _, agent in pairs} == {row.id for row in data.states if row.state in WITH_CONTACT}
        for contact, place in data.contacts.items():
            ringing = self.book.ringing.get(contact)
            assert ringing == (place.agent if place.phase is Phase.OFFERED else None)
            assert (contact in self.book.queued) == (place.phase is not Phase.TALKING)
            if place.agent is not None:
                wanted = {AgentState.RESERVED} if place.phase is Phase.OFFERED else set(WITH_CONTACT[1:])
                assert states[place.agent].state in wanted
        assert set(self.book.queued) <= set(data.contacts)

    @invariant()
    def seats_are_not_shared(self) -> None:
        seats = [row.seat for row in self.data().states if row.seat is not None]
        assert len(set(seats)) == len(seats)
        for row in self.data().states:
            assert (row.seat is None) == (row.state is AgentState.SIGNED_OUT)

    @invariant()
    def nobody_is_idle_while_a_contact_he_may_take_waits(self) -> None:
        data = self.data()
        queues = {queue.id: queue for queue in data.queues}
        people = {agent.id: agent for agent in data.agents}
        waiting = {place.queue for place in data.contacts.values() if place.phase is Phase.WAITING}
        for row in data.states:
            if row.state is AgentState.READY and row.seat in data.reachable:
                assert not [queue for queue in waiting if people[row.id].meets(queues[queue].requirement)]

    @invariant()
    def no_reservation_outlives_its_lease(self) -> None:
        for row in self.data().states:
            bounded = row.state in (AgentState.RESERVED, AgentState.WRAP_UP)
            assert bounded == (row.deadline_in is not None)
            if row.deadline_in is not None:
                assert row.deadline_in > 0
                assert row.age + row.deadline_in <= 20

    @invariant()
    def every_interval_is_accounted_for(self) -> None:
        for row in self.data().states:
            assert self.book.accounted[row.id] + row.age == self.now - self.born[row.id]
            assert self.book.states.get(row.id, AgentState.SIGNED_OUT) is row.state

    @invariant()
    def the_twin_is_the_same(self) -> None:
        if self.twin is not None:
            assert self.twin.snapshot(self.now + self.offset) == self.engine.snapshot(self.now)


Centre.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestInvariants = Centre.TestCase

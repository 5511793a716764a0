"""How fast and how fair the matching engine decides: ``python -m bench.acd [--cycles N] [--large|--strategies]``.

One *cycle* is everything that one contact makes the engine do: it is queued, offered, answered, released, and its
agent's wrap-up ends. Two patterns: *idle* (half of the agents wait: the arriving contact is offered) and *busy*
(contacts wait: the agent who becomes free is offered one). Latencies are those of an event that ends in an offer.

A run is made twice: once with a load that reacts to what the engine does, which is recorded, and once as a
replay of the recorded events to a fresh engine, so that nothing but the engine is measured: its CPU seconds as a
whole (a busy machine does not blur them), the wall time of each event (there a busy machine shows in the p99).

Fairness: Jain's index over the idle seconds of the agents (1: all alike), and the shares of offers that passed
somebody over: an agent who could have taken the contact and was idle longer (each 50th offer is looked at), a
contact of the same queue and priority that waited longer.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from acd.engine import AcdEngine
from acd.events import AcdEvent, Effect, GoReady, SaveAgent, SaveQueue, SeatReachability, SignIn
from acd.model import RINGS_MANY, Agent, Queue, Strategy
from acd.skills import SkillId
from ccplatform.contracts.facts import AgentStateChanged, Queued
from ccplatform.contracts.routing import AgentOffered, OfferAnswered, QueueContact, TalkReleased
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId
from ccplatform.kernel.core import DEADLINE, DeadlineReached

SKILLS_PER_AGENT = 3
Step = tuple[AcdEvent | DeadlineReached, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A centre: ``waiting`` contacts stand in the queues all the time (0: agents are idle)."""

    agents: int
    queues: int
    skills: int
    waiting: int


SIZES = (
    Size(agents=100, queues=10, skills=5, waiting=0),
    Size(agents=100, queues=10, skills=5, waiting=500),
    Size(agents=1_000, queues=50, skills=20, waiting=0),
    Size(agents=1_000, queues=50, skills=20, waiting=500),
    Size(agents=10_000, queues=200, skills=50, waiting=0),
    Size(agents=10_000, queues=200, skills=50, waiting=5_000),
)
LARGE = (
    Size(agents=100_000, queues=200, skills=50, waiting=0),
    Size(agents=100_000, queues=200, skills=50, waiting=5_000),
)
#: Sizes for the growth of the cost with the number of agents: the same queues and skills.
GROWTH = tuple(Size(agents=agents, queues=20, skills=10, waiting=0) for agents in (100, 1_000, 10_000, 100_000))


class Fairness:
    """Who waited for what, from the effects; each ``EACH``-th offer is looked at for an agent passed over."""

    EACH = 50

    def __init__(self) -> None:
        self.meets: dict[QueueId, frozenset[AgentId]] = {}
        self.ready: dict[AgentId, float] = {}
        self.waiting: dict[tuple[QueueId, int], dict[ContactId, int]] = {}
        self.rank: dict[ContactId, tuple[QueueId, int]] = {}
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self.idle: dict[AgentId, float] = {}
        self.offers = self.agents_seen = self.agents_passed = self.contacts_passed = 0

    def see(self, effects: list[Effect], now: float) -> None:
        """Take what one event led to."""
        idle_since = 0.0
        for effect in effects:
            match effect:
                case Queued():
                    self.rank[effect.contact] = rank = (effect.queue, effect.priority)
                    self.waiting.setdefault(rank, {})[effect.contact] = 0
                case AgentStateChanged(agent=agent, state=state, previous=previous):
                    if previous is AgentState.READY:
                        idle_since = self.ready.pop(agent)
                        self.idle[agent] = self.idle.get(agent, 0.0) + effect.previous_seconds
                    if state is AgentState.READY:
                        self.ready[agent] = now
                case AgentOffered():
                    self._offered(effect, idle_since)

    def _offered(self, offer: AgentOffered, idle_since: float) -> None:
        line = self.waiting[self.rank.pop(offer.contact)]
        self.contacts_passed += next(iter(line)) != offer.contact
        del line[offer.contact]
        self.offers += 1
        if self.offers % self.EACH == 0:
            self.agents_seen += 1
            may = self.meets[offer.queue or QueueId("")]
            self.agents_passed += any(since < idle_since for agent, since in self.ready.items() if agent in may)

    def jain(self) -> float:
        """Jain's index of the agents' idle seconds."""
        values = list(self.idle.values())
        squares = sum(value * value for value in values)
        return sum(values) ** 2 / (len(values) * squares) if squares else 1.0

    def inversions(self) -> tuple[float, float]:
        """Shares of offers that passed an agent over who was idle longer, and a contact that waited longer."""
        return self.agents_passed / max(1, self.agents_seen), self.contacts_passed / max(1, self.offers)


class Run:
    """One engine under load; every event is recorded."""

    def __init__(self, size: Size, strategy: Strategy = Strategy.LONGEST_IDLE, seed: int = 1) -> None:
        self.size = size
        self.strategy = strategy
        self.engine = engine_of(strategy)
        self.now = 0.0
        self.random = random.Random(seed)
        self.queues = [QueueId(f"q{number}") for number in range(size.queues)]
        self.contacts = 0
        self.offers: deque[AgentOffered] = deque()
        self.talks: deque[AgentOffered] = deque()
        self.deadline: float | None = None
        self.steps: list[Step] = []
        self.made = 0
        self.fairness = Fairness()
        self._open()

    def give(self, event: AcdEvent | DeadlineReached) -> None:
        """Handle one event."""
        self.steps.append((event, self.now))
        effects = list(self.engine.handle(event, self.now))
        self.deadline = self.engine.next_deadline()
        offered = [effect for effect in effects if isinstance(effect, AgentOffered)]
        self.made += len(offered)
        self.offers.extend(offered)
        self.fairness.see(effects, self.now)

    def call(self) -> None:
        """A contact for some queue."""
        self.contacts += 1
        contact = ContactId(f"{self.contacts:012d}")
        priority = self.random.randint(4, 6)
        self.give(QueueContact(contact=contact, queue=self.random.choice(self.queues), priority=priority))

    def cycle(self) -> None:
        """One contact in; what rings is answered; when enough agents talk, the longest talk ends."""
        self.now += 0.1
        self.call()
        self.answer()
        if self.talks and (self.size.waiting or len(self.talks) > self.size.agents // 2):
            talk = self.talks.popleft()
            self.give(TalkReleased(contact=talk.contact, agent=talk.agent))
        while self.deadline is not None and self.deadline <= self.now:
            self.give(DEADLINE)
        self.answer()

    def answer(self) -> None:
        """Every agent who is rung answers."""
        while self.offers:
            offer = self.offers.popleft()
            self.give(OfferAnswered(contact=offer.contact, agent=offer.agent))
            self.talks.append(offer)

    def warm_up(self) -> None:
        """Go on until as many talk as will."""
        for _ in range(max(1_000, self.size.agents if not self.size.waiting else 0)):
            self.cycle()
        self.made = 0
        self.fairness.begin()

    def _open(self) -> None:
        size = self.size
        needs: dict[QueueId, tuple[SkillId, int]] = {}
        people: dict[AgentId, dict[SkillId, int]] = {}
        skills = [SkillId(f"skill{number}") for number in range(size.skills)]
        for number, queue in enumerate(self.queues):
            config = Queue(
                id=queue,
                name=queue,
                skill=skills[number % size.skills],
                min_level=1 + number % 3,
                strategy=self.strategy,
                ring_seconds=600.0,
                wrap_up_seconds=1.0,
                max_waiting=100_000,
            )
            self.give(SaveQueue(queue=config))
            needs[queue] = (config.skill, config.min_level)
        for number in range(size.agents):
            has = {skill: self.random.randint(3, 10) for skill in self.random.sample(skills, SKILLS_PER_AGENT)}
            agent, seat = AgentId(f"{number:06d}"), SeatId(f"s{number:06d}")
            people[agent] = has
            self.give(SaveAgent(agent=Agent(id=agent, name=agent, skills=has)))
            self.give(SeatReachability(seat=seat, reachable=True))
            self.give(SignIn(agent=agent, seat=seat))
            self.now += 1.0 / size.agents
            self.give(GoReady(agent=agent))
        self.fairness.meets = {
            queue: frozenset(agent for agent, has in people.items() if has.get(skill, 0) >= level)
            for queue, (skill, level) in needs.items()
        }
        waiting = 0
        while waiting < size.waiting:
            self.call()
            waiting += not self.offers
            self.answer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Of a replay: whole cycles per CPU second, over all and in its best tenth (what a busy machine did least to),
    and the sorted wall seconds of events that ended in an offer.
    """

    rate: float
    best: float
    latencies: list[float]


def engine_of(strategy: Strategy) -> AcdEngine:
    """An engine that draws the same numbers each time."""
    return AcdEngine(draw=random.Random(7).random)


def measure(run: Run, cycles: int) -> Measured:
    """Warm up, record, and replay twice: for the rate, then for the latencies."""
    run.warm_up()
    began = len(run.steps)
    for _ in range(cycles):
        run.cycle()
    before, steps = run.steps[:began], run.steps[began:]
    engine = replayed(run.strategy, before)
    settle_memory()
    tenth = len(steps) // 10
    spent = [cpu_seconds(engine, steps[part * tenth : (part + 1) * tenth]) for part in range(10)]
    engine = replayed(run.strategy, before)
    settle_memory()
    return Measured(
        rate=cycles / sum(spent), best=cycles / 10 / min(spent), latencies=sorted(latencies(engine, steps))
    )


def cpu_seconds(engine: AcdEngine, steps: list[Step]) -> float:
    """CPU time of these events."""
    start = time.process_time()
    for event, now in steps:
        engine.handle(event, now)
        engine.next_deadline()
    return time.process_time() - start


def settle_memory() -> None:
    """What is there stays, as in control once it has started: the collector looks at what comes now only."""
    gc.collect()
    gc.freeze()


def replayed(strategy: Strategy, steps: list[Step]) -> AcdEngine:
    """A fresh engine that has seen these events."""
    engine = engine_of(strategy)
    for event, now in steps:
        engine.handle(event, now)
    return engine


def latencies(engine: AcdEngine, steps: list[Step]) -> Iterator[float]:
    """Wall seconds of each event that ended in an offer."""
    for event, now in steps:
        began = time.perf_counter()
        effects = engine.handle(event, now)
        engine.next_deadline()
        took = time.perf_counter() - began
        if any(isinstance(effect, AgentOffered) for effect in effects):
            yield took


def percentile(ordered: list[float], share: float) -> float:
    """The value below which ``share`` of all lie."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(size: Size, strategy: Strategy, cycles: int) -> None:
    """Measure and print one row."""
    run = Run(size, strategy)
    measured = measure(run, cycles)
    p50, p99 = (percentile(measured.latencies, share) * 1e6 for share in (0.5, 0.99))
    passed = "  ".join(f"{100 * share:5.2f}" for share in run.fairness.inversions())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{strategy:16} {size.agents:7d} {size.queues:6d} {size.waiting:7d} |"
        f" {measured.rate:8.0f} {measured.best:8.0f} |"
        f" {p50:12.1f} {p99:7.1f} {measured.latencies[-1] * 1e6:7.0f} | {run.fairness.jain():6.3f}  {passed} |"
        f" {memory:7.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=20_000, help="cycles per size (default 20000)")
    parser.add_argument("--large", action="store_true", help="also 100,000 agents")
    parser.add_argument("--strategies", action="store_true", help="each that rings one agent, from 100 to 100,000")
    arguments = parser.parse_args()
    print(f"{SKILLS_PER_AGENT} skills an agent; {arguments.cycles} cycles each, one core, CPython")
    print(
        "strategy          agents queues waiting | cycles/s  at best |"
        " offer p50 µs  p99 µs  max µs |   Jain passed over %: agents, contacts | MiB"
    )
    if arguments.strategies:
        for strategy in [strategy for strategy in Strategy if strategy not in RINGS_MANY]:
            for size in GROWTH:
                show(size, strategy, arguments.cycles)
        return
    for size in SIZES + (LARGE if arguments.large else ()):
        show(size, Strategy.LONGEST_IDLE, arguments.cycles)


if __name__ == "__main__":
    main()

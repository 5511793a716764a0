"""How fast and how fair the matching engine decides: ``python -m bench.acd [--cycles N] [--large|--strategies]``.

One *cycle* is everything that one contact makes the engine do: it is queued, offered, answered, released, and its
agent's wrap-up ends. Two patterns: *idle* (half of the agents wait: the arriving contact is offered) and *busy*
(contacts wait: the agent who becomes free is offered one). Latencies are those of an event that ends in an offer.

A run is made twice: once with a load that reacts to what the engine does, which is recorded, and once as a
replay of the recorded events to a fresh engine, so that nothing but the engine is measured: its CPU seconds as a
whole (a busy machine does not blur them), the wall time of each event (there a busy machine shows in the p99).

Fairness: Jain's index over the idle seconds of the agents (1: all alike), and, over all offers, the share of
*inversions*: an offer to an agent while one of the same group was idle longer, or of a contact while one of the
same queue and rank waited longer.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from acd.engine import AcdEngine
from acd.events import AcdEvent, Effect, GoReady, SaveAgent, SaveQueue, SeatReachability, SignIn
from acd.model import Agent, Queue, Strategy
from acd.skills import SkillId
from ccplatform.contracts.facts import AgentStateChanged
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


@dataclass
class Fairness:
    """What the effects tell of who waited for what."""

    idle_since: dict[AgentId, float] = field(default_factory=dict)
    idle: dict[AgentId, float] = field(default_factory=dict)

    def see(self, effects: list[Effect], now: float) -> None:
        for effect in effects:
            if isinstance(effect, AgentStateChanged) and effect.previous is AgentState.READY:
                self.idle[effect.agent] = self.idle.get(effect.agent, 0.0) + effect.previous_seconds

    def jain(self) -> float:
        values = list(self.idle.values())
        squares = sum(value * value for value in values)
        return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


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
        self.fairness = Fairness()

    def _open(self) -> None:
        size = self.size
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
        for number in range(size.agents):
            has = {skill: self.random.randint(3, 10) for skill in self.random.sample(skills, SKILLS_PER_AGENT)}
            agent, seat = AgentId(f"{number:06d}"), SeatId(f"s{number:06d}")
            self.give(SaveAgent(agent=Agent(id=agent, name=agent, skills=has)))
            self.give(SeatReachability(seat=seat, reachable=True))
            self.give(SignIn(agent=agent, seat=seat))
            self.now += 1.0 / size.agents
            self.give(GoReady(agent=agent))
        waiting = 0
        while waiting < size.waiting:
            self.call()
            waiting += not self.offers
            self.answer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Of a replay: whole cycles per CPU second, and the sorted wall seconds of events that ended in an offer."""

    rate: float
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
    gc.collect()
    start = time.process_time()
    for event, now in steps:
        engine.handle(event, now)
        engine.next_deadline()
    rate = cycles / (time.process_time() - start)
    engine = replayed(run.strategy, before)
    return Measured(rate=rate, latencies=sorted(latencies(engine, steps)))


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
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{strategy:16} {size.agents:7d} {size.queues:6d} {size.waiting:7d} | {measured.rate:8.0f} |"
        f" {p50:12.1f} {p99:7.1f} {measured.latencies[-1] * 1e6:7.0f} | {run.fairness.jain():6.3f} | {memory:7.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=20_000, help="cycles per size (default 20000)")
    parser.add_argument("--large", action="store_true", help="also 100,000 agents")
    parser.add_argument("--strategies", action="store_true", help="each strategy, from 100 to 100,000 agents")
    arguments = parser.parse_args()
    print(f"{SKILLS_PER_AGENT} skills an agent; {arguments.cycles} cycles each, one core, CPython")
    print(
        "strategy          agents queues waiting | cycles/s | offer p50 µs  p99 µs  max µs | Jain   | memory MiB"
    )
    if arguments.strategies:
        for strategy in Strategy:
            for size in GROWTH:
                show(size, strategy, arguments.cycles)
        return
    for size in SIZES + (LARGE if arguments.large else ()):
        show(size, Strategy.LONGEST_IDLE, arguments.cycles)


if __name__ == "__main__":
    main()

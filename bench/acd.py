"""How fast the matching engine decides: ``python -m bench.acd [--cycles N] [--large]``.

One *cycle* is everything that one contact makes the engine do: it is queued, offered, answered, released, and its
agent's wrap-up ends. Two patterns: *idle* (half of the agents wait: the arriving contact is offered) and *busy*
(contacts wait: the agent who becomes free is offered one). Latencies are those of an event that ends in an offer.
All times are CPU seconds of this thread, lest a busy machine blur them; the engine's own time is simulated.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections import deque
from dataclasses import dataclass

from acd.engine import AcdEngine
from acd.events import AcdEvent, GoReady, SaveAgent, SaveQueue, SeatReachability, SignIn
from acd.model import Agent, Queue, SkillId
from ccplatform.contracts.routing import AgentOffered, OfferAnswered, QueueContact, TalkReleased
from ccplatform.contracts.words import AgentId, ContactId, QueueId, SeatId
from ccplatform.kernel.core import DEADLINE, DeadlineReached

SKILLS_PER_AGENT = 3


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


class Run:
    """One engine under load; each event's time is taken, and whether it ended in an offer."""

    def __init__(self, size: Size, seed: int = 1) -> None:
        self.size = size
        self.engine = AcdEngine()
        self.now = 0.0
        self.random = random.Random(seed)
        self.queues = [QueueId(f"q{number}") for number in range(size.queues)]
        self.contacts = 0
        self.offers: deque[AgentOffered] = deque()
        self.talks: deque[AgentOffered] = deque()
        self.deadline: float | None = None
        self.latencies: list[float] = []
        self.busy_seconds = 0.0
        self._open()

    def give(self, event: AcdEvent | DeadlineReached) -> None:
        """Handle one event and take its CPU time."""
        began = time.thread_time()
        effects = self.engine.handle(event, self.now)
        self.deadline = self.engine.next_deadline()
        took = time.thread_time() - began
        self.busy_seconds += took
        offered = [effect for effect in effects if isinstance(effect, AgentOffered)]
        if offered:
            self.latencies.append(took)
            self.offers.extend(offered)

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

    def measure(self, cycles: int) -> None:
        """Warm up until as many talk as will, then count."""
        for _ in range(max(1_000, self.size.agents if not self.size.waiting else 0)):
            self.cycle()
        self.latencies.clear()
        self.busy_seconds = 0.0
        for _ in range(cycles):
            self.cycle()

    def _open(self) -> None:
        size, now = self.size, self.now
        skills = [SkillId(f"skill{number}") for number in range(size.skills)]
        for number, queue in enumerate(self.queues):
            config = Queue(
                id=queue,
                name=queue,
                skill=skills[number % size.skills],
                min_level=1 + number % 3,
                ring_seconds=600.0,
                wrap_up_seconds=1.0,
                max_waiting=100_000,
            )
            self.engine.handle(SaveQueue(queue=config), now)
        for number in range(size.agents):
            has = {skill: self.random.randint(3, 10) for skill in self.random.sample(skills, SKILLS_PER_AGENT)}
            agent, seat = AgentId(f"{number:06d}"), SeatId(f"s{number:06d}")
            self.engine.handle(SaveAgent(agent=Agent(id=agent, name=agent, skills=has)), now)
            self.engine.handle(SeatReachability(seat=seat, reachable=True), now)
            self.engine.handle(SignIn(agent=agent, seat=seat), now)
            self.engine.handle(GoReady(agent=agent), now + number / size.agents)
        self.now = 1.0
        waiting = 0
        while waiting < size.waiting:
            self.call()
            waiting += not self.offers
            self.answer()


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=20_000, help="cycles per size (default 20000)")
    parser.add_argument("--large", action="store_true", help="also 100,000 agents")
    arguments = parser.parse_args()
    print(f"{SKILLS_PER_AGENT} skills an agent; {arguments.cycles} cycles each, one core, CPython")
    print(" agents queues waiting | cycles/s | offer p50 µs  p99 µs  max µs | memory MiB")
    for size in SIZES + (LARGE if arguments.large else ()):
        run = Run(size)
        run.measure(arguments.cycles)
        rate = arguments.cycles / run.busy_seconds
        p50, p99 = (percentile(run.latencies, share) * 1e6 for share in (0.5, 0.99))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{size.agents:7d} {size.queues:6d} {size.waiting:7d} | {rate:8.0f} |"
            f" {p50:12.1f} {p99:7.1f} {max(run.latencies) * 1e6:7.0f} | {memory:10.0f}"
        )


if __name__ == "__main__":
    main()

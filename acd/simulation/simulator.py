"""A discrete-event simulation of a centre around the real engine: calls come, are answered, end, or give up.

Nothing is modelled of matching: every decision is the engine's own. The same seed gives the same run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from acd.engine import AcdEngine
from acd.events import AcdEvent, GoReady, SaveAgent, SaveQueue, SeatReachability, SignIn
from acd.simulation.scenario import Handling, QueueLoad, Scenario
from ccplatform.contracts.facts import AgentStateChanged, Queued, QueueLeft
from ccplatform.contracts.routing import AgentOffered, OfferAnswered, QueueContact, TalkReleased, WithdrawContact
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId
from ccplatform.kernel.core import DEADLINE, DeadlineReached

#: Contacts served before, whose mean wait is the usual naive estimate of the next one's.
RECENT = 30


class Wait(NamedTuple):
    """What became of one call. The estimates were made when it entered; None: nothing was known."""

    at: float
    seconds: float
    answered: bool
    estimate: float | None
    naive: float | None


@dataclass(slots=True)
class Outcome:
    """What was seen; times in seconds."""

    waits: dict[QueueId, list[Wait]]
    idle: dict[AgentId, float] = field(default_factory=dict)
    busy: dict[AgentId, float] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(slots=True)
class _Arrival:
    load: QueueLoad


#: What happens next: a call arrives, its caller gives up, its talk ends.
_Happening = _Arrival | WithdrawContact | TalkReleased


class Simulation:
    """One run."""

    def __init__(self, scenario: Scenario, seed: int = 1) -> None:
        self._random = Random(seed)
        self._engine = AcdEngine(ageing_seconds=scenario.ageing_seconds, draw=Random(seed + 1).random)
        self._now = 0.0
        self._agenda: list[tuple[float, int, _Happening]] = []
        self._planned = 0
        self._calls = 0
        self._loads = {QueueId(load.id): load for load in scenario.queues}
        self._waiting: dict[ContactId, tuple[float, float | None, float | None]] = {}
        self._talking: set[ContactId] = set()
        self._recent: dict[QueueId, list[float]] = {queue: [] for queue in self._loads}
        self._queue_of: dict[ContactId, QueueLoad] = {}
        self.outcome = Outcome(waits={queue: [] for queue in self._loads})
        self._open(scenario)

    def run(self, seconds: float) -> Outcome:
        """Go on for so long, and tell what was seen since the start (see :meth:`forget`)."""
        until = self._now + seconds
        while True:
            deadline = self._engine.next_deadline()
            next_at = self._agenda[0][0] if self._agenda else math.inf
            if deadline is not None and deadline <= next_at and deadline <= until:
                self._now = max(self._now, deadline)
                self._give(DEADLINE)
            elif next_at <= until:
                self._now, _, happening = heappop(self._agenda)
                self._happen(happening)
            else:
                break
        self._now = until
        self.outcome.seconds += seconds
        return self.outcome

    def forget(self) -> None:
        """The warm-up is over: count from now on."""
        self.outcome = Outcome(waits={queue: [] for queue in self._loads})

    # --- what happens ---

    def _open(self, scenario: Scenario) -> None:
        for load in scenario.queues:
            self._give(SaveQueue(queue=load.queue()))
            self._plan(self._gap(load), _Arrival(load))
        for group in scenario.agents:
            for agent in group.agents():
                seat = SeatId(agent.id)
                events: tuple[AcdEvent, ...] = (
                    SaveAgent(agent=agent),
                    SeatReachability(seat=seat, reachable=True),
                    SignIn(agent=agent.id, seat=seat),
                    GoReady(agent=agent.id),
                )
                for event in events:
                    self._give(event)

    def _happen(self, happening: _Happening) -> None:
        if isinstance(happening, _Arrival):
            self._arrive(happening.load)
        elif isinstance(happening, TalkReleased):
            self._talking.discard(happening.contact)
            self._give(happening)
        elif happening.contact not in self._talking:
            self._give(happening)

    def _arrive(self, load: QueueLoad) -> None:
        self._plan(self._gap(load), _Arrival(load))
        self._calls += 1
        contact = ContactId(f"{self._calls:012}")
        self._queue_of[contact] = load
        if load.patience_seconds is not None:
            patience = self._random.expovariate(1.0 / load.patience_seconds)
            self._plan(patience, WithdrawContact(contact=contact, reason="abandoned"))
        self._give(QueueContact(contact=contact, queue=QueueId(load.id), priority=load.priority))

    def _give(self, event: AcdEvent | DeadlineReached) -> None:
        offered = []
        for effect in self._engine.handle(event, self._now):
            match effect:
                case AgentOffered():
                    offered.append(effect)
                case Queued(contact=contact, queue=queue, expected_seconds=estimate):
                    recent = self._recent[queue]
                    naive = sum(recent) / len(recent) if recent else None
                    self._waiting[contact] = (self._now, estimate, naive)
                case QueueLeft():
                    self._left(effect)
                case AgentStateChanged(agent=agent, previous=previous, previous_seconds=seconds):
                    times = self.outcome.idle if previous is AgentState.READY else self.outcome.busy
                    if previous not in (AgentState.SIGNED_OUT, AgentState.NOT_READY):
                        times[agent] = times.get(agent, 0.0) + seconds
        for offer in offered:
            self._answer(offer)

    def _answer(self, offer: AgentOffered) -> None:
        load = self._queue_of.pop(offer.contact)
        self._talking.add(offer.contact)
        self._give(OfferAnswered(contact=offer.contact, agent=offer.agent))
        self._plan(self._handling(load), TalkReleased(contact=offer.contact, agent=offer.agent))

    def _left(self, fact: QueueLeft) -> None:
        at, estimate, naive = self._waiting.pop(fact.contact)
        answered = fact.reason == "answered"
        self._queue_of.pop(fact.contact, None)
        self.outcome.waits[fact.queue].append(Wait(at, fact.waited_seconds, answered, estimate, naive))
        recent = self._recent[fact.queue]
        if answered and fact.waited_seconds > 0:
            recent.append(fact.waited_seconds)
            del recent[:-RECENT]

    # --- chance ---

    def _plan(self, seconds: float, happening: _Happening) -> None:
        self._planned += 1
        heappush(self._agenda, (self._now + seconds, self._planned, happening))

    def _gap(self, load: QueueLoad) -> float:
        return self._random.expovariate(load.calls_per_hour / 3600.0)

    def _handling(self, load: QueueLoad) -> float:
        mean = load.handling_seconds
        match load.handling:
            case Handling.EXPONENTIAL:
                return self._random.expovariate(1.0 / mean)
            case Handling.CONSTANT:
                return mean
            case Handling.LOGNORMAL:
                spread = math.log(1.25)  # variance of the logarithm: deviation / mean is 1/2
                return self._random.lognormvariate(math.log(mean) - spread / 2, math.sqrt(spread))


def errors_of(waits: list[Wait]) -> Iterator[tuple[float, float]]:
    """(error of the estimate, error of the naive one), seconds, of each answered call that waited and had both."""
    for wait in waits:
        if wait.answered and wait.seconds > 0 and wait.estimate is not None and wait.naive is not None:
            yield abs(wait.estimate - wait.seconds), abs(wait.naive - wait.seconds)

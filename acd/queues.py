"""Queues in the running engine: who waits, in which order.

The order is that of *accumulating priority*: a contact's rank (its priority plus the queue's weight) grows by one
with each ``ageing`` seconds that it waits, so that everybody is first some day; of two contacts the one with the
higher rank goes first. As all grow alike the order of two never changes, and goes by the time of entry minus
``rank · ageing`` (a contact that brings an age entered that much earlier). Without ageing (0) it goes by rank,
then by the time of entry. Then comes the smaller contact id (ids sort by time). The order is total, the same for
all queues, and the same after a restart.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from acd.agents import Engagement, LiveAgent
from acd.events import Phase
from acd.expected_wait import Departure, DeparturePace
from acd.groups import SkillGroup
from acd.model import RINGS_MANY, Queue, Strategy
from acd.skills import SkillId
from acd.timers import Timer
from ccplatform.contracts.words import ContactId, QueueId

#: (entered and rank in one, contact)
WaitingKey: TypeAlias = tuple[Any, ContactId]


@dataclass(slots=True, eq=False)
class Ticket:
    """A contact's place.

    ``place`` is its number in line, 0 while it is not in line. ``offers`` are the agents who are rung for it, of
    ``targets`` at most; ``talk`` the one who has it. ``ring`` is the last of the queue's rings that is open to
    it; while somebody is ``preferred``, nobody else may take it, until ``preferred_until``. ``hops`` counts the
    queues that it overflowed from. Nobody is on the line of a ``patient`` one: it waits come what may; ``lead``
    seconds pass before a phone rings for it. A ``mystery`` one is a test call.
    """

    contact: ContactId
    queue: LiveQueue
    priority: int
    entered: float
    offers: list[Engagement] = field(default_factory=list)
    talk: Engagement | None = None
    ring: int = 0
    targets: int = 1
    preferred: LiveAgent | None = None
    preferred_until: float = 0.0
    more_at: float | None = None
    hops: int = 0
    patient: bool = False
    mystery: bool = False
    lead: float = 0.0
    timer: Timer | None = None
    place: int = 0
    key: WaitingKey = (0.0, ContactId(""))

    @property
    def phase(self) -> Phase:
        """Where the contact is."""
        if self.talk is not None:
            return Phase.TALKING
        return Phase.OFFERED if self.offers else Phase.WAITING

    def groups(self) -> tuple[SkillGroup, ...]:
        """The groups whose agents may take it, besides a preferred one."""
        groups = self.queue.groups
        return groups if len(groups) == 1 else groups[: self.ring + 1]


#: What stands for no queue at all where a queue's id is kept.
NO_QUEUE: Final = QueueId("")


@dataclass(slots=True, eq=False)
class LiveQueue:
    """A queue: ``tickets`` are the contacts that no agent has answered yet, ``line`` those that want agents."""

    config: Queue
    groups: tuple[SkillGroup, ...]
    ageing: float
    tickets: dict[ContactId, Ticket] = field(default_factory=dict)
    line: list[WaitingKey] = field(default_factory=list)
    pace: DeparturePace = field(default_factory=DeparturePace)
    open: bool = True
    timed: bool = field(init=False)  # rings or a longest wait
    plain: bool = field(init=False)  # nothing is ever due for a contact that prefers nobody
    id: QueueId = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.config.id
        self.configure(self.config, self.groups)

    @property
    def told(self) -> QueueId | None:
        """The queue's id in facts; None for the direct line."""
        return self.id or None

    def configure(self, config: Queue, groups: tuple[SkillGroup, ...]) -> None:
        """Take a definition, with the groups of its rings."""
        self.config, self.groups = config, groups
        self.timed = bool(config.rings) or config.max_wait_seconds > 0
        self.plain = not self.timed and not self.rings_many()

    def key(self, ticket: Ticket) -> WaitingKey:
        """What the order goes by; ascending."""
        rank = ticket.priority + self.config.weight
        if self.ageing:
            return (ticket.entered - rank * self.ageing, ticket.contact)
        return ((-rank, ticket.entered), ticket.contact)

    def targets(self) -> int:
        """How many agents are rung for a contact at first."""
        return self.config.rung_at_most if self.config.strategy is Strategy.RING_ALL else 1

    def rings_many(self) -> bool:
        """Whether several agents are rung for one contact."""
        return self.config.strategy in RINGS_MANY

    def ring_at(self, ticket: Ticket, now: float) -> int:
        """The last ring that is open to the contact."""
        return bisect_right(self.config.rings, now, key=lambda ring: ticket.entered + ring.after_seconds)

    def line_up(self, ticket: Ticket, place: int, now: float) -> None:
        """The contact waits for an agent, one whom it prefers or those of the open rings."""
        ticket.place = place
        ticket.key = self.key(ticket)
        insort(self.line, ticket.key)
        self.pace.joined(now)
        if ticket.preferred is not None:
            ticket.preferred.wait_for(ticket)
            return
        for group in ticket.groups():
            group.waiting.add(*ticket.key, ticket)

    def line_up_anew(self, ticket: Ticket, place: int) -> None:
        """The contact, in line, waits for its preferred agent no longer but for any."""
        ticket.place = place
        for group in ticket.groups():
            group.waiting.add(*ticket.key, ticket)

    def open_ring(self, ticket: Ticket, ring: int) -> None:
        """The contact may be taken by the agents of further rings, too."""
        if ticket.place and ticket.preferred is None:
            for group in self.groups[ticket.ring + 1 : ring + 1]:
                group.waiting.add(*ticket.key, ticket)
        ticket.ring = ring

    def step_out(self, ticket: Ticket, now: float, departure: Departure) -> None:
        """The contact is in line no longer; harmless if it was not."""
        if ticket.place:
            ticket.place = 0
            del self.line[bisect_left(self.line, ticket.key)]
            self.pace.left(now, departure)

    def position(self, ticket: Ticket) -> int:
        """Place in the line from 1; a contact that rings or talks is at 0."""
        return bisect_left(self.line, ticket.key) + 1 if ticket.place and not ticket.offers else 0

    def expected_wait(self, position: int, now: float) -> float | None:
        """Seconds that a place in the line will wait from now; None: unknown."""
        return self.pace.estimate(position, now, self.groups[0].staff)

    def longest_wait(self, now: float) -> float:
        """Age of the oldest contact that no agent has answered, seconds; 0 when there is none."""
        return max((now - ticket.entered for ticket in self.tickets.values()), default=0.0)


def direct_line(draw: Callable[[], float]) -> LiveQueue:
    """Where contacts are that want one agent whom they call themselves: nobody waits there."""
    config = Queue(id=QueueId("direct"), name="direct", skill=SkillId("direct"), wrap_up_seconds=0)
    line = LiveQueue(
        config=config, groups=tuple(SkillGroup(need, draw) for need in config.requirements()), ageing=0.0
    )
    line.id = NO_QUEUE
    return line

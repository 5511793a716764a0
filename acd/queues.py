"""Queues in the running engine: who waits, in which order.

The order is: higher rank (the contact's priority plus the queue's weight) first, then the earlier time of entry
(a contact that brings an age entered that much earlier), then the smaller contact id (ids sort by time). It is
total, and the same after a restart.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import TypeAlias

from acd.agents import LiveAgent
from acd.events import Phase
from acd.expected_wait import DeparturePace
from acd.groups import SkillGroup
from acd.model import Queue
from ccplatform.contracts.words import ContactId, QueueId

#: (minus rank, entered, contact)
WaitingKey: TypeAlias = tuple[int, float, ContactId]


@dataclass(slots=True, eq=False)
class Ticket:
    """A contact's place. ``place`` is its number among the waiting ones, 0 while it is not waiting."""

    contact: ContactId
    queue: LiveQueue
    priority: int
    entered: float
    phase: Phase = Phase.WAITING
    phase_since: float = 0.0
    agent: LiveAgent | None = None
    wrap_up_seconds: float = 0.0
    place: int = 0
    key: WaitingKey = (0, 0.0, ContactId(""))


@dataclass(slots=True, eq=False)
class LiveQueue:
    """A queue: ``tickets`` are the contacts that no agent has answered yet, ``line`` those not even offered."""

    config: Queue
    group: SkillGroup
    tickets: dict[ContactId, Ticket] = field(default_factory=dict)
    line: list[WaitingKey] = field(default_factory=list)
    pace: DeparturePace = field(default_factory=DeparturePace)
    id: QueueId = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.config.id

    def key(self, ticket: Ticket) -> WaitingKey:
        """What the order goes by; ascending."""
        return (-(ticket.priority + self.config.weight), ticket.entered, ticket.contact)

    def line_up(self, ticket: Ticket, place: int) -> None:
        """The contact waits."""
        ticket.place = place
        ticket.key = self.key(ticket)
        insort(self.line, ticket.key)
        self.group.waiting.add(ticket.key, ticket)

    def step_out(self, ticket: Ticket) -> None:
        """The contact waits no longer (offered or gone); harmless if it did not."""
        if ticket.place:
            ticket.place = 0
            del self.line[bisect_left(self.line, ticket.key)]

    def position(self, ticket: Ticket) -> int:
        """Place in the line from 1; an offered contact is at 0."""
        return bisect_left(self.line, ticket.key) + 1 if ticket.place else 0

    def longest_wait(self, now: float) -> float:
        """Age of the oldest contact that no agent has answered, seconds; 0 when there is none."""
        return max((now - ticket.entered for ticket in self.tickets.values()), default=0.0)

"""Skill groups: where agents who meet a requirement and contacts that have it find each other.

Queues with the same requirement share a group. A free agent lies in the order of every group that he belongs to,
a waiting contact in that of its queue. So an arriving contact finds its agent, and an agent who becomes free his
contact, by looking at the heads of one group or of his few groups: O(log n), no polling, no search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from acd.agents import LiveAgent
from acd.model import Requirement, Strategy
from acd.order import Order

if TYPE_CHECKING:
    from acd.queues import Ticket


class SkillGroup:
    """One requirement: its free agents and its waiting contacts."""

    __slots__ = ("free", "queues", "requirement", "waiting")

    def __init__(self, requirement: Requirement) -> None:
        self.requirement = requirement
        self.queues = 0  # how many queues use it
        self.free: Order[LiveAgent] = Order()
        self.waiting: Order[Ticket] = Order()

    def add_free(self, agent: LiveAgent) -> None:
        """A free agent lines up by the strategy; ties go to the smaller agent id."""
        match self.requirement.strategy:
            case Strategy.LONGEST_IDLE:
                self.free.add((agent.idle_since, agent.id), agent)
            case _:
                assert_never(self.requirement.strategy)

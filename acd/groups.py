"""Skill groups: where agents who meet a requirement and contacts that have it find each other.

Queues with the same requirement share a group. A free agent lies in the order of every group that he belongs to,
a waiting contact in those of the rings that are open to it. So an arriving contact finds its agent, and an agent
who becomes free his contact, by looking at the heads of its or his few groups: O(log n), no polling, no search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from acd.agents import LiveAgent
from acd.model import Requirement, Strategy
from acd.order import Order
from acd.strategies import KEYS

if TYPE_CHECKING:
    from acd.queues import LiveQueue, Ticket

_RACES = frozenset({Strategy.RANDOM, Strategy.WEIGHTED_RANDOM})


class SkillGroup:
    """One requirement: its free agents and its waiting contacts.

    ``draw`` gives numbers from [0, 1). ``lap``, ``served`` and ``finish`` are the memory of the strategy: of
    round robin the lap and who was served last (position, id), of the random ones where the race stands.
    """

    __slots__ = ("_key", "draw", "finish", "free", "lap", "queues", "requirement", "served", "staff", "waiting")

    def __init__(self, requirement: Requirement, draw: Callable[[], float]) -> None:
        self.requirement = requirement
        self.queues: list[LiveQueue] = []  # that use it, as often as they do
        self.staff = 0  # members who are signed in
        self.free: Order[LiveAgent] = Order()
        self.waiting: Order[Ticket] = Order()
        self.draw = draw
        self.lap = 0
        self.served = (0, "")
        self.finish = 0.0
        self._key = KEYS[requirement.strategy]

    def add_free(self, agent: LiveAgent) -> None:
        """A free agent lines up by the strategy."""
        self.free.add(self._key(self, agent), agent.id, agent)

    def pick(self) -> LiveAgent | None:
        """The free agent whose turn it is; he will be offered a contact. None when nobody is free."""
        entry = self.free.front()
        if entry is None:
            return None
        if self.requirement.strategy in _RACES:
            self.finish = entry[0]
        self.remember(entry[3])
        return entry[3]

    def remember(self, agent: LiveAgent) -> None:
        """The agent gets a contact of this group."""
        if self.requirement.strategy is Strategy.ROUND_ROBIN:
            turn = (agent.config.position, agent.id)
            self.lap += turn <= self.served
            self.served = turn

"""Figures of a queue that are worked out from the live view, each with its definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from ccplatform.contracts.words import AgentState
from cti.model import LiveAgent, LiveQueue


def has_skills(has: Mapping[str, int], needed: Mapping[str, int]) -> bool:
    """Whether every needed skill is there at its least level."""
    return all(has.get(skill, 0) >= level for skill, level in needed.items())


def agents_by_state(members: Iterable[LiveAgent]) -> dict[str, int]:
    """How many agents are in each state; every state is there, with 0 if need be."""
    counted = Counter(agent.state for agent in members)
    return {state.value: counted[state] for state in AgentState}


def expected_wait(queue: LiveQueue, members: Iterable[LiveAgent]) -> float | None:
    """Seconds that a contact entering now may expect to wait; None while nothing is known.

    0 when somebody is ready and nobody waits; else what the ACD told with the latest contact that entered or
    left (:mod:`acd.expected_wait`).
    """
    if not queue.entries and any(agent.state is AgentState.READY for agent in members):
        return 0.0
    return queue.expected


def oldest_entry(queue: LiveQueue) -> datetime | None:
    """When the contact that waits longest began to wait."""
    return min(queue.entries.values(), default=None)

"""Figures of a queue that are worked out from the live view, each with its definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from ccplatform.contracts.words import AgentState
from cti.model import LiveAgent, LiveQueue

#: Weight of the newest talk in a queue's smoothed talk and wrap-up times.
SMOOTHING = 0.1

#: States in which an agent serves contacts now or takes the next one by himself.
_SERVING = frozenset(
    {AgentState.READY, AgentState.RESERVED, AgentState.TALKING, AgentState.HELD, AgentState.WRAP_UP}
)


def smoothed(mean: float | None, value: float) -> float:
    """The exponentially weighted mean with one more value."""
    return value if mean is None else mean + SMOOTHING * (value - mean)


def has_skills(has: Mapping[str, int], needed: Mapping[str, int]) -> bool:
    """Whether every needed skill is there at its least level."""
    return all(has.get(skill, 0) >= level for skill, level in needed.items())


def agents_by_state(members: Iterable[LiveAgent]) -> dict[str, int]:
    """How many agents are in each state; every state is there, with 0 if need be."""
    counted = Counter(agent.state for agent in members)
    return {state.value: counted[state] for state in AgentState}


def expected_wait(queue: LiveQueue, members: Iterable[LiveAgent]) -> float | None:
    """Seconds that a contact entering now may expect to wait; None while nothing is known.

    0 when somebody is ready and nobody waits; else (waiting + 1) × mean handling time (talk and wrap-up,
    smoothed over the latest) / serving agents. Agents who serve several queues count in each, so that this
    is a lower estimate.
    """
    states = [agent.state for agent in members]
    if not queue.entries and AgentState.READY in states:
        return 0.0
    serving = sum(state in _SERVING for state in states)
    if not serving or queue.talk_mean is None:
        return None
    handling = queue.talk_mean + (queue.wrap_mean or 0.0)
    return (len(queue.entries) + 1) * handling / serving


def oldest_entry(queue: LiveQueue) -> datetime | None:
    """When the contact that waits longest began to wait."""
    return min(queue.entries.values(), default=None)

"""The orders in which free agents are picked. Smaller keys first; equal ones go to the smaller agent id.

A key is fixed while its agent is free, so that all orders are kept in O(log n) and none is searched:

* *least occupied*: occupancies of idle agents fade at one rate, ``x · exp(-(t - t₀) / T)``, so that their order
  is that of ``ln x + t₀ / T`` at all times;
* *round robin*: laps over the agents by position and id; who lines up behind the one served last comes in this
  lap, the others in the next;
* *random*: an exponential race. A runner who comes later starts at the present finish; what is left to run is,
  without memory, as for a new one, so that each free agent wins with a chance proportional to his rate: 1, or
  his skill level (*weighted random*).

*Ring all* and *ring progressively* take agents in the order of longest idle; the first of them costs all that it
rings: O(k log n) for k agents by their nature.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from acd.agents import OCCUPANCY_SECONDS, LiveAgent
from acd.model import Strategy

if TYPE_CHECKING:
    from acd.groups import SkillGroup

Key: TypeAlias = Callable[["SkillGroup", LiveAgent], Any]


def _longest_idle(group: SkillGroup, agent: LiveAgent) -> Any:
    return agent.idle_since


def _round_robin(group: SkillGroup, agent: LiveAgent) -> Any:
    position = agent.config.position
    return (group.lap + ((position, agent.id) <= group.served), position)


def _top_down(group: SkillGroup, agent: LiveAgent) -> Any:
    return agent.config.position


def _fewest_calls(group: SkillGroup, agent: LiveAgent) -> Any:
    return (agent.calls, agent.idle_since)


def _least_talk_time(group: SkillGroup, agent: LiveAgent) -> Any:
    return (agent.talk_seconds, agent.idle_since)


def _least_occupied(group: SkillGroup, agent: LiveAgent) -> Any:
    occupancy = agent.occupancy
    faded = math.log(occupancy) + agent.weighed_at / OCCUPANCY_SECONDS if occupancy > 0 else -math.inf
    return (faded, agent.idle_since)


def _random(group: SkillGroup, agent: LiveAgent) -> Any:
    return group.finish - math.log(1.0 - group.draw())


def _weighted_random(group: SkillGroup, agent: LiveAgent) -> Any:
    return group.finish - math.log(1.0 - group.draw()) / _level(group, agent)


def _best_skill(group: SkillGroup, agent: LiveAgent) -> Any:
    return (-_level(group, agent), agent.idle_since)


def _level(group: SkillGroup, agent: LiveAgent) -> int:
    """The level in the queue's own skill; who came in by another skill has the least."""
    return agent.config.skills.get(group.requirement.skill, 1)


KEYS: Mapping[Strategy, Key] = {
    Strategy.LONGEST_IDLE: _longest_idle,
    Strategy.ROUND_ROBIN: _round_robin,
    Strategy.TOP_DOWN: _top_down,
    Strategy.FEWEST_CALLS: _fewest_calls,
    Strategy.LEAST_TALK_TIME: _least_talk_time,
    Strategy.LEAST_OCCUPIED: _least_occupied,
    Strategy.RANDOM: _random,
    Strategy.WEIGHTED_RANDOM: _weighted_random,
    Strategy.BEST_SKILL: _best_skill,
    Strategy.RING_ALL: _longest_idle,
    Strategy.RING_PROGRESSIVELY: _longest_idle,
}

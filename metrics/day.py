"""The figures of the day so far (section 3.1): all queues, or one, and all agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metrics.agents import AgentTimes
from metrics.definitions import DEFINITIONS
from metrics.fold import Fold
from metrics.indicator import Unit
from metrics.model import MICROSECONDS, AnswerLimits
from metrics.queues import QueueDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of the day without a target (section 3.1); None: nothing yet to compute it from."""

    definition_id: str
    value: float | None
    samples: int

    @property
    def unit(self) -> Unit:
        """What it is counted in."""
        return DEFINITIONS[self.definition_id].unit


def figures(fold: Fold, now: int, limits: AnswerLimits) -> list[Figure]:
    """Every figure of `metrics.figures` that is of a day, in that order, all queues and agents together."""
    return [*_of_queues(fold.queues.day(now), limits), *_of_agents(fold.agents.today(now))]


def _of_queues(queues: Mapping[str, QueueDay], limits: AnswerLimits) -> list[Figure]:
    days = queues.values()
    offered, answered = sum(day.offered for day in days), sum(day.answered for day in days)
    in_time = sum(day.answered_in_time(limits.of(queue)) for queue, day in queues.items())
    gave_up = sum(day.abandoned_in_time(limits.of(queue)) for queue, day in queues.items())
    short, handled = sum(day.abandoned_short for day in days), sum(day.handled for day in days)
    talk, hold = sum(day.talk_us for day in days), sum(day.hold_us for day in days)
    return [
        _share("D-SL", in_time, offered),
        _share("D-SL.answered", in_time, answered),
        _share("D-SL.without_short", in_time, offered - short),
        _share("D-SL.abandons_met", in_time + gave_up, offered),
        _share("D-SL.abandons_out", in_time, offered - gave_up),
        _seconds("D-ASA", sum(day.wait_us for day in days), answered),
        _seconds("D-AHT", talk + sum(day.wrap_up_us for day in days), handled),
        _seconds("D-TALK", talk, handled),
        _seconds("D-HOLD", hold, handled),
    ]


def _of_agents(times: AgentTimes) -> list[Figure]:
    spent = (times.talk + times.wrap_up + times.idle + times.rest) // MICROSECONDS
    return [
        Figure(definition_id="D-OCC", value=times.occupancy, samples=spent),
        Figure(definition_id="D-UTIL", value=times.utilisation, samples=spent),
    ]


def _share(name: str, part: int, whole: int) -> Figure:
    return Figure(definition_id=name, value=part / whole if whole else None, samples=whole)


def _seconds(name: str, total_us: int, samples: int) -> Figure:
    value = total_us / samples / MICROSECONDS if samples else None
    return Figure(definition_id=name, value=value, samples=samples)

"""Words of the forecast. Instants are aware datetimes, durations seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ccplatform.contracts.words import QueueId

#: The step of history and forecast.
QUARTER: Final = timedelta(minutes=15)


def quarter_of(at: datetime) -> datetime:
    """The beginning of the quarter of an hour that an instant lies in."""
    return at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """What a queue did in a quarter of an hour: contacts that left it, how many of them gave up, their waits, and
    the talks that ended with their handling time (talk, hold, wrap-up)."""

    begins: datetime
    queue: QueueId
    arrived: int
    abandoned: int
    waited_seconds: float
    talks: int
    handling_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What comes to a queue: rate per second, handling time, and patience (None: nobody was seen to give up)."""

    arrivals: float
    handling_seconds: float
    patience_seconds: float | None

    @property
    def erlang(self) -> float:
        """Agents that it would keep busy all the time."""
        return self.arrivals * self.handling_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds: a mean wait (R10.3.2.d), and a share of callers who give up."""

    wait_seconds: float
    abandoned: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is expected of a quarter. ``wait_seconds`` None: it would grow without end. ``more``: agents that are
    missing, 0 when it holds."""

    begins: datetime
    arrived: float
    agents: float
    wait_seconds: float | None
    abandoned: float
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """Quarters in a row that do not hold; the worst of each figure."""

    begins: datetime
    ends: datetime
    wait_seconds: float | None
    abandoned: float
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueForecast:
    """A queue's next hours. Without ``steps`` nothing can be said yet."""

    queue: QueueId
    name: str
    handling_seconds: float | None
    patience_seconds: float | None
    steps: tuple[Step, ...]

    @property
    def staffed(self) -> bool:
        """Whether anybody is there now: a queue before its shift is no reason for an alarm."""
        return bool(self.steps) and self.steps[0].agents > 0

    @property
    def misses(self) -> list[Miss]:
        """Where it does not hold, in the order of time."""
        found: list[Miss] = []
        for step in self.steps:
            if step.more:
                before = found.pop() if found and found[-1].ends == step.begins else None
                found.append(_joined(before, step))
        return found


def _joined(before: Miss | None, step: Step) -> Miss:
    begins, wait, abandoned, more = step.begins, step.wait_seconds, step.abandoned, step.more
    if before is not None:
        begins = before.begins
        wait = None if wait is None or before.wait_seconds is None else max(wait, before.wait_seconds)
        abandoned, more = max(abandoned, before.abandoned), max(more, before.more)
    return Miss(begins=begins, ends=step.begins + QUARTER, wait_seconds=wait, abandoned=abandoned, more=more)


#: For each agent who is signed in: the queues that he serves.
Staff = Mapping[str, frozenset[QueueId]]

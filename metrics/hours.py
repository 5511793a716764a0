"""Waits for an agent by the hour: whether busy hours wait noticeably longer than idle ones (R10.3.2.d)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from metrics.model import MICROSECONDS, ONE_HOUR

#: Clock hours looked at, the present one included.
HOURS: Final = 24
#: Waits below this do not differ noticeably.
NOTICED_US: Final = MICROSECONDS


@dataclass(frozen=True, slots=True)
class HourSums:
    """What some hours came to: callers who asked for an agent, those whom one answered, their waits in µs."""

    hours: int = 0
    asked: int = 0
    answered: int = 0
    wait_us: int = 0

    @property
    def mean_us(self) -> float | None:
        """Mean wait of the answered."""
        return self.wait_us / self.answered if self.answered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyAndIdle:
    """Hours of a day by how many callers asked for an agent: *busy* are those with at least the mean of all hours
    in which anybody did, *idle* the others."""

    busy: HourSums
    idle: HourSums

    @property
    def ratio(self) -> float | None:
        """Mean wait of busy hours over that of idle ones, neither below what is noticed; None while one of them
        says nothing."""
        busy, idle = self.busy.mean_us, self.idle.mean_us
        if busy is None or idle is None:
            return None
        return max(busy, NOTICED_US) / max(idle, NOTICED_US)


class Hours:
    """Sums of clock hours (UTC), each fact in its own hour, in whatever order they come."""

    def __init__(self) -> None:
        self._sums: dict[int, list[int]] = {}  # hour → asked, answered, wait in µs

    def answered(self, second: int, wait_us: int) -> None:
        """An agent answered somebody who had waited so long."""
        self._add(second, 1, 1, wait_us)

    def gave_up(self, second: int) -> None:
        """Somebody who wanted an agent left before one answered."""
        self._add(second, 1, 0, 0)

    def compare(self, now: int) -> BusyAndIdle:
        """Busy and idle hours of the day that ends at ``now``."""
        last = now // ONE_HOUR
        hours = [sums for hour, sums in self._sums.items() if last - HOURS < hour <= last]
        asked = sum(sums[0] for sums in hours)
        busy = [sums for sums in hours if sums[0] * len(hours) >= asked]
        return BusyAndIdle(
            busy=_together(busy), idle=_together(sums for sums in hours if sums[0] * len(hours) < asked)
        )

    def snapshot(self) -> list[list[int]]:
        """JSON-able state."""
        return [[hour, *sums] for hour, sums in sorted(self._sums.items())]

    def restore(self, data: list[list[Any]]) -> None:
        """Take the state of a snapshot."""
        self._sums = {hour: sums for hour, *sums in data}

    def _add(self, second: int, *amounts: int) -> None:
        hour = second // ONE_HOUR
        sums = self._sums.get(hour)
        if sums is None:
            sums = self._sums[hour] = [0] * len(amounts)
            oldest = max(self._sums) - 2 * HOURS
            for old in [known for known in self._sums if known < oldest]:
                del self._sums[old]
        if hour in self._sums:
            for index, amount in enumerate(amounts):
                sums[index] += amount


def _together(hours: Iterable[list[int]]) -> HourSums:
    found = list(hours)
    return HourSums(len(found), *(sum(column) for column in zip(*found, strict=True))) if found else HourSums()

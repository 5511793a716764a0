"""Days of the centre: from midnight to midnight of its time zone, 23 or 25 hours long where clocks change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Generic, TypeVar

T = TypeVar("T")

#: Days kept: today and yesterday, for facts that come late.
KEPT_DAYS = 2


class Calendar:
    """Days by their ordinal number (``date.toordinal``), instants in seconds since the epoch."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._day = 0
        self._start = 0
        self._end = 0

    def day_of(self, second: int) -> int:
        """The day that a second lies in."""
        if not self._start <= second < self._end:
            self._day = datetime.fromtimestamp(second, UTC).astimezone(self._zone).date().toordinal()
            self._start, self._end = self.start(self._day), self.start(self._day + 1)
        return self._day

    def start(self, day: int) -> int:
        """The first second of a day."""
        first = date.fromordinal(day)
        return round(datetime(first.year, first.month, first.day, tzinfo=self._zone).timestamp())

    def split(self, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """An interval cut at midnights: (day, microseconds) pairs; at most the last ``KEPT_DAYS`` days."""
        last = self.day_of(max(start_us, end_us - 1) // 1_000_000)
        parts = []
        for day in range(last - KEPT_DAYS + 1, last + 1):
            begin = max(start_us, self.start(day) * 1_000_000)
            end = min(end_us, self.start(day + 1) * 1_000_000)
            if end > begin:
                parts.append((day, end - begin))
        return parts


class DayBook(Generic[T]):
    """One accumulator per day, for the newest day and the one before it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self.days: dict[int, T] = {}

    def of(self, day: int) -> T | None:
        """The accumulator of a day, made when it is new; None when the day is too old."""
        page = self.days.get(day)
        if page is None:
            if self.days and day <= max(self.days) - KEPT_DAYS:
                return None
            page = self.days[day] = self._make()
            for old in [known for known in self.days if known <= max(self.days) - KEPT_DAYS]:
                del self.days[old]
        return page

    def peek(self, day: int) -> T:
        """The accumulator of a day, or an empty one that is not kept."""
        return self.days.get(day) or self._make()

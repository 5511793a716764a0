"""How many contacts come when: a profile of weekday and quarter of an hour, and the trend of today. Pure.

What is expected of a quarter is the mean of the same quarter on the same weekday of the last weeks, later weeks
counting more; where there are too few of those, of all working days, or all days of a weekend. A day on which
the centre did nothing at all, and its very first one, teach nothing. Whether today is busier than usual shows in
what came in the last two hours against what was expected then; the further ahead, the less that matters. Before
there is a profile, the last hour's rate stands for the next ones.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from acd.forecasting.model import QUARTER, Quarter, quarter_of
from ccplatform.contracts.words import QueueId

#: How far back it looks, days.
MEMORY_DAYS: Final = 42
#: What a week counts against the one after it.
_FADE: Final = 0.8
#: Same weekdays that it takes, before other days are asked.
_ENOUGH_WEEKS: Final = 2
#: The trend is that of the last quarters, and as if so many further contacts had come just as expected.
_TREND_QUARTERS: Final = 8
_TREND_PRIOR: Final = 20.0
#: After so many hours half of the trend is left.
_TREND_HALF_HOURS: Final = 2.0
#: Quarters whose rate stands for the next ones before there is a profile.
_RATE_QUARTERS: Final = 4
#: Contacts that it takes to tell a mean of handling times, or of patience.
_ENOUGH: Final = 10
#: Handling and patience are those of so many days.
_MEAN_DAYS: Final = 7
_QUARTERS_A_DAY: Final = 96
_MOST_COUNTED: Final = 65_535


class Profile:
    """What is known of all queues. It is told of quarters that are over, each once, in any order."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._counts: dict[date, dict[QueueId, array[int]]] = {}
        self._sums: dict[date, dict[QueueId, list[float]]] = {}  # abandoned, waited, talks, handling

    def add(self, quarters: Iterable[Quarter]) -> None:
        """Learn; days that are too long ago are forgotten."""
        for quarter in quarters:
            day, place = self._place(quarter.begins)
            counts = self._counts.setdefault(day, {}).setdefault(quarter.queue, _empty_day())
            counts[place] = min(counts[place] + quarter.arrived, _MOST_COUNTED)
            sums = self._sums.setdefault(day, {}).setdefault(quarter.queue, [0.0] * 4)
            told = (quarter.abandoned, quarter.waited_seconds, quarter.talks, quarter.handling_seconds)
            for index, amount in enumerate(told):
                sums[index] += amount
        if self._counts:
            oldest = max(self._counts) - timedelta(days=MEMORY_DAYS + 1)
            for known in (self._counts, self._sums):
                for day in [day for day in known if day < oldest]:
                    del known[day]

    def expected(self, queue: QueueId, at: datetime) -> float | None:
        """Contacts in the quarter of ``at``, by the profile alone; None: it knows of no such day."""
        day, place = self._place(at)
        first = min(self._counts, default=day)
        weeks = [(k, day - timedelta(days=7 * k)) for k in range(1, MEMORY_DAYS // 7 + 1)]
        weekdays = [(_FADE**k, past) for k, past in weeks if past in self._counts and past > first]
        if len(weekdays) < _ENOUGH_WEEKS:
            days = [day - timedelta(days=k) for k in range(1, MEMORY_DAYS + 1)]
            weekdays = [
                (1.0, past)
                for past in days
                if past in self._counts and past > first and (past.weekday() < 5) is (day.weekday() < 5)
            ]
        if not weekdays:
            return None
        total = sum(weight * self._count(past, queue, place) for weight, past in weekdays)
        return total / sum(weight for weight, _ in weekdays)

    def arrivals(self, queue: QueueId, at: datetime, now: datetime) -> float:
        """Contacts to expect in the quarter of ``at``, as it looks at ``now``."""
        expected = self.expected(queue, at)
        if expected is None:
            return self._observed(queue, now, _RATE_QUARTERS) / _RATE_QUARTERS
        hours = max(0.0, (at - now).total_seconds() / 3600.0)
        left: float = 0.5 ** (hours / _TREND_HALF_HOURS)
        return expected * (1.0 + (self.trend(queue, now) - 1.0) * left)

    def trend(self, queue: QueueId, now: datetime) -> float:
        """How much busier than usual the last two hours were; 1: just as usual."""
        usual = [self.expected(queue, at) for at in _last(now, _TREND_QUARTERS)]
        expected = sum(count for count in usual if count is not None)
        return (self._observed(queue, now, _TREND_QUARTERS) + _TREND_PRIOR) / (expected + _TREND_PRIOR)

    def handling(self, queue: QueueId, now: datetime) -> float | None:
        """Mean handling time of a talk in the last days, seconds; None before there are enough."""
        _, _, talks, handling = self._week(queue, now)
        return handling / talks if talks >= _ENOUGH and handling > 0.0 else None

    def patience(self, queue: QueueId, now: datetime) -> float | None:
        """Mean patience: all time that callers waited over those who gave up, the maximum-likelihood estimate
        where an answer cuts waits off (Brown et al., JASA 100, 2005); None before enough gave up."""
        abandoned, waited, _, _ = self._week(queue, now)
        return waited / abandoned if abandoned >= _ENOUGH and waited > 0.0 else None

    def _week(self, queue: QueueId, now: datetime) -> list[float]:
        today, _ = self._place(now)
        days = [today - timedelta(days=k) for k in range(_MEAN_DAYS)]
        known = [self._sums[day][queue] for day in days if queue in self._sums.get(day, {})]
        return [sum(column) for column in zip(*known, strict=True)] or [0.0] * 4

    def _observed(self, queue: QueueId, now: datetime, quarters: int) -> int:
        return sum(self._count(*self._where(queue, at)) for at in _last(now, quarters))

    def _where(self, queue: QueueId, at: datetime) -> tuple[date, QueueId, int]:
        day, place = self._place(at)
        return day, queue, place

    def _count(self, day: date, queue: QueueId, place: int) -> int:
        counts = self._counts.get(day, {}).get(queue)
        return counts[place] if counts is not None else 0

    def _place(self, at: datetime) -> tuple[date, int]:
        local = at.astimezone(self._zone)
        return local.date(), local.hour * 4 + local.minute // 15


def _last(now: datetime, quarters: int) -> list[datetime]:
    """The beginnings of the last quarters that are over."""
    end = quarter_of(now)
    return [end - number * QUARTER for number in range(1, quarters + 1)]


def _empty_day() -> array[int]:
    return array("H", bytes(2 * _QUARTERS_A_DAY))

"""Opening hours as data: weekly times, holidays, make-up working days. Pure: instants come from the caller.

A day's hours are those of the first that applies: the day's own entry in ``days`` (a holiday: none; or special
hours), a make-up working day (the hours of a given weekday, as the State Council's notices on holidays order for
some Saturdays and Sundays), the weekday. Hours may go past midnight (22:00–02:00): they belong to the day on
which they begin. Instants are read in the calendar's own time zone, so that a change of the clocks moves them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from acd.errors import IllegalSetting
from acd.model import check_id

#: Most spans of hours of one day, and single days of one calendar.
MAX_SPANS, MAX_DAYS = 10, 2000
#: How far ahead the next change is looked for.
HORIZON_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Open from ``start`` to ``end``, local time; an end not after the start is on the next day."""

    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When queues are open. Raises IllegalSetting.

    ``week`` gives the spans of each weekday (0 is Monday; a day that is not there is closed), ``days`` those of
    single days (none: a holiday), ``make_up_days`` single days that work like a weekday.
    """

    id: str
    zone: str = "Asia/Shanghai"
    week: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    days: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    make_up_days: Mapping[date, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        subject = f"calendar {self.id}"
        check_id(subject, "id", self.id)
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise IllegalSetting(
                subject, "zone", self.zone, "it must be a time zone such as Asia/Shanghai"
            ) from None
        for name, weekday in (("week", day) for day in self.week):
            _check_weekday(subject, name, weekday)
        for weekday in self.make_up_days.values():
            _check_weekday(subject, "make_up_days", weekday)
        if len(self.days) + len(self.make_up_days) > MAX_DAYS:
            raise IllegalSetting(subject, "days", len(self.days), f"a calendar has at most {MAX_DAYS} single days")
        for both in self.days.keys() & self.make_up_days.keys():
            raise IllegalSetting(subject, "make_up_days", str(both), "the day has hours of its own already")
        for day, spans in (*self.week.items(), *self.days.items()):
            if len(spans) > MAX_SPANS:
                raise IllegalSetting(subject, str(day), len(spans), f"a day has at most {MAX_SPANS} spans")
            if any(span.start.tzinfo is not None or span.end.tzinfo is not None for span in spans):
                raise IllegalSetting(subject, str(day), str(spans), "hours are local times")

    def year_without_days(self, instant: datetime) -> int | None:
        """This year, or in December the next, if it has no single day though the one before has: nobody entered
        its holidays yet. None: there is no such year."""
        today = instant.astimezone(ZoneInfo(self.zone)).date()
        years = {day.year for day in (*self.days, *self.make_up_days)}
        near = (today.year, today.year + 1) if today.month == 12 else (today.year,)
        return next((year for year in near if year not in years and year - 1 in years), None)

    def hours(self, day: date) -> tuple[Span, ...]:
        """The spans that begin on a day."""
        if day in self.days:
            return self.days[day]
        return self.week.get(self.make_up_days.get(day, day.weekday()), ())

    def is_open(self, at: datetime) -> bool:
        """Whether the calendar is open at an (aware) instant."""
        return any(start <= at < end for start, end in self._spans(at))

    def next_change(self, at: datetime) -> datetime | None:
        """The next instant at which it opens or closes; None within the horizon."""
        now = self.is_open(at)
        edges = sorted({edge for span in self._spans(at, HORIZON_DAYS) for edge in span if edge > at})
        return next((edge for edge in edges if self.is_open(edge) is not now), None)

    def _spans(self, at: datetime, days: int = 0) -> Iterator[tuple[datetime, datetime]]:
        """The spans from the day before an instant to ``days`` after it, as instants."""
        zone = ZoneInfo(self.zone)
        today = at.astimezone(zone).date()
        for ahead in range(-1, days + 1):
            day = today + timedelta(days=ahead)
            for span in self.hours(day):
                over = timedelta(days=1) if span.end <= span.start else timedelta()
                start = datetime.combine(day, span.start, zone)
                yield start, datetime.combine(day + over, span.end, zone)


def _check_weekday(subject: str, name: str, weekday: int) -> None:
    if weekday not in range(7):
        raise IllegalSetting(subject, name, weekday, "a weekday is a number from 0 (Monday) to 6 (Sunday)")

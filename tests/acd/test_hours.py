"""The shell of the opening hours: a calendar whose holidays of a year nobody entered yet is an alarm in time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from acd.calendars import Calendar, Span
from acd.events import OpenQueue
from acd.hours import LOOK_AGAIN_SECONDS, NO_HOLIDAYS, OpeningHours
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import VirtualClock
from tests.acd.floor import queue
from tests.support.alarms import Alarms

DAY = 86_400.0


def calendar(*days: date, make_up: date | None = None) -> Calendar:
    made = {make_up: 0} if make_up is not None else {}
    return Calendar(id="office", days={day: () for day in days}, make_up_days=made)


@pytest.mark.parametrize(
    ("at", "days", "year"),
    [
        ("2026-11-30T12:00:00+08:00", [date(2026, 10, 1)], None),
        ("2026-12-01T00:00:00+08:00", [date(2026, 10, 1)], 2027),
        ("2026-11-30T16:00:00+00:00", [date(2026, 10, 1)], 2027),  # it is December there
        ("2026-12-31T12:00:00+08:00", [date(2026, 10, 1), date(2027, 2, 6)], None),
        ("2027-03-01T12:00:00+08:00", [date(2026, 10, 1)], 2027),
        ("2028-03-01T12:00:00+08:00", [date(2026, 10, 1)], None),  # nobody uses holidays any more
        ("2026-12-31T12:00:00+08:00", [], None),
    ],
)
def test_a_year_without_days_after_one_with_some_is_found_in_december(
    at: str, days: list[date], year: int | None
) -> None:
    assert calendar(*days).year_without_days(datetime.fromisoformat(at)) == year


def test_make_up_days_are_days_of_a_year_too() -> None:
    december = datetime(2026, 12, 15, tzinfo=UTC)
    assert calendar(date(2026, 10, 1), make_up=date(2027, 2, 7)).year_without_days(december) is None


def test_the_alarm_comes_before_the_year_and_goes_with_its_holidays() -> None:
    clock, alarms = VirtualClock(wall=datetime(2026, 11, 30, 12, tzinfo=UTC)), Alarms()
    hours = OpeningHours(clock=clock, tell=lambda _: None, alarms=alarms)
    hours.load([calendar(date(2026, 10, 1))], [])
    assert alarms.up == {}
    clock.advance(DAY)
    severity, text = alarms.up[NO_HOLIDAYS, "office"]
    assert (severity, "2027" in text) == (Severity.NON_URGENT, True)
    clock.advance(40 * DAY)
    assert alarms.raised == [NO_HOLIDAYS], "once is enough"
    hours.save(calendar(date(2026, 10, 1), date(2027, 2, 6)))
    assert alarms.up == {}
    hours.save(calendar(date(2026, 10, 1)))
    hours.forget_calendar("office")
    assert alarms.up == {}
    hours.close()


def test_a_clock_that_is_set_back_opens_and_closes_again_within_a_minute() -> None:
    monday = datetime(2026, 1, 5, 0, 59, tzinfo=UTC)  # 8:59 there
    clock, told = VirtualClock(wall=monday), list[OpenQueue]()
    hours = OpeningHours(clock=clock, tell=told.append, alarms=Alarms())
    office = Calendar(id="office", week={0: (Span(start=time(9), end=time(18)),)})
    hours.load([office], [queue("sales", calendar="office")])
    clock.advance(60)
    clock.set_wall(clock.wall() - timedelta(hours=1))
    clock.advance(LOOK_AGAIN_SECONDS)
    clock.advance(3600)
    assert [(change.queue, change.open) for change in told] == [
        ("sales", False),
        ("sales", True),
        ("sales", False),
        ("sales", True),
    ]
    hours.close()

"""The public holidays that the program ships."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from acd.calendars import Calendar
from acd.errors import IllegalSetting
from acd.holidays import shipped, with_holidays, years_of

WEEK = {str(day): [{"start": "09:00:00", "end": "18:00:00"}] for day in range(5)}


def china(**more: object) -> Calendar:
    document = {"id": "office", "week": WEEK, "holidays": ["cn-2026"], **more}
    return msgspec.convert(with_holidays(document, "calendar office"), Calendar, str_keys=True)


def test_the_year_2026_is_as_the_state_council_published_it() -> None:
    calendar = china()
    free = {day for day, spans in calendar.days.items() if not spans}
    assert len(free) == 3 + 9 + 3 + 5 + 3 + 3 + 7
    assert {date(2026, 1, 1), date(2026, 2, 15), date(2026, 2, 23), date(2026, 10, 7)} <= free
    assert sorted(calendar.make_up_days) == [
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    ]
    assert all(day.weekday() >= 5 for day in calendar.make_up_days), "weekends are worked instead"
    assert not free & calendar.make_up_days.keys()


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        ((2026, 2, 14), True),  # a Saturday that is worked
        ((2026, 2, 16), False),  # Spring Festival, a Monday
        ((2026, 2, 24), True),
        ((2026, 10, 1), False),
        ((2026, 10, 11), False),  # a Sunday like any other
    ],
)
def test_a_queue_goes_by_them(day: tuple[int, int, int], is_open: bool) -> None:
    assert china().is_open(datetime(*day, 4, 0, tzinfo=UTC)) is is_open  # noon in Shanghai


def test_a_calendars_own_days_count_first() -> None:
    calendar = china(days={"2026-10-01": [{"start": "10:00:00", "end": "12:00:00"}], "2026-01-04": []})
    assert len(calendar.days[date(2026, 10, 1)]) == 1
    assert date(2026, 1, 4) not in calendar.make_up_days


def test_a_list_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert "cn-2026" in shipped()
    with pytest.raises(IllegalSetting, match=r"calendar office: holidays is 'cn-1900', but there are cn-2026"):
        china(holidays=["cn-1900"])


def test_a_list_says_which_years_it_has_days_of() -> None:
    assert "cn-2026" in shipped()
    assert years_of("cn-2026") == [2026]

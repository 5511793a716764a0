"""Opening hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from acd.calendars import Calendar, Span
from acd.errors import IllegalSetting

CHINA = ZoneInfo("Asia/Shanghai")
OFFICE = (Span(start=time(9), end=time(12)), Span(start=time(13, 30), end=time(18)))
#: 2025, after the State Council's notice: 1 to 8 October are free, 28 September and 11 October are worked.
CALENDAR = Calendar(
    id="office",
    week=dict.fromkeys(range(5), OFFICE),
    days={date(2025, 10, day): () for day in range(1, 9)}
    | {date(2025, 12, 31): (Span(start=time(9), end=time(12)),)},
    make_up_days={date(2025, 9, 28): 0, date(2025, 10, 11): 4},
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2025-09-26T08:59:59", False),
        ("2025-09-26T09:00:00", True),
        ("2025-09-26T12:00:00", False),
        ("2025-09-26T13:30:00", True),
        ("2025-09-27T10:00:00", False),  # Saturday
        ("2025-09-28T10:00:00", True),  # Sunday, made up
        ("2025-10-01T10:00:00", False),  # Wednesday, National Day
        ("2025-10-09T10:00:00", True),
        ("2025-10-11T10:00:00", True),  # Saturday, made up
        ("2025-12-31T14:00:00", False),  # short day
    ],
)
def test_holidays_and_make_up_days_go_before_the_week(when: str, is_open: bool) -> None:
    assert CALENDAR.is_open(at(when)) is is_open
    assert CALENDAR.is_open(at(when).astimezone(UTC)) is is_open


@pytest.mark.parametrize(
    ("when", "change"),
    [
        ("2025-09-26T10:00:00", "2025-09-26T12:00:00"),
        ("2025-09-26T18:00:00", "2025-09-28T09:00:00"),
        ("2025-09-30T18:00:00", "2025-10-09T09:00:00"),
    ],
)
def test_the_next_change_is_told(when: str, change: str) -> None:
    assert CALENDAR.next_change(at(when)) == at(change)


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    night = Calendar(id="night", week={4: (Span(start=time(22), end=time(2)),)})
    assert night.is_open(at("2025-09-27T01:59:00"))
    assert not night.is_open(at("2025-09-27T02:00:00"))
    assert not night.is_open(at("2025-09-26T01:00:00"))


def test_spans_that_meet_are_no_change() -> None:
    always = Calendar(id="always", week=dict.fromkeys(range(7), (Span(start=time(0), end=time(0)),)))
    assert always.is_open(at("2025-09-27T23:59:59"))
    assert always.next_change(at("2025-09-27T12:00:00")) is None or always.next_change(at("2025-09-27T12:00:00"))
    assert Calendar(id="never").next_change(at("2025-09-27T12:00:00")) is None


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"id": "a b"}, "id is"),
        ({"zone": "Mars/Base"}, "time zone"),
        ({"week": {7: ()}}, "from 0"),
        ({"make_up_days": {date(2025, 1, 1): 9}}, "from 0"),
        ({"days": {date(2025, 1, 1): ()}, "make_up_days": {date(2025, 1, 1): 1}}, "hours of its own"),
        ({"week": {1: (OFFICE[0],) * 11}}, "at most 10"),
        ({"week": {1: (Span(start=time(9, tzinfo=UTC), end=time(10)),)}}, "local times"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(fields: dict[str, object], fault: str) -> None:
    with pytest.raises(IllegalSetting, match=fault):
        Calendar(**{"id": "c", **fields})  # type: ignore[arg-type]

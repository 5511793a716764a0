"""What is expected of a quarter of an hour, by small weeks that one can count."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.forecasting.model import QUARTER, Quarter, quarter_of
from acd.forecasting.profile import MEMORY_DAYS, Profile
from ccplatform.contracts.words import QueueId

SALES = QueueId("sales")
SHANGHAI = ZoneInfo("Asia/Shanghai")
#: A Monday, 15:00 in Shanghai.
NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def quarter(
    at: datetime, arrived: int, *, abandoned: int = 0, waited: float = 0.0, talks: int = 0, handling: float = 0.0
) -> Quarter:
    return Quarter(
        begins=at,
        queue=SALES,
        arrived=arrived,
        abandoned=abandoned,
        waited_seconds=waited,
        talks=talks,
        handling_seconds=handling,
    )


def profile(quarters: Iterable[Quarter], zone: ZoneInfo = SHANGHAI) -> Profile:
    made = Profile(zone)
    made.add(quarters)
    return made


def days_ago(days: float, arrived: int) -> Quarter:
    return quarter(NOW - timedelta(days=days), arrived)


def test_later_weeks_count_more() -> None:
    known = profile([days_ago(21, 1), days_ago(14, 10), days_ago(7, 20)])  # the first day teaches nothing
    assert known.expected(SALES, NOW) == pytest.approx((0.8 * 20 + 0.64 * 10) / (0.8 + 0.64))


def test_before_there_are_enough_weeks_working_days_stand_for_each_other() -> None:
    known = profile([days_ago(6, 1), days_ago(5, 8), days_ago(4, 10), days_ago(3, 12), days_ago(2, 90)])
    assert (
        known.expected(SALES, NOW) == 10.0
    )  # Wednesday to Friday; Tuesday was the first, Saturday is another kind
    saturday = NOW + timedelta(days=5)
    assert known.expected(SALES, saturday) == 90.0


def test_a_day_without_a_call_teaches_nothing_and_a_quiet_quarter_of_another_day_does() -> None:
    known = profile([days_ago(21, 9), days_ago(14, 10), quarter(NOW - timedelta(days=7, hours=3), 5)])
    assert known.expected(SALES, NOW) == pytest.approx(0.64 * 10 / (0.8 + 0.64))
    assert profile([]).expected(SALES, NOW) is None
    assert profile([]).arrivals(SALES, NOW, NOW) == 0.0


def test_quarters_are_those_of_the_clock_on_the_wall_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    nine = datetime(2026, 4, 6, 9, 0, tzinfo=berlin)  # a Monday; clocks went forward on 29 March
    weeks = [nine - timedelta(days=7 * k) for k in (1, 2, 3, 4)]  # wall clock: timedelta on one zone
    known = profile([quarter(at.astimezone(UTC), 12) for at in weeks], berlin)
    assert known.expected(SALES, nine.astimezone(UTC)) == pytest.approx(12.0)
    assert known.expected(SALES, (nine + timedelta(hours=1)).astimezone(UTC)) == 0.0


def usual(arrived: int) -> list[Quarter]:
    """The last four weeks' afternoons."""
    return [
        quarter(NOW - timedelta(days=7 * week) + number * QUARTER, arrived)
        for week in (1, 2, 3, 4)
        for number in range(-8, 24)
    ]


def test_a_busy_day_raises_what_is_expected_and_less_so_the_later() -> None:
    known = profile([*usual(10), *(quarter(NOW - number * QUARTER, 30) for number in range(1, 9))])
    assert known.trend(SALES, NOW) == pytest.approx((240 + 20) / (80 + 20))
    at_once, later, much_later = (known.arrivals(SALES, NOW + timedelta(hours=h), NOW) for h in (0, 2, 5))
    assert at_once == pytest.approx(26.0)
    assert later == pytest.approx(10 * 1.8)
    assert 10.0 < much_later < later


def test_few_calls_are_no_trend() -> None:
    rare = profile([*usual(0), *(quarter(NOW - timedelta(days=7 * w), 1) for w in (1, 2, 3, 4))])
    rare.add([quarter(NOW - QUARTER, 2)])
    assert rare.trend(SALES, NOW) < 1.11


def test_before_there_is_a_profile_the_last_hour_stands_for_the_next_ones() -> None:
    known = profile([quarter(NOW - number * QUARTER, 6) for number in range(1, 5)])
    assert known.arrivals(SALES, NOW + timedelta(hours=3), NOW) == 6.0


def test_handling_and_patience_are_means_of_the_week_once_there_are_enough() -> None:
    known = profile([quarter(NOW - QUARTER, 20, abandoned=9, waited=900.0, talks=9, handling=900.0)])
    assert (known.handling(SALES, NOW), known.patience(SALES, NOW)) == (None, None)
    known.add([quarter(NOW - timedelta(days=1), 10, abandoned=1, waited=300.0, talks=6, handling=2100.0)])
    assert known.handling(SALES, NOW) == 200.0  # 3,000 s over 15 talks
    assert known.patience(SALES, NOW) == 120.0  # all waits over those who gave up
    week_later = NOW + timedelta(days=8)
    assert known.handling(SALES, week_later) is None


@given(st.lists(st.tuples(st.integers(0, 60 * 96), st.integers(0, 50)), max_size=80), st.randoms())
def test_the_order_in_which_quarters_are_told_does_not_matter(told: list[tuple[int, int]], chance: object) -> None:
    begin = NOW - timedelta(days=30)
    quarters = [quarter(begin + number * QUARTER, arrived) for number, arrived in dict(told).items()]
    quarters = [one for one in quarters if one.begins <= NOW]
    shuffled = list(quarters)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = profile(quarters), profile(shuffled)
    for hours in range(0, 24, 5):
        at = NOW + timedelta(hours=hours)
        assert one.arrivals(SALES, at, NOW) == pytest.approx(other.arrivals(SALES, at, NOW))
        assert one.arrivals(SALES, at, NOW) >= 0.0


def test_what_is_too_long_ago_is_forgotten() -> None:
    known = profile([days_ago(MEMORY_DAYS + 7, 50), days_ago(14, 10), days_ago(7, 10), days_ago(0, 1)])
    assert len(known._counts) == 3


def test_a_quarter_begins_on_the_quarter() -> None:
    assert quarter_of(datetime(2026, 3, 2, 7, 14, 59, 999, tzinfo=UTC)) == NOW
    assert quarter_of(NOW + QUARTER) == NOW + QUARTER

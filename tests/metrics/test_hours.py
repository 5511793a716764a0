"""Busy and idle hours compared (R10.3.2.d): by hand, and against counting anew."""

from __future__ import annotations

import json
from itertools import groupby
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.compliance import ComplianceRow, rows
from metrics.hours import Hours
from metrics.model import Verdict
from tests.metrics.telling import Centre, agent_answered, queue_left

HOUR = 3600


def row_of(centre: Centre) -> ComplianceRow:
    (found,) = [row for row in rows(centre.fold, centre.now) if row.definition.id == "R10.3.2.d.hours"]
    return found


def hour(centre: Centre, answered: int, wait: float, abandoned: int = 0) -> None:
    """An hour in which so many were answered, and so many gave up."""
    for _ in range(answered):
        centre.tell(agent_answered(centre.new_contact(), wait))
    for _ in range(abandoned):
        centre.tell(queue_left(centre.new_contact(), "abandoned", wait))
    centre.wait(HOUR)


def test_a_day_by_hand() -> None:
    centre = Centre()  # from nine
    hour(centre, 30, 20.0)
    hour(centre, 30, 40.0)  # idle: 60 answered, 30 s on average
    hour(centre, 80, 40.0, abandoned=20)  # busy: 100 asked, the mean is 160 / 3
    row = row_of(centre)
    assert row.measurement.value == pytest.approx(40 / 30)
    assert row.measurement.samples == 60
    assert row.measurement.label == "1 busy hours: 40.0 s, 2 idle hours: 30.0 s"
    assert row.verdict is Verdict.PASS
    hour(centre, 100, 60.0)  # busy too: 180 answered, 51.1 s
    assert row_of(centre).measurement.value == pytest.approx((80 * 40 + 100 * 60) / 180 / 30)
    assert row_of(centre).verdict is Verdict.FAIL


def test_who_gives_up_makes_an_hour_busy_and_no_wait() -> None:
    centre = Centre()
    hour(centre, 40, 10.0)
    hour(centre, 30, 12.0, abandoned=30)
    assert row_of(centre).measurement.value == pytest.approx(1.2)
    assert row_of(centre).measurement.samples == 30


def test_one_kind_of_hour_alone_says_nothing() -> None:
    centre = Centre()
    hour(centre, 50, 10.0)
    assert row_of(centre).verdict is Verdict.NO_DATA
    hour(centre, 50, 90.0)  # as many: both are busy
    assert row_of(centre).verdict is Verdict.NO_DATA


def test_a_difference_below_a_second_is_none() -> None:
    centre = Centre()
    hour(centre, 40, 0.0)
    hour(centre, 50, 0.9)
    assert row_of(centre).measurement.value == 1.0


def test_hours_are_those_of_the_last_day() -> None:
    centre = Centre()
    hour(centre, 90, 90.0)
    hour(centre, 30, 10.0)
    centre.wait(21 * HOUR)
    assert row_of(centre).measurement.value == pytest.approx(9.0)
    centre.wait(HOUR)  # the busy one is a day old
    assert row_of(centre).verdict is Verdict.NO_DATA


@given(
    st.lists(st.tuples(st.integers(0, 30 * HOUR), st.integers(0, 10**8) | st.none()), max_size=60),
    st.integers(25 * HOUR, 31 * HOUR),
)
def test_sums_are_what_counting_anew_gives(told: list[tuple[int, int | None]], now: int) -> None:
    hours = Hours()
    for second, wait in told:
        if wait is None:
            hours.gave_up(second)
        else:
            hours.answered(second, wait)
    restored = Hours()
    restored.restore(json.loads(json.dumps(hours.snapshot())))
    found = restored.compare(now)
    last = now // HOUR
    hours_told = [(second // HOUR, -1 if wait is None else wait) for second, wait in told]
    inside = sorted((hour, wait) for hour, wait in hours_told if last - 24 < hour <= last)
    by_hour = [[wait for _, wait in group] for _, group in groupby(inside, key=lambda pair: pair[0])]
    mean = fmean(len(waits) for waits in by_hour) if by_hour else 0.0
    busy = [waits for waits in by_hour if len(waits) >= mean - 1e-9]
    assert found.busy.asked == sum(len(waits) for waits in busy)
    assert found.busy.answered == sum(wait >= 0 for waits in busy for wait in waits)
    assert found.busy.wait_us == sum(wait for waits in busy for wait in waits if wait >= 0)
    assert found.busy.hours + found.idle.hours == len(by_hour)
    assert found.busy.asked + found.idle.asked == len(inside)

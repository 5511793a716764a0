"""How long ticks take, and how many that were missed are made up for."""

from __future__ import annotations

import pytest

from gateway.media.tick_times import TickTimes


@pytest.mark.parametrize(
    ("usual", "missed", "late"),
    [(0.002, 0, 0), (0.002, 1, 1), (0.002, 2, 2), (0.002, 50, 2), (0.009, 2, 1), (0.011, 2, 0), (0.025, 1, 0)],
)
def test_what_is_made_up_for_fits_into_a_tick_and_is_never_old(usual: float, missed: int, late: int) -> None:
    times = TickTimes()
    for _ in range(100):
        times.note(usual, 0, 0)
    assert times.affordable(missed) == late


def test_one_long_tick_is_no_overload() -> None:
    times = TickTimes()
    for _ in range(100):
        times.note(0.002, 0, 0)
    times.note(0.060, 0, 0)
    assert times.affordable(2) == 2


def test_what_was_missed_is_counted_whether_made_up_for_or_not() -> None:
    times = TickTimes()
    times.note(0.004, 5, 2)
    times.note(0.003, 0, 0)
    assert (times.ticks, times.overruns) == (2, 5)
    median, high, longest = times.summary()
    assert [median, longest] == pytest.approx([0.0035, 0.004])
    assert median < high < longest

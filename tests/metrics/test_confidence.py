"""Exact bounds against published and hand-computed values."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.confidence import lower_bound, trials_without_failure, upper_bound


def test_four_nines_need_about_thirty_thousand_calls_without_a_failure() -> None:
    assert trials_without_failure(0.9999, 0.95) == 29_956
    assert lower_bound(29_956, 29_956, 0.95) >= 0.9999 > lower_bound(29_955, 29_955, 0.95)


@pytest.mark.parametrize(("target", "needed"), [(0.95, 59), (0.98, 149), (0.99, 299), (0.9996, 7488)])
def test_trials_that_the_targets_of_10_3_need(target: float, needed: int) -> None:
    assert trials_without_failure(target, 0.95) == needed


@given(st.integers(1, 60), st.data())
def test_the_bound_is_where_the_binomial_tail_is_five_percent(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(1, trials))
    bound = lower_bound(successes, trials, 0.95)
    tail = sum(comb(trials, k) * bound**k * (1 - bound) ** (trials - k) for k in range(successes, trials + 1))
    assert tail == pytest.approx(0.05, abs=1e-9)


@given(st.integers(1, 1_000_000), st.data())
def test_bounds_enclose_the_value(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    value = successes / trials
    assert 0.0 <= lower_bound(successes, trials, 0.95) <= value <= upper_bound(successes, trials, 0.95) <= 1.0


def test_without_trials_nothing_is_known() -> None:
    assert lower_bound(0, 0, 0.95) == 0.0
    assert upper_bound(0, 0, 0.95) == 1.0

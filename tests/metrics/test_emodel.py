"""G.107 against values computed by hand from its formulas and G.113 appendix I."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.emodel import BPL_PLAIN, delay_impairment, loss_impairment, mos, mos_of_rating, rating


def test_default_parameters_give_the_known_rating_and_mos() -> None:
    assert rating(0.0, 0.0) == 93.2
    assert mos(0.0, 0.0) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(
    ("r", "score"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1.0), (-5, 1.0), (100, 4.5)]
)
def test_mos_of_the_classes_of_g109(r: float, score: float) -> None:
    assert mos_of_rating(r) == pytest.approx(score, abs=0.01)  # the table is rounded


@pytest.mark.parametrize(("seconds", "idd"), [(0.0, 0.0), (0.1, 0.0), (0.2, 3.04), (0.4, 24.07)])
def test_delay_costs_nothing_up_to_100_ms(seconds: float, idd: float) -> None:
    assert delay_impairment(seconds) == pytest.approx(idd, abs=0.005)


@pytest.mark.parametrize(
    ("loss", "concealed", "plain"), [(0.0, 0.0, 0.0), (0.01, 3.64, 17.92), (0.05, 15.78, 51.08)]
)
def test_loss_of_g711_with_and_without_concealment(loss: float, concealed: float, plain: float) -> None:
    assert loss_impairment(loss) == pytest.approx(concealed, abs=0.005)
    assert loss_impairment(loss, BPL_PLAIN) == pytest.approx(plain, abs=0.005)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 3), st.floats(0, 3))
def test_more_loss_or_delay_is_never_better(loss: float, more: float, delay: float, longer: float) -> None:
    worse = mos(max(loss, more), max(delay, longer))
    # The polynomial of annex B turns up a little below R = 6.5, where the scale is at its end anyway.
    assert 1.0 <= worse <= mos(min(loss, more), min(delay, longer)) + 0.02 <= 4.6


def test_losses_in_bursts_weigh_more_than_random_ones() -> None:
    """G.107 (7-29): 5 % at BurstR 2 is 95 · 5 / (5 / 2 + 25.1)."""
    assert loss_impairment(0.05, burst_ratio=2.0) == pytest.approx(17.21, abs=0.005)
    assert loss_impairment(0.05, burst_ratio=0.5) == loss_impairment(0.05)

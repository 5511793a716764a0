"""Verdicts: pass, fail, insufficient, no data."""

from __future__ import annotations

import pytest

from metrics.compliance import MEASURES, judge
from metrics.definitions import DEFINITIONS, REQUIREMENTS
from metrics.indicator import Comparison, Source
from metrics.model import MICROSECONDS, Measurement, Verdict, mean, share

CONNECT = DEFINITIONS["R10.3.1.1.a"]


@pytest.mark.parametrize(
    ("successes", "calls", "verdict"),
    [
        (0, 0, Verdict.NO_DATA),
        (1, 1, Verdict.INSUFFICIENT),
        (29_955, 29_955, Verdict.INSUFFICIENT),
        (29_956, 29_956, Verdict.PASS),
        (29_955, 29_956, Verdict.INSUFFICIENT),  # 99.9967 %: over the target, not yet surely
        (47_399, 47_400, Verdict.INSUFFICIENT),
        (47_500, 47_501, Verdict.PASS),  # one failure needs about 47,440 calls
        (29_952, 29_956, Verdict.FAIL),  # 99.9866 %: the sample is big enough to say so
        (4_999, 5_000, Verdict.INSUFFICIENT),  # 99.98 %, by chance perhaps
        (4_990, 5_000, Verdict.FAIL),
        (0, 9, Verdict.INSUFFICIENT),  # too few to say anything
        (0, 10, Verdict.FAIL),
    ],
)
def test_shares_are_judged_by_their_confidence_bound(successes: int, calls: int, verdict: Verdict) -> None:
    assert judge(CONNECT, share(successes, calls)).verdict is verdict


def test_the_bound_of_a_pass_is_the_lower_one_and_of_a_sure_failure_the_upper_one() -> None:
    good, bad = judge(CONNECT, share(29_956, 29_956)), judge(CONNECT, share(50, 100))
    assert good.confidence_bound is not None
    assert bad.confidence_bound is not None
    assert 0.9999 <= good.confidence_bound < 1.0
    assert 0.5 < bad.confidence_bound < 0.9999


@pytest.mark.parametrize(
    ("requirement", "value", "verdict"),
    [
        ("R10.3.2.d", 60.0, Verdict.PASS),
        ("R10.3.2.d", 60.001, Verdict.FAIL),
        ("R10.3.1.3.loss", 0.0499, Verdict.PASS),
        ("R10.3.1.3.loss", 0.05, Verdict.FAIL),
        ("R10.3.1.4.a", 3.8, Verdict.FAIL),
        ("R10.3.1.4.a", 3.81, Verdict.PASS),
    ],
)
def test_values_are_compared_as_the_clause_says(requirement: str, value: float, verdict: Verdict) -> None:
    definition = DEFINITIONS[requirement]
    assert judge(definition, Measurement(value=value, samples=30)).verdict is verdict
    assert judge(definition, Measurement(value=value, samples=29)).verdict is Verdict.INSUFFICIENT


def test_a_condition_that_is_not_met_proves_nothing() -> None:
    row = judge(DEFINITIONS["R10.3.1.6"], mean(30 * MICROSECONDS, 30, met=False))
    assert (row.verdict, row.measurement.value) == (Verdict.INSUFFICIENT, 1.0)


def test_every_requirement_is_measured_and_has_a_target() -> None:
    assert set(MEASURES) == {definition.id for definition in REQUIREMENTS}
    assert all(row.target is not None and row.comparison is not None for row in REQUIREMENTS)


def test_targets_are_those_of_the_standard() -> None:
    assert {row.id: (row.comparison, row.target, row.window) for row in REQUIREMENTS} == {
        "R10.3.1.1.a": (Comparison.AT_LEAST, 0.9999, "PT2H"),
        "R10.3.1.1.b": (Comparison.AT_LEAST, 0.9996, "PT2H"),
        "R10.3.1.2": (Comparison.AT_MOST, 1.0, "PT2H"),
        "R10.3.1.3.delay": (Comparison.AT_LEAST, 0.95, "PT2H"),
        "R10.3.1.3.loss": (Comparison.BELOW, 0.05, "PT2H"),
        "R10.3.1.4.a": (Comparison.ABOVE, 3.8, "P1D"),
        "R10.3.1.4.b": (Comparison.ABOVE, 3.4, "P1D"),
        "R10.3.1.4.c": (Comparison.ABOVE, 2.8, "P1D"),
        "R10.3.1.5.a": (Comparison.AT_LEAST, 0.99, "PT2H"),
        "R10.3.1.5.b": (Comparison.AT_LEAST, 0.95, "PT2H"),
        "R10.3.1.6": (Comparison.AT_MOST, 3.0, "PT2H"),
        "R10.3.1.7": (Comparison.AT_MOST, 8.0, "PT2H"),
        "R10.3.2.a": (Comparison.AT_LEAST, 0.98, "P1D"),
        "R10.3.2.b": (Comparison.AT_MOST, 4.0, "P1D"),
        "R10.3.2.c": (Comparison.AT_MOST, 10.0, "P1D"),
        "R10.3.2.d": (Comparison.AT_MOST, 60.0, "P1D"),
        "R10.3.2.d.hours": (Comparison.AT_MOST, 1.5, "P1D"),
    }


def test_rows_say_that_they_are_self_reported_and_who_decides() -> None:
    assert {row.source for row in REQUIREMENTS} == {Source.SELF_REPORTED}
    decided_by_probes = {row.id for row in REQUIREMENTS if row.decides is Source.MYSTERY_CALLS}
    assert decided_by_probes == {"R10.3.2.a", "R10.3.2.b", "R10.3.2.c", "R10.3.2.d"}

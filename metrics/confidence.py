"""Exact confidence bounds of a share (Clopper and Pearson, 1934), for verdicts that a short run cannot give.

The bounds are one-sided: "with this confidence the true share is at least (at most) so much". Without a failure
in n trials the lower bound is (1 − confidence)^(1/n), the exact form of the rule of three: 99.99 % needs 29,956
calls without a failure at 95 %.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p

#: Halvings of the search interval: the bound is right to the last digits of a float.
_HALVINGS = 60
_FRACTION_STEPS = 500
_FRACTION_PRECISION = 1e-14
_TINY = 1e-300


def lower_bound(successes: int, trials: int, confidence: float) -> float:
    """The share that the true one is at least, with this confidence; 0 without trials."""
    if trials == 0 or successes == 0:
        return 0.0
    if successes == trials:
        return float((1.0 - confidence) ** (1.0 / trials))
    return _beta_quantile(1.0 - confidence, successes, trials - successes + 1)


def upper_bound(successes: int, trials: int, confidence: float) -> float:
    """The share that the true one is at most, with this confidence; 1 without trials."""
    return 1.0 - lower_bound(trials - successes, trials, confidence)


def trials_without_failure(target: float, confidence: float) -> int:
    """How many trials, none failed, show that the true share is at least ``target``."""
    trials = max(1, int(log(1.0 - confidence) / log(target)))
    while lower_bound(trials, trials, confidence) < target:
        trials += 1
    return trials


def _beta_quantile(probability: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _beta_distribution(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return low


def _beta_distribution(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    # The continued fraction converges fast on this side of the mean; the other side by symmetry.
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(x, a, b) / a
    return 1.0 - front * _beta_fraction(1.0 - x, b, a) / b


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of I_x(a, b), evaluated forwards by the ratio of successive convergents."""
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _FRACTION_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        factor = 1.0
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            factor = c * d
            value *= factor
        if abs(factor - 1.0) < _FRACTION_PRECISION:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY

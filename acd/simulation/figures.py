"""What a simulation says, with how sure it is: means over batches of the run, and their confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, median, stdev

from acd.simulation.simulator import Outcome, Wait, errors_of
from ccplatform.contracts.words import QueueId

#: Batches of a run; Student's t with 19 degrees of freedom for 95 % and 99 %.
BATCHES = 20
T_95, T_99 = 2.093, 2.861


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean and the half width of its 95 % confidence interval."""

    mean: float
    half_width: float

    def holds(self, value: float, t: float = T_95) -> bool:
        """Whether a value lies within the interval (of another ``t``)."""
        return abs(value - self.mean) <= self.half_width * t / T_95


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """One queue. Shares are of all its calls; ``wait`` is over all of them, answered or not, seconds.

    ``estimate_error`` and ``naive_error`` are median absolute errors of the expected wait told at entry, by the
    engine and by the mean of the latest waits, over calls that waited and were answered.
    """

    calls: int
    wait: Estimate
    delayed: Estimate
    abandoned: Estimate
    within_target: Estimate
    estimate_error: float | None
    naive_error: float | None


def queue_figures(outcome: Outcome, queue: QueueId, target_seconds: float) -> QueueFigures:
    """The figures of a queue."""
    waits = outcome.waits[queue]
    errors = list(errors_of(waits))
    return QueueFigures(
        calls=len(waits),
        wait=_estimate(waits, lambda wait: wait.seconds),
        delayed=_estimate(waits, lambda wait: float(wait.seconds > 0)),
        abandoned=_estimate(waits, lambda wait: float(not wait.answered)),
        within_target=_estimate(waits, lambda wait: float(wait.answered and wait.seconds <= target_seconds)),
        estimate_error=median(error for error, _ in errors) if errors else None,
        naive_error=median(error for _, error in errors) if errors else None,
    )


def jain(values: Sequence[float]) -> float:
    """Jain's index of fairness: 1 when all are alike, 1/n when one has all."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def _estimate(waits: Sequence[Wait], value: Callable[[Wait], float]) -> Estimate:
    """By batch means: calls that come one after the other are alike, so single values would feign certainty."""
    size = len(waits) // BATCHES
    if not size:
        return Estimate(mean=fmean(map(value, waits)) if waits else 0.0, half_width=float("inf"))
    ordered = sorted(waits, key=lambda wait: wait.at)
    means = [fmean(map(value, ordered[size * batch : size * (batch + 1)])) for batch in range(BATCHES)]
    return Estimate(mean=fmean(means), half_width=T_95 * stdev(means) / sqrt(BATCHES))

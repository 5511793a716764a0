"""Words of the fold: stamps of events, observations for histograms and counters, rules, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import TypeAlias

from ccplatform.contracts.facts import FactEvent

MICROSECONDS = 1_000_000

#: Two hours and a day, the windows of 10.3, and the shorter ones by which a budget's burn is watched.
FIVE_MINUTES = 300
ONE_HOUR = 3600
TWO_HOURS = 7200
ONE_DAY = 86400
#: What clauses over two hours, and those over a day, are watched by.
HOURLY = (FIVE_MINUTES, ONE_HOUR, TWO_HOURS)
DAILY = (*HOURLY, ONE_DAY)

#: Stands for every queue or trunk beyond the number that is told apart.
OTHER = "other"


def microseconds(seconds: float) -> int:
    """Whole microseconds: sums of these never drift."""
    return round(seconds * MICROSECONDS)


def wall_us(at: datetime) -> int:
    """Wall-clock microseconds since the epoch."""
    return round(at.timestamp() * MICROSECONDS)


def at_of(second: int) -> datetime:
    """The instant of a second since the epoch."""
    return datetime.fromtimestamp(second, UTC)


@dataclass(frozen=True, slots=True)
class Stamp:
    """When an event happened. ``at_us`` is wall time, ``mono_us`` comparable within one ``epoch`` only."""

    epoch: str
    at_us: int
    mono_us: int
    second: int

    @classmethod
    def of(cls, event: FactEvent) -> Stamp:
        """The stamp of an event."""
        at_us = wall_us(event.at)
        return cls(event.epoch, at_us, microseconds(event.mono), at_us // MICROSECONDS)

    def since(self, earlier: Stamp) -> int:
        """Microseconds since ``earlier``, monotonic where the clocks allow; never negative."""
        same_clock = self.epoch == earlier.epoch
        elapsed = self.mono_us - earlier.mono_us if same_clock else self.at_us - earlier.at_us
        return max(0, elapsed)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldRules:
    """Rules that an installation may choose."""

    zone: tzinfo = UTC
    short_abandon_us: int = 5 * MICROSECONDS
    meal_reasons: frozenset[str] = frozenset({"meal", "lunch"})
    design_load_erlang: float = 0.9
    max_open_contacts: int = 100_000
    max_names: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLimits:
    """Y of service levels X/Y, in whole seconds (a fraction is cut off). They are applied when figures are read,
    so that a changed limit holds at once and for the whole day."""

    default_seconds: float = 20.0
    by_queue: Mapping[str, float] = field(default_factory=dict)

    def of(self, queue: str) -> int:
        """The limit of a queue."""
        return int(self.by_queue.get(queue, self.default_seconds))


@dataclass(frozen=True, slots=True)
class Counted:
    """One more of a counter (a name of `prometheus.py`), or so many."""

    metric: str
    labels: tuple[str, ...] = ()
    amount: int = 1


@dataclass(frozen=True, slots=True)
class Observed:
    """One value of a histogram (a name of `prometheus.py`)."""

    metric: str
    value: float
    labels: tuple[str, ...] = ()


Observation: TypeAlias = Counted | Observed


class LoadClass(StrEnum):
    """What a two-hour window of a trunk is (10.3.1.1)."""

    IDLE = "idle"
    BUSY = "busy"


class Verdict(StrEnum):
    """What a measured value says about its requirement."""

    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A value with what it was computed from. ``successes`` is set for shares, None for means.

    ``met`` is false when a condition of the clause (a load, say) does not hold, so that the value shows and
    proves nothing; ``label`` says so in words.
    """

    value: float | None
    samples: int
    successes: int | None = None
    met: bool = True
    label: str = ""


def share(successes: int, samples: int, *, label: str = "") -> Measurement:
    """A measured share."""
    value = successes / samples if samples else None
    return Measurement(value=value, samples=samples, successes=successes, label=label)


def mean(sum_us: int, samples: int, *, met: bool = True, label: str = "") -> Measurement:
    """A measured mean of durations, in seconds."""
    value = sum_us / samples / MICROSECONDS if samples else None
    return Measurement(value=value, samples=samples, met=met, label=label)

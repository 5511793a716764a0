"""The form of an indicator definition: the words in which every figure is defined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

#: Confidence of the bounds of shares.
CONFIDENCE: Final = 0.95
#: Fewest samples of a mean: where the mean of skewed delays begins to be near normal.
MEAN_SAMPLES: Final = 30
#: Fewest samples of a share before it can fail: one failed call of one is no window of two or 24 hours.
SHARE_SAMPLES: Final = 10

_FIRST: Final = date(2026, 1, 1)
_SECONDS: Final[Mapping[str, int]] = MappingProxyType({"PT2H": 7200, "P1D": 86400, "day": 0, "report": 0})


class Comparison(StrEnum):
    """How a value meets its target."""

    AT_LEAST = ">="
    ABOVE = ">"
    AT_MOST = "<="
    BELOW = "<"

    def holds(self, value: float, target: float) -> bool:
        """Whether ``value`` meets ``target``."""
        match self:
            case Comparison.AT_LEAST:
                return value >= target
            case Comparison.ABOVE:
                return value > target
            case Comparison.AT_MOST:
                return value <= target
            case Comparison.BELOW:
                return value < target


class Source(StrEnum):
    """Where a value comes from."""

    SELF_REPORTED = "self_reported"  # the platform's own facts
    MYSTERY_CALLS = "mystery_calls"  # probes from outside; they give the verdict of 10.3.2


class Unit(StrEnum):
    """What a value is counted in."""

    RATIO = "ratio"
    SECONDS = "seconds"
    PESQ = "pesq_raw"
    TIMES = "times"  # one mean over another


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One indicator. ``window`` is ISO 8601 ('PT2H', 'P1D'; 'day' for the calendar day of the centre).

    ``target`` is None for figures that no clause bounds. ``decides`` is the source whose value gives the
    verdict of the clause; ``source`` the one this row shows now.
    """

    id: str
    title_zh: str
    title_en: str
    clause_zh: str
    clause_en: str
    numerator: str
    denominator: str
    exclusions: str
    window: str
    unit: Unit
    target: float | None = None
    comparison: Comparison | None = None
    min_samples: int = MEAN_SAMPLES
    source: Source = Source.SELF_REPORTED
    decides: Source = Source.SELF_REPORTED
    version: int = 1
    since: date = _FIRST

    @property
    def seconds(self) -> int:
        """The length of a window; 0 for the calendar day."""
        return _SECONDS[self.window]

"""Error budgets of section 10.3: how much of what a clause allows is used up, and how fast. Pure.

What a clause allows is a budget that every sample brings along and uses up in its own way:

* a share of at least *t*: each sample brings 1 − *t* failures and spends one when it fails;
* a mean, or a loss, of at most *t*: each sample brings *t* and spends what it measured.

*Burn* is spent / brought. Over the clause's own window a burn of 1 is the target exactly, and what is left of
the budget is 1 − burn. Over shorter windows it says where that is going: a clause over a day that burns at 6 for
an hour has used up a quarter of the day's budget in it.

An alarm needs two windows at once. The long one shows that it matters, the short one that it still goes on, so
that the alarm ends soon after its cause (Google, *The Site Reliability Workbook*, chapter 5). The windows are
those that the fold keeps: reading them costs nothing per event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from metrics.compliance import ComplianceRow, measured, rows
from metrics.fold import Fold
from metrics.indicator import Comparison, Definition, Unit
from metrics.model import DAILY, FIVE_MINUTES, HOURLY, ONE_DAY, ONE_HOUR, TWO_HOURS, Measurement, Verdict

#: Fewest samples of a mean, and fewest failures of a share, in a pair's long window: one odd call is no trend.
NEEDED_SAMPLES: Final = 10
NEEDED_FAILURES: Final = 2
#: What is up stays up until a burn falls below this share of what raised it.
HYSTERESIS: Final = 0.8


class Watched(StrEnum):
    """How a requirement stands, the worst that holds."""

    UNKNOWN = "unknown"  # nothing measured, or nothing that counts
    CALM = "calm"
    LOW = "low"  # most of the budget is gone, and more goes than comes
    BURNING = "burning"  # at this pace it will be gone soon
    MISSED = "missed"  # the verdict is fail


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Two windows (seconds), and the burn that each must have reached."""

    stands: Watched
    long: int
    short: int
    long_burn: float
    short_burn: float


#: By the clause's own window: what comes before a breach.
PACES: Final[Mapping[int, tuple[Pace, ...]]] = MappingProxyType(
    {
        ONE_DAY: (
            Pace(stands=Watched.BURNING, long=ONE_HOUR, short=FIVE_MINUTES, long_burn=6.0, short_burn=6.0),
            Pace(stands=Watched.LOW, long=ONE_DAY, short=TWO_HOURS, long_burn=0.8, short_burn=1.0),
        ),
        TWO_HOURS: (
            Pace(stands=Watched.BURNING, long=ONE_HOUR, short=FIVE_MINUTES, long_burn=1.5, short_burn=1.5),
            Pace(stands=Watched.LOW, long=TWO_HOURS, short=ONE_HOUR, long_burn=0.8, short_burn=1.0),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Burn:
    """The burn over ``window`` seconds; None without samples."""

    window: int
    burn: float | None
    samples: int
    failures: int | None  # of a share


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A requirement's budget. ``left`` is a share of what its window allows (below 0: overdrawn), None without
    samples; ``burns`` are over each window that is kept, the shortest first, the clause's own last."""

    requirement: str
    left: float | None
    burns: tuple[Burn, ...]
    stands: Watched


def burn_of(definition: Definition, measurement: Measurement) -> float | None:
    """Spent / brought; None without samples, and for targets that are to be exceeded and are no share (PESQ)."""
    value, target = measurement.value, definition.target
    if value is None or target is None:
        return None
    match definition.comparison:
        case Comparison.AT_LEAST if definition.unit is Unit.RATIO:
            return (1.0 - value) / (1.0 - target)
        case Comparison.AT_MOST | Comparison.BELOW:
            return value / target
    return None


def short_name(window: int) -> str:
    """A window as people write it: 5m, 1h, 2h, 24h."""
    return f"{window // 3600}h" if window >= ONE_HOUR else f"{window // 60}m"


def budgets(fold: Fold, now: int, up: Mapping[str, Watched] | None = None) -> list[Budget]:
    """The budget of every requirement at ``now``. ``up``: what alarms say already, for the hysteresis."""
    return [_budget(row, fold, now, (up or {}).get(row.definition.id)) for row in rows(fold, now)]


def _budget(row: ComplianceRow, fold: Fold, now: int, up: Watched | None) -> Budget:
    definition = row.definition
    windows = DAILY if definition.seconds == ONE_DAY else HOURLY
    burns = tuple(_burn(definition, measured(definition, fold, now, window), window) for window in windows)
    whole = burns[-1].burn
    return Budget(
        requirement=definition.id,
        left=1.0 - whole if whole is not None else None,
        burns=burns,
        stands=_stands(row, {burn.window: burn for burn in burns}, up),
    )


def _burn(definition: Definition, measurement: Measurement, window: int) -> Burn:
    successes = measurement.successes
    failures = measurement.samples - successes if successes is not None else None
    return Burn(window, burn_of(definition, measurement), measurement.samples, failures)


def _stands(row: ComplianceRow, burns: Mapping[int, Burn], up: Watched | None) -> Watched:
    if row.verdict is Verdict.FAIL:
        return Watched.MISSED
    if burns[row.definition.seconds].burn is None or not row.measurement.met:
        return Watched.UNKNOWN
    for pace in PACES[row.definition.seconds]:
        if _holds(pace, burns, HYSTERESIS if up is pace.stands else 1.0):
            return pace.stands
    return Watched.CALM


def _holds(pace: Pace, burns: Mapping[int, Burn], share: float) -> bool:
    long, short = burns[pace.long], burns[pace.short]
    enough = long.samples >= NEEDED_SAMPLES if long.failures is None else long.failures >= NEEDED_FAILURES
    return (
        enough
        and long.burn is not None
        and long.burn >= share * pace.long_burn
        and short.burn is not None
        and short.burn >= share * pace.short_burn
    )

"""What makers and verifiers of evidence packs share: the period, the figures of facts, the forms of files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ccplatform.contracts.facts import FactEvent
from metrics.compliance import rows
from metrics.definitions import DEFINITIONS
from metrics.errors import BadEvidence
from metrics.fold import Fold
from metrics.model import MICROSECONDS, ONE_DAY, FoldRules, wall_us

#: Facts before the period that its first windows hold.
BEFORE: Final = timedelta(seconds=ONE_DAY)
#: Longest period.
MOST_DAYS: Final = 366

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From when to when, and whose days they are; raises BadEvidence for one that is none."""

    begin: datetime
    end: datetime
    zone: str

    def __post_init__(self) -> None:
        if self.begin.tzinfo is None or self.end.tzinfo is None:
            raise BadEvidence("both ends of the period need a zone")
        if not timedelta(0) < self.end - self.begin <= timedelta(days=MOST_DAYS):
            raise BadEvidence(f"the period must end after it begins, at most {MOST_DAYS} days later")

    def instants(self) -> list[datetime]:
        """When figures are computed: at each even hour within, so that every window of two hours is seen, and at
        the end."""
        zone = ZoneInfo(self.zone)
        hour = self.begin.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        found: list[datetime] = []
        while (hour := hour + timedelta(hours=1)) < self.end:
            local = hour.astimezone(zone)
            if local.hour % 2 == 0:
                found.append(local)
        return [*found, self.end.astimezone(zone)]


class Recomputation:
    """Figures at instants, from facts in the order of the journal: what makes a pack, and what checks it."""

    def __init__(self, rules: FoldRules, instants: Iterable[datetime]) -> None:
        self._fold = Fold(rules)
        self._instants = list(instants)
        self.results: dict[str, list[Row]] = {}
        self.facts = 0

    def take(self, event: FactEvent) -> None:
        """The next fact."""
        while self._instants and event.at >= self._instants[0]:
            self._compute()
        self._fold.apply(event)
        self.facts += 1

    def finish(self) -> dict[str, list[Row]]:
        """No more facts: the figures at all instants, by their time."""
        while self._instants:
            self._compute()
        return self.results

    def _compute(self) -> None:
        at = self._instants.pop(0)
        # A window that ends at an instant holds the seconds before it.
        second = wall_us(at) // MICROSECONDS - 1
        self.results[at.isoformat()] = [
            {
                "id": row.definition.id,
                "version": row.definition.version,
                "source": str(row.definition.source),
                "value": row.measurement.value,
                "samples": row.measurement.samples,
                "successes": row.measurement.successes,
                "bound": row.confidence_bound,
                "verdict": str(row.verdict),
                "label": row.measurement.label,
            }
            for row in rows(self._fold, second)
        ]


def fact_types(rules: FoldRules) -> tuple[str, ...]:
    """The facts that figures are made of."""
    return Fold(rules).fact_types


def definitions() -> dict[str, Any]:
    """The table of definitions, as it is in packs."""
    return {name: asdict(definition) for name, definition in DEFINITIONS.items()}


def rules_document(rules: FoldRules) -> dict[str, Any]:
    """The rules of a fold, as a manifest has them."""
    return {
        "short_abandon_us": rules.short_abandon_us,
        "meal_reasons": sorted(rules.meal_reasons),
        "design_load_erlang": rules.design_load_erlang,
        "max_open_contacts": rules.max_open_contacts,
        "max_names": rules.max_names,
    }


def rules_of(data: Any, zone: str) -> FoldRules:
    """The rules that a manifest has; raises KeyError, TypeError or ValueError."""
    return FoldRules(
        zone=ZoneInfo(zone),
        short_abandon_us=int(data["short_abandon_us"]),
        meal_reasons=frozenset(map(str, data["meal_reasons"])),
        design_load_erlang=float(data["design_load_erlang"]),
        max_open_contacts=int(data["max_open_contacts"]),
        max_names=int(data["max_names"]),
    )


def as_json(content: Any) -> bytes:
    """The one way in which documents are written, so that equal ones have equal hashes."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, default=str, indent=1).encode()

"""The alarm board: the fold of alarm facts into rows, for the web process and for the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ccplatform.contracts.facts import AlarmAcknowledged, AlarmCleared, AlarmRaised, FactEvent
from ccplatform.contracts.words import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """An alarm and its story."""

    id: str
    kind: str
    subject: str
    severity: Severity
    text: str
    raised_at: datetime
    cleared_at: datetime | None = None
    lasted_seconds: float | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None


class AlarmBoard:
    """The alarms that are up, as the facts tell; needs no database, so that its absence can be seen too."""

    def __init__(self) -> None:
        self._up: dict[str, AlarmRow] = {}

    def load(self, rows: Iterable[AlarmRow]) -> None:
        """These are the alarms that are up; what is known of one's acknowledgement stays."""
        known, self._up = self._up, {row.id: row for row in rows}
        self.complete(row for row in known.values() if row.acknowledged_at is not None)

    def complete(self, rows: Iterable[AlarmRow]) -> None:
        """Add to the alarms that are up when they were acknowledged, as far as these rows tell."""
        for row in rows:
            up = self._up.get(row.id)
            if up is not None and up.acknowledged_at is None:
                self._up[row.id] = replace(
                    up, acknowledged_at=row.acknowledged_at, acknowledged_by=row.acknowledged_by
                )

    def apply(self, event: FactEvent) -> None:
        """Take a fact; those that are not about alarms change nothing."""
        match event.fact:
            case AlarmRaised() as fact:
                self._up[fact.alarm] = raised(fact, event.at)
            case AlarmCleared() as fact:
                self._up.pop(fact.alarm, None)
            case AlarmAcknowledged() as fact if fact.alarm in self._up:
                row = self._up[fact.alarm]
                self._up[fact.alarm] = replace(row, acknowledged_at=event.at, acknowledged_by=fact.by)
            case _:
                pass

    def active(self) -> list[AlarmRow]:
        """What is up, newest first."""
        return sorted(self._up.values(), key=lambda row: (row.raised_at, row.id), reverse=True)

    def counts(self) -> dict[Severity, int]:
        """How many are up of each severity (``cc_alarms``)."""
        found = Counter(row.severity for row in self._up.values())
        return {severity: found[severity] for severity in Severity}


def raised(fact: AlarmRaised, at: datetime) -> AlarmRow:
    """The row of an alarm that was raised at ``at``."""
    return AlarmRow(
        id=fact.alarm, kind=fact.kind, subject=fact.subject, severity=fact.severity, text=fact.text, raised_at=at
    )

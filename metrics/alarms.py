"""Alarms that are up, by severity (R10.4.c)."""

from __future__ import annotations

from ccplatform.contracts.facts import AlarmCleared, AlarmRaised
from ccplatform.contracts.words import Severity
from metrics.model import Observation, Stamp


class StandingAlarms:
    """The alarms that were raised and not cleared."""

    def __init__(self) -> None:
        self._up: dict[str, Severity] = {}

    def raised(self, fact: AlarmRaised, stamp: Stamp, out: list[Observation]) -> None:
        """An alarm began."""
        self._up[fact.alarm] = fact.severity

    def cleared(self, fact: AlarmCleared, stamp: Stamp, out: list[Observation]) -> None:
        """An alarm ended."""
        self._up.pop(fact.alarm, None)

    def by_severity(self) -> dict[Severity, int]:
        """How many are up."""
        counts = dict.fromkeys(Severity, 0)
        for severity in self._up.values():
            counts[severity] += 1
        return counts

    def snapshot(self) -> dict[str, str]:
        """JSON-able state."""
        return {alarm: severity.value for alarm, severity in self._up.items()}

    def restore(self, data: dict[str, str]) -> None:
        """Take the state of a snapshot."""
        self._up = {alarm: Severity(severity) for alarm, severity in data.items()}

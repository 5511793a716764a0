"""The alarm book: which alarms are up. A pure core; its facts are the history (R10.4.c)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from ccplatform.contracts.commands import AcknowledgeAlarm, ClearAlarm, RaiseAlarm
from ccplatform.contracts.facts import AlarmAcknowledged, AlarmCleared, AlarmRaised
from ccplatform.contracts.words import Severity
from ccplatform.kernel.core import DeadlineReached
from ccplatform.kernel.errors import NotFound

AlarmCommand: TypeAlias = RaiseAlarm | ClearAlarm | AcknowledgeAlarm
AlarmFact: TypeAlias = AlarmRaised | AlarmCleared | AlarmAcknowledged

#: Most alarms up at once; what comes on top is one alarm of this kind.
MAX_ACTIVE = 1000
OVERFLOW_KIND = "too_many_alarms"
#: Kinds that tell what happened, not what is wrong now: nothing ends them but somebody who saw them.
UNTIL_SEEN = frozenset(
    {
        "control_restarted",
        "internal_error",
        "projection_failed",
        "recording_damaged",
        "recording_deleted_early",
        "recording_gap",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlarm:
    """An alarm that is up; ``age`` seconds."""

    id: str
    kind: str
    subject: str
    severity: Severity
    text: str
    age: float
    acknowledged_by: str | None = None


@dataclass(slots=True)
class _Entry:
    id: str
    severity: Severity
    text: str
    raised: float
    acknowledged_by: str | None


class AlarmBook:
    """Alarms by kind and subject: raising one that is up and clearing one that is not change nothing."""

    def __init__(self, *, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._up: dict[tuple[str, str], _Entry] = {}

    def handle(self, event: AlarmCommand | DeadlineReached, now: float) -> list[AlarmFact]:
        """Take a command; returns the facts. Raises :class:`NotFound` when an unknown alarm is acknowledged."""
        match event:
            case RaiseAlarm():
                return self._raise(event, now)
            case ClearAlarm():
                return self._clear(event.kind, event.subject, now)
            case AcknowledgeAlarm():
                return self._acknowledge(event, now)
            case DeadlineReached():
                return []
            case _:
                assert_never(event)

    def next_deadline(self) -> None:
        """Never: alarms know no time-outs."""

    def active(self, now: float) -> list[ActiveAlarm]:
        """What is up, in the order of raising."""
        return [
            ActiveAlarm(
                id=entry.id,
                kind=kind,
                subject=subject,
                severity=entry.severity,
                text=entry.text,
                age=now - entry.raised,
                acknowledged_by=entry.acknowledged_by,
            )
            for (kind, subject), entry in self._up.items()
        ]

    def snapshot(self, now: float) -> dict[str, Any]:
        """JSON-able state."""
        return {
            "active": [
                {
                    "id": alarm.id,
                    "kind": alarm.kind,
                    "subject": alarm.subject,
                    "severity": alarm.severity.value,
                    "text": alarm.text,
                    "age": alarm.age,
                    "acknowledged_by": alarm.acknowledged_by,
                }
                for alarm in self.active(now)
            ]
        }

    def restore(self, data: dict[str, Any], now: float) -> None:
        """Take the alarms of a snapshot back."""
        alarms = (ActiveAlarm(**{**alarm, "severity": Severity(alarm["severity"])}) for alarm in data["active"])
        self.take_back(alarms, now)

    def take_back(self, alarms: Iterable[ActiveAlarm], now: float) -> None:
        """Know alarms as up that were up before a restart; one that was raised since then stands."""
        for alarm in alarms:
            entry = _Entry(alarm.id, alarm.severity, alarm.text, now - alarm.age, alarm.acknowledged_by)
            self._up.setdefault((alarm.kind, alarm.subject), entry)

    def _raise(self, command: RaiseAlarm, now: float) -> list[AlarmFact]:
        kind, subject, severity, text = command.kind, command.subject, command.severity, command.text
        if (kind, subject) in self._up:
            return []
        if len(self._up) >= MAX_ACTIVE:
            if (OVERFLOW_KIND, "") in self._up:
                return []
            kind, subject, severity, text = (
                OVERFLOW_KIND,
                "",
                Severity.URGENT,
                f"more than {MAX_ACTIVE} alarms are up",
            )
        ident = self._new_id()
        self._up[kind, subject] = _Entry(ident, severity, text, now, None)
        return [AlarmRaised(alarm=ident, kind=kind, subject=subject, severity=severity, text=text)]

    def _clear(self, kind: str, subject: str, now: float) -> list[AlarmFact]:
        entry = self._up.pop((kind, subject), None)
        if entry is None:
            return []
        cleared = AlarmCleared(alarm=entry.id, kind=kind, subject=subject, lasted_seconds=now - entry.raised)
        overflow_over = (OVERFLOW_KIND, "") in self._up and len(self._up) < MAX_ACTIVE
        return [cleared, *(self._clear(OVERFLOW_KIND, "", now) if overflow_over else [])]

    def _acknowledge(self, command: AcknowledgeAlarm, now: float) -> list[AlarmFact]:
        found = next((item for item in self._up.items() if item[1].id == command.alarm), None)
        if found is None:
            raise NotFound(f"no alarm {command.alarm} is up")
        (kind, subject), entry = found
        if entry.acknowledged_by is not None:
            return []
        entry.acknowledged_by = command.by
        over = self._clear(kind, subject, now) if kind in UNTIL_SEEN else []
        return [AlarmAcknowledged(alarm=entry.id, by=command.by), *over]

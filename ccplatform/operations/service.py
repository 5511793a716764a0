"""The one alarm service, in the control process: the shell around the alarm book."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from ccplatform.contracts.commands import AcknowledgeAlarm, Answer, ClearAlarm, Done, RaiseAlarm, Refused
from ccplatform.contracts.facts import AlarmCleared, AlarmRaised
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import NotFound
from ccplatform.kernel.ids import Ids
from ccplatform.operations.alarms import ActiveAlarm, AlarmBook, AlarmCommand
from ccplatform.operations.board import AlarmRow

_log = structlog.get_logger("alarms")


class AlarmService:
    """Implements the ``Alarms`` port and carries out the alarm commands of other processes."""

    def __init__(self, *, facts: Facts, clock: Clock, ids: Ids) -> None:
        self._facts = facts
        self._clock = clock
        self._book = AlarmBook(new_id=ids.new)

    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        """An alarm condition began; nothing happens if it is up."""
        self._handle(RaiseAlarm(kind=kind, subject=subject, severity=severity, text=text))

    def clear_alarm(self, kind: str, subject: str) -> None:
        """The condition is over; nothing happens if it is not up."""
        self._handle(ClearAlarm(kind=kind, subject=subject))

    def perform(self, command: AlarmCommand) -> Answer:
        """Carry out a command from another process."""
        try:
            self._handle(command)
        except NotFound as error:
            return Refused(code=error.code, message=str(error))
        return Done()

    def active(self) -> list[ActiveAlarm]:
        """What is up."""
        return self._book.active(self._clock.now())

    def restore(self, rows: Iterable[AlarmRow]) -> None:
        """After a restart: know the alarms that the table says are still up, so that they can be cleared."""
        wall = self._clock.wall()
        alarms = [
            ActiveAlarm(
                id=row.id,
                kind=row.kind,
                subject=row.subject,
                severity=row.severity,
                text=row.text,
                age=max(0.0, (wall - row.raised_at).total_seconds()),
                acknowledged_by=row.acknowledged_by,
            )
            for row in rows
        ]
        self._book.take_back(alarms, self._clock.now())

    def _handle(self, command: RaiseAlarm | ClearAlarm | AcknowledgeAlarm) -> None:
        for fact in self._book.handle(command, self._clock.now()):
            match fact:
                case AlarmRaised():
                    _log.warning(
                        "alarm", kind=fact.kind, subject=fact.subject, level=fact.severity, text=fact.text
                    )
                case AlarmCleared():
                    _log.info("alarm cleared", kind=fact.kind, subject=fact.subject)
            self._facts.record(fact)

"""The history of alarms in PostgreSQL, written from the journal's facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import asyncpg

from ccplatform.contracts.facts import AlarmAcknowledged, AlarmCleared, AlarmRaised, FactEvent
from ccplatform.contracts.words import DEFAULT_TENANT, Severity, TenantId
from ccplatform.operations.board import AlarmRow
from ccplatform.storage.database import Connection, Database

_COLUMNS = (
    "id, kind, subject, severity, text, raised_at, cleared_at, lasted_seconds, acknowledged_at, acknowledged_by"
)


class AlarmProjection:
    """Writes the table ``alarms`` with the journal's batches."""

    takes: ClassVar = (AlarmRaised, AlarmCleared, AlarmAcknowledged)

    async def apply(self, connection: Connection, events: Sequence[FactEvent]) -> None:
        """Add, end and acknowledge alarms as the facts say; a fact that is written already changes nothing."""
        for event in events:
            match event.fact:
                case AlarmRaised() as fact:
                    await connection.execute(
                        """INSERT INTO alarms (tenant, id, kind, subject, severity, text, raised_at)
                           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING""",
                        event.tenant,
                        fact.alarm,
                        fact.kind,
                        fact.subject,
                        fact.severity,
                        fact.text.replace("\x00", "\N{REPLACEMENT CHARACTER}"),
                        event.at,
                    )
                case AlarmCleared() as fact:
                    await connection.execute(
                        """UPDATE alarms SET cleared_at = $3, lasted_seconds = $4
                           WHERE tenant = $1 AND id = $2 AND cleared_at IS NULL""",
                        event.tenant,
                        fact.alarm,
                        event.at,
                        fact.lasted_seconds,
                    )
                case AlarmAcknowledged() as fact:
                    await connection.execute(
                        """UPDATE alarms SET acknowledged_at = $3, acknowledged_by = $4
                           WHERE tenant = $1 AND id = $2 AND acknowledged_at IS NULL""",
                        event.tenant,
                        fact.alarm,
                        event.at,
                        fact.by,
                    )
                case _:
                    pass


class AlarmStore:
    """Reads the table ``alarms`` of one tenant."""

    def __init__(self, database: Database, *, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def active(self) -> list[AlarmRow]:
        """What is up, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM alarms WHERE tenant = $1 AND cleared_at IS NULL ORDER BY raised_at, id",
                self._tenant,
            )
        return [_row(row) for row in rows]

    async def page(
        self,
        *,
        active: bool | None = None,
        severity: Severity | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: tuple[datetime, str] | None = None,
        limit: int = 100,
    ) -> list[AlarmRow]:
        """Alarms raised in ``[since, until)``, newest first, after the alarm (raised_at, id) ``before``."""
        before_at, before_id = before or (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"""SELECT {_COLUMNS} FROM alarms
                    WHERE tenant = $1 AND ($2::boolean IS NULL OR (cleared_at IS NULL) = $2)
                      AND ($3::text IS NULL OR severity = $3) AND ($4::timestamptz IS NULL OR raised_at >= $4)
                      AND ($5::timestamptz IS NULL OR raised_at < $5)
                      AND ($6::timestamptz IS NULL OR (raised_at, id) < ($6, $7::uuid))
                    ORDER BY raised_at DESC, id DESC LIMIT $8""",
                self._tenant,
                active,
                severity,
                since,
                until,
                before_at,
                before_id,
                limit,
            )
        return [_row(row) for row in rows]

    async def delete_ended_before(self, limit: datetime) -> int:
        """Delete alarms that ended before ``limit``; how many."""
        async with self._database.connection() as connection:
            query = "DELETE FROM alarms WHERE tenant = $1 AND cleared_at < $2"
            status = await connection.execute(query, self._tenant, limit)
        return int(status.split()[-1])


def _row(row: asyncpg.Record) -> AlarmRow:
    return AlarmRow(**{**dict(row), "severity": Severity(row["severity"])})

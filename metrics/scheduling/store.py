"""The schedules in the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import asyncpg

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.kernel.errors import NotFound, Refusal
from ccplatform.storage.database import Connection, Database
from metrics.scheduling.model import Every, FileFormat, Schedule

#: So many of one centre.
MOST_SCHEDULES: Final = 100

_KEPT: Final = ("name", "report", "group_by", "period", "format", "minute", "mail_to", "paused", "next_at")
_COLUMNS: Final = ", ".join(("id", *_KEPT, "tried_at", "last_period", "last_result", "last_ok"))
_PUT: Final = f"""
    INSERT INTO report_schedules (tenant, id, {", ".join(_KEPT)})
    VALUES ($1, $2, {", ".join(f"${number}" for number in range(3, 3 + len(_KEPT)))})
    ON CONFLICT (tenant, id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _KEPT)}
"""


class ScheduleStore:
    """Every method raises DatabaseUnavailable when the database is away."""

    def __init__(self, database: Database, *, tenant: TenantId = DEFAULT_TENANT) -> None:
        self.database = database
        self._tenant = tenant

    async def all(self) -> list[Schedule]:
        """All of them, by name."""
        async with self.database.connection() as connection:
            found = await connection.fetch(
                f"SELECT {_COLUMNS} FROM report_schedules WHERE tenant = $1 ORDER BY lower(name)", self._tenant
            )
        return [_schedule(row) for row in found]

    async def get(self, name: str) -> Schedule | None:
        """That of an id; None: there is none."""
        async with self.database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM report_schedules WHERE tenant = $1 AND id = $2", self._tenant, name
            )
        return None if row is None else _schedule(row)

    async def put(self, schedule: Schedule, connection: Connection) -> None:
        """Keep one, in the place of the one of its id; raises Refusal for a taken name, or one too many."""
        others = await connection.fetchval(
            "SELECT count(*) FROM report_schedules WHERE tenant = $1 AND id <> $2", self._tenant, schedule.id
        )
        if others >= MOST_SCHEDULES:
            raise Refusal(f"there are {MOST_SCHEDULES} schedules, and no more", code="too_many")
        kept = asdict(schedule)
        try:
            await connection.execute(_PUT, self._tenant, schedule.id, *(kept[name] for name in _KEPT))
        except asyncpg.UniqueViolationError:
            raise Refusal(
                f"another schedule is named {schedule.name!r}", code="name_taken", where="name"
            ) from None

    async def remove(self, name: str, connection: Connection) -> Schedule:
        """Forget one; raises NotFound."""
        row = await connection.fetchrow(
            f"DELETE FROM report_schedules WHERE tenant = $1 AND id = $2 RETURNING {_COLUMNS}", self._tenant, name
        )
        if row is None:
            raise NotFound(f"no schedule {name}")
        return _schedule(row)

    async def tried(
        self, schedule: Schedule, *, at: datetime, period: str, result: str, ok: bool, next_at: datetime
    ) -> None:
        """Keep what came of an attempt, unless somebody changed the schedule meanwhile."""
        async with self.database.connection() as connection:
            await connection.execute(
                """UPDATE report_schedules
                   SET tried_at = $4, last_period = $5, last_result = $6, last_ok = $7, next_at = $8
                   WHERE tenant = $1 AND id = $2 AND next_at = $3""",
                self._tenant,
                schedule.id,
                schedule.next_at,
                at,
                period,
                result,
                ok,
                next_at,
            )


def _schedule(row: asyncpg.Record) -> Schedule:
    told: dict[str, Any] = dict(row)
    return Schedule(
        **{
            **told,
            "id": str(told["id"]),
            "period": Every(told["period"]),
            "format": FileFormat(told["format"]),
            "mail_to": tuple(told["mail_to"]),
        }
    )

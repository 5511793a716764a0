"""Promised call-backs in PostgreSQL; numbers are sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from acd.callbacks.model import CallBack, State
from ccplatform.contracts.words import DEFAULT_TENANT, ContactId, QueueId, TenantId
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database

_COLUMNS = """
id, contact, queue, number_sealed, priority, created_at, queued_at, not_before, expires_at, state, reason,
attempts, attempt, ended_at
"""


#: Most rows that are opened to find those of one number.
MOST_COMPARED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackFilter:
    """What a list is narrowed to; None: everything. ``after`` is the place of the last row seen."""

    queue: str | None = None
    state: State | None = None
    after: tuple[datetime, str] | None = None


class CallBackStore:
    """One tenant's promises. Every method raises DatabaseUnavailable while the database is away."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        digest: Callable[[str], bytes],
        tenant: TenantId = DEFAULT_TENANT,
    ) -> None:
        self._database = database
        self._vault = vault
        self._digest = digest
        self._tenant = tenant

    async def add(self, row: CallBack) -> str:
        """Commit a promise; returns its id, that of the earlier one if the contact was promised it before."""
        sealed = self._vault.seal(row.number.encode(), _context(row.id))
        async with self._database.connection() as connection:
            stored = await connection.fetchval(
                """
                INSERT INTO call_backs (tenant, id, contact, queue, number_sealed, priority, created_at, queued_at,
                                        not_before, expires_at, number_digest)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                ON CONFLICT (tenant, contact, queue) DO UPDATE SET queue = excluded.queue
                RETURNING id
                """,
                self._tenant,
                row.id,
                row.contact,
                row.queue,
                sealed,
                row.priority,
                row.created_at,
                row.queued_at,
                row.not_before,
                row.expires_at,
                self._digest(row.number),
            )
        return str(stored)

    async def save(self, row: CallBack) -> None:
        """Commit what became of a promise."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                UPDATE call_backs
                SET not_before = $3, state = $4, reason = $5, attempts = $6, attempt = $7, ended_at = $8,
                    expires_at = $9
                WHERE tenant = $1 AND id = $2
                """,
                self._tenant,
                row.id,
                row.not_before,
                row.state,
                row.reason,
                row.attempts,
                row.attempt,
                row.ended_at,
                row.expires_at,
            )

    async def open(self) -> list[CallBack]:
        """The promises that are still to be kept, in the order of their places."""
        sql = f"""
            SELECT {_COLUMNS} FROM call_backs WHERE tenant = $1 AND state = 'open' ORDER BY queued_at, id
        """
        async with self._database.connection() as connection:
            return [self._row(row) for row in await connection.fetch(sql, self._tenant)]

    async def open_of(self, number: str, limit: int) -> list[CallBack]:
        """The promises to this number that are still to be kept, the next first."""
        sql = f"""
            SELECT {_COLUMNS} FROM call_backs
            WHERE tenant = $1 AND state = 'open' AND (number_digest = $2 OR number_digest IS NULL)
            ORDER BY not_before, id LIMIT $3
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(sql, self._tenant, self._digest(number), MOST_COMPARED)
        return [row for row in map(self._row, rows) if row.number == number][:limit]

    async def find(self, wanted: CallBackFilter, limit: int) -> list[CallBack]:
        """Promises, newest first."""
        after = wanted.after or (None, None)
        sql = f"""
            SELECT {_COLUMNS} FROM call_backs
            WHERE tenant = $1 AND ($2::text IS NULL OR queue = $2) AND ($3::text IS NULL OR state = $3)
              AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
            ORDER BY created_at DESC, id DESC LIMIT $6
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(sql, self._tenant, wanted.queue, wanted.state, *after, limit)
        return [self._row(row) for row in rows]

    def _row(self, row: asyncpg.Record) -> CallBack:
        name = str(row["id"])
        return CallBack(
            id=name,
            contact=ContactId(str(row["contact"])),
            queue=QueueId(row["queue"]),
            number=self._vault.open(row["number_sealed"], _context(name)).decode(),
            priority=row["priority"],
            created_at=row["created_at"],
            queued_at=row["queued_at"],
            not_before=row["not_before"],
            expires_at=row["expires_at"],
            state=State(row["state"]),
            reason=row["reason"],
            attempts=row["attempts"],
            attempt=None if row["attempt"] is None else ContactId(str(row["attempt"])),
            ended_at=row["ended_at"],
        )


def _context(name: str) -> str:
    return f"call-back:{name}"

"""Shifts in PostgreSQL (table ``shifts``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.storage.database import Database


class ShiftStore:
    """Of one tenant. Every method raises DatabaseUnavailable while the database is away."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def documents(self, name: str | None = None) -> dict[str, dict[str, Any]]:
        """The documents by id; all, or the one of this id if there is one."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT id, document FROM shifts
                 WHERE tenant = $1 AND ($2::text IS NULL OR id = $2) ORDER BY begins, id
                """,
                self._tenant,
                name,
            )
        return {row["id"]: row["document"] for row in rows}

    async def between(self, start: datetime, end: datetime, agent: str | None = None) -> dict[str, dict[str, Any]]:
        """The documents by id of shifts that have time in common with this; all, or those of an agent."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT id, document FROM shifts
                 WHERE tenant = $1 AND ends > $2 AND begins < $3 AND ($4::text IS NULL OR agent = $4)
                 ORDER BY begins, id
                """,
                self._tenant,
                start,
                end,
                agent,
            )
        return {row["id"]: row["document"] for row in rows}

    async def count(self) -> int:
        """How many there are."""
        async with self._database.connection() as connection:
            count: int = await connection.fetchval("SELECT count(*) FROM shifts WHERE tenant = $1", self._tenant)
        return count

    async def save(self, name: str, document: Mapping[str, Any], begins: datetime, ends: datetime) -> None:
        """Add or replace one."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO shifts (tenant, id, agent, begins, ends, document) VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (tenant, id) DO UPDATE SET agent = excluded.agent, begins = excluded.begins,
                       ends = excluded.ends, document = excluded.document
                """,
                self._tenant,
                name,
                document["agent"],
                begins,
                ends,
                dict(document),
            )

    async def remove(self, name: str) -> None:
        """Forget one."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM shifts WHERE tenant = $1 AND id = $2", self._tenant, name)

    async def remove_ended(self, before: datetime) -> None:
        """Forget those that ended before then."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM shifts WHERE tenant = $1 AND ends < $2", self._tenant, before)

    async def planned_for(self, agent: str, since: datetime) -> list[str]:
        """What of an agent's plan ends after then, as what names him."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM shifts WHERE tenant = $1 AND agent = $2 AND ends > $3 ORDER BY begins LIMIT 11",
                self._tenant,
                agent,
                since,
            )
        return [f"shift {row['id']}" for row in rows]

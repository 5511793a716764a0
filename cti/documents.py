"""Settings of desks in PostgreSQL, a document each (table ``desk_documents``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.storage.database import Database


class DeskDocuments:
    """Those of one kind of one tenant. Every method raises DatabaseUnavailable while the database is away."""

    def __init__(self, kind: str, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._kind = kind
        self._database = database
        self._tenant = tenant

    async def documents(self, name: str | None = None) -> dict[str, dict[str, Any]]:
        """The documents by id; all, or the one of this id if there is one."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT id, document FROM desk_documents
                 WHERE tenant = $1 AND kind = $2 AND ($3::text IS NULL OR id = $3) ORDER BY id
                """,
                self._tenant,
                self._kind,
                name,
            )
        return {row["id"]: row["document"] for row in rows}

    async def save(self, name: str, document: Mapping[str, Any]) -> None:
        """Add or replace one."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO desk_documents (tenant, kind, id, document) VALUES ($1, $2, $3, $4)
                ON CONFLICT (tenant, kind, id) DO UPDATE SET document = excluded.document
                """,
                self._tenant,
                self._kind,
                name,
                dict(document),
            )

    async def remove(self, name: str) -> None:
        """Forget one."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM desk_documents WHERE tenant = $1 AND kind = $2 AND id = $3",
                self._tenant,
                self._kind,
                name,
            )

    async def naming(self, queue: str) -> list[str]:
        """Those that name a queue."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT id FROM desk_documents
                 WHERE tenant = $1 AND kind = $2 AND document -> 'queues' ? $3 ORDER BY id
                """,
                self._tenant,
                self._kind,
                queue,
            )
        return [f"{self._kind.replace('_', ' ')} {row['id']}" for row in rows]

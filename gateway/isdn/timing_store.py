"""The SQL of what times spans (R10.6.a): choices that were made otherwise than by the settings."""

from __future__ import annotations

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.security.audit import Audit
from ccplatform.storage.database import Database

_SAVE = """
INSERT INTO span_timings (tenant, span, source) VALUES ($1, $2, $3)
ON CONFLICT (tenant, span) DO UPDATE SET source = excluded.source
"""


class TimingStore:
    """Choices in PostgreSQL; every method may raise Unavailable."""

    def __init__(self, database: Database, *, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database, self._tenant = database, tenant

    async def all(self) -> dict[str, str]:
        """The source of each span for which one was chosen."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT span, source FROM span_timings WHERE tenant = $1", self._tenant)
        return {row["span"]: row["source"] for row in rows}

    async def choose(self, span: str, source: str, *, configured: str, by: str, audit: Audit) -> None:
        """Keep a choice, with its history; what the settings say anyway (``configured``) is kept by them."""
        async with self._database.transaction() as connection:
            await connection.execute("LOCK TABLE span_timings IN EXCLUSIVE MODE")
            chosen = await connection.fetchval(
                "SELECT source FROM span_timings WHERE tenant = $1 AND span = $2", self._tenant, span
            )
            if source == configured:
                await connection.execute(
                    "DELETE FROM span_timings WHERE tenant = $1 AND span = $2", self._tenant, span
                )
            else:
                await connection.execute(_SAVE, self._tenant, span, source)
            await audit.record(
                subject=by,
                action="span.timing",
                object=span,
                result="ok",
                detail={"before": {"timing": chosen or configured}, "after": {"timing": source}},
                connection=connection,
            )

"""The IVR's tables: flows and entry points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ccplatform.contracts.words import DEFAULT_TENANT, FlowId, TenantId
from ccplatform.storage.database import Database
from ivr.document import document_of, revision_of
from ivr.model import Flow

#: How long a superseded revision is still loaded for sessions that began on it.
SUPERSEDED = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """A number and the flow that answers it; ``from_seat``: only for calls of the centre's own seats."""

    number: str
    flow: FlowId
    from_seat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFlow:
    """A published document as it was stored."""

    flow: FlowId
    revision: str
    document: object
    current: bool


class IvrStore:
    """SQL of the IVR for one tenant; every method raises DatabaseUnavailable when the database is away."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def publish(self, flow: Flow, at: datetime) -> str:
        """Make a checked flow the one that new sessions run; returns its revision. Idempotent."""
        revision = revision_of(flow)
        async with self._database.transaction() as connection:
            await connection.execute(
                """
                UPDATE flows SET superseded_at = $4
                WHERE tenant = $1 AND id = $2 AND revision <> $3 AND superseded_at IS NULL
                """,
                self._tenant,
                flow.flow,
                revision,
                at,
            )
            await connection.execute(
                """
                INSERT INTO flows (tenant, id, revision, document, published_at) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (tenant, id, revision) DO UPDATE SET superseded_at = NULL
                """,
                self._tenant,
                flow.flow,
                revision,
                document_of(flow),
                at,
            )
        return revision

    async def flows(self, now: datetime) -> list[StoredFlow]:
        """Current flows, and the revisions that running sessions may still be on."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT id, revision, document, superseded_at IS NULL AS current FROM flows
                WHERE tenant = $1 AND (superseded_at IS NULL OR superseded_at > $2)
                ORDER BY id, published_at
                """,
                self._tenant,
                now - SUPERSEDED,
            )
        return [
            StoredFlow(
                flow=FlowId(row["id"]), revision=row["revision"], document=row["document"], current=row["current"]
            )
            for row in rows
        ]

    async def save_entry_point(self, entry: EntryPoint) -> None:
        """Let a number lead to a flow; an earlier one is replaced."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO entry_points (tenant, number, from_seat, flow) VALUES ($1, $2, $3, $4)
                ON CONFLICT (tenant, number, from_seat) DO UPDATE SET flow = excluded.flow
                """,
                self._tenant,
                entry.number,
                entry.from_seat,
                entry.flow,
            )

    async def entry_points(self) -> list[EntryPoint]:
        """Every number that a flow answers."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT number, from_seat, flow FROM entry_points WHERE tenant = $1 ORDER BY number", self._tenant
            )
        return [EntryPoint(number=row["number"], from_seat=row["from_seat"], flow=row["flow"]) for row in rows]

"""Drafts and numbered versions of flows, in PostgreSQL.

A version never changes. Publishing adds the next number, or, when the document is that of an earlier version,
makes that one current again; rolling back does the same by number. A flow that is taken out of service keeps its
versions: running sessions finish on theirs, and it can be brought back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.storage.database import Connection, Database
from ivr.document import document_of, revision_of
from ivr.errors import NoSuchFlow
from ivr.model import Flow
from ivr.surroundings import naming

#: Who publishes the flows that belong to this program.
PLATFORM = "platform"

_VERSION = (
    "number, revision, published_at, published_by, note, chosen_at, chosen_by, superseded_at IS NULL AS current"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A published version; ``chosen_*`` tell who made it the current one last."""

    number: int
    revision: str
    published_at: datetime
    published_by: str
    note: str
    chosen_at: datetime
    chosen_by: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRow:
    """A flow in a list: its current version (None: never published, or out of service) and its draft."""

    id: str
    title: str
    version: int | None
    published_at: datetime | None
    published_by: str | None
    changed_at: datetime | None
    changed_by: str | None


class Versions:
    """SQL of one tenant's drafts and versions; every method raises DatabaseUnavailable while it is away."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    # --- reading ------------------------------------------------------------------------------------------

    async def all(self) -> list[FlowRow]:
        """Every flow that has a current version or a draft."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT coalesce(d.id, f.id) AS id, coalesce(d.document, f.document) AS document,
                       f.number AS version, f.published_at, f.published_by, d.changed_at, d.changed_by
                FROM (SELECT * FROM flows WHERE tenant = $1 AND superseded_at IS NULL) AS f
                FULL JOIN (SELECT * FROM flow_drafts WHERE tenant = $1) AS d ON d.id = f.id
                ORDER BY 1
                """,
                self._tenant,
            )
        return [FlowRow(title=_title(row["document"]), **_without(row, "document")) for row in rows]

    async def draft(self, flow: str) -> Mapping[str, Any] | None:
        """The draft's document; None when nothing is changed since the last version."""
        async with self._database.connection() as connection:
            text = await connection.fetchval(
                "SELECT document FROM flow_drafts WHERE tenant = $1 AND id = $2", self._tenant, flow
            )
        return None if text is None else _document(text)

    async def drafts(self) -> dict[str, Mapping[str, Any]]:
        """Every draft."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT id, document FROM flow_drafts WHERE tenant = $1", self._tenant)
        return {row["id"]: _document(row["document"]) for row in rows}

    async def current_documents(self) -> dict[str, Mapping[str, Any]]:
        """The document of every current version."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, document FROM flows WHERE tenant = $1 AND superseded_at IS NULL", self._tenant
            )
        return {row["id"]: _document(row["document"]) for row in rows}

    async def going_by(self, calendar: str) -> list[str]:
        """The flows, in service or drafts, that go by a calendar, and where."""
        found = {
            f"flow {name} ({path})"
            for documents in (await self.current_documents(), await self.drafts())
            for name, document in documents.items()
            for path in naming(document, "calendar", calendar)
        }
        return sorted(found)

    async def current(self, flow: str) -> tuple[Version, Mapping[str, Any]] | None:
        """What new sessions run."""
        return await self._one(flow, "superseded_at IS NULL")

    async def version(self, flow: str, number: int) -> tuple[Version, Mapping[str, Any]]:
        """One version; raises NoSuchFlow."""
        found = await self._one(flow, f"number = {int(number)}")
        if found is None:
            raise NoSuchFlow(f"flow {flow} has no version {number}")
        return found

    async def versions(self, flow: str) -> list[Version]:
        """Every version, newest first; none for a flow that nobody ever published."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"SELECT {_VERSION} FROM flows WHERE tenant = $1 AND id = $2 ORDER BY number DESC",
                self._tenant,
                flow,
            )
        return [Version(**row) for row in rows]

    async def _one(self, flow: str, which: str) -> tuple[Version, Mapping[str, Any]] | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT document, {_VERSION} FROM flows WHERE tenant = $1 AND id = $2 AND {which}",
                self._tenant,
                flow,
            )
        return None if row is None else (Version(**_without(row, "document")), _document(row["document"]))

    # --- changing -----------------------------------------------------------------------------------------

    async def save_draft(self, flow: str, document: Mapping[str, Any], *, at: datetime, by: str) -> None:
        """Keep a draft, legal or not."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO flow_drafts (tenant, id, document, changed_at, changed_by) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (tenant, id) DO UPDATE
                SET document = excluded.document, changed_at = excluded.changed_at,
                    changed_by = excluded.changed_by
                """,
                self._tenant,
                flow,
                _text(document),
                at,
                by,
            )

    async def drop_draft(self, flow: str) -> None:
        """Forget what was changed since the last version."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM flow_drafts WHERE tenant = $1 AND id = $2", self._tenant, flow)

    async def publish(self, flow: Flow, *, at: datetime, by: str, note: str = "") -> Version:
        """Make a checked flow the one that new sessions run; its draft is published with it."""
        revision = revision_of(flow)
        async with self._database.transaction() as connection:
            await self._supersede(connection, flow.flow, revision, at)
            row = await connection.fetchrow(
                f"""
                INSERT INTO flows (tenant, id, revision, document,
                                   published_at, published_by, note, chosen_at, chosen_by, number)
                SELECT $1, $2, $3, $4, $5, $6, $7, $5, $6, coalesce(max(number), 0) + 1
                FROM flows WHERE tenant = $1 AND id = $2
                ON CONFLICT (tenant, id, revision) DO UPDATE
                SET superseded_at = NULL, chosen_at = excluded.chosen_at, chosen_by = excluded.chosen_by
                RETURNING {_VERSION}
                """,
                self._tenant,
                flow.flow,
                revision,
                _text(document_of(flow)),
                at,
                by,
                note,
            )
            await connection.execute(
                "DELETE FROM flow_drafts WHERE tenant = $1 AND id = $2", self._tenant, flow.flow
            )
        assert row is not None
        return Version(**row)

    async def choose(self, flow: str, number: int, *, at: datetime, by: str) -> Version:
        """Make an earlier version the current one; its draft stays. Raises NoSuchFlow."""
        wanted, _ = await self.version(flow, number)
        async with self._database.transaction() as connection:
            await self._supersede(connection, flow, wanted.revision, at)
            row = await connection.fetchrow(
                f"""
                UPDATE flows SET superseded_at = NULL, chosen_at = $4, chosen_by = $5
                WHERE tenant = $1 AND id = $2 AND number = $3 RETURNING {_VERSION}
                """,
                self._tenant,
                flow,
                number,
                at,
                by,
            )
        assert row is not None
        return Version(**row)

    async def withdraw(self, flow: str, *, at: datetime) -> None:
        """Take a flow out of service: no current version, no draft."""
        async with self._database.transaction() as connection:
            await self._supersede(connection, flow, "", at)
            await connection.execute("DELETE FROM flow_drafts WHERE tenant = $1 AND id = $2", self._tenant, flow)

    async def ship(self, flow: Flow, *, at: datetime) -> None:
        """Publish a flow of this program unless somebody has touched the one of that name."""
        versions = await self.versions(flow.flow)
        current = next((version for version in versions if version.current), None)
        untouched = current is not None and current.chosen_by == PLATFORM and await self.draft(flow.flow) is None
        if not versions or (untouched and current is not None and current.revision != revision_of(flow)):
            await self.publish(flow, at=at, by=PLATFORM)

    async def _supersede(self, connection: Connection, flow: str, revision: str, at: datetime) -> None:
        """Every version but one ends being current; publishers of a flow come one after the other."""
        lock = f"ccplatform flow {self._tenant} {flow}"
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock)
        await connection.execute(
            """
            UPDATE flows SET superseded_at = $4
            WHERE tenant = $1 AND id = $2 AND revision <> $3 AND superseded_at IS NULL
            """,
            self._tenant,
            flow,
            revision,
            at,
        )


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=True, allow_nan=False)


def _document(text: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(text)
    return document


def _title(text: str) -> str:
    title = _document(text).get("title", "")
    return title[:200] if isinstance(title, str) else ""


def _without(row: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}

"""What the IVR runs, as it is stored: flows in their versions, and the numbers that lead to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ccplatform.contracts.words import DEFAULT_TENANT, FlowId, TenantId
from ccplatform.storage.database import Database

#: How long a superseded revision is still loaded for sessions that began on it.
SUPERSEDED = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRule:
    """Another flow at some time: from ``start`` until before ``end`` (None: without bound), and while ``calendar``
    is open, or with ``closed`` while it is closed ('': always)."""

    flow: FlowId
    calendar: str = ""
    closed: bool = False
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """A number and the flow that answers it; ``from_seat``: only for calls of the centre's own seats.

    The first of ``rules`` that applies answers. Without one ``closed_flow`` does while ``calendar`` is closed ('':
    it never is), else ``flow``.
    """

    number: str
    flow: FlowId
    from_seat: bool = False
    calendar: str = ""
    closed_flow: FlowId | None = None
    rules: tuple[EntryRule, ...] = ()

    def flows(self) -> set[str]:
        """Every flow that may answer."""
        return {self.flow, *(rule.flow for rule in self.rules)} | (
            {self.closed_flow} if self.closed_flow else set()
        )

    def calendars(self) -> set[str]:
        """The calendars it goes by."""
        return {name for name in (self.calendar, *(rule.calendar for rule in self.rules)) if name}


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
                flow=FlowId(row["id"]),
                revision=row["revision"],
                document=json.loads(row["document"]),
                current=row["current"],
            )
            for row in rows
        ]

    async def published(self) -> list[str]:
        """The flows that new sessions can run."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM flows WHERE tenant = $1 AND superseded_at IS NULL ORDER BY id", self._tenant
            )
        return [row["id"] for row in rows]

    async def save_entry_point(self, entry: EntryPoint, *, keep: bool = False) -> None:
        """Let a number lead to a flow; an earlier one is replaced, or on ``keep`` left as it is."""
        change = (
            "NOTHING"
            if keep
            else """
            UPDATE SET flow = excluded.flow, calendar = excluded.calendar, closed_flow = excluded.closed_flow,
                rules = excluded.rules
            """
        )
        async with self._database.connection() as connection:
            await connection.execute(
                f"""
                INSERT INTO entry_points (tenant, number, from_seat, flow, calendar, closed_flow, rules)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (tenant, number, from_seat) DO {change}
                """,
                self._tenant,
                entry.number,
                entry.from_seat,
                entry.flow,
                entry.calendar,
                entry.closed_flow or "",
                [asdict(rule) for rule in entry.rules],
            )

    async def remove_entry_point(self, number: str, *, from_seat: bool) -> None:
        """Let a number lead nowhere."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM entry_points WHERE tenant = $1 AND number = $2 AND from_seat = $3",
                self._tenant,
                number,
                from_seat,
            )

    async def entry_points(self) -> list[EntryPoint]:
        """Every number that a flow answers."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT number, from_seat, flow, calendar, closed_flow, rules FROM entry_points
                WHERE tenant = $1 ORDER BY number, from_seat
                """,
                self._tenant,
            )
        return [
            EntryPoint(**{**row, "closed_flow": row["closed_flow"] or None, "rules": _rules(row["rules"])})
            for row in rows
        ]


def _rules(documents: Sequence[dict[str, Any]]) -> tuple[EntryRule, ...]:
    return tuple(msgspec.convert(document, EntryRule) for document in documents)

"""Reading the journal: the story of a contact, or everything since an instant, as the facts that were told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TypeAlias, get_args

import asyncpg
import structlog

from ccplatform.contracts.facts import FACTS, ContactArrived, Fact, FactEvent, is_live
from ccplatform.contracts.words import DEFAULT_TENANT, ContactId, TenantId
from ccplatform.kernel.errors import RemoteViolation
from ccplatform.kernel.stream import Event
from ccplatform.storage.database import Database
from ccplatform.storage.sealing import PERSONAL, ContactKeys, Sealer, WrappedKey, open_personal

#: Where a fact stands in the journal: when it was told, and its id.
Place: TypeAlias = tuple[datetime, str]

#: Events fetched at once.
PAGE_EVENTS = 500

#: Events decoded before other work gets its turn.
SLICE_EVENTS = 40

#: What stands for a personal field whose key was destroyed.
ERASED = ""

_TRACES = [cls.__name__ for cls in get_args(Fact) if not is_live(cls)]
_FIRST_ID = "00000000-0000-0000-0000-000000000000"

_log = structlog.get_logger("journal")


class JournalReader:
    """Reads one tenant's journal; every method raises DatabaseUnavailable when the database is away.

    Rows that this program cannot decode (written by a newer one, or changed) are left out, logged and counted in
    ``skipped``: one bad row must not keep a report from being made.
    """

    def __init__(self, database: Database, *, sealer: Sealer, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._sealer = sealer
        self._tenant = tenant
        self.skipped = 0

    async def events_of(self, contact: ContactId, *, traces: bool = False) -> list[FactEvent]:
        """The story of a contact in the order of its telling; ``traces`` adds its SIP messages."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """SELECT j.*, k.wrapped
                   FROM journal j LEFT JOIN contact_keys k ON k.tenant = j.tenant AND k.contact = j.contact
                   WHERE j.tenant = $1 AND j.contact = $2 AND (j.type <> ALL($3::text[]) OR $4)
                   ORDER BY j.epoch, j.seq""",
                self._tenant,
                contact,
                _TRACES,
                traces,
            )
        return await self._decode(rows)

    async def callers(self, contacts: Sequence[str]) -> dict[str, str]:
        """The callers' numbers of these contacts; those whose key was destroyed are missing."""
        arrived = [event.fact for event in await self.of_contacts(contacts, ContactArrived)]
        return {fact.contact: fact.caller for fact in arrived if isinstance(fact, ContactArrived)}

    async def of_contacts(self, contacts: Sequence[str], kind: type[Fact]) -> list[FactEvent]:
        """The facts of one kind about these contacts in the order of their telling, those of destroyed keys left
        out."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """SELECT j.*, k.wrapped
                   FROM journal j JOIN contact_keys k ON k.tenant = j.tenant AND k.contact = j.contact
                   WHERE j.tenant = $1 AND j.contact = ANY($2::uuid[]) AND j.type = $3
                   ORDER BY j.at, j.id""",
                self._tenant,
                list(contacts),
                kind.__name__,
            )
        return await self._decode(rows)

    async def since(
        self, at: datetime, *, until: datetime | None = None, types: Sequence[str] = ()
    ) -> AsyncIterator[FactEvent]:
        """Everything told from ``at`` on (before ``until``; only of ``types``), oldest first, page by page."""
        after = (at, _FIRST_ID)
        while True:
            async with self._database.connection() as connection:
                rows = await connection.fetch(
                    """SELECT j.*, k.wrapped
                       FROM journal j LEFT JOIN contact_keys k ON k.tenant = j.tenant AND k.contact = j.contact
                       WHERE j.tenant = $1 AND j.at >= $2 AND (j.at, j.id) > ($2, $3::uuid)
                         AND ($4::timestamptz IS NULL OR j.at < $4)
                         AND (cardinality($5::text[]) = 0 OR j.type = ANY($5))
                       ORDER BY j.at, j.id LIMIT $6""",
                    self._tenant,
                    *after,
                    until,
                    list(types),
                    PAGE_EVENTS,
                )
            for event in await self._decode(rows):
                yield event
            if len(rows) < PAGE_EVENTS:
                return
            after = (rows[-1]["at"], rows[-1]["id"])

    async def backwards(
        self,
        kind: str,
        *,
        before: Place | None = None,
        until: datetime | None = None,
        since: datetime | None = None,
    ) -> tuple[list[FactEvent], Place | None]:
        """A page of the facts of one ``kind``, newest first: those before the place ``before`` and before
        ``until``, none older than ``since``; and the place where the next page begins, None at the end."""
        at, fact = before if before is not None else (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """SELECT j.*, k.wrapped
                   FROM journal j LEFT JOIN contact_keys k ON k.tenant = j.tenant AND k.contact = j.contact
                   WHERE j.tenant = $1 AND j.type = $2
                     AND ($3::timestamptz IS NULL OR (j.at, j.id) < ($3, $4::uuid))
                     AND ($5::timestamptz IS NULL OR j.at < $5)
                     AND ($6::timestamptz IS NULL OR j.at >= $6)
                   ORDER BY j.at DESC, j.id DESC LIMIT $7""",
                self._tenant,
                kind,
                at,
                fact,
                until,
                since,
                PAGE_EVENTS,
            )
        last = (rows[-1]["at"], str(rows[-1]["id"])) if len(rows) == PAGE_EVENTS else None
        return await self._decode(rows), last

    async def _decode(self, rows: Sequence[asyncpg.Record]) -> list[FactEvent]:
        keys = ContactKeys(self._sealer, tenant=self._tenant, limit=PAGE_EVENTS)
        events = []
        for number, row in enumerate(rows, 1):
            try:
                events.append(self._event(row, keys))
            except RemoteViolation as error:
                self.skipped += 1
                _log.error("journal row cannot be read", id=row["id"], type=row["type"], error=str(error))
            if number % SLICE_EVENTS == 0:
                await asyncio.sleep(0)
        return events

    def _event(self, row: asyncpg.Record, keys: ContactKeys) -> FactEvent:
        data = {"type": row["type"], "v": row["version"], **row["data"]}
        if row["contact"] is not None:
            data["contact"] = row["contact"]
        if row["sealed"] is not None:
            data |= self._personal(row, keys)
        fact = FACTS.decode(data)
        return Event(
            epoch=row["epoch"],
            seq=row["seq"],
            id=row["id"],
            tenant=row["tenant"],
            at=row["at"],
            mono=row["mono"],
            fact=fact,
        )

    def _personal(self, row: asyncpg.Record, keys: ContactKeys) -> dict[str, object]:
        contact = row["contact"]
        if contact is None:
            return open_personal(row["sealed"], row["id"], None, self._sealer)
        if row["wrapped"] is None:
            return {name: ERASED for name in PERSONAL.get(row["type"], ()) if name not in row["data"]}
        if keys.get(contact) is None:
            keys.unwrap(WrappedKey(contact=contact, wrapped=row["wrapped"]))
        return open_personal(row["sealed"], row["id"], keys.get(contact), self._sealer)

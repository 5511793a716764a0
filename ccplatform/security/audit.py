"""The audit: who did what to what, when and with what result (R11.4.2.d).

Rows can only be added (a trigger refuses everything else) and are chained: the hash of a row covers the hash of
the row before it, so that a change behind the trigger's back shows in :meth:`Audit.verify`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.ids import Ids
from ccplatform.storage.database import Connection, Database

#: The hash before the first row.
GENESIS = bytes(32)

#: Longest text kept of a subject, action, object or result, characters.
MAX_TEXT = 500

#: Largest detail kept, characters of JSON; a larger one is replaced by its size.
MAX_DETAIL = 20_000

_LOCK = "ccplatform audit"
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One entry; ``detail`` is JSON text exactly as it was hashed."""

    tenant: str
    seq: int
    id: str
    at: datetime
    subject: str
    action: str
    object: str
    result: str
    detail: str
    previous: bytes
    hash: bytes

    def computed_hash(self) -> bytes:
        """What the hash must be."""
        stamp = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        fields = [
            self.tenant,
            self.seq,
            self.id,
            stamp,
            self.subject,
            self.action,
            self.object,
            self.result,
            self.detail,
        ]
        return hashlib.sha256(self.previous + json.dumps(fields, ensure_ascii=True).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """Result of a verification; ``broken_at`` is the first row that does not fit, ``head`` the last good hash."""

    rows: int
    broken_at: int | None
    head: bytes

    @property
    def intact(self) -> bool:
        """Whether nothing was changed, taken out or put in."""
        return self.broken_at is None


class Audit:
    """Writes, reads and verifies the audit of one tenant."""

    def __init__(self, database: Database, *, clock: Clock, ids: Ids, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._tenant = tenant

    async def record(
        self,
        *,
        subject: str,
        action: str,
        object: str,
        result: str,
        detail: dict[str, object] | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Add an entry, committed before this returns, or with the transaction of ``connection`` if given.

        ``subject`` did ``action`` (dotted words, ``user.lock``) to ``object``; ``result`` is ``ok`` or a reason.
        Never put a secret into ``detail``.
        """
        entry = (_text(subject), _text(action), _text(object), _text(result), _detail(detail or {}))
        if connection is not None:
            await self._append(connection, *entry)
            return
        async with self._database.transaction() as own:
            await self._append(own, *entry)

    async def page(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        subject: str | None = None,
        action: str | None = None,
        actions: Sequence[str] | None = None,
        object: str | None = None,
        objects: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AuditRow]:
        """Entries, newest first, with a sequence number below ``before``; of one of ``actions`` and about one of
        ``objects``, if given."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """SELECT * FROM audit WHERE tenant = $1
                     AND ($2::bigint IS NULL OR seq < $2) AND ($3::text IS NULL OR subject = $3)
                     AND ($4::text IS NULL OR action = $4) AND ($5::timestamptz IS NULL OR at >= $5)
                     AND ($6::timestamptz IS NULL OR at < $6)
                     AND ($7::text IS NULL OR object = $7) AND ($8::text[] IS NULL OR action = ANY($8))
                     AND ($9::text[] IS NULL OR object = ANY($9))
                   ORDER BY seq DESC LIMIT $10""",
                self._tenant,
                before,
                subject,
                action,
                since,
                until,
                object,
                actions,
                objects,
                limit,
            )
        return [_row(row) for row in rows]

    async def verify(self) -> AuditVerdict:
        """Read the whole chain and check it."""
        head, count = GENESIS, 0
        while True:
            async with self._database.connection() as connection:
                query = "SELECT * FROM audit WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3"
                rows = await connection.fetch(query, self._tenant, count, _PAGE)
            for row in map(_row, rows):
                if row.seq != count + 1 or row.previous != head or row.hash != row.computed_hash():
                    return AuditVerdict(rows=count, broken_at=count + 1, head=head)
                head, count = row.hash, row.seq
            if len(rows) < _PAGE:
                return AuditVerdict(rows=count, broken_at=None, head=head)

    async def _append(
        self, connection: Connection, subject: str, action: str, object: str, result: str, detail: str
    ) -> None:
        # One writer at a time, till its transaction ends: the chain has no branches.
        lock = f"{_LOCK} {self._tenant}"
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock)
        query = "SELECT seq, hash FROM audit WHERE tenant = $1 ORDER BY seq DESC LIMIT 1"
        last = await connection.fetchrow(query, self._tenant)
        draft: dict[str, Any] = {
            "tenant": self._tenant,
            "seq": 1 if last is None else last["seq"] + 1,
            "id": self._ids.new(),
            "at": self._clock.wall(),
            "subject": subject,
            "action": action,
            "object": object,
            "result": result,
            "detail": detail,
            "previous": GENESIS if last is None else last["hash"],
        }
        digest = AuditRow(**draft, hash=b"").computed_hash()
        await connection.execute(
            """INSERT INTO audit (tenant, seq, id, at, subject, action, object, result, detail, previous, hash)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
            *draft.values(),
            digest,
        )


def _row(row: asyncpg.Record) -> AuditRow:
    return AuditRow(**dict(row))


def _text(text: str) -> str:
    # PostgreSQL stores neither NUL nor lone surrogates, and strangers choose some of these texts.
    return text[:MAX_TEXT].replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _detail(detail: dict[str, object]) -> str:
    text = json.dumps(detail, ensure_ascii=True, sort_keys=True, default=str).replace("\\u0000", "\\ufffd")
    return text if len(text) <= MAX_DETAIL else json.dumps({"too_large_characters": len(text)})

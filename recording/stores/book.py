"""Which store has which recording (tables ``recording_copies``, ``recording_stores``)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from ccplatform.contracts.words import DEFAULT_TENANT, RecordingId, TenantId
from ccplatform.storage.database import Connection, Database
from recording.stores.model import StoreCount, ToCopy

#: What waits is counted up to here.
MOST_COUNTED: Final = 10_000

_OWN_ROOT = "coalesce(r.stored_root, r.root)"
_DUE = f"""
  FROM recordings r
 WHERE r.tenant = $1 AND r.copies_due AND r.deleted_at IS NULL AND r.ended_at IS NOT NULL
   AND r.local AND {_OWN_ROOT} IS NOT NULL
   AND (r.coding <> 'pcm' OR r.ended_at < $2)
   AND NOT EXISTS (SELECT FROM recording_copies c WHERE c.tenant = r.tenant AND c.recording = r.id
                      AND c.store = $3 AND c.root = {_OWN_ROOT})
"""
#: No store of $2 lacks it as it is.
_EVERYWHERE = f"""
NOT EXISTS (SELECT FROM unnest($2::text[]) AS s (name)
             WHERE NOT EXISTS (SELECT FROM recording_copies c WHERE c.tenant = r.tenant AND c.recording = r.id
                                  AND c.store = s.name AND c.root = {_OWN_ROOT}))
"""


class CopyBook:
    """Reads and writes who has what. Every call raises DatabaseUnavailable."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def know(self, stores: Collection[str]) -> list[str]:
        """These are configured; returns those that still have copies and are not. A new one lacks everything."""
        async with self._database.transaction() as connection:
            new = await connection.fetch(
                """
                INSERT INTO recording_stores (tenant, name) SELECT $1, * FROM unnest($2::text[])
                ON CONFLICT DO NOTHING RETURNING name
                """,
                self._tenant,
                list(stores),
            )
            if new:
                await connection.execute(
                    "UPDATE recordings SET copies_due = true WHERE tenant = $1 AND NOT copies_due "
                    "AND deleted_at IS NULL",
                    self._tenant,
                )
            left = await connection.fetch(
                "SELECT name FROM recording_stores "
                "WHERE tenant = $1 AND NOT name = ANY($2::text[]) AND copies > 0",
                self._tenant,
                list(stores),
            )
        return [row["name"] for row in left]

    async def due(
        self, store: str, settled: datetime, limit: int, but: Collection[RecordingId] = ()
    ) -> list[ToCopy]:
        """Recordings that a store lacks, oldest first: those at rest, and others that ended before ``settled``."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"""
                SELECT r.id::text, r.ended_at, coalesce(encode(r.root, 'hex'), '') AS root,
                       coalesce(encode(r.stored_root, 'hex'), '') AS stored_root
                {_DUE} AND NOT r.id = ANY($4::uuid[])
                 ORDER BY r.ended_at, r.id LIMIT $5
                """,
                self._tenant,
                settled,
                store,
                list(but),
                limit,
            )
        return [
            ToCopy(
                recording=RecordingId(row["id"]),
                ended_at=row["ended_at"],
                root=row["root"],
                stored_root=row["stored_root"],
            )
            for row in rows
        ]

    async def kept(self, recording: RecordingId) -> bool:
        """Whether it is not deleted."""
        async with self._database.connection() as connection:
            return bool(
                await connection.fetchval(
                    "SELECT true FROM recordings WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL",
                    self._tenant,
                    recording,
                )
            )

    async def copied(
        self, connection: Connection, store: str, copy: ToCopy, size_bytes: int, at: datetime
    ) -> bool:
        """A store has it now; False: it was deleted, or is another file by now. In the caller's transaction."""
        row = await connection.fetchrow(
            f"""
            SELECT encode({_OWN_ROOT}, 'hex') AS root FROM recordings r
             WHERE r.tenant = $1 AND r.id = $2 AND r.deleted_at IS NULL FOR UPDATE
            """,
            self._tenant,
            copy.recording,
        )
        if row is None or row["root"] != copy.own_root:
            return False
        before = await connection.fetchval(
            "SELECT size_bytes FROM recording_copies WHERE tenant = $1 AND recording = $2 AND store = $3",
            self._tenant,
            copy.recording,
            store,
        )
        await connection.execute(
            """
            INSERT INTO recording_copies (tenant, recording, store, root, size_bytes, copied_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (tenant, recording, store) DO UPDATE SET root = $4, size_bytes = $5, copied_at = $6
            """,
            self._tenant,
            copy.recording,
            store,
            bytes.fromhex(copy.own_root),
            size_bytes,
            at,
        )
        await self._count(connection, store, int(before is None), size_bytes - (before or 0))
        return True

    async def settle(
        self, connection: Connection, stores: Sequence[str], recordings: Collection[RecordingId]
    ) -> None:
        """Those of the recordings that every store has are looked at no more."""
        await connection.execute(
            f"""
            UPDATE recordings r SET copies_due = false
             WHERE r.tenant = $1 AND r.id = ANY($3::uuid[]) AND {_EVERYWHERE}
            """,
            self._tenant,
            list(stores),
            list(recordings),
        )

    async def to_remove(self, store: str, limit: int) -> list[RecordingId]:
        """Copies of recordings that were deleted."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT recording::text FROM recording_copies
                 WHERE tenant = $1 AND store = $2 AND removing ORDER BY recording LIMIT $3
                """,
                self._tenant,
                store,
                limit,
            )
        return [RecordingId(row["recording"]) for row in rows]

    async def removed(self, connection: Connection, store: str, recordings: Collection[RecordingId]) -> None:
        """A store has them no more, in the caller's transaction."""
        rows = await connection.fetch(
            """
            DELETE FROM recording_copies WHERE tenant = $1 AND store = $2 AND recording = ANY($3::uuid[])
            RETURNING size_bytes
            """,
            self._tenant,
            store,
            list(recordings),
        )
        await self._count(connection, store, -len(rows), -sum(row["size_bytes"] for row in rows))

    async def to_let_go(
        self, connection: Connection, stores: Sequence[str], before: datetime, limit: int
    ) -> list[RecordingId]:
        """Recordings that began before then, that every store has and the directory, too, oldest first.

        Locked until the transaction ends. Messages are none of them: phones play those from the directory.
        """
        if not stores:
            return []
        rows = await connection.fetch(
            f"""
            SELECT r.id::text FROM recordings r
             WHERE r.tenant = $1 AND r.local AND r.deleted_at IS NULL AND r.ended_at IS NOT NULL
               AND r.mode <> 'message' AND r.started_at < $3 AND {_OWN_ROOT} IS NOT NULL AND {_EVERYWHERE}
             ORDER BY r.started_at, r.id LIMIT $4 FOR UPDATE
            """,
            self._tenant,
            list(stores),
            before,
            limit,
        )
        return [RecordingId(row["id"]) for row in rows]

    async def let_go(self, connection: Connection, recordings: Collection[RecordingId]) -> None:
        """They are in the directory no more, in the caller's transaction."""
        await connection.execute(
            "UPDATE recordings SET local = false WHERE tenant = $1 AND id = ANY($2::uuid[])",
            self._tenant,
            list(recordings),
        )

    async def stores_of(self, recordings: Collection[RecordingId]) -> dict[RecordingId, list[str]]:
        """Which stores have each of them."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT recording::text, array_agg(store ORDER BY store) AS stores FROM recording_copies
                 WHERE tenant = $1 AND recording = ANY($2::uuid[]) AND NOT removing GROUP BY recording
                """,
                self._tenant,
                list(recordings),
            )
        return {RecordingId(row["recording"]): list(row["stores"]) for row in rows}

    async def counts(self, stores: Sequence[str], settled: datetime) -> list[StoreCount]:
        """How far each store is."""
        return [await self._counts(store, settled) for store in stores]

    async def _counts(self, store: str, settled: datetime) -> StoreCount:
        async with self._database.connection() as connection:
            has = await connection.fetchrow(
                "SELECT copies, bytes FROM recording_stores WHERE tenant = $1 AND name = $2", self._tenant, store
            )
            waits = await connection.fetch(
                f"SELECT r.ended_at {_DUE} ORDER BY r.ended_at LIMIT {MOST_COUNTED}",
                self._tenant,
                settled,
                store,
            )
            removing = await connection.fetchval(
                "SELECT count(*) FROM recording_copies WHERE tenant = $1 AND store = $2 AND removing",
                self._tenant,
                store,
            )
        return StoreCount(
            name=store,
            copies=has["copies"] if has else 0,
            size_bytes=has["bytes"] if has else 0,
            waiting=len(waits),
            oldest=waits[0]["ended_at"] if waits else None,
            removing=removing,
        )

    async def _count(self, connection: Connection, store: str, copies: int, size_bytes: int) -> None:
        await connection.execute(
            "UPDATE recording_stores SET copies = copies + $3, bytes = bytes + $4 WHERE tenant = $1 AND name = $2",
            self._tenant,
            store,
            copies,
            size_bytes,
        )

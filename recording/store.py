"""The catalogue of recordings in PostgreSQL (table ``recordings``)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, ClassVar

from ccplatform.contracts.facts import FactEvent, RecordingEnded, RecordingStarted
from ccplatform.contracts.words import DEFAULT_TENANT, RecordingId, RecordingMode, TenantId
from ccplatform.storage.database import Connection, Database
from recording.errors import NoRecording
from recording.files import started_at_of
from recording.model import Note, Recording, RecordingFilter

_STARTED = """
INSERT INTO recordings (tenant, id, contact, mode, queue, agent, seat, started_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant, id) DO NOTHING
"""
_ENDED = """
UPDATE recordings
   SET ended_at = $3, seconds = $4, size_bytes = $5, complete = $6, reason = $7
 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL
"""
_COLUMNS = """
id, contact, mode, queue, agent, seat, started_at, ended_at, seconds, size_bytes, complete, reason, held,
deleted_at
"""


class CatalogueProjection:
    """Keeps the catalogue in step with the journal, in the journal's own transaction."""

    takes: ClassVar = (RecordingStarted, RecordingEnded)

    async def apply(self, connection: Connection, events: Sequence[FactEvent]) -> None:
        """Write what these events change; applying them again changes nothing."""
        started = [_started_row(event, event.fact) for event in events if isinstance(event.fact, RecordingStarted)]
        ended = [_ended_row(event, event.fact) for event in events if isinstance(event.fact, RecordingEnded)]
        for statement, rows in ((_STARTED, started), (_ENDED, ended)):
            if rows:
                await connection.executemany(statement, rows)


class Catalogue:
    """Reads the catalogue. Every call raises DatabaseUnavailable when storage is away."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def get(self, recording: RecordingId) -> Recording:
        """One row; raises :class:`NoRecording`."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM recordings WHERE tenant = $1 AND id = $2", self._tenant, recording
            )
        if row is None:
            raise NoRecording(recording)
        return _recording(row)

    async def page(self, wanted: RecordingFilter, limit: int) -> list[Recording]:
        """Rows whose audio is kept, newest first, after ``wanted.before``."""
        before = wanted.before
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"""
                SELECT {_COLUMNS} FROM recordings
                 WHERE tenant = $1 AND deleted_at IS NULL
                   AND ($2::timestamptz IS NULL OR started_at >= $2)
                   AND ($3::timestamptz IS NULL OR started_at < $3)
                   AND ($4::text IS NULL OR agent = $4)
                   AND ($5::text IS NULL OR seat = $5)
                   AND ($6::text IS NULL OR queue = $6)
                   AND ($7::uuid IS NULL OR contact = $7)
                   AND ($8::uuid IS NULL OR (started_at, id) < ($9, $8))
                   AND ($11::text[] IS NULL OR agent IS NULL OR agent = ANY($11))
                 ORDER BY started_at DESC, id DESC
                 LIMIT $10
                """,
                self._tenant,
                wanted.start,
                wanted.end,
                wanted.agent,
                wanted.seat,
                wanted.queue,
                wanted.contact,
                before,
                started_at_of(before) if before is not None else None,
                limit,
                None if wanted.agents is None else sorted(wanted.agents),
            )
        return [_recording(row) for row in rows]

    async def open_rows(self) -> list[Note]:
        """Rows whose recording has not ended."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM recordings WHERE tenant = $1 AND ended_at IS NULL ORDER BY id",
                self._tenant,
            )
        return [_note(_recording(row)) for row in rows]

    async def known(self, recordings: Collection[RecordingId]) -> set[RecordingId]:
        """Those of the ids that have a row."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM recordings WHERE tenant = $1 AND id = ANY($2::uuid[])",
                self._tenant,
                list(recordings),
            )
        return {RecordingId(row["id"]) for row in rows}

    async def to_delete(self, before: datetime, limit: int) -> list[RecordingId]:
        """Ended recordings that began before then, are not held and not yet deleted, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT id FROM recordings
                 WHERE tenant = $1 AND started_at < $2 AND deleted_at IS NULL AND NOT held
                   AND ended_at IS NOT NULL
                 ORDER BY started_at, id LIMIT $3
                """,
                self._tenant,
                before,
                limit,
            )
        return [RecordingId(row["id"]) for row in rows]

    async def mark_deleted(
        self, connection: Connection, recordings: Collection[RecordingId], at: datetime
    ) -> None:
        """Say that the audio is gone, in a transaction of the caller's."""
        await connection.execute(
            "UPDATE recordings SET deleted_at = $3 WHERE tenant = $1 AND id = ANY($2::uuid[])",
            self._tenant,
            list(recordings),
            at,
        )


def _started_row(event: FactEvent, fact: RecordingStarted) -> tuple[Any, ...]:
    started_at = started_at_of(fact.recording)
    return (
        event.tenant,
        fact.recording,
        fact.contact,
        fact.mode.value,
        fact.queue,
        fact.agent,
        fact.seat,
        started_at,
    )


def _ended_row(event: FactEvent, fact: RecordingEnded) -> tuple[Any, ...]:
    return (
        event.tenant,
        fact.recording,
        event.at,
        fact.seconds,
        fact.size_bytes,
        fact.complete,
        fact.reason,
    )


def _recording(row: Any) -> Recording:
    return Recording(**{**dict(row), "mode": RecordingMode(row["mode"])})


def _note(row: Recording) -> Note:
    return Note(
        recording=row.id, contact=row.contact, mode=row.mode, queue=row.queue, agent=row.agent, seat=row.seat
    )

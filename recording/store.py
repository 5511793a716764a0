"""The catalogue of recordings in PostgreSQL (table ``recordings``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, TypeAlias

from ccplatform.contracts.facts import (
    ContactNoted,
    FactEvent,
    RecordingEnded,
    RecordingGap,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    SurveyAnswered,
)
from ccplatform.contracts.words import DEFAULT_TENANT, ContactId, RecordingId, RecordingMode, TenantId
from ccplatform.security.audit import Audit
from ccplatform.storage.database import Connection, Database
from recording.errors import NoRecording, RecordingGone
from recording.files import started_at_of
from recording.model import LEAST_RETENTION_DAYS, KeptRow, Note, Pause, ProvedRow, Recording, RecordingFilter
from recording.search import search

_STARTED = """
INSERT INTO recordings (tenant, id, contact, mode, queue, agent, seat, started_at, keep_days, caller_digest,
                        disposition, score)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
        (SELECT disposition FROM recordings WHERE tenant = $1 AND contact = $3 ORDER BY started_at DESC LIMIT 1),
        (SELECT avg(percent) FROM recording_scores WHERE tenant = $1 AND contact = $3))
ON CONFLICT (tenant, id) DO NOTHING
"""
_ENDED = """
UPDATE recordings
   SET ended_at = $3, seconds = $4, size_bytes = $5, complete = $6, reason = $7, root = $8, paused_seconds = $9,
       missing_seconds = $10
 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL
"""
_NOTED = "UPDATE recordings SET disposition = nullif($3, '') WHERE tenant = $1 AND contact = $2"
_ANSWERED = """
INSERT INTO recording_scores (tenant, contact, survey, question, percent) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, contact, survey, question) DO UPDATE SET percent = $5
"""
_SCORED = """
UPDATE recordings
   SET score = (SELECT avg(percent) FROM recording_scores s WHERE s.tenant = $1 AND s.contact = $2)
 WHERE tenant = $1 AND contact = $2
"""
_GAP = "UPDATE recordings SET gap_seconds = $3 WHERE tenant = $1 AND id = $2"
_PAUSED = """
INSERT INTO recording_pauses (tenant, recording, at, by, reason) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, recording, at) DO NOTHING
"""
_RESUMED = """
UPDATE recording_pauses SET resumed_at = $3, resumed_by = $4
 WHERE tenant = $1 AND recording = $2 AND resumed_at IS NULL AND at <= $3
"""
_COLUMNS = """
id, contact, mode, queue, agent, seat, started_at, ended_at, seconds, size_bytes, complete, reason, held,
deleted_at, paused_seconds, missing_seconds, gap_seconds, keep_days, hold_reason, held_by,
coding, disposition, score
"""
_PROVED = """
id::text, contact::text, mode, queue, agent, seat, seconds, paused_seconds, missing_seconds, gap_seconds, complete,
coalesce(encode(root, 'hex'), '') AS root
"""
_KEPT = """
id::text, coalesce(encode(root, 'hex'), '') AS root, complete, gap_seconds, deleted_at IS NOT NULL AS deleted,
coalesce(encode(stored_root, 'hex'), '') AS stored_root, local
"""


#: The keyed digests of the callers of some contacts, of a tenant, in a transaction.
CallersOf: TypeAlias = Callable[[Connection, str, Collection[ContactId]], Awaitable[dict[ContactId, bytes]]]


async def _no_callers(*_: object) -> dict[ContactId, bytes]:
    """Nobody is known."""
    return {}


class CatalogueProjection:
    """Keeps the catalogue in step with the journal, in the journal's own transaction.

    ``callers_of`` knows who called; a disposition or score is that of the contact, so of all its recordings.
    """

    takes: ClassVar = (
        RecordingStarted,
        RecordingPaused,
        RecordingResumed,
        RecordingEnded,
        RecordingGap,
        ContactNoted,
        SurveyAnswered,
    )

    def __init__(self, *, callers_of: CallersOf = _no_callers) -> None:
        self._callers_of = callers_of

    async def apply(self, connection: Connection, events: Sequence[FactEvent]) -> None:
        """Write what these events change; applying them again changes nothing."""
        rows: dict[str, list[tuple[Any, ...]]] = {
            statement: [] for statement in (_STARTED, _PAUSED, _RESUMED, _ENDED, _GAP, _NOTED, _ANSWERED, _SCORED)
        }
        callers = await self._callers(connection, events)
        for event in events:
            match event.fact:
                case RecordingStarted():
                    rows[_STARTED].append(_started_row(event, event.fact, callers.get(event.fact.contact)))
                case RecordingPaused(recording=recording, by=by, reason=reason):
                    rows[_PAUSED].append((event.tenant, recording, event.at, by, reason))
                case RecordingResumed(recording=recording, by=by):
                    rows[_RESUMED].append((event.tenant, recording, event.at, by))
                case RecordingEnded():
                    rows[_ENDED].append(_ended_row(event, event.fact))
                case RecordingGap(recording=recording, seconds=seconds):
                    rows[_GAP].append((event.tenant, recording, seconds))
                case ContactNoted(contact=contact, disposition=disposition):
                    rows[_NOTED].append((event.tenant, contact, disposition))
                case SurveyAnswered(contact=contact):
                    rows[_ANSWERED].append(_answered_row(event, event.fact))
                    rows[_SCORED].append((event.tenant, contact))
                case _:
                    pass
        for statement, values in rows.items():
            if values:
                await connection.executemany(statement, values)

    async def _callers(self, connection: Connection, events: Sequence[FactEvent]) -> dict[ContactId, bytes]:
        known: dict[ContactId, bytes] = {}
        for tenant in {event.tenant for event in events if isinstance(event.fact, RecordingStarted)}:
            contacts = {
                event.fact.contact
                for event in events
                if isinstance(event.fact, RecordingStarted) and event.tenant == tenant
            }
            known |= await self._callers_of(connection, tenant, contacts)
        return known


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
        sql, values = search(_COLUMNS, self._tenant, wanted, limit)
        async with self._database.connection() as connection:
            rows = await connection.fetch(sql, *values)
        return [_recording(row) for row in rows]

    async def pauses(self, recording: RecordingId) -> list[Pause]:
        """What people declared, in order."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT at, by, reason, resumed_at, resumed_by FROM recording_pauses
                 WHERE tenant = $1 AND recording = $2 ORDER BY at
                """,
                self._tenant,
                recording,
            )
        return [Pause(**dict(row)) for row in rows]

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

    async def to_delete(self, connection: Connection, now: datetime, days: int, limit: int) -> list[RecordingId]:
        """Ended recordings kept for their time (that of their rule, or ``days``), not held and not yet deleted.

        Oldest first, locked until the transaction ends: nobody can hold one that is being deleted.
        """
        rows = await connection.fetch(
            """
            SELECT id FROM recordings
             WHERE tenant = $1 AND started_at < $2::timestamptz - make_interval(days => $3)
               AND started_at < $2::timestamptz - make_interval(days => coalesce(keep_days, $4))
               AND deleted_at IS NULL AND NOT held AND ended_at IS NOT NULL
             ORDER BY started_at, id LIMIT $5 FOR UPDATE
            """,
            self._tenant,
            now,
            LEAST_RETENTION_DAYS,
            days,
            limit,
        )
        return [RecordingId(row["id"]) for row in rows]

    async def mark_deleted(
        self, connection: Connection, recordings: Collection[RecordingId], at: datetime
    ) -> None:
        """Say that the audio is gone, in a transaction of the caller's."""
        await connection.execute(
            "UPDATE recordings SET deleted_at = $3, caller_digest = NULL "
            "WHERE tenant = $1 AND id = ANY($2::uuid[])",
            self._tenant,
            list(recordings),
            at,
        )
        for table in ("recording_comments", "recording_waveforms"):
            await connection.execute(
                f"DELETE FROM {table} WHERE tenant = $1 AND recording = ANY($2::uuid[])",
                self._tenant,
                list(recordings),
            )
        await connection.execute(
            "UPDATE recording_copies SET removing = true WHERE tenant = $1 AND recording = ANY($2::uuid[])",
            self._tenant,
            list(recordings),
        )

    async def set_hold(self, recording: RecordingId, *, held: bool, reason: str, by: str, audit: Audit) -> None:
        """Keep it however old it gets, or no longer, and say so in the audit.

        Raises NoRecording, RecordingGone when its sound is deleted.
        """
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                """
                UPDATE recordings SET held = $3, hold_reason = $4, held_by = $5
                 WHERE tenant = $1 AND id = $2 RETURNING deleted_at
                """,
                self._tenant,
                recording,
                held,
                reason if held else "",
                by if held else "",
            )
            if row is None:
                raise NoRecording(recording)
            if row["deleted_at"] is not None:
                raise RecordingGone(recording, "its retention is over")
            action = "recording.hold" if held else "recording.release"
            detail: dict[str, object] = {"reason": reason}
            await audit.record(
                subject=by, action=action, object=recording, result="ok", detail=detail, connection=connection
            )

    async def ended_on(self, day: date, after: RecordingId | None, limit: int) -> list[ProvedRow]:
        """Recordings that ended on a day (UTC), in the order of their ids."""
        rows = await self._of_day(_PROVED, day, after, limit)
        return [ProvedRow(**{**dict(row), "id": RecordingId(row["id"])}) for row in rows]

    async def kept_on(self, day: date, after: RecordingId | None, limit: int) -> list[KeptRow]:
        """The same, as their files are compared with them."""
        rows = await self._of_day(_KEPT, day, after, limit)
        return [KeptRow(**{**dict(row), "id": RecordingId(row["id"])}) for row in rows]

    async def to_convert(
        self, now: datetime, after_seconds: float, limit: int, but: Collection[RecordingId]
    ) -> dict[RecordingId, str]:
        """Recordings that rest as they were recorded since so long, with their roots, the oldest first.

        Messages are none of them: phones play those as they were recorded.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT id::text, encode(root, 'hex') AS root FROM recordings
                 WHERE tenant = $1 AND coding = 'pcm' AND deleted_at IS NULL AND mode <> 'message' AND local
                   AND root IS NOT NULL AND ended_at < $2::timestamptz - make_interval(secs => $3)
                   AND NOT id = ANY($4::uuid[])
                 ORDER BY ended_at LIMIT $5
                """,
                self._tenant,
                now,
                after_seconds,
                list(but),
                limit,
            )
        return {RecordingId(row["id"]): row["root"] for row in rows}

    async def lock_kept(self, connection: Connection, recordings: Collection[RecordingId]) -> set[RecordingId]:
        """Those whose sound is kept; nobody deletes them before the transaction ends."""
        rows = await connection.fetch(
            """
            SELECT id::text FROM recordings
             WHERE tenant = $1 AND id = ANY($2::uuid[]) AND deleted_at IS NULL AND ended_at IS NOT NULL
             ORDER BY id FOR UPDATE
            """,
            self._tenant,
            list(recordings),
        )
        return {RecordingId(row["id"]) for row in rows}

    async def rests(
        self, connection: Connection, recording: RecordingId, coding: str, root: str, size_bytes: int
    ) -> None:
        """Its file is another one now, in a transaction of the caller's."""
        await connection.execute(
            """
            UPDATE recordings SET coding = $3, stored_root = $4, size_bytes = $5, copies_due = true
             WHERE tenant = $1 AND id = $2
            """,
            self._tenant,
            recording,
            coding,
            bytes.fromhex(root),
            size_bytes,
        )

    async def _of_day(self, columns: str, day: date, after: RecordingId | None, limit: int) -> list[Any]:
        begins = datetime.combine(day, time(), UTC)
        async with self._database.connection() as connection:
            return await connection.fetch(
                f"""
                SELECT {columns} FROM recordings
                 WHERE tenant = $1 AND ended_at >= $2 AND ended_at < $3 AND ($4::uuid IS NULL OR id > $4)
                 ORDER BY id LIMIT $5
                """,
                self._tenant,
                begins,
                begins + timedelta(days=1),
                after,
                limit,
            )


def _started_row(event: FactEvent, fact: RecordingStarted, caller: bytes | None) -> tuple[Any, ...]:
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
        fact.keep_days,
        caller,
    )


def _answered_row(event: FactEvent, fact: SurveyAnswered) -> tuple[Any, ...]:
    percent = 100.0 * (fact.score - 1) / (fact.scale - 1) if fact.scale > 1 else 100.0
    return (event.tenant, fact.contact, fact.survey, fact.question, percent)


def _ended_row(event: FactEvent, fact: RecordingEnded) -> tuple[Any, ...]:
    return (
        event.tenant,
        fact.recording,
        event.at,
        fact.seconds,
        fact.size_bytes,
        fact.complete,
        fact.reason,
        bytes.fromhex(fact.root) or None,
        sum(end - start for start, end in fact.pauses),
        fact.missing_seconds,
    )


def _recording(row: Any) -> Recording:
    return Recording(**{**dict(row), "mode": RecordingMode(row["mode"])})


def _note(row: Recording) -> Note:
    return Note(
        recording=row.id, contact=row.contact, mode=row.mode, queue=row.queue, agent=row.agent, seat=row.seat
    )

"""Comments, waveforms and exports of recordings in PostgreSQL; texts are sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ccplatform.contracts.words import DEFAULT_TENANT, RecordingId, TenantId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal
from ccplatform.kernel.ids import Ids
from ccplatform.security.audit import Audit
from ccplatform.security.errors import NotAllowed
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Connection, Database
from recording.errors import NoComment, RecordingGone
from recording.sharing.watermark import MAX_NUMBER

#: Comments of one recording.
MAX_COMMENTS: Final = 500

_COMMENT = "id::text, recording::text, at_seconds, text_sealed, by, made_at"
_EXPORT = "number, recording::text, by, made_at, reason_sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said of a moment."""

    id: str
    recording: RecordingId
    at_seconds: float
    text: str = field(repr=False)
    by: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A marked copy that left the platform; ``number`` is in its sound."""

    number: int
    recording: RecordingId
    by: str
    made_at: datetime
    reason: str = field(repr=False)


class SharingStore:
    """Reads and writes one tenant's. Every call raises DatabaseUnavailable."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        audit: Audit,
        clock: Clock,
        ids: Ids,
        tenant: TenantId = DEFAULT_TENANT,
    ) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._clock = clock
        self._ids = ids
        self._tenant = tenant

    async def comments(self, recording: RecordingId) -> list[Comment]:
        """All of a recording, in the order of their moments."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"""
                SELECT {_COMMENT} FROM recording_comments
                 WHERE tenant = $1 AND recording = $2 ORDER BY at_seconds, id LIMIT {MAX_COMMENTS}
                """,
                self._tenant,
                recording,
            )
        return [self._comment(row) for row in rows]

    async def add_comment(
        self, recording: RecordingId, *, at_seconds: float, text: str, by: str, key: str
    ) -> Comment:
        """Say something of a moment, audited; the same ``key`` of the same person again changes nothing.

        Raises Refusal when there are too many, RecordingGone when the recording is deleted.
        """
        async with self._database.transaction() as connection:
            await self._lock(connection, recording)
            if key and (row := await self._comment_of(connection, by, key)) is not None:
                return self._comment(row)
            count = await connection.fetchval(
                "SELECT count(*) FROM recording_comments WHERE tenant = $1 AND recording = $2",
                self._tenant,
                recording,
            )
            if count >= MAX_COMMENTS:
                raise Refusal(f"recording {recording} has {MAX_COMMENTS} comments", code="too_many")
            comment = self._ids.new()
            row = await connection.fetchrow(
                f"""
                INSERT INTO recording_comments (tenant, id, recording, at_seconds, text_sealed, by, made_at, key)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COMMENT}
                """,
                self._tenant,
                comment,
                recording,
                at_seconds,
                self._vault.seal(text.encode(), _context(comment)),
                by,
                self._clock.wall(),
                key,
            )
            await self._audit.record(
                subject=by,
                action="recording.comment",
                object=recording,
                result="ok",
                detail={"comment": comment, "at_seconds": at_seconds},
                connection=connection,
            )
        return self._comment(row)

    async def remove_comment(self, recording: RecordingId, comment: str, *, by: str, any_of: bool) -> None:
        """Take a comment back, audited: one's own, or with ``any_of`` anybody's. Raises NoComment, NotAllowed."""
        async with self._database.transaction() as connection:
            author = await connection.fetchval(
                "SELECT by FROM recording_comments WHERE tenant = $1 AND recording = $2 AND id = $3 FOR UPDATE",
                self._tenant,
                recording,
                comment,
            )
            if author is None:
                raise NoComment(comment)
            if author != by and not any_of:
                raise NotAllowed(f"the comment is {author}'s")
            await connection.execute(
                "DELETE FROM recording_comments WHERE tenant = $1 AND id = $2", self._tenant, comment
            )
            await self._audit.record(
                subject=by,
                action="recording.remove_comment",
                object=recording,
                result="ok",
                detail={"comment": comment, "author": author},
                connection=connection,
            )

    async def waveform(self, recording: RecordingId) -> bytes | None:
        """As it was kept; None: it was not."""
        async with self._database.connection() as connection:
            peaks: bytes | None = await connection.fetchval(
                "SELECT peaks FROM recording_waveforms WHERE tenant = $1 AND recording = $2",
                self._tenant,
                recording,
            )
        return peaks

    async def keep_waveform(self, recording: RecordingId, peaks: bytes) -> None:
        """Keep it as long as the recording is; raises RecordingGone."""
        async with self._database.transaction() as connection:
            await self._lock(connection, recording)
            await connection.execute(
                """
                INSERT INTO recording_waveforms (tenant, recording, peaks) VALUES ($1, $2, $3)
                ON CONFLICT DO NOTHING
                """,
                self._tenant,
                recording,
                peaks,
            )

    async def export(self, recording: RecordingId, *, by: str, reason: str, key: str) -> Export:
        """Number an export, audited; the same ``key`` of the same person again is the same export.

        Raises RecordingGone.
        """
        async with self._database.transaction() as connection:
            await self._lock(connection, recording)
            row = await connection.fetchrow(
                f"""
                SELECT {_EXPORT} FROM recording_exports
                 WHERE tenant = $1 AND by = $2 AND key = $3 AND key <> ''
                """,
                self._tenant,
                by,
                key,
            )
            if row is not None:
                return self._export(row)
            row = await connection.fetchrow(
                f"""
                INSERT INTO recording_exports (tenant, recording, by, made_at, reason_sealed, key)
                VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_EXPORT}
                """,
                self._tenant,
                recording,
                by,
                self._clock.wall(),
                self._vault.seal(reason.encode(), _context(recording)),
                key,
            )
            made = self._export(row)
            if made.number > MAX_NUMBER:
                raise Refusal("there are no numbers for exports left", code="too_many")
            await self._audit.record(
                subject=by,
                action="recording.export",
                object=recording,
                result="ok",
                detail={"export": made.number, "reason": reason},
                connection=connection,
            )
        return made

    async def export_of(self, number: int) -> Export | None:
        """Which export has a number."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_EXPORT} FROM recording_exports WHERE tenant = $1 AND number = $2", self._tenant, number
            )
        return None if row is None else self._export(row)

    async def _lock(self, connection: Connection, recording: RecordingId) -> None:
        kept = await connection.fetchval(
            "SELECT true FROM recordings WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE",
            self._tenant,
            recording,
        )
        if not kept:
            raise RecordingGone(recording, "its retention is over")

    async def _comment_of(self, connection: Connection, by: str, key: str) -> Any:
        return await connection.fetchrow(
            f"SELECT {_COMMENT} FROM recording_comments WHERE tenant = $1 AND by = $2 AND key = $3",
            self._tenant,
            by,
            key,
        )

    def _comment(self, row: Any) -> Comment:
        return Comment(
            id=row["id"],
            recording=RecordingId(row["recording"]),
            at_seconds=row["at_seconds"],
            text=self._vault.open(row["text_sealed"], _context(row["id"])).decode(),
            by=row["by"],
            made_at=row["made_at"],
        )

    def _export(self, row: Any) -> Export:
        recording = RecordingId(row["recording"])
        return Export(
            number=row["number"],
            recording=recording,
            by=row["by"],
            made_at=row["made_at"],
            reason=self._vault.open(row["reason_sealed"], _context(recording)).decode(),
        )


def _context(name: str) -> str:
    return f"recording-sharing:{name}"

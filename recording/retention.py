"""Retention: recordings older than the set days are deleted every night, each with a row in the audit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.security.audit import Audit
from ccplatform.storage.database import Database
from recording.errors import RetentionTooShort
from recording.files import RecordingFiles
from recording.model import LEAST_RETENTION_DAYS
from recording.store import Catalogue

_log = structlog.get_logger("recording")

#: Recordings deleted in one transaction.
BATCH = 100


async def _nothing() -> None:
    """Nothing is proved."""


class Retention:
    """Deletes what is older than ``days``; raises :class:`RetentionTooShort` for less than a month (R10.1.f).

    ``deleted`` hears what was; ``prove`` is done after it, every day."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        files: RecordingFiles,
        database: Database,
        audit: Audit,
        clock: Clock,
        days: int,
        at: time,
        zone: ZoneInfo,
        deleted: Callable[[Collection[RecordingId]], None] = lambda _: None,
        prove: Callable[[], Awaitable[object]] = _nothing,
    ) -> None:
        if days < LEAST_RETENTION_DAYS:
            raise RetentionTooShort(days, LEAST_RETENTION_DAYS)
        self._catalogue = catalogue
        self._files = files
        self._database = database
        self._audit = audit
        self._clock = clock
        self._days = days
        self._at = at
        self._zone = zone
        self._deleted = deleted
        self._prove = prove

    async def run(self) -> None:
        """For ever: at once, for what a stand-still left undone, then every day at the set local time.

        Keep it running under the task supervisor.
        """
        while True:
            await self.run_once()
            await self._prove()
            await sleep(self._clock, self.seconds_to_next(self._clock.wall()))

    async def run_once(self) -> int:
        """Delete everything that is due; returns how many. Raises DatabaseUnavailable; then run it again."""
        deleted = 0
        while due := await self.delete_some(self._days, BATCH):
            deleted += len(due)
        if deleted:
            _log.info("recordings deleted", count=deleted)
        return deleted

    def seconds_to_next(self, now: datetime) -> float:
        """Seconds from ``now`` to the next run."""
        local = now.astimezone(self._zone)
        today = datetime.combine(local.date(), self._at, self._zone)
        due = today if today > local else datetime.combine(local.date() + timedelta(days=1), self._at, self._zone)
        return (due.astimezone(now.tzinfo) - now).total_seconds()

    async def delete_some(
        self,
        days: int,
        limit: int,
        *,
        reason: str = "",
        before: Callable[[Sequence[RecordingId]], None] = lambda _: None,
    ) -> list[RecordingId]:
        """Delete the oldest that are older than ``days`` and may be; ``before`` hears which, in a thread.

        Raises RetentionTooShort, DatabaseUnavailable.
        """
        if days < LEAST_RETENTION_DAYS:
            raise RetentionTooShort(days, LEAST_RETENTION_DAYS)
        # Keys first, then files, then rows: a crash in between leaves rows that the next run deletes again, and
        # never forgotten sound. The rows are locked meanwhile, so that none of them can be held any more.
        async with self._database.transaction() as connection:
            now = self._clock.wall()
            due = await self._catalogue.to_delete(connection, now, days, limit)
            if due:
                await asyncio.to_thread(before, due)
                await asyncio.to_thread(self._remove, due)
                await self._catalogue.mark_deleted(connection, due, now)
                await self._audit.record(
                    subject="system",
                    action="recording.delete",
                    object=f"{len(due)} recordings",
                    result="ok",
                    detail={
                        "retention_days": days,
                        "keys": "destroyed",
                        "recordings": list(due),
                        **({"reason": reason} if reason else {}),
                    },
                    connection=connection,
                )
        if due:
            self._deleted(due)
        return due

    def _remove(self, due: list[RecordingId]) -> None:
        for recording in due:
            self._files.remove(recording)

"""What makes room when the disk of the recordings is nearly full, without losing what must be kept.

First the directory lets go of what every other store has: nothing is lost. Then, only where the settings allow
it, recordings older than a set age are deleted, the oldest first: never within the month of R10.1.f or the time of
the rule that wanted them, nor while they are held. Each deletion is a row of the audit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import RecordingId, Severity
from ccplatform.kernel.clock import Clock
from ccplatform.storage.database import Database
from recording.files import RecordingFiles
from recording.retention import Retention
from recording.stores.book import CopyBook

_log = structlog.get_logger("recording")

#: Alarm when recordings were deleted before their retention was over.
EARLY_ALARM: Final = "recording_deleted_early"
#: Recordings of one transaction.
BATCH: Final = 20


class Relief:
    """``stores`` are the names of all other stores; ``delete_after_days`` None: nothing is deleted early."""

    def __init__(
        self,
        *,
        files: RecordingFiles,
        book: CopyBook,
        stores: Sequence[str],
        retention: Retention,
        delete_after_days: int | None,
        database: Database,
        clock: Clock,
        alarms: Alarms,
    ) -> None:
        self._files = files
        self._book = book
        self._stores = stores
        self._retention = retention
        self._delete_after_days = delete_after_days
        self._database = database
        self._clock = clock
        self._alarms = alarms

    async def free(self, wanted_bytes: int) -> int:
        """Make so much room if that can be; returns how much it was. Raises DatabaseUnavailable."""
        freed = 0
        while freed < wanted_bytes and (some := await self._let_go()):
            freed += some
        while freed < wanted_bytes and (some := await self._delete()):
            freed += some
        if freed:
            _log.warning("room was made for recordings", freed_bytes=freed, wanted_bytes=wanted_bytes)
        return freed

    async def _let_go(self) -> int:
        async with self._database.transaction() as connection:
            due = await self._book.to_let_go(connection, self._stores, self._clock.wall(), BATCH)
            await self._book.let_go(connection, due)
            freed = await asyncio.to_thread(lambda: sum(self._files.let_go(recording) for recording in due))
        return max(freed, len(due))  # what was of no size is gone all the same: go on

    async def _delete(self) -> int:
        days = self._delete_after_days
        if days is None:
            return 0
        freed = 0

        def measure(due: Sequence[RecordingId]) -> None:
            nonlocal freed
            freed = sum(self._files.size_of(recording) for recording in due)

        deleted = await self._retention.delete_some(days, BATCH, reason="the disk is full", before=measure)
        if deleted:
            text = f"recordings older than {days} days are deleted before their time: the disk is full"
            self._alarms.raise_alarm(EARLY_ALARM, "", Severity.URGENT, text)
        return max(freed, len(deleted))

"""Keeps recordings at rest: seals what was recorded before sound was sealed, and makes the others smaller.

One thread of the lowest priority, in the web process: no call waits for it, and it may die at any moment.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import soundfile
import structlog

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import RecordingId, Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.audit import Audit
from ccplatform.security.errors import BadSeal, VaultClosed
from ccplatform.security.sealed_sound import Coding
from ccplatform.storage.database import Database
from recording.conversion import AtRest, make_smaller, seal_plain, take_place
from recording.errors import BadWave, NoRecording
from recording.sealed import Sounds
from recording.store import Catalogue

T = TypeVar("T")

_log = structlog.get_logger("recording")

#: Alarm when a recording at rest cannot be read, sealed, made smaller or copied.
DAMAGE_ALARM: Final = "recording_damaged"
#: Between looks at what there is to do, seconds.
LOOK_SECONDS: Final = 60.0
#: Recordings of one look, and of one row of the audit.
BATCH: Final = 50


class Keeper:
    """``coding`` None: recordings rest as they were recorded; ``after_seconds`` of rest they are made smaller."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        sounds: Sounds,
        database: Database,
        audit: Audit,
        clock: Clock,
        coding: Coding | None,
        after_seconds: float,
        alarms: Alarms,
    ) -> None:
        self._catalogue = catalogue
        self._sounds = sounds
        self._database = database
        self._audit = audit
        self._clock = clock
        self._coding = coding
        self._after_seconds = after_seconds
        self._alarms = alarms
        self._given_up: set[RecordingId] = set()
        self._thread = ThreadPoolExecutor(1, "recordings-at-rest", work_last)

    async def run(self) -> None:
        """For ever. Keep it running under the task supervisor."""
        while True:
            try:
                await self.seal_plain_files()
                while await self.make_smaller():
                    pass
            except Unavailable as error:
                _log.info("recordings at rest wait", reason=str(error))
            await sleep(self._clock, LOOK_SECONDS)

    async def seal_plain_files(self) -> int:
        """Seal what earlier versions left in the clear; returns how many recordings that were."""
        made = []
        for recording in await self._in_thread(lambda: list(self._sounds.files.plain())):
            one = await self._try(recording, partial(seal_plain, self._sounds, recording))
            made += [] if one is None else [one]
        return await self._commit(made, Coding.PCM, "recording.seal")

    async def make_smaller(self) -> int:
        """Convert some of those that rested long enough; returns how many, 0 when nothing is left to do."""
        coding = self._coding
        if coding is None:
            return 0
        made = []
        rows = await self._catalogue.to_convert(self._clock.wall(), self._after_seconds, BATCH, self._given_up)
        for recording, root in rows.items():
            one = await self._try(recording, partial(make_smaller, self._sounds, recording, coding, root))
            made += [] if one is None else [one]
        return await self._commit(made, coding, "recording.convert")

    async def _commit(self, made: list[AtRest], coding: Coding, action: str) -> int:
        """Let the new files take the places of the old ones, unless those were deleted meanwhile."""
        if not made:
            return 0
        async with self._database.transaction() as connection:
            kept = await self._catalogue.lock_kept(connection, [one.recording for one in made])
            placed = [one for one in made if one.recording in kept]
            name = coding.name.lower()
            for one in placed:
                await self._in_thread(partial(take_place, self._sounds, one))
                await self._catalogue.rests(connection, one.recording, name, one.root, one.size_bytes)
            if placed:
                await self._audit.record(
                    subject="system",
                    action=action,
                    object=f"{len(placed)} recordings",
                    result="ok",
                    detail={"coding": name, "roots": {one.recording: one.root for one in placed}},
                    connection=connection,
                )
        for one in made:
            if one not in placed:
                self._given_up.add(one.recording)
                one.draft.unlink(missing_ok=True)
        _log.info("recordings rest", action=action, count=len(placed))
        return len(placed)

    async def _try(self, recording: RecordingId, work: Callable[[], AtRest]) -> AtRest | None:
        if recording in self._given_up:
            return None
        try:
            return await self._in_thread(work)
        except (OSError, BadSeal, BadWave, VaultClosed, soundfile.SoundFileError) as error:
            self._given_up.add(recording)
            if not await self._kept(recording):
                return None
            text = f"recording {recording} is left as it is: {error}"
            _log.error("a recording is left as it is", recording=recording, reason=str(error))
            self._alarms.raise_alarm(DAMAGE_ALARM, "", Severity.URGENT, text)
            return None

    async def _kept(self, recording: RecordingId) -> bool:
        """Whether it was not deleted meanwhile."""
        try:
            return (await self._catalogue.get(recording)).deleted_at is None
        except NoRecording:
            return True  # of before the catalogue: its file is there

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def work_last() -> None:
    """The calling thread gets the processor when nobody else wants it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)

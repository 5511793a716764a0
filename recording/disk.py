"""The watch over free space where recordings are written: no disk fills up unnoticed (R10.4.c)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable

_log = structlog.get_logger("recording")

#: The alarm; its subject is the directory.
ALARM = "recording_disk_low"


async def _nothing(_: int) -> int:
    """Nobody makes room."""
    return 0


class FreeSpaceWatch:
    """Raises ``recording_disk_low``.

    Non-urgent below ``low_bytes`` free, urgent below ``very_low_bytes`` or when the directory cannot be read. At
    every look below ``very_low_bytes`` it asks ``relieve`` for what ``low_bytes`` lack. Recordings begin while
    ``refuse_below_bytes`` are free, and always when that is 0: a full disk ends them by itself.
    """

    def __init__(
        self,
        *,
        directory: Path,
        alarms: Alarms,
        clock: Clock,
        low_bytes: int,
        very_low_bytes: int,
        check_seconds: float,
        refuse_below_bytes: int = 0,
        relieve: Callable[[int], Awaitable[int]] = _nothing,
    ) -> None:
        self._directory = directory
        self._alarms = alarms
        self._clock = clock
        self._low = low_bytes
        self._very_low = very_low_bytes
        self._check_seconds = check_seconds
        self._refuse_below = refuse_below_bytes
        self._relieve = relieve
        self._severity: Severity | None = None
        self._free: int | None = None

    def refusal(self) -> str:
        """Why nothing new is to be recorded, '' as long as it is. The answer is that of the last look."""
        if self._free is None or self._free >= self._refuse_below:
            return ""
        return f"disk_full: {self._free / 2**30:.1f} GiB are free, less than {self._refuse_below / 2**30:.1f}"

    async def run(self) -> None:
        """For ever. Keep it running under the task supervisor."""
        while True:
            await self.check()
            await sleep(self._clock, self._check_seconds)

    async def check(self) -> None:
        """Look once, and make room where there is too little."""
        free = await self._look()
        if free is not None and free < self._very_low:
            self.judge(free)
            try:
                freed = await self._relieve(self._low - free)
            except Unavailable as error:
                _log.warning("no room is made for recordings", reason=str(error))
                return
            free = await self._look() if freed else free
        if free is not None:
            self.judge(free)

    async def _look(self) -> int | None:
        try:
            return (await asyncio.to_thread(shutil.disk_usage, self._directory)).free
        except OSError as error:
            self._set(Severity.URGENT, f"the recordings' directory cannot be read: {error.strerror}")
            return None

    def judge(self, free: int) -> None:
        """Raise, change or clear the alarm for so many free bytes."""
        self._free = free
        text = f"{free / 2**30:.1f} GiB are free for recordings"
        if free < self._very_low:
            self._set(Severity.URGENT, text)
        elif free < self._low:
            self._set(Severity.NON_URGENT, text)
        else:
            self._set(None, text)

    def _set(self, severity: Severity | None, text: str) -> None:
        if severity is self._severity:
            return
        subject = str(self._directory)
        if self._severity is not None:
            self._alarms.clear_alarm(ALARM, subject)
        if severity is not None:
            self._alarms.raise_alarm(ALARM, subject, severity, text)
        self._severity = severity

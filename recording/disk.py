"""The watch over free space where recordings are written: no disk fills up unnoticed (R10.4.c)."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock, sleep

#: The alarm; its subject is the directory.
ALARM = "recording_disk_low"


class FreeSpaceWatch:
    """Raises ``recording_disk_low``.

    Non-urgent below ``low_bytes`` free, urgent below ``very_low_bytes`` or when the directory cannot be read.
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
    ) -> None:
        self._directory = directory
        self._alarms = alarms
        self._clock = clock
        self._low = low_bytes
        self._very_low = very_low_bytes
        self._check_seconds = check_seconds
        self._severity: Severity | None = None

    async def run(self) -> None:
        """For ever. Keep it running under the task supervisor."""
        while True:
            await self.check()
            await sleep(self._clock, self._check_seconds)

    async def check(self) -> None:
        """Look once."""
        try:
            free = (await asyncio.to_thread(shutil.disk_usage, self._directory)).free
        except OSError as error:
            self._set(Severity.URGENT, f"the recordings' directory cannot be read: {error.strerror}")
            return
        self.judge(free)

    def judge(self, free: int) -> None:
        """Raise, change or clear the alarm for so many free bytes."""
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

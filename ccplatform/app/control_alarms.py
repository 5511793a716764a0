"""Alarms of the web process: control keeps them all, and is told as soon as it can be reached."""

from __future__ import annotations

import asyncio
from typing import Final

from ccplatform.contracts.commands import ClearAlarm, RaiseAlarm
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable

#: Pause between attempts, seconds.
RETRY_SECONDS: Final = 1.0


class ControlAlarms:
    """Implements :class:`ccplatform.contracts.ports.Alarms`; run :meth:`run` under the task supervisor.

    Of each kind and subject the last word is kept until it is told; the first one after a start is always told.
    """

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._said: dict[tuple[str, str], bool] = {}
        self._owed: dict[tuple[str, str], RaiseAlarm | ClearAlarm] = {}
        self._any = asyncio.Event()

    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        """See :class:`Alarms`."""
        self._say(RaiseAlarm(kind=kind, subject=subject, severity=severity, text=text))

    def clear_alarm(self, kind: str, subject: str) -> None:
        """See :class:`Alarms`."""
        self._say(ClearAlarm(kind=kind, subject=subject))

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._any.wait()
            self._any.clear()
            while self._owed:
                key, command = next(iter(self._owed.items()))
                try:
                    await self._control.ask(command)
                except Unavailable:
                    await sleep(self._clock, RETRY_SECONDS)
                    continue
                if self._owed.get(key) is command:
                    del self._owed[key]

    def _say(self, command: RaiseAlarm | ClearAlarm) -> None:
        key, up = (command.kind, command.subject), isinstance(command, RaiseAlarm)
        if not up and self._said.get(key) is False:
            return
        self._said[key] = up
        self._owed[key] = command
        self._any.set()

"""SIGTERM and SIGINT: what a process does until it is asked to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from ccplatform.kernel.errors import PlatformError

T = TypeVar("T")


class Stopped(PlatformError):
    """The process was asked to end before it had started."""


class StopSignal:
    """Listens for both signals from its making on; needs the running loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._event.set)

    async def wait(self) -> None:
        """Return once the process is asked to end."""
        await self._event.wait()

    async def or_do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work; when the signal comes first, cancel it and raise :class:`Stopped`."""
        doing = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait((doing, stopped), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
        finally:
            stopped.cancel()
            if not doing.done():
                doing.cancel()
                await asyncio.wait((doing,))
        raise Stopped("asked to end before it had started")

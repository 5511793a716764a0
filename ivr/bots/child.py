"""The relays' process as the control process sees it: started ahead, replaced when it fails."""

from __future__ import annotations

import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from typing import Final

from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import RemoteViolation
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.bots.wire import Configure, Order, Report, report_of
from ivr.pipes import frame_of, kill, read_frame, spawn

#: First and longest pause before it is started again, seconds.
RESTART_SECONDS: Final = (0.5, 10.0)
PROGRAM: Final = (sys.executable, "-m", "ivr.bots.process")


class RelayProcess:
    """``tell`` gets its reports, ``gone`` why it is gone; another is started in a while."""

    def __init__(
        self,
        *,
        configure: Configure,
        tell: Callable[[Report], None],
        gone: Callable[[str], None],
        clock: Clock,
        tasks: TaskSupervisor,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self._configure = configure
        self._tell = tell
        self._tell_gone = gone
        self._clock = clock
        self._tasks = tasks
        self._program = program
        self._process: Process | None = None
        self._closing = False
        self._pause = RESTART_SECONDS[0]

    async def start(self) -> None:
        """Have it running, unless it is."""
        if self._process is not None or self._closing:
            return
        try:
            process = await spawn(self._program)
        except OSError as error:
            self._lost(error.strerror or "it cannot be started")
            return
        self._process = process
        self.write(self._configure)
        self._tasks.run_once("bot relays", self._read(process))

    def write(self, order: Order) -> bool:
        """Give it an order; False when it is gone."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return False
        process.stdin.write(frame_of(order))
        return True

    async def close(self) -> None:
        """End it."""
        self._closing = True
        process, self._process = self._process, None
        if process is not None:
            kill(process)
            await process.wait()

    async def _read(self, process: Process) -> None:
        reason = "it ended"
        try:
            while process.stdout is not None:
                self._tell(report_of(await read_frame(process.stdout)))
                self._pause = RESTART_SECONDS[0]
        except (EOFError, OSError):
            pass
        except RemoteViolation as error:
            reason = str(error)
        finally:
            kill(process)
        await process.communicate()
        if self._process is process:
            self._process = None
            self._lost(reason)

    def _lost(self, reason: str) -> None:
        if not self._closing:
            self._tell_gone(reason)
            self._tasks.run_once("restart bot relays", self._restart(self._pause))
            self._pause = min(RESTART_SECONDS[1], self._pause * 2)

    async def _restart(self, pause: float) -> None:
        await sleep(self._clock, pause)
        await self.start()

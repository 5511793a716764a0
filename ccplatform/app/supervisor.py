"""The supervisor: starts the database and the children, restarts what dies with back-off, and does nothing else.

Children are this same program with ``--role media|control|web``. A child says that it is ready by a line on the
pipe it was given. A child that ends with :data:`START_REFUSED` before it ever was ready has told its reason
(wrong setting, used port): then the whole run stops.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import PlatformError
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.embedded import EmbeddedPostgres

_log = structlog.get_logger("supervisor")

#: Exit code of a child that cannot start for a reason that trying again does not mend.
START_REFUSED = 3
BACKOFF_SECONDS = (0.2, 10.0)
#: A child that ran this long is started again without a pause, seconds.
STEADY_SECONDS = 30.0
DATABASE_CHECK_SECONDS = 0.5


@dataclass(slots=True)
class Child:
    """One process of the platform."""

    name: str
    arguments: Sequence[str]
    stop_seconds: float = 10.0
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    restarts: int = 0
    task: str = ""


class StartRefused(PlatformError):
    """A child cannot start; it has told why."""


class Supervisor:
    """Runs the children in the order given; :meth:`stop` ends them in the reverse of their importance."""

    def __init__(
        self,
        *,
        clock: Clock,
        tasks: TaskSupervisor,
        database: EmbeddedPostgres | None,
        before_database: Sequence[Child],
        after_database: Sequence[Child],
        stop_order: Sequence[str],
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._database = database
        self._before = before_database
        self._after = after_database
        self._stop_order = stop_order
        self._stopping = False
        self._failed: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Start everything and wait until every child is ready; raises StartRefused or what the database says."""
        self._failed = asyncio.get_running_loop().create_future()
        for child in self._before:
            self._launch(child)
        if self._database is not None:
            await asyncio.to_thread(self._database.start)
            self._tasks.keep_running("database", self._watch_database)
        for child in self._after:
            self._launch(child)
        ready = asyncio.gather(*(child.ready.wait() for child in (*self._before, *self._after)))
        await asyncio.wait((ready, self._failed), return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            ready.cancel()
            with suppress(asyncio.CancelledError):
                await ready
            self._failed.result()

    async def stop(self) -> None:
        """Ask the children to end, in stop order, each with its own patience; then stop the database."""
        self._stopping = True
        children = {child.name: child for child in (*self._before, *self._after)}
        for name in self._stop_order:
            await self._stop_child(children[name])
        await self._tasks.close()
        if self._database is not None:
            await asyncio.to_thread(self._database.stop)

    def _launch(self, child: Child) -> None:
        self._tasks.run_once(f"child {child.name}", self._keep(child))

    async def _keep(self, child: Child) -> None:
        pause = BACKOFF_SECONDS[0]
        while not self._stopping:
            started = self._clock.now()
            code = await self._run(child)
            if self._stopping:
                return
            if code == START_REFUSED and not child.ready.is_set():
                self._refuse(child)
                return
            if self._clock.now() - started > STEADY_SECONDS:
                pause = BACKOFF_SECONDS[0]
            child.restarts += 1
            _log.error("child ended; starting it again", child=child.name, code=code, pause_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, BACKOFF_SECONDS[1])

    def _refuse(self, child: Child) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(StartRefused(f"{child.name} cannot start; its reason is above"))

    async def _run(self, child: Child) -> int:
        read_end, write_end = os.pipe()
        try:
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ccplatform",
                "run",
                *child.arguments,
                "--ready-fd",
                str(write_end),
                pass_fds=(write_end,),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        _log.info("child started", child=child.name, pid=child.process.pid)
        await self._watch_ready(child, read_end)
        code = await child.process.wait()
        child.process = None
        return code

    async def _watch_ready(self, child: Child, read_end: int) -> None:
        reader = asyncio.StreamReader()
        pipe = os.fdopen(read_end, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            if await reader.readline():
                child.ready.set()
        finally:
            transport.close()

    async def _stop_child(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), child.stop_seconds)
        except TimeoutError:
            _log.warning("child did not end in time and is killed", child=child.name)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _watch_database(self) -> None:
        database = self._database
        assert database is not None
        while not self._stopping:
            await asyncio.sleep(DATABASE_CHECK_SECONDS)
            if database.pid is None and not self._stopping:
                _log.error("PostgreSQL is gone; starting it again")
                await asyncio.to_thread(database.start)


def stop_signals(on_signal: Callable[[], None]) -> None:
    """Call ``on_signal`` at SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)

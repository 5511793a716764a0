"""The supervisor: starts the database and the children, restarts what dies with back-off, and does nothing else.

Children are this same program with ``--role media|control|web``. A child says that it is ready by a line on the
pipe it was given. A child that ends before it ever was ready with :data:`START_REFUSED` or
:data:`WRONG_CONFIGURATION` has told its reason (used port, wrong setting): then the whole run stops, as it does
when a child fails to become ready :data:`MAX_ATTEMPTS` times in a row. One that was ready once is started again
for ever: at once when it had run for a while, after a growing pause when it had not.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import PlatformError, Unavailable
from ccplatform.kernel.tasks import TaskSupervisor

_log = structlog.get_logger("supervisor")

#: Exit code of a child that cannot start for a reason that trying again does not mend.
START_REFUSED = 3
#: Exit code of a child whose configuration is wrong.
WRONG_CONFIGURATION = 2
#: First and longest pause before a child that had not run for long is started again, seconds.
BACKOFF_SECONDS = (0.2, 10.0)
#: A child that ran this long is started again without a pause, seconds.
STEADY_SECONDS = 5.0
#: How often a child may end before it ever was ready.
MAX_ATTEMPTS = 5
DATABASE_CHECK_SECONDS = 0.5
#: What children are started with; their arguments follow.
PROGRAM = (sys.executable, "-m", "ccplatform", "run")
#: Added to the environment of children. The matrix products of a media tick are small: numpy's threads would spin
#: on the other workers' cores for many times what the product itself costs.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}


@dataclass(slots=True)
class Child:
    """One process of the platform. ``ready`` is set for good by its first readiness."""

    name: str
    arguments: Sequence[str]
    stop_seconds: float = 10.0
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    restarts: int = 0


class StartRefused(PlatformError):
    """A child cannot start; it has told why."""


class DatabaseServer(Protocol):
    """The embedded PostgreSQL, as the supervisor sees it. Its methods block."""

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""

    def start(self) -> object:
        """Start it; raises Unavailable."""

    def stop(self) -> None:
        """Stop it; harmless when it is not running."""


class Supervisor:
    """Runs the children in the order given; :meth:`stop` ends them in ``stop_order``, the database last."""

    def __init__(
        self,
        *,
        clock: Clock,
        tasks: TaskSupervisor,
        database: DatabaseServer | None,
        before_database: Sequence[Child],
        after_database: Sequence[Child],
        stop_order: Sequence[str],
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._database = database
        self._before = before_database
        self._after = after_database
        self._stop_order = stop_order
        self._program = program
        self._stopping = False
        self._failed: asyncio.Future[None] | None = None
        self._database_start: asyncio.Future[object] | None = None

    async def start(self) -> None:
        """Start everything and wait until every child is ready; raises StartRefused or what the database says."""
        self._failed = asyncio.get_running_loop().create_future()
        for child in self._before:
            self._launch(child)
        if self._database is not None:
            await self._start_database(self._database)
            self._tasks.keep_running("database", self._watch_database)
        for child in self._after:
            self._launch(child)
        ready = asyncio.gather(*(child.ready.wait() for child in (*self._before, *self._after)))
        try:
            await asyncio.wait((ready, self._failed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            with suppress(asyncio.CancelledError):
                await ready
        if self._failed.done():
            self._failed.result()

    async def stop(self) -> None:
        """Ask the children to end, in stop order, each with its own patience; then stop the database.

        A start that is under way is waited for and undone.
        """
        self._stopping = True
        children = {child.name: child for child in (*self._before, *self._after)}
        for name in self._stop_order:
            await self._stop_child(children[name])
        await self._tasks.close()
        for child in children.values():  # one that was being launched just now
            await self._stop_child(child)
        if self._database is not None:
            if self._database_start is not None:
                await asyncio.wait((self._database_start,))
            await asyncio.to_thread(self._database.stop)

    # --- children -----------------------------------------------------------------------------------------

    def _launch(self, child: Child) -> None:
        self._tasks.run_once(f"child {child.name}", self._keep(child))

    async def _keep(self, child: Child) -> None:
        pause, attempts = BACKOFF_SECONDS[0], 0
        while not self._stopping:
            started = self._clock.now()
            try:
                code = await self._run(child)
            except OSError as error:  # no process or descriptor left for it
                _log.error("child cannot be started", child=child.name, reason=error.strerror)
                code = 1
            if self._stopping:
                return
            attempts += 1
            if not child.ready.is_set() and (
                code in (START_REFUSED, WRONG_CONFIGURATION) or attempts >= MAX_ATTEMPTS
            ):
                self._refuse(child)
                return
            steady = self._clock.now() - started >= STEADY_SECONDS
            pause = BACKOFF_SECONDS[0] if steady else pause
            child.restarts += 1
            _log.error(
                "child ended; starting it again", child=child.name, code=code, pause_seconds=0 if steady else pause
            )
            if not steady:
                await sleep(self._clock, pause)
                pause = min(pause * 2, BACKOFF_SECONDS[1])

    def _refuse(self, child: Child) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(StartRefused(f"{child.name} cannot start; its reason is above"))

    async def _run(self, child: Child) -> int:
        started = self._clock.now()
        read_end, write_end = os.pipe()
        try:
            child.process = await asyncio.create_subprocess_exec(
                *self._program,
                *child.arguments,
                "--ready-fd",
                str(write_end),
                pass_fds=(write_end,),
                env={**os.environ, **ENVIRONMENT},
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # the terminal's Ctrl-C is for the supervisor alone
            )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        _log.info("child started", child=child.name, pid=child.process.pid)
        if await self._becomes_ready(read_end):
            child.ready.set()
            _log.info("child ready", child=child.name, seconds=round(self._clock.now() - started, 2))
        code = await child.process.wait()
        child.process = None
        return code

    async def _becomes_ready(self, read_end: int) -> bool:
        """Whether the child says so before it ends (then its end of the pipe closes)."""
        reader = asyncio.StreamReader()
        pipe = os.fdopen(read_end, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            return bool(await reader.readline())
        finally:
            transport.close()

    async def _stop_child(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(child.stop_seconds):
                await process.wait()
        except TimeoutError:
            _log.warning("child did not end in time and is killed", child=child.name)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    # --- database -----------------------------------------------------------------------------------------

    async def _start_database(self, database: DatabaseServer) -> None:
        # Shielded: a thread cannot be called back, so stop() has to know of it.
        self._database_start = asyncio.ensure_future(asyncio.to_thread(database.start))
        await asyncio.shield(self._database_start)

    async def _watch_database(self) -> None:
        database = self._database
        assert database is not None
        while True:
            await sleep(self._clock, DATABASE_CHECK_SECONDS)
            if database.pid is not None:
                continue
            _log.error("PostgreSQL is gone; starting it again")
            try:
                await self._start_database(database)
            except Unavailable as error:
                _log.error("PostgreSQL does not start", reason=str(error))
            else:
                _log.info("PostgreSQL is back")

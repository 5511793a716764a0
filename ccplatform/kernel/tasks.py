"""Task supervision: the one place that starts asyncio tasks and catches what nobody expected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.faults import describe

_log = structlog.get_logger("tasks")

#: First and last pause before a restarted task runs again, seconds.
BACKOFF_SECONDS = (0.1, 5.0)


class TaskSupervisor:
    """Owns tasks by name; a crash is logged, counted and told to ``on_crash(name, error)``, never lost."""

    def __init__(self, clock: Clock, on_crash: Callable[[str, Exception], None] | None = None) -> None:
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._serial = 0
        self.crashes = 0
        self.on_crash = on_crash

    def run_once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` in the background once; names need not be unique."""
        self._serial += 1
        task = self._own(f"{name}#{self._serial}", self._once(name, work))
        task.add_done_callback(lambda _: work.close())  # it was cancelled before its first step

    def keep_running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work()`` for ever: when it crashes or returns it is started again after a growing pause."""
        self._own(name, self._forever(name, work))

    def guarded(self, name: str) -> Callable[[Callable[[], None]], None]:
        """A guard for :class:`~ccplatform.kernel.core.EffectRunner`: a step that raises is reported, not fatal."""

        def guard(step: Callable[[], None]) -> None:
            try:
                step()
            except Exception as error:
                self._report(name, error)

        return guard

    def watch_loop(self) -> None:
        """Take what the running loop would only print: errors of its callbacks and of tasks nobody waits for."""
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self._loop_error(context))

    async def stop(self, name: str) -> None:
        """Cancel one task and wait for its end."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def close(self) -> None:
        """Cancel everything and wait for it."""
        for name in list(self._tasks):
            await self.stop(name)

    def _own(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if name in self._tasks:
            work.close()
            raise ValueError(f"a task named {name!r} is running already")
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._forget(name, done))
        return task

    def _forget(self, name: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is done:
            del self._tasks[name]

    async def _once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._report(name, error)

    async def _forever(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        pause = BACKOFF_SECONDS[0]
        while True:
            started = self._clock.now()
            try:
                await work()
            except Exception as error:
                self._report(name, error)
            if self._clock.now() - started > BACKOFF_SECONDS[1]:
                pause = BACKOFF_SECONDS[0]
            await asyncio.sleep(pause)
            pause = min(pause * 2, BACKOFF_SECONDS[1])

    def _loop_error(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self._report("event loop", error)
        elif not isinstance(error, BaseException):
            _log.warning("event loop", what=context.get("message"))

    def _report(self, name: str, error: Exception) -> None:
        self.crashes += 1
        _log.error("unexpected error", task=name, error=describe(error))
        _log.debug("where it came from", task=name, exc_info=error)
        if self.on_crash is not None:
            self.on_crash(name, error)

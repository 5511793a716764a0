"""Rows that follow what lives in memory: gathered, saved together, patient while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Set
from typing import Generic, TypeVar

import structlog

from ccplatform.kernel.clock import Clock, TimerHandle
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor

_log = structlog.get_logger("store")

Key = TypeVar("Key")


class WriteBehind(Generic[Key]):
    """``save(keys)`` stores what these keys have become by now, all or none; it may raise Unavailable.

    Only keys are kept, so waiting costs no memory. A crash costs at most the changes of ``gather_seconds``; after
    Unavailable the next try is ``retry_seconds`` later.
    """

    def __init__(
        self,
        *,
        name: str,
        save: Callable[[Set[Key]], Awaitable[None]],
        clock: Clock,
        tasks: TaskSupervisor,
        retry_seconds: float,
        gather_seconds: float = 0.0,
    ) -> None:
        self._name = name
        self._save = save
        self._clock = clock
        self._tasks = tasks
        self._retry_seconds = retry_seconds
        self._gather_seconds = gather_seconds
        self._stale: set[Key] = set()
        self._saving = asyncio.Lock()
        self._busy = False
        self._timer: TimerHandle | None = None

    def changed(self, key: Key) -> None:
        """What is stored under this key is no longer true."""
        self._stale.add(key)
        if not self._busy and self._timer is None:
            self._begin_after(self._gather_seconds)

    async def flush(self) -> None:
        """Save what is still to be saved, also what is being saved now; raises Unavailable."""
        async with self._saving:
            while self._stale:
                keys, self._stale = self._stale, set()
                try:
                    await self._save(keys)
                except BaseException:
                    self._stale |= keys
                    raise

    def close(self) -> None:
        """Begin no more by itself; :meth:`flush` still saves."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin_after(self, seconds: float) -> None:
        if seconds > 0:
            self._timer = self._clock.call_at(self._clock.now() + seconds, self._begin)
        else:
            self._begin()

    def _begin(self) -> None:
        self._timer = None
        self._busy = True
        self._tasks.run_once(f"store {self._name}", self._write())

    async def _write(self) -> None:
        try:
            await self.flush()
        except Unavailable as error:
            _log.warning("changes wait to be stored", what=self._name, rows=len(self._stale), reason=str(error))
            self._begin_after(self._retry_seconds)
        finally:
            self._busy = False

"""Presence rows: committed before an agent's wish is acknowledged, written behind when the engine acts itself.

All changes of one agent's presence are made under his lock, and each writes the whole row: the row cannot end up
older than the engine for longer than the database is away.
"""

from __future__ import annotations

import asyncio
import itertools

import structlog

from acd.engine import AcdEngine, Presence
from acd.store import AcdStore
from ccplatform.contracts.words import AgentId
from ccplatform.kernel.clock import Clock, TimerHandle
from ccplatform.kernel.errors import Refusal, Unavailable
from ccplatform.kernel.tasks import TaskSupervisor

_log = structlog.get_logger("acd.presence")

#: Who set a row that the engine changed by itself.
BY_ENGINE = "acd"


class PresenceRows:
    """Keeps the rows equal to the engine."""

    def __init__(
        self, *, engine: AcdEngine, store: AcdStore, clock: Clock, tasks: TaskSupervisor, retry_seconds: float
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._retry_seconds = retry_seconds
        self._locks: dict[AgentId, asyncio.Lock] = {}
        self._stale: dict[AgentId, int] = {}  # by the number of the change that is not written yet
        self._changes = itertools.count(1)
        self._writing = False
        self._retry: TimerHandle | None = None

    def lock(self, agent: AgentId) -> asyncio.Lock:
        """The lock of an agent who exists; held from the check of his wish to its effect."""
        return self._locks.setdefault(agent, asyncio.Lock())

    async def commit(self, agent: AgentId, row: Presence | None, *, by: str) -> None:
        """Write what the agent asked for, under his lock; None removes the row. Raises SeatTaken, Unavailable."""
        if row is None:
            await self._store.remove_presence(agent)
        else:
            await self._store.save_presence(row, since=self._clock.wall(), by=by)

    def write_behind(self, agent: AgentId) -> None:
        """The engine changed it: bring the row up to date soon."""
        self._stale[agent] = next(self._changes)
        if not self._writing and self._retry is None:
            self._writing = True
            self._tasks.run_once("acd presence", self._write())

    async def flush(self) -> None:
        """Write what is still to be written, also what another task is writing now; raises Unavailable."""
        while self._stale:
            agent = next(iter(self._stale))
            async with self.lock(agent):
                change = self._stale.get(agent)
                if change is None:
                    continue
                await self._bring_up_to_date(agent)
                if self._stale.get(agent) == change:
                    del self._stale[agent]

    def close(self) -> None:
        """Try no more."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    async def _bring_up_to_date(self, agent: AgentId) -> None:
        try:
            await self.commit(agent, self._engine.presence(agent), by=BY_ENGINE)
        except Refusal as error:  # the agent or his seat has changed hands meanwhile: that writes rows of its own
            _log.warning("presence not written", agent=agent, reason=str(error))

    async def _write(self) -> None:
        try:
            await self.flush()
        except Unavailable as error:
            _log.warning("presence waits to be written", agents=len(self._stale), reason=str(error))
            self._retry = self._clock.call_at(self._clock.now() + self._retry_seconds, self._try_again)
        finally:
            self._writing = False

    def _try_again(self) -> None:
        self._retry = None
        if self._stale:
            self.write_behind(next(iter(self._stale)))

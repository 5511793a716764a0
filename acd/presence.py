"""Presence rows: committed before an agent's wish is acknowledged, written behind when the engine acts itself.

All changes of one agent's presence are made under his lock, and each writes the whole row: the row cannot end up
older than the engine for longer than the database is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set

import structlog

from acd.engine import AcdEngine, Presence
from acd.store import AcdStore
from ccplatform.contracts.words import AgentId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.kernel.write_behind import WriteBehind

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
        self._locks: dict[AgentId, asyncio.Lock] = {}
        self.behind: WriteBehind[AgentId] = WriteBehind(
            name="presence", save=self._save, clock=clock, tasks=tasks, retry_seconds=retry_seconds
        )

    def lock(self, agent: AgentId) -> asyncio.Lock:
        """The lock of an agent who exists; held from the check of his wish to its effect."""
        return self._locks.setdefault(agent, asyncio.Lock())

    async def commit(self, agent: AgentId, row: Presence | None, *, by: str) -> None:
        """Write what the agent asked for, under his lock; None removes the row. Raises SeatTaken, Unavailable."""
        if row is None:
            await self._store.remove_presence(agent)
        else:
            await self._store.save_presence(row, since=self._clock.wall(), by=by)

    async def _save(self, agents: Set[AgentId]) -> None:
        for agent in sorted(agents):
            async with self.lock(agent):
                await self._bring_up_to_date(agent)

    async def _bring_up_to_date(self, agent: AgentId) -> None:
        try:
            await self.commit(agent, self._engine.presence(agent), by=BY_ENGINE)
        except Refusal as error:  # the agent or his seat has changed hands meanwhile: that writes rows of its own
            _log.warning("presence not written", agent=agent, reason=str(error))

"""What agents are (state, age, wrap-up), written behind in batches: a restarted process goes on from there."""

from __future__ import annotations

import structlog

from acd.engine import AcdEngine
from acd.store import AcdStore
from ccplatform.contracts.words import AgentId
from ccplatform.kernel.clock import Clock, TimerHandle
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor

_log = structlog.get_logger("acd.standings")

#: Changes are gathered for so long: a few states of one call make one write, and a crash costs no more.
GATHER_SECONDS = 0.25


class StandingRows:
    """Keeps the rows close to the engine."""

    def __init__(
        self, *, engine: AcdEngine, store: AcdStore, clock: Clock, tasks: TaskSupervisor, retry_seconds: float
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._retry_seconds = retry_seconds
        self._stale: set[AgentId] = set()
        self._writing = False
        self._timer: TimerHandle | None = None

    def write_behind(self, agent: AgentId) -> None:
        """The agent is another than his row says."""
        self._stale.add(agent)
        if not self._writing and self._timer is None:
            self._wait(GATHER_SECONDS)

    async def flush(self) -> None:
        """Write what is still to be written; raises Unavailable."""
        while self._stale:
            agents, self._stale = self._stale, set()
            now = self._clock.now()
            standings = {agent: self._engine.standing(agent, now) for agent in sorted(agents)}
            try:
                await self._store.save_standings(standings, self._clock.wall())
            except Unavailable:
                self._stale |= agents
                raise

    def close(self) -> None:
        """Start no more writes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self._timer = self._clock.call_at(self._clock.now() + seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._writing = True
        self._tasks.run_once("acd standings", self._write())

    async def _write(self) -> None:
        again = GATHER_SECONDS
        try:
            await self.flush()
        except Unavailable as error:
            _log.warning("standings wait to be written", agents=len(self._stale), reason=str(error))
            again = self._retry_seconds
        finally:
            self._writing = False
        if self._stale:
            self._wait(again)

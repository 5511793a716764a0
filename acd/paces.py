"""What queues learned about their pace, written behind: a restarted process knows how long one waits."""

from __future__ import annotations

from typing import Final

import structlog

from acd.engine import AcdEngine
from acd.expected_wait import Learned
from acd.store import AcdStore
from ccplatform.contracts.words import QueueId
from ccplatform.kernel.clock import Clock, TimerHandle
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor

_log = structlog.get_logger("acd.paces")

#: Paces are written so often, and not believed any more when they are older, seconds.
WRITE_SECONDS: Final = 60.0
LONGEST_SECONDS: Final = 86_400.0


class PaceRows:
    """Keeps the rows close to the engine."""

    def __init__(self, *, engine: AcdEngine, store: AcdStore, clock: Clock, tasks: TaskSupervisor) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._timer: TimerHandle | None = None
        self._written: dict[QueueId, Learned] = {}

    def loaded(self, queue: QueueId, learned: Learned) -> None:
        """This is in the row already."""
        self._written[queue] = learned

    def start(self) -> None:
        """Write what changed, each minute from now on."""
        self._timer = self._clock.call_at(self._clock.now() + WRITE_SECONDS, self._begin)

    def close(self) -> None:
        """Start no more writes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def flush(self) -> None:
        """Write what changed; raises Unavailable."""
        learned = self._engine.learned()
        changed = {queue: pace for queue, pace in learned.items() if self._written.get(queue) != pace}
        if changed:
            await self._store.save_paces(changed, self._clock.wall())
            self._written |= changed

    def _begin(self) -> None:
        self._tasks.run_once("acd paces", self._write())
        self.start()

    async def _write(self) -> None:
        try:
            await self.flush()
        except Unavailable as error:
            _log.warning("paces wait to be written", reason=str(error))

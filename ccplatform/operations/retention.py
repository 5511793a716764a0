"""The daily removal of what is older than it has to be kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta

import structlog

from ccplatform.kernel.clock import Clock, sleep
from ccplatform.operations.settings import RetentionSettings
from ccplatform.operations.store import AlarmStore
from ccplatform.storage.database import Database
from ccplatform.storage.errors import DatabaseUnavailable
from ccplatform.storage.partitions import drop_partitions

DAY_SECONDS = 86_400.0

#: Pause before the next attempt when the database is away, seconds.
RETRY_SECONDS = 600.0

_log = structlog.get_logger("retention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What one run removed: partitions of the journal by name, and numbers of alarms and of other things."""

    partitions: tuple[str, ...]
    alarms: int
    others: Mapping[str, int]


class Retention:
    """Keep :meth:`run` running in one process of a node. ``others`` remove what nobody needs of other packages, by
    its name, and tell how much it was."""

    def __init__(
        self,
        *,
        database: Database,
        alarms: AlarmStore,
        clock: Clock,
        settings: RetentionSettings | None = None,
        others: Mapping[str, Callable[[], Awaitable[int]]] | None = None,
    ) -> None:
        self._database = database
        self._alarms = alarms
        self._clock = clock
        self._settings = settings or RetentionSettings()
        self._others = dict(others or {})

    async def run(self) -> None:
        """Remove once a day, for ever."""
        while True:
            try:
                await self.remove_old()
            except DatabaseUnavailable:
                await sleep(self._clock, RETRY_SECONDS)
            else:
                await sleep(self._clock, DAY_SECONDS)

    async def remove_old(self) -> Removed:
        """Remove what is too old now."""
        now = self._clock.wall().astimezone(UTC)
        before = (now - timedelta(days=self._settings.journal_days)).date()
        partitions = await drop_partitions(self._database, before=before)
        alarms = await self._alarms.delete_ended_before(now - timedelta(days=self._settings.alarm_days))
        others = {name: await remove() for name, remove in self._others.items()}
        _log.info("old data removed", partitions=len(partitions), alarms=alarms, **others)
        return Removed(partitions=tuple(partitions), alarms=alarms, others=others)

"""Every data source of a node: opened, looked after, closed together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ccplatform.contracts.ports import Alarms
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.database import Database
from ivr.queries import Queries
from ivr.settings import OWN_SOURCE, IvrSettings, QuerySettings
from ivr.sources.health import SourceHealth
from ivr.sources.http import HttpService


class DataSources:
    """The databases and services of the settings, and the queries on them; ``own`` is the platform's database,
    which somebody else opens and closes."""

    def __init__(
        self,
        settings: IvrSettings,
        *,
        own: Database,
        queries: Mapping[str, QuerySettings],
        clock: Clock,
        alarms: Alarms,
    ) -> None:
        self._databases = {
            name: Database(
                source.url.get_secret_value(),
                clock=clock,
                max_connections=source.max_connections,
                acquire_seconds=source.acquire_seconds,
            )
            for name, source in settings.sources.items()
        }
        self._services = {name: HttpService(service) for name, service in settings.services.items()}
        slow = {name: source.slow_seconds for name, source in settings.sources.items()}
        slow |= {name: service.slow_seconds for name, service in settings.services.items()}
        self._health = SourceHealth(alarms=alarms, slow_seconds=slow)
        self.queries = Queries(
            sources={OWN_SOURCE: own, **self._databases},
            queries=queries,
            services=self._services,
            requests=settings.requests,
            health=self._health,
            clock=clock,
        )

    def serving(self) -> dict[str, bool]:
        """Whether each source gives answers, as far as callers found out."""
        return self._health.serving()

    async def open(self, tasks: TaskSupervisor) -> None:
        """Make the pools; a database that is away now is found later."""
        for name, database in self._databases.items():
            await database.open(required=False)
            database.on_availability(partial(self._health.connected, name))
            self._health.connected(name, database.available)
            database.watch(tasks, f"data source {name}")

    async def close(self) -> None:
        """Let every connection go."""
        for database in self._databases.values():
            await database.close()
        for service in self._services.values():
            await service.close()

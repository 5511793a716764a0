"""Named queries and requests on named data sources: the only ones that a flow can cause.

SQL and templates come from the configuration; what callers key in only ever is a value in them. A query runs in a
read-only transaction with a statement time-out and reads one row, a request asks one host for one JSON document.
Answers that were found may be kept for a while, in memory, where the operator allows it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any, Final, TypeAlias

import asyncpg

from ccplatform.kernel.clock import Clock, SystemClock
from ccplatform.storage.database import Connection, Database
from ccplatform.storage.errors import DatabaseUnavailable
from ivr.errors import QueryFailed
from ivr.settings import QuerySettings, RequestSettings
from ivr.sources.health import SourceHealth
from ivr.sources.http import HttpService

#: How much later than the server we give a query up, seconds.
GRACE_SECONDS = 0.5

#: Longest value of a column that becomes a variable, characters; longer ones are cut.
LONGEST_VALUE = 1000

#: Fills a buffer of asyncpg, which are 1,024 bytes, but for the head of a message.
_NOTHING_SECRET: Final = " " * 900

#: Most answers that are kept.
MOST_KEPT: Final = 2000

Row: TypeAlias = dict[str, str]


class Queries:
    """``sources`` are databases by name, the platform's own among them; ``services`` HTTP services by name."""

    def __init__(
        self,
        *,
        sources: Mapping[str, Database],
        queries: Mapping[str, QuerySettings],
        services: Mapping[str, HttpService] | None = None,
        requests: Mapping[str, RequestSettings] | None = None,
        health: SourceHealth | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._databases = dict(sources)
        self._services = dict(services or {})
        self._named: dict[str, QuerySettings | RequestSettings] = {**queries, **(requests or {})}
        missing = {
            source_of(query)
            for query in self._named.values()
            if source_of(query) not in (self._databases if isinstance(query, QuerySettings) else self._services)
        }
        if missing:
            raise ValueError(f"queries name data sources that do not exist: {', '.join(sorted(missing))}")
        self._health = health
        self._clock = clock or SystemClock()
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Row]] = OrderedDict()

    def sources(self) -> dict[str, str]:
        """The data source of every query and request."""
        return {name: source_of(query) for name, query in self._named.items()}

    async def ask(self, name: str, parameters: Mapping[str, str], *, secret: bool = False) -> Row | None:
        """The first row, its columns as text; None when there is no row. Raises :class:`QueryFailed`.

        Of ``secret`` parameters nothing stays in memory: the answer is not kept, whatever the query allows, and
        what the driver of the database wrote is written over.
        """
        query = self._named.get(name)
        if query is None:
            raise QueryFailed(f"there is no query {name!r}")
        values = {parameter: _clean(parameters.get(parameter, "")) for parameter in query.parameters}
        key = (name, *values.values())
        kept = None if secret else self._kept.get(key)
        if kept is not None and self._clock.now() < kept[0]:
            return dict(kept[1])
        row = await self._timed(name, query, values, secret)
        if not secret and row is not None and query.cache_seconds:
            self._keep(key, self._clock.now() + query.cache_seconds, row)
        return row

    def _keep(self, key: tuple[str, ...], until: float, row: Row) -> None:
        self._kept[key] = (until, dict(row))
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    async def _timed(
        self, name: str, query: QuerySettings | RequestSettings, values: Row, secret: bool
    ) -> Row | None:
        source, begun = source_of(query), self._clock.now()
        try:
            row = await self._within(name, query, values, secret)
        except QueryFailed as error:
            if self._health is not None:
                self._health.failed(source, str(error))
            raise
        if self._health is not None:
            self._health.answered(source, self._clock.now() - begun)
        return row

    async def _within(
        self, name: str, query: QuerySettings | RequestSettings, values: Row, secret: bool
    ) -> Row | None:
        if isinstance(query, QuerySettings):
            work, grace = self._select(name, query, values, secret), GRACE_SECONDS
        else:
            work, grace = self._services[query.service].ask(query, values), 0.0
        asking = asyncio.ensure_future(work)
        # A server that hangs also hangs whoever cancels a statement there: the caller hears of it at once.
        try:
            await asyncio.wait((asking,), timeout=query.timeout_seconds + grace)
        finally:
            if not asking.done():
                asking.add_done_callback(_retrieve)
                asking.cancel()
        if asking.cancelled() or not asking.done():
            raise QueryFailed(f"the query {name!r} was not answered within {query.timeout_seconds} s")
        return asking.result()

    async def _select(self, name: str, query: QuerySettings, values: Row, secret: bool) -> Row | None:
        try:
            async with self._databases[query.source].connection() as connection:
                try:
                    row = await _first_row(connection, query, values)
                except asyncio.CancelledError:
                    secret = False  # nobody waits for this connection any more
                    raise
                finally:
                    if secret:
                        await _write_over(connection)
        except DatabaseUnavailable as error:
            raise QueryFailed(f"the data source {query.source!r} is away") from error
        except asyncpg.QueryCanceledError as error:
            raise QueryFailed(f"the query {name!r} took longer than {query.timeout_seconds} s") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise QueryFailed(f"the query {name!r} failed: {type(error).__name__}") from error
        return None if row is None else {column: _text(value) for column, value in row.items()}


def source_of(query: QuerySettings | RequestSettings) -> str:
    """The name of the data source that it asks."""
    return query.source if isinstance(query, QuerySettings) else query.service


async def _first_row(connection: Connection, query: QuerySettings, values: Row) -> asyncpg.Record | None:
    async with connection.transaction(readonly=True):
        await connection.execute(
            "SELECT set_config('statement_timeout', $1, true)", str(round(query.timeout_seconds * 1000))
        )
        return await connection.fetchrow(query.sql, *values.values())


async def _write_over(connection: Connection) -> None:
    """The driver's buffers are used again as they are, last used first: fill them with something else."""
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.fetchval("SELECT length($1)", _NOTHING_SECRET)


def _retrieve(asking: asyncio.Future[Row | None]) -> None:
    if not asking.cancelled():
        asking.exception()


def _clean(value: str) -> str:
    return value.replace("\0", "")  # PostgreSQL refuses NUL in text


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case date() | datetime() | time():
            return value.isoformat()
        case _:
            return str(value)[:LONGEST_VALUE]

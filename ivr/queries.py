"""Named queries on named data sources: the only SQL that a flow can cause.

The SQL comes from the configuration; what callers key in only ever is a parameter. A query runs in a read-only
transaction with a statement time-out and reads one row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import asyncpg

from ccplatform.storage.database import Database
from ccplatform.storage.errors import DatabaseUnavailable
from ivr.errors import QueryFailed
from ivr.settings import QuerySettings

#: How much later than the server we give a query up, seconds.
GRACE_SECONDS = 0.5

#: Longest value of a column that becomes a variable, characters; longer ones are cut.
LONGEST_VALUE = 1000


class Queries:
    """``sources``: data sources by name, the platform's own database among them."""

    def __init__(self, *, sources: Mapping[str, Database], queries: Mapping[str, QuerySettings]) -> None:
        missing = {query.source for query in queries.values()} - sources.keys()
        if missing:
            raise ValueError(f"queries name data sources that do not exist: {', '.join(sorted(missing))}")
        self._sources = dict(sources)
        self._queries = dict(queries)

    def sources(self) -> dict[str, str]:
        """The data source of every query."""
        return {name: query.source for name, query in self._queries.items()}

    async def ask(self, name: str, parameters: Mapping[str, str]) -> dict[str, str] | None:
        """The first row, its columns as text; None when there is no row. Raises :class:`QueryFailed`."""
        query = self._queries.get(name)
        if query is None:
            raise QueryFailed(f"there is no query {name!r}")
        values = [_clean(parameters.get(parameter, "")) for parameter in query.parameters]
        asking = asyncio.ensure_future(self._ask(name, query, values))
        # A server that hangs also hangs whoever cancels a statement there: the caller hears of it at once.
        await asyncio.wait((asking,), timeout=query.timeout_seconds + GRACE_SECONDS)
        if not asking.done():
            asking.add_done_callback(_retrieve)
            asking.cancel()
            raise QueryFailed(f"the query {name!r} was not answered within {query.timeout_seconds} s")
        return asking.result()

    async def _ask(self, name: str, query: QuerySettings, values: list[str]) -> dict[str, str] | None:
        try:
            async with (
                self._sources[query.source].connection() as connection,
                connection.transaction(readonly=True),
            ):
                await connection.execute(
                    "SELECT set_config('statement_timeout', $1, true)", str(round(query.timeout_seconds * 1000))
                )
                row = await connection.fetchrow(query.sql, *values)
        except DatabaseUnavailable as error:
            raise QueryFailed(f"the data source {query.source!r} is away") from error
        except asyncpg.QueryCanceledError as error:
            raise QueryFailed(f"the query {name!r} took longer than {query.timeout_seconds} s") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise QueryFailed(f"the query {name!r} failed: {type(error).__name__}") from error
        return None if row is None else {column: _text(value) for column, value in row.items()}


def _retrieve(asking: asyncio.Future[dict[str, str] | None]) -> None:
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

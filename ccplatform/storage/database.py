"""The connection to PostgreSQL: a pool that survives the server's absence and says so quickly.

Ids of happenings are ``str`` in the program and ``uuid`` in tables, JSON is ``jsonb``: both are converted on
every connection, in queries and in COPY.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
import structlog
from asyncpg.pool import PoolConnectionProxy

from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import LocalMisuse
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.errors import DatabaseBusy, DatabaseUnavailable

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

#: Pauses between probes while the server is away and while it is there, seconds.
PROBE_SECONDS = (0.5, 2.0)

#: How long a probe may take; a server that needs longer counts as away, seconds.
PROBE_LIMIT_SECONDS = 5.0

#: How long one statement may take before it counts as lost, seconds.
STATEMENT_SECONDS = 30.0

#: What asyncpg raises, in any of its layers, when the server cannot be used.
_LOST = (
    OSError,  # includes TimeoutError and ConnectionError
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement cut off by a lost connection leaves its protocol in no state
    asyncpg.OperatorInterventionError,  # shutting down, starting up, crashed
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidCatalogNameError,
)

_UUID_BYTES = 16

_log = structlog.get_logger("database")


class Database:
    """A pool of at most ``max_connections`` connections to the database that ``dsn`` names.

    Every use raises :class:`DatabaseUnavailable` when the server is away; ``acquire_seconds`` bounds how long a
    caller waits to learn that. The pool finds the server again by itself.
    """

    def __init__(self, dsn: str, *, clock: Clock, max_connections: int = 10, acquire_seconds: float = 2.0) -> None:
        self.dsn = dsn
        self._clock = clock
        self._max_connections = max_connections
        self._acquire_seconds = acquire_seconds
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._available = False
        self._listeners: list[Callable[[bool], None]] = []

    @property
    def available(self) -> bool:
        """Whether the last contact with the server succeeded."""
        return self._available

    def on_availability(self, listener: Callable[[bool], None]) -> None:
        """Call ``listener(available)`` at every change from now on."""
        self._listeners.append(listener)

    async def open(self, *, required: bool = True) -> None:
        """Connect; raises :class:`DatabaseUnavailable` if the server is not there and ``required``."""
        self._pool = await self._new_pool()
        try:
            await self.probe()
        except DatabaseUnavailable:
            if required:
                await self.close()
                raise

    async def close(self) -> None:
        """Wait a moment for connections in use, then cut them off."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(self._acquire_seconds):
                await pool.close()
        except _LOST:
            pool.terminate()

    def watch(self, tasks: TaskSupervisor, name: str = "database probe") -> None:
        """Look after the server in the background, so that absence and return are noticed without traffic."""
        tasks.keep_running(name, self._watch)

    async def probe(self) -> None:
        """One round trip; raises :class:`DatabaseUnavailable`."""
        async with self.connection() as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection. Statements commit one by one; use :meth:`transaction` for more than one."""
        if self._pool is None:
            raise LocalMisuse("the database is used before open() or after close()")
        pool = self._pool
        try:
            connection = await pool.acquire(timeout=self._acquire_seconds)
        except _LOST as error:
            if isinstance(error, TimeoutError) and pool.get_size() - pool.get_idle_size() >= self._max_connections:
                raise DatabaseBusy("all database connections are busy; try again") from error
            raise self._lost(error) from error
        try:
            yield connection
        except _LOST as error:
            if isinstance(error, TimeoutError) or is_lost(connection):
                raise self._lost(error) from error
            raise
        else:
            self._set_available(True)
        finally:
            with suppress(*_LOST):
                await pool.release(connection, timeout=self._acquire_seconds)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Borrow a connection inside a transaction: committed at the end, rolled back by an exception."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def _watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(PROBE_LIMIT_SECONDS):
                    await self._probe_at_all()
            except DatabaseUnavailable:
                pass
            except TimeoutError:
                await self._cut_off()
            await sleep(self._clock, PROBE_SECONDS[1] if self._available else PROBE_SECONDS[0])

    async def _probe_at_all(self) -> None:
        try:
            await self.probe()
        except DatabaseBusy:  # a busy pool says nothing about the server; those who keep it busy may wait in vain
            await self._probe_beside_the_pool()

    async def _probe_beside_the_pool(self) -> None:
        try:
            connection = await asyncpg.connect(self.dsn, timeout=PROBE_LIMIT_SECONDS)
            await connection.close(timeout=PROBE_LIMIT_SECONDS)
        except TimeoutError:
            raise
        except _LOST as error:
            raise self._lost(error) from error

    async def _cut_off(self) -> None:
        """The server holds connections but does not answer: whoever waits for it learns that now."""
        old, self._pool = self._pool, await self._new_pool()
        if old is not None:
            old.terminate()
        self._lost(TimeoutError(f"no answer within {PROBE_LIMIT_SECONDS:g} s"))

    async def _new_pool(self) -> asyncpg.Pool[asyncpg.Record]:
        # No connection is made here: the first use makes one.
        return await asyncpg.create_pool(
            self.dsn,
            min_size=0,
            max_size=self._max_connections,
            timeout=self._acquire_seconds,
            command_timeout=STATEMENT_SECONDS,
            init=_prepare,
            reset=_keep,
        )

    def _lost(self, error: BaseException) -> DatabaseUnavailable:
        self._set_available(False)
        reason = str(error) or type(error).__name__
        return DatabaseUnavailable(f"the database is not available: {reason}")

    def _set_available(self, available: bool) -> None:
        if available == self._available:
            return
        self._available = available
        _log.info("database available" if available else "database unavailable")
        for listener in tuple(self._listeners):
            listener(available)


def is_lost(connection: Connection) -> bool:
    """Whether a borrowed connection broke; unlike ``is_closed()`` fit for one that the pool took back already."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    # Binary formats, because COPY has no other.
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=_encode_uuid, decoder=_decode_uuid, format="binary"
    )


async def _keep(connection: object) -> None:
    """A connection goes back to the pool as it is, without asyncpg's question to the server to reset it.

    That would be an exchange for every use. What was open is rolled back before; nothing else of ours stays on a
    connection, since locks and settings are a transaction's.
    """


def _encode_jsonb(value: Any) -> bytes:
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        # Lone surrogates: bytes of a peer that were no UTF-8.
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False).encode(errors="replace")
    # PostgreSQL stores no NUL in jsonb.
    return b"\x01" + text.replace(b"\\u0000", b"\\ufffd")


def _decode_jsonb(data: bytes) -> Any:
    return msgspec.json.decode(memoryview(data)[1:])


@lru_cache(maxsize=4096)  # a run's epoch and the contacts of its calls come again and again
def _encode_uuid(value: str | UUID) -> bytes:
    if isinstance(value, UUID):
        return value.bytes
    data = bytes.fromhex(value.replace("-", ""))  # several times as fast as by UUID()
    if len(data) != _UUID_BYTES:
        raise ValueError(f"{value!r} is not a UUID")
    return data


def _decode_uuid(data: bytes) -> str:
    return str(UUID(bytes=bytes(data)))

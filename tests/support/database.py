"""PostgreSQL for tests: one server a session, a fresh migrated database a test.

Import the fixtures you use: ``from tests.support.database import database, postgres_dsn  # noqa: F401``.
With ``CCP_TEST_DATABASE_URL`` (a superuser's DSN of any PostgreSQL >= 15) that server is used instead of the
embedded one. The server is no pytest fixture: fixtures that are imported start once per importing module.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil
import pytest

from ccplatform.kernel.clock import SystemClock
from ccplatform.storage.database import Database
from ccplatform.storage.embedded import EmbeddedPostgres
from ccplatform.storage.migrate import migrate, shipped_migrations

T = TypeVar("T")

_PREFIX = "ccplatform-tests-"


class ScratchServer:
    """Makes and drops databases on one server."""

    def __init__(self, admin_dsn: str) -> None:
        self._admin_dsn = admin_dsn
        self._numbers = itertools.count(1)
        text = "".join(f"{m.name} {m.sha256} " for m in shipped_migrations())
        self._template = f"ccp_template_{sha256(text.encode()).hexdigest()[:12]}"
        _run(self._make_template())

    def dsn(self, name: str) -> str:
        """The DSN of a database on this server."""
        return urlunsplit(urlsplit(self._admin_dsn)._replace(path=f"/{name}"))

    def create(self, *, migrated: bool = True) -> str:
        """A new database; returns its name."""
        name = f"ccp_test_{os.getpid()}_{next(self._numbers)}"
        template = self._template if migrated else "template0"
        _run(self._admin(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return name

    def drop(self, name: str) -> None:
        """Drop it, whoever is still connected."""
        _run(self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    async def _admin(self, statement: str) -> None:
        connection = await asyncpg.connect(self._admin_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _make_template(self) -> None:
        connection = await asyncpg.connect(self._admin_dsn)
        try:
            await connection.execute("SELECT pg_advisory_lock(20260105)")  # other sessions on the same server
            query = "SELECT 1 FROM pg_database WHERE datname = $1"
            if await connection.fetchval(query, self._template) is None:
                draft = f"{self._template}_{os.getpid()}"
                await connection.execute(f"CREATE DATABASE {draft} TEMPLATE template0")
                database = Database(self.dsn(draft), clock=SystemClock())
                await database.open()
                await migrate(database)
                await database.close()
                await connection.execute(
                    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = $1", draft
                )
                await connection.execute(f"ALTER DATABASE {draft} RENAME TO {self._template}")
        finally:
            await connection.close()


@cache
def scratch_server() -> ScratchServer:
    """The session's server, started at the first use and stopped when Python ends."""
    url = os.environ.get("CCP_TEST_DATABASE_URL")
    if url:
        return ScratchServer(url)
    _remove_leftovers()
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    server = EmbeddedPostgres(directory / "postgres", durable=False)

    def remove() -> None:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)

    atexit.register(remove)
    return ScratchServer(server.start())


@pytest.fixture
def postgres_dsn() -> Iterator[str]:
    """The DSN of a fresh, migrated database."""
    server = scratch_server()
    name = server.create()
    yield server.dsn(name)
    server.drop(name)


@pytest.fixture
def empty_postgres_dsn() -> Iterator[str]:
    """The DSN of a fresh database without any table."""
    server = scratch_server()
    name = server.create(migrated=False)
    yield server.dsn(name)
    server.drop(name)


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Database]:
    """An opened :class:`Database` on a fresh, migrated database."""
    opened = Database(postgres_dsn, clock=SystemClock())
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def server_directory() -> Iterator[Path]:
    """A directory for a server of one's own; not ``tmp_path``, whose parent other test sessions close again."""
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as directory:
        yield Path(directory)


@pytest.fixture
def own_server(server_directory: Path) -> Iterator[EmbeddedPostgres]:
    """A running server of one's own, to be killed; what it answered survives that."""
    server = EmbeddedPostgres(server_directory / "postgres")
    server.start()
    yield server
    server.stop()


def _run(work: Coroutine[Any, Any, T]) -> T:
    # In a thread, since the calling fixture may be inside a running loop.
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


def _remove_leftovers() -> None:
    """Servers of test sessions that were killed."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = directory.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            EmbeddedPostgres(directory / "postgres").stop()
            shutil.rmtree(directory, ignore_errors=True)

from __future__ import annotations

import asyncio
import os
import signal
import uuid

import asyncpg
import pytest

from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.errors import LocalMisuse
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.database import Database
from ccplatform.storage.embedded import EmbeddedPostgres
from ccplatform.storage.errors import DatabaseUnavailable
from tests.support.database import database, own_server, postgres_dsn, server_directory  # noqa: F401

AWAY = "postgresql://nobody@/none?host=/nonexistent"


async def test_json_and_ids_go_in_and_out_as_they_are_in_the_program(database: Database) -> None:  # noqa: F811
    ident = str(uuid.uuid4())
    query = "SELECT $1::uuid AS id, $2::jsonb AS data, $3::uuid[] AS ids"
    async with database.connection() as connection:
        row = await connection.fetchrow(query, ident, {"a": [1, "张"]}, [ident])
    assert row is not None
    assert (row["id"], row["data"], row["ids"]) == (ident, {"a": [1, "张"]}, [ident])


async def test_each_test_has_its_own_migrated_database(database: Database) -> None:  # noqa: F811
    async with database.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM journal") == 0


async def test_a_transaction_is_rolled_back_by_an_exception(database: Database) -> None:  # noqa: F811
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE t (n int)")

    async def change_mind() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO t VALUES (1)")
            raise KeyError("changed my mind")

    with pytest.raises(KeyError):
        await change_mind()
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM t") == 0
    assert database.available


async def test_what_a_cancelled_task_began_is_not_there_for_the_next_user(database: Database) -> None:  # noqa: F811
    begun = asyncio.Event()
    used: list[int] = []

    async def begin() -> None:
        async with database.transaction() as connection:
            used.append(await connection.fetchval("SELECT pg_backend_pid()"))
            await connection.execute("CREATE TABLE half (n int)")
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(begin())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == used[0]  # the same connection
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SELECT to_regclass('half')") is None


async def test_a_mistake_in_sql_is_not_an_absent_database(database: Database) -> None:  # noqa: F811
    with pytest.raises(asyncpg.UndefinedTableError):
        async with database.connection() as connection:
            await connection.execute("SELECT * FROM no_such_table")
    assert database.available


async def test_opening_without_a_server_says_so() -> None:
    with pytest.raises(DatabaseUnavailable, match="not available"):
        await Database(AWAY, clock=SystemClock()).open()


async def test_using_a_database_that_is_not_open_is_our_mistake() -> None:
    with pytest.raises(LocalMisuse):
        async with Database(AWAY, clock=SystemClock()).connection():
            pass


async def test_a_pool_with_nothing_free_is_busy_and_not_away(postgres_dsn: str) -> None:  # noqa: F811
    opened = Database(postgres_dsn, clock=SystemClock(), max_connections=1, acquire_seconds=0.2)
    await opened.open()
    async with opened.connection():
        with pytest.raises(DatabaseUnavailable, match="busy"):
            async with opened.connection():
                pass
    assert opened.available
    await opened.close()


async def test_a_killed_server_is_noticed_midway_and_found_again_by_itself(own_server: EmbeddedPostgres) -> None:  # noqa: F811
    opened = Database(own_server.dsn(), clock=SystemClock())
    changes: asyncio.Queue[bool] = asyncio.Queue()
    opened.on_availability(changes.put_nowait)
    await opened.open()
    assert await changes.get()
    pid = own_server.pid
    assert pid is not None

    async def work() -> None:
        async with opened.transaction() as connection:
            sleeping = asyncio.ensure_future(connection.execute("SELECT pg_sleep(60)"))
            await asyncio.sleep(0)
            os.kill(pid, signal.SIGKILL)
            await sleeping

    with pytest.raises(DatabaseUnavailable):
        await work()
    assert not await changes.get()
    with pytest.raises(DatabaseUnavailable):
        await opened.probe()
    tasks = TaskSupervisor(SystemClock())
    opened.watch(tasks)
    await asyncio.to_thread(own_server.start)
    assert await changes.get()
    assert opened.available
    await tasks.close()
    await opened.close()

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ccplatform.kernel.clock import SystemClock
from ccplatform.storage.database import Database
from ccplatform.storage.errors import MigrationError
from ccplatform.storage.migrate import Migration, migrate, shipped_migrations
from tests.support.database import empty_postgres_dsn  # noqa: F401

FIRST = Migration(name="0001_first.sql", sql="CREATE TABLE first (n int);")
SECOND = Migration(name="0002_second.sql", sql="CREATE TABLE second (n int); INSERT INTO second VALUES (1);")


@pytest.fixture
async def empty(empty_postgres_dsn: str) -> AsyncIterator[Database]:  # noqa: F811
    database = Database(empty_postgres_dsn, clock=SystemClock())
    await database.open()
    yield database
    await database.close()


async def test_files_are_applied_once_and_in_order(empty: Database) -> None:
    assert await migrate(empty, (FIRST,)) == ["0001_first.sql"]
    assert await migrate(empty, (FIRST, SECOND)) == ["0002_second.sql"]
    assert await migrate(empty, (FIRST, SECOND)) == []


async def test_a_file_that_fails_leaves_nothing_and_is_named(empty: Database) -> None:
    broken = Migration(name="0002_broken.sql", sql="CREATE TABLE half (n int); SELECT * FROM nowhere;")
    with pytest.raises(MigrationError, match=r"0002_broken\.sql failed.*nowhere"):
        await migrate(empty, (FIRST, broken))
    async with empty.connection() as connection:
        assert await connection.fetchval("SELECT to_regclass('half')") is None
        assert await connection.fetchval("SELECT to_regclass('first')") == "first"
    assert await migrate(empty, (FIRST, SECOND)) == ["0002_second.sql"]


async def test_a_file_that_changed_after_it_was_applied_is_refused(empty: Database) -> None:
    await migrate(empty, (FIRST,))
    changed = Migration(name=FIRST.name, sql="CREATE TABLE other (n int);")
    with pytest.raises(MigrationError, match=r"0001_first\.sql was changed"):
        await migrate(empty, (changed,))


async def test_a_database_newer_than_the_program_is_refused(empty: Database) -> None:
    await migrate(empty, (FIRST, SECOND))
    with pytest.raises(MigrationError, match=r"newer than this program: it has 0002_second\.sql"):
        await migrate(empty, (FIRST,))


async def test_two_starts_at_once_apply_every_file_once(empty: Database) -> None:
    applied = await asyncio.gather(*(migrate(empty, (FIRST, SECOND)) for _ in range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, 2]


async def test_all_shipped_files_apply_to_an_empty_database(empty: Database) -> None:
    assert await migrate(empty) == [migration.name for migration in shipped_migrations()]

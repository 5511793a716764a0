"""PostgreSQL is killed under the journal writer, over and over: nothing is lost, nothing is twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal

from ccplatform.contracts.facts import FactEvent
from ccplatform.kernel.clock import SystemClock
from ccplatform.storage.database import Database
from ccplatform.storage.embedded import EmbeddedPostgres
from ccplatform.storage.journal_reader import JournalReader
from ccplatform.storage.migrate import migrate
from ccplatform.storage.settings import JournalSettings
from tests.storage.stream import VAULT, Journal, open_journal, story
from tests.support.database import own_server, server_directory  # noqa: F401

KILLS = 4


async def _talk(journal: Journal, told: list[FactEvent], contacts: int) -> None:
    for _ in range(contacts):
        told += journal.tell(*story(journal.contact()))
        await asyncio.sleep(0.001)


async def test_a_killed_postgresql_costs_no_fact_and_doubles_none(own_server: EmbeddedPostgres) -> None:  # noqa: F811
    database = Database(own_server.dsn(), clock=SystemClock())
    await database.open()
    await migrate(database)
    dice, told = random.Random(7), list[FactEvent]()
    async with open_journal(database, settings=JournalSettings(flush_seconds=0.01)) as journal:
        for _ in range(KILLS):
            await _talk(journal, told, dice.randrange(20, 120))
            pid = own_server.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await _talk(journal, told, 20)
            await asyncio.to_thread(own_server.start)
        await journal.writer.flushed()
        assert journal.writer.backlog == 0
        assert "+journal_waiting" in journal.alarms.log
        assert journal.alarms.up == set()
    reader = JournalReader(database, sealer=VAULT)
    assert [event async for event in reader.since(told[0].at)] == told
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM journal") == len(told)
    await database.close()

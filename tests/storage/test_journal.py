from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, timedelta

import asyncpg
import pytest
from msgspec.structs import replace

from ccplatform.contracts.facts import (
    AlarmRaised,
    CallRefused,
    ContactArrived,
    ContactEnded,
    Fact,
    FactEvent,
    LegMeasured,
)
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.errors import LocalMisuse
from ccplatform.storage import journal as journal_module
from ccplatform.storage.database import Connection, Database
from ccplatform.storage.errors import DatabaseUnavailable
from ccplatform.storage.journal_reader import JournalReader
from ccplatform.storage.settings import JournalSettings
from tests.contracts.samples import FACT_TYPES, sample
from tests.storage.stream import VAULT, open_journal, story
from tests.support.database import database, postgres_dsn  # noqa: F401

NEVER = JournalSettings(flush_seconds=5)


async def test_every_fact_comes_back_as_it_was_told(database: Database) -> None:  # noqa: F811
    reader = JournalReader(database, sealer=VAULT)
    async with open_journal(database) as journal:
        told = journal.tell(*map(sample, FACT_TYPES))
        await journal.writer.flushed()
        assert journal.writer.pending() == ()
    assert [event async for event in reader.since(told[0].at)] == told


async def test_the_story_of_a_contact_is_its_own_and_traces_are_asked_for(database: Database) -> None:  # noqa: F811
    reader = JournalReader(database, sealer=VAULT)
    async with open_journal(database) as journal:
        one, other = journal.contact(), journal.contact()
        told = journal.tell(*story(one))
        journal.tell(*story(other))
        await journal.writer.flushed()
    assert await reader.events_of(one, traces=True) == told
    assert await reader.events_of(one) == [
        event for event in told if type(event.fact).__name__ != "SipMessageSeen"
    ]


async def test_pages_of_one_kind_go_backwards(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("ccplatform.storage.journal_reader.PAGE_EVENTS", 2)
    reader = JournalReader(database, sealer=VAULT)
    async with open_journal(database) as journal:
        contact = journal.contact()
        told = journal.tell(*(sample(LegMeasured, contact=contact) for _ in range(5)), sample(AlarmRaised))[:5]
        await journal.writer.flushed()
    found, place = [], None
    for _ in range(3):
        events, place = await reader.backwards("LegMeasured", before=place)
        found += events
    assert place is None
    assert found == list(reversed(told))
    since, until = told[0].at + timedelta(days=1), told[0].at - timedelta(days=1)
    assert await reader.backwards("LegMeasured", since=since) == ([], None)
    assert await reader.backwards("LegMeasured", until=until) == ([], None)


async def test_what_identifies_a_person_cannot_be_read_in_the_table(database: Database) -> None:  # noqa: F811
    async with open_journal(database) as journal:
        journal.tell(*story(journal.contact()))
        await journal.writer.flushed()
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT journal::text AS row, encode(sealed, 'escape') AS sealed FROM journal"
        )
    text = " ".join(f"{row['row']} {row['sealed']}" for row in rows)
    assert "13800000001" not in text
    assert "600001" not in text
    assert "李雷" not in text


async def test_destroying_a_contacts_key_erases_the_person_and_keeps_the_facts(database: Database) -> None:  # noqa: F811
    reader = JournalReader(database, sealer=VAULT)
    async with open_journal(database) as journal:
        contact = journal.contact()
        told = journal.tell(*story(contact))
        await journal.writer.flushed()
    async with database.connection() as connection:
        await connection.execute("DELETE FROM contact_keys WHERE contact = $1", contact)
    erased = await reader.events_of(contact, traces=True)
    assert [type(event.fact) for event in erased] == [type(event.fact) for event in told]
    assert isinstance(erased[0].fact, ContactArrived)
    assert (erased[0].fact.caller, erased[0].fact.caller_name) == ("", "")


async def test_a_restarted_control_process_goes_on_with_the_contacts_key(database: Database) -> None:  # noqa: F811
    reader = JournalReader(database, sealer=VAULT)
    told: list[FactEvent] = []
    contact = None
    for _ in range(2):
        async with open_journal(database) as journal:
            contact = contact or journal.contact()
            told += journal.tell(*story(contact)[:3])
            await journal.writer.flushed()
    assert contact is not None
    assert await reader.events_of(contact) == told
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM contact_keys") == 1


async def test_the_end_of_a_contact_is_written_at_once(database: Database) -> None:  # noqa: F811
    async with open_journal(database, settings=NEVER) as journal:
        seen = asyncio.Event()
        journal.alarms.clear_alarm = lambda kind, subject: seen.set()  # type: ignore[method-assign]  # told when drained
        journal.tell(sample(ContactEnded, contact=journal.contact()))
        async with asyncio.timeout(3):
            await seen.wait()
        assert journal.writer.backlog == 0


async def test_events_wait_together_for_a_moment(database: Database) -> None:  # noqa: F811
    async with open_journal(database, settings=NEVER) as journal:
        told = journal.tell(*story(journal.contact())[:3])
        await asyncio.sleep(0)
        assert journal.writer.pending() == tuple(told)
        await journal.writer.flushed()
        assert journal.writer.backlog == 0


async def test_partitions_are_one_a_utc_day_and_made_ahead(database: Database) -> None:  # noqa: F811
    async with open_journal(database) as journal:
        (event,) = journal.tell(sample(ContactEnded, contact=journal.contact()))
        old = replace(event, id=journal.ids.new(), at=event.at - timedelta(days=800), seq=2)
        journal.writer.append(old)
        await journal.writer.flushed()
    days = {old.at, old.at + timedelta(days=1), event.at, event.at + timedelta(days=1)}
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'journal'::regclass"
        )
    assert {row["name"] for row in rows} == {f"journal_{at.astimezone(UTC):%Y%m%d}" for at in days}


async def test_many_pages_come_in_order_and_between_two_instants(
    database: Database,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ccplatform.storage.journal_reader.PAGE_EVENTS", 7)
    reader = JournalReader(database, sealer=VAULT)
    async with open_journal(database) as journal:
        told = [event for _ in range(8) for event in journal.tell(*story(journal.contact()))]
        await journal.writer.flushed()
    assert [event async for event in reader.since(told[0].at)] == told
    middle = told[20].at
    assert [e async for e in reader.since(told[0].at, until=middle)] == [e for e in told if e.at < middle]
    ends = [e async for e in reader.since(told[0].at, types=["ContactEnded"])]
    assert ends == [e for e in told if isinstance(e.fact, ContactEnded)]


async def test_a_row_that_this_program_does_not_know_is_left_out_and_counted(database: Database) -> None:  # noqa: F811
    reader = JournalReader(database, sealer=VAULT)
    async with open_journal(database) as journal:
        contact = journal.contact()
        told = journal.tell(*story(contact))
        await journal.writer.flushed()
    async with database.connection() as connection:
        await connection.execute("UPDATE journal SET version = 99 WHERE type = 'CallAnswered'")
    assert await reader.events_of(contact, traces=True) == [told[0], *told[2:]]
    assert reader.skipped == 1


async def test_texts_that_postgresql_cannot_store_do_not_stop_the_journal(database: Database) -> None:  # noqa: F811
    reader = JournalReader(database, sealer=VAULT)
    async with open_journal(database) as journal:
        contact = journal.contact()
        bad = sample(ContactArrived, contact=contact, dialled="95\x00000", transport="\udcff", caller="\udcff\x00")
        journal.tell(bad)
        await journal.writer.flushed()
    (event,) = await reader.events_of(contact)
    assert isinstance(event.fact, ContactArrived)
    assert (event.fact.dialled, event.fact.transport, event.fact.caller) == ("95\ufffd000", "?", "?\x00")


async def test_ids_that_are_no_uuids_are_refused_when_they_are_told(database: Database) -> None:  # noqa: F811
    async with open_journal(database) as journal:
        with pytest.raises(LocalMisuse, match="LegMeasured"):
            journal.tell(sample(LegMeasured, contact="c-1"))


class Tally:
    """A projection that counts facts in a table."""

    def __init__(self) -> None:
        self.takes: tuple[type[Fact], ...] = FACT_TYPES

    async def apply(self, connection: Connection, events: Sequence[FactEvent]) -> None:
        rows = [(event.id, event.seq) for event in events]
        await connection.executemany("INSERT INTO tally (id, seq) VALUES ($1, $2)", rows)


class Faulty:
    """A projection with a bug."""

    takes = (ContactEnded,)

    async def apply(self, connection: Connection, events: Sequence[FactEvent]) -> None:
        await connection.execute("INSERT INTO no_such_table VALUES (1)")


@pytest.fixture
async def tally(database: Database) -> Tally:  # noqa: F811
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE tally (id uuid PRIMARY KEY, seq bigint NOT NULL)")
    return Tally()


async def _counts(database: Database) -> tuple[list[int], list[int]]:  # noqa: F811
    async with database.connection() as connection:
        journal = await connection.fetch("SELECT seq FROM journal ORDER BY seq")
        tally = await connection.fetch("SELECT seq FROM tally ORDER BY seq")
    return [row["seq"] for row in journal], [row["seq"] for row in tally]


async def test_projections_are_committed_with_their_facts(database: Database, tally: Tally) -> None:  # noqa: F811
    async with open_journal(database, projections=[tally]) as journal:
        journal.tell(*story(journal.contact()))
        await journal.writer.flushed()
    assert await _counts(database) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])


async def test_a_projection_is_asked_for_its_own_facts_only(database: Database, tally: Tally) -> None:  # noqa: F811
    tally.takes = (ContactEnded,)
    async with open_journal(database, projections=[tally]) as journal:
        journal.tell(*story(journal.contact()))
        journal.tell(sample(LegMeasured, contact=journal.contact()))
        await journal.writer.flushed()
    assert await _counts(database) == ([1, 2, 3, 4, 5, 6], [5])


async def test_a_faulty_projection_is_an_alarm_and_stops_neither_journal_nor_others(
    database: Database,  # noqa: F811
    tally: Tally,
) -> None:
    async with open_journal(database, projections=[Faulty(), tally]) as journal:
        journal.tell(*story(journal.contact()))
        await journal.writer.flushed()
        assert journal.alarms.up == {"projection_failed"}
    assert await _counts(database) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])


class LostAnswers(Database):
    """A database whose answer to COMMIT gets lost for the first few transactions, or that fails before it."""

    failures: list[str]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        failure = self.failures.pop(0) if self.failures else ""
        async with super().transaction() as connection:
            yield connection
            if failure == "before commit":
                raise DatabaseUnavailable("died before the commit")
        if failure == "after commit":
            raise DatabaseUnavailable("died after the commit")


async def test_a_commit_whose_answer_was_lost_is_not_written_twice(
    database: Database,  # noqa: F811
    tally: Tally,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal_module, "RETRY_SECONDS", 0.0)
    database.__class__ = LostAnswers
    assert isinstance(database, LostAnswers)
    database.failures = ["after commit", "", "before commit", "after commit", "before commit"]
    async with open_journal(database, projections=[tally]) as journal:
        told = []
        for _ in range(5):
            told += journal.tell(*story(journal.contact()))
            await journal.writer.flushed()
        assert journal.alarms.up == set()
        assert journal.alarms.log[:2] == ["+journal_waiting", "-journal_waiting"]
    database.failures = []
    numbers = [event.seq for event in told]
    assert await _counts(database) == (numbers, numbers)
    reader = JournalReader(database, sealer=VAULT)
    assert [event async for event in reader.since(told[0].at)] == told


async def test_a_full_buffer_refuses_new_calls_and_keeps_the_facts_of_running_ones() -> None:
    away = Database("postgresql://nobody@/none?host=/nonexistent", clock=SystemClock())
    async with open_journal(away, settings=JournalSettings(buffer_events=1000)) as journal:
        writer, alarm = journal.writer, sample(AlarmRaised)
        for _ in range(799):
            journal.tell(alarm)
        assert not writer.full
        journal.tell(alarm)
        assert writer.full
        for _ in range(300):
            journal.tell(alarm)
        assert (writer.backlog, writer.dropped) == (1100, 0)
        journal.tell(sample(CallRefused))
        assert (writer.backlog, writer.dropped) == (1100, 1)


async def test_the_unique_key_keeps_an_event_from_being_stored_twice(database: Database) -> None:  # noqa: F811
    async with open_journal(database) as journal:
        journal.tell(sample(ContactEnded, contact=journal.contact()))
        await journal.writer.flushed()
    async with database.connection() as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO journal SELECT * FROM journal")


async def test_closing_writes_what_waits_or_says_how_much_was_lost(database: Database) -> None:  # noqa: F811
    async with open_journal(database, settings=NEVER) as journal:
        journal.tell(*story(journal.contact())[:3])
        assert await journal.writer.close() == 0
    database.__class__ = LostAnswers
    assert isinstance(database, LostAnswers)
    database.failures = ["before commit"] * 100
    async with open_journal(database, settings=NEVER) as journal:
        journal.tell(*story(journal.contact())[:3])
        assert await journal.writer.close(patience_seconds=0.05) == 3

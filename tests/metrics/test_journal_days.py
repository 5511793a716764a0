"""The journal's days in the audit: one changed fact shows, a forgotten caller does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.security.audit import Audit
from ccplatform.storage.database import Database
from metrics.evidence.days import ACTION
from metrics.evidence.journal_days import Found, JournalDays
from tests.metrics.telling import Centre, queue_left
from tests.metrics.test_reports import write
from tests.support.database import database, postgres_dsn  # noqa: F401

FIRST = date(2026, 1, 5)


class Days:
    """Two days with facts, and the proof of them."""

    def __init__(self, database: Database) -> None:  # noqa: F811
        self.database = database
        self.centre = Centre(wall=datetime(2026, 1, 5, 23, 50, tzinfo=UTC))
        self.clock: VirtualClock = self.centre.clock
        self.audit = Audit(database, clock=self.clock, ids=Ids(self.clock))
        self.days = JournalDays(database, audit=self.audit, clock=self.clock)

    async def told(self) -> Days:
        for _ in range(4):  # two on each day
            self.centre.tell(queue_left(self.centre.arrive(), "answered", 5.0))
            self.centre.wait(300)
        await write(self.database, self.centre.events)
        return self

    async def change(self, statement: str, *arguments: object) -> None:
        async with self.database.connection() as connection:
            await connection.execute(statement, *arguments)

    async def found(self) -> list[tuple[date, Found]]:
        checked = await self.days.check(FIRST, FIRST + timedelta(days=30))
        return [(day.proved.day, day.found) for day in checked]


@pytest.fixture
async def days(database: Database) -> Days:  # noqa: F811
    return await Days(database).told()


async def test_each_day_that_is_over_is_proved_once(days: Days) -> None:
    assert await days.days.prove() == [], "the first day is over, and not settled"
    days.clock.advance(3600)
    (first,) = await days.days.prove()
    assert (first.day, first.facts) == (FIRST, 4)
    assert await days.days.prove() == []
    days.clock.advance(2 * 86400)
    assert [(day.day, day.facts) for day in await days.days.prove()] == [
        (date(2026, 1, 6), 4),
        (date(2026, 1, 7), 0),
    ]
    rows = await days.audit.page(action=ACTION)
    assert [row.object for row in rows] == ["2026-01-07", "2026-01-06", "2026-01-05"]
    assert (await days.audit.verify()).intact
    assert await days.found() == [(FIRST + timedelta(days=number), Found.EQUAL) for number in range(3)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET data = data || '{\"waited_seconds\": 4.0}' WHERE type = 'QueueLeft' AND at < $1",
        "UPDATE journal SET at = at + interval '1 microsecond' WHERE type = 'QueueLeft' AND at < $1",
        "UPDATE journal SET sealed = sealed || '\\x00' WHERE type = 'ContactArrived' AND at < $1",
        "DELETE FROM journal WHERE type = 'QueueLeft' AND at < $1",
        "INSERT INTO journal SELECT tenant, at, gen_random_uuid(), epoch, seq + 100, mono, contact, type, "
        "version, data, sealed FROM journal WHERE at < $1",
    ],
)
async def test_a_day_whose_facts_are_not_what_they_were_is_named(days: Days, statement: str) -> None:
    days.clock.advance(2 * 86400)
    await days.days.prove()
    await days.change(statement, datetime(2026, 1, 6, tzinfo=UTC))
    assert await days.found() == [(FIRST, Found.DIFFERENT), (date(2026, 1, 6), Found.EQUAL)]


async def test_destroying_the_keys_of_a_person_changes_no_root(days: Days) -> None:
    days.clock.advance(2 * 86400)
    await days.days.prove()
    await days.change("DELETE FROM contact_keys")
    assert {found for _, found in await days.found()} == {Found.EQUAL}


async def test_a_day_that_was_removed_is_told_from_one_that_was_changed(days: Days) -> None:
    days.clock.advance(2 * 86400)
    await days.days.prove()
    await days.change("DELETE FROM journal WHERE at < $1", datetime(2026, 1, 6, tzinfo=UTC))
    assert await days.found() == [(FIRST, Found.REMOVED), (date(2026, 1, 6), Found.EQUAL)]


async def test_days_of_long_ago_are_checked_as_those_of_today(days: Days) -> None:
    for _ in range(5):
        days.clock.advance(30 * 86400)
        await days.days.prove()
    found = await days.found()
    assert [day for day, _ in found] == [FIRST + timedelta(days=number) for number in range(31)]
    assert {told for _, told in found} == {Found.EQUAL}
    assert await days.days.check(FIRST - timedelta(days=9), FIRST - timedelta(days=1)) == []


async def test_before_there_was_anything_nothing_is_said(database: Database) -> None:  # noqa: F811
    assert await Days(database).days.prove() == []

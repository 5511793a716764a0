"""Quarters that are summed up ahead: reports are the same with them and without them, whatever the period."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from ccplatform.contracts.words import AgentState, OfferEnd, QueueId
from ccplatform.storage.database import Database
from metrics.reports import AGENT_REPORT, QUEUE_REPORT, ReportQuery, ReportRow
from metrics.sums import QUARTER, SETTLED, ReportSums, quarter_of
from tests.metrics.telling import SALES, Centre, agent_changed, arrived, queue_left, talk_ended, wrap_up_ended
from tests.metrics.test_reports import RULES, SHANGHAI, day_of_two_queues, offer, store_of, write
from tests.support.database import database, postgres_dsn  # noqa: F401

SUPPORT = QueueId("support")
BEGIN = datetime(2025, 12, 31, 20, 7, tzinfo=SHANGHAI)


def around_new_year(seed: int, contacts: int) -> Centre:
    """Some hours around a new year (of ISO weeks, too), with all that reports count."""
    random, centre = Random(seed), Centre(RULES, wall=BEGIN)
    for _ in range(contacts):
        centre.wait(random.choice((1, 240, 900)))
        contact, queue = centre.arrive(), random.choice((SALES, SUPPORT))
        agent = random.choice(("1001", "1002"))
        end = random.choice((OfferEnd.ANSWERED, OfferEnd.NO_ANSWER))
        centre.tell(*offer(contact, agent, f"seat-{agent}", end))
        reason = random.choice(("answered", "abandoned", "overflowed"))
        centre.tell(queue_left(contact, reason, random.choice((0.0, 4.0, 20.0, 20.5, 61.0)), queue))
        centre.wait(random.choice((1, 300)))
        centre.tell(talk_ended(contact, 60.0, hold=2.0, agent=agent, queue=queue))
        centre.tell(agent_changed(AgentState.WRAP_UP, AgentState.TALKING, 60.0, agent=agent))
        centre.tell(wrap_up_ended(contact, 5.0, agent=agent, queue=queue))
    return centre


def sums_of(database: Database, centre: Centre) -> ReportSums:  # noqa: F811
    return ReportSums(database, clock=centre.clock, short_abandon_seconds=5.0, every_seconds=60.0, repeat_days=7)


async def tables(database: Database, centre: Centre, begin: datetime, end: datetime) -> dict[str, list[ReportRow]]:  # noqa: F811
    """Every report in every grouping."""
    store = store_of(database, centre)
    return {
        f"{asked.name} by {group_by}": await store.rows(ReportQuery.of(asked.name, begin, end, group_by))
        for asked in (QUEUE_REPORT, AGENT_REPORT)
        for group_by in asked.groupings
    }


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (timedelta(0), timedelta(days=2)),
        (timedelta(minutes=52, seconds=3), timedelta(hours=4, seconds=1)),  # within quarters on both sides
        (timedelta(minutes=53), timedelta(minutes=68)),  # one quarter exactly
        (timedelta(minutes=54), timedelta(minutes=59)),  # within one
    ],
)
async def test_a_report_is_the_same_from_sums_and_from_the_journal(
    database: Database,  # noqa: F811
    first: timedelta,
    last: timedelta,
) -> None:
    centre = around_new_year(5, 60)
    await write(database, centre.events)
    period = (BEGIN + first, BEGIN + last)
    before = await tables(database, centre, *period)
    assert before["queues by queue"]
    for settled in (timedelta(hours=2), timedelta(days=1)):  # some of it, then all
        centre.clock.set_wall(BEGIN + settled)
        await sums_of(database, centre).sum_up()
        assert await tables(database, centre, *period) == before


async def test_weeks_months_quarters_and_years_are_named_as_people_do(database: Database) -> None:  # noqa: F811
    centre = around_new_year(5, 60)
    await write(database, centre.events)
    found = await tables(database, centre, BEGIN, BEGIN + timedelta(days=2))
    names = {
        kind: [row[kind] for row in found[f"queues by {kind}"]] for kind in ("week", "month", "quarter", "year")
    }
    assert names == {
        "week": ["2026-W01"],
        "month": ["2025-12", "2026-01"],
        "quarter": ["2025-Q4", "2026-Q1"],
        "year": ["2025", "2026"],
    }
    assert found["queues by quarter_hour"][0]["quarter_hour"] == "2025-12-31T20:15"


async def test_what_is_summed_up_needs_no_journal(database: Database) -> None:  # noqa: F811
    centre = day_of_two_queues()
    await write(database, centre.events)
    end = centre.clock.wall() + QUARTER
    before = await tables(database, centre, end - timedelta(days=1), end)
    centre.wait((SETTLED + 2 * QUARTER).total_seconds())
    await sums_of(database, centre).sum_up()
    async with database.connection() as connection:
        await connection.execute("DELETE FROM journal")
    assert await tables(database, centre, end - timedelta(days=1), end) == before


async def test_what_came_late_is_found_by_the_next_process(database: Database) -> None:  # noqa: F811
    centre = day_of_two_queues()
    begin, end = BEGIN, centre.clock.wall() + QUARTER
    late = centre.events.pop()  # it waited for the database
    await write(database, centre.events)
    centre.wait((SETTLED + 2 * QUARTER).total_seconds())
    sums = sums_of(database, centre)
    await sums.sum_up()
    without = await tables(database, centre, begin, end)
    await write(database, [late])
    await sums.sum_up()
    assert await tables(database, centre, begin, end) == without
    await sums_of(database, centre).sum_up()
    assert await tables(database, centre, begin, end) != without


async def test_nothing_to_sum_up_is_no_fault(database: Database) -> None:  # noqa: F811
    centre = Centre(RULES)
    await sums_of(database, centre).sum_up()
    assert all(not rows for rows in (await tables(database, centre, BEGIN, BEGIN + QUARTER)).values())


def test_quarters_are_those_of_the_clock() -> None:
    assert quarter_of(BEGIN) == datetime(2025, 12, 31, 20, 0, tzinfo=SHANGHAI)
    assert quarter_of(BEGIN + timedelta(minutes=8)) == datetime(2025, 12, 31, 20, 15, tzinfo=SHANGHAI)


async def test_test_calls_are_in_no_report(database: Database) -> None:  # noqa: F811
    centre = Centre(RULES, wall=BEGIN)
    test, real = centre.new_contact(), centre.arrive()
    centre.tell(replace(arrived(test), mystery=True))
    for contact in (test, real):
        centre.tell(queue_left(contact, "answered", 3.0), talk_ended(contact, 60.0))
    await write(database, centre.events)
    period = (BEGIN, BEGIN + QUARTER)
    (row,) = (await tables(database, centre, *period))["queues by queue"]
    assert (row["offered"], row["talks"]) == (1, 1)
    centre.wait(2 * SETTLED.total_seconds())
    await sums_of(database, centre).sum_up()
    (row,) = (await tables(database, centre, *period))["queues by queue"]
    assert (row["offered"], row["talks"]) == (1, 1)
    assert centre.fold.queues.day(int(BEGIN.timestamp()))["sales"].offered == 1

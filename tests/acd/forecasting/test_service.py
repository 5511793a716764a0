"""Quarters summed up from the journal, on a real PostgreSQL, and what the shell makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from acd.forecasting.model import QUARTER
from acd.forecasting.service import Forecasting
from acd.forecasting.store import QuarterStore
from acd.settings import ForecastSettings
from ccplatform.contracts.words import AgentId, QueueId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.storage.database import Database
from tests.acd.forecasting.test_profile import quarter
from tests.metrics.telling import SALES, Centre, queue_left, talk_ended, wrap_up_ended
from tests.metrics.test_reports import write
from tests.support.database import database, postgres_dsn  # noqa: F401

#: When the first call of `calls` leaves its queue: five minutes before a quarter begins.
BEGIN = datetime(2026, 1, 5, 9, 10, tzinfo=UTC)


def calls() -> Centre:
    """09:10 two calls, one lost; 09:20 one more; 09:25 they are done."""
    centre = Centre(wall=BEGIN)
    one, two, three = centre.arrive(), centre.arrive(), centre.arrive()
    centre.tell(queue_left(one, "answered", 30.0), queue_left(two, "abandoned", 50.0))
    centre.wait(600)
    centre.tell(queue_left(three, "answered", 10.0), talk_ended(one, 100.0, hold=10.0))
    centre.wait(300)
    centre.tell(wrap_up_ended(one, 20.0), talk_ended(three, 60.0), wrap_up_ended(three, 30.0))
    return centre


async def test_quarters_are_summed_up_from_the_journal_and_again_the_same(database: Database) -> None:  # noqa: F811
    await write(database, calls().events)
    store = QuarterStore(database)
    assert await store.newest() is None
    nine = BEGIN - timedelta(minutes=10)
    for _ in range(2):
        await store.sum_up(nine, nine + timedelta(hours=1))
        assert await store.quarters(nine, nine + timedelta(days=1)) == [
            quarter(nine, 2, abandoned=1, waited=80.0),
            quarter(nine + QUARTER, 1, waited=10.0, talks=2, handling=210.0),
        ]
    assert await store.newest() == nine + QUARTER
    assert await store.quarters(nine + QUARTER, nine + QUARTER) == []
    await store.forget(nine + QUARTER)
    assert [row.begins for row in await store.quarters(nine, nine + timedelta(days=1))] == [nine + QUARTER]


def forecasting(database: Database, clock: VirtualClock) -> Forecasting:  # noqa: F811
    return Forecasting(
        store=QuarterStore(database),
        clock=clock,
        zone=ZoneInfo("UTC"),
        settings=ForecastSettings(quarters=4, warn_hours=0.5),
        wait_seconds=60.0,
        queues=lambda: {SALES: "Sales"},
        staff=lambda: {AgentId("1001"): frozenset({SALES, QueueId("other")})},
    )


async def test_it_learns_from_the_journal_and_a_later_process_from_what_was_summed_up(
    database: Database,  # noqa: F811
) -> None:
    centre = calls()
    for _ in range(8):  # enough talks to tell a mean
        contact = centre.arrive()
        centre.tell(queue_left(contact, "answered", 20.0), talk_ended(contact, 900.0))
    centre.wait(1200)
    await write(database, centre.events)
    looking = forecasting(database, centre.clock)
    await looking.learn()
    await looking.look()
    (forecast,) = looking.current
    assert forecast.handling_seconds == (160.0 + 50.0 + 8 * 900.0) / 10
    assert [round(step.arrived, 6) for step in forecast.steps] == [2.75] * 4  # 11 calls in the last hour
    assert [queue.queue for queue in looking.coming()] == [SALES]
    chinese, english = looking.sentences(forecast)
    assert "waits grow without end" in english
    assert chinese.startswith("Sales：预计")

    async with database.connection() as connection:
        await connection.execute("DELETE FROM journal")
    later = forecasting(database, centre.clock)
    await later.learn()
    await later.look()
    assert later.current == looking.current


async def test_a_quarter_counts_once_it_is_over(database: Database) -> None:  # noqa: F811
    centre = calls()
    await write(database, centre.events)
    looking = forecasting(database, centre.clock)  # it is 09:25
    await looking.learn()
    assert (await QuarterStore(database).newest()) == BEGIN - timedelta(minutes=10)
    centre.wait(600)
    await looking.learn()
    assert (await QuarterStore(database).newest()) == BEGIN + timedelta(minutes=5)
    await looking.learn()
    assert looking.profile.arrivals(SALES, centre.clock.wall(), centre.clock.wall()) == 0.75

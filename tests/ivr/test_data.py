"""Queries, the store and the demo bank, on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ccplatform.contracts.words import FlowId
from ccplatform.kernel.clock import SystemClock
from ccplatform.storage.database import Database
from cti.directory import demo_customers
from ivr.catalogue import Catalogue
from ivr.demo import DEMO_ENTRY_POINTS, customers, demo_queries, seed_customers
from ivr.document import shipped_flows
from ivr.errors import QueryFailed
from ivr.model import Flow
from ivr.queries import Queries
from ivr.settings import QuerySettings
from ivr.store import EntryPoint, IvrStore
from ivr.versions import Versions
from tests.ivr.database_away import take_away
from tests.ivr.scripted import flow_of
from tests.support.alarms import Alarms
from tests.support.database import database, postgres_dsn  # noqa: F401

FLOWS = shipped_flows()
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ONE = "start: e\nnodes:\n  e: {kind: hangup}"
TWO = "start: e\nnodes:\n  e: {kind: hangup, cause: busy}"


def store_of(database: Database) -> IvrStore:  # noqa: F811
    return IvrStore(database=database)


async def published(database: Database, flow: Flow, at: datetime) -> str:  # noqa: F811
    return (await Versions(database=database).publish(flow, at=at, by="test")).revision


def queries_of(database: Database, **queries: QuerySettings) -> Queries:  # noqa: F811
    return Queries(sources={"bank": database}, queries=demo_queries("bank") | queries)


# --- the demo bank and its query --------------------------------------------------------------------------


def test_the_demo_bank_knows_the_same_people_as_the_customer_directory() -> None:
    bank = [(row.account, row.phone, row.name, row.name_latin) for row in customers()]
    assert bank == [(card.account, card.phone, card.name, card.name_latin) for card in demo_customers()]
    assert customers()[0].balance == Decimal("128.50")
    assert len({row.balance for row in customers()}) == 100


async def test_the_balance_of_an_account_is_found(database: Database) -> None:  # noqa: F811
    async with database.connection() as connection:
        await seed_customers(connection)
        await seed_customers(connection)
    queries = queries_of(database)
    assert await queries.ask("balance_by_account", {"account": "600001"}) == {
        "name": "张伟",
        "name_latin": "Zhang Wei",
        "balance": "128.50",
    }
    assert await queries.ask("balance_by_account", {"account": "999999"}) is None


@pytest.mark.parametrize("account", ["' OR '1'='1", "600001'; DROP TABLE demo_customers; --", "\0", "%", ""])
async def test_what_callers_enter_is_never_sql(database: Database, account: str) -> None:  # noqa: F811
    async with database.connection() as connection:
        await seed_customers(connection)
    queries = queries_of(database)
    assert await queries.ask("balance_by_account", {"account": account}) is None
    assert await queries.ask("balance_by_account", {"account": "600001"}) is not None


async def test_values_become_text(database: Database) -> None:  # noqa: F811
    sql = "SELECT 1 AS a, 2.50::numeric AS b, NULL AS c, true AS d, DATE '2026-01-05' AS e, repeat('x', 5000) AS f"
    row = await queries_of(database, all=QuerySettings(source="bank", sql=sql)).ask("all", {})
    assert row is not None
    assert row | {"f": ""} == {"a": "1", "b": "2.50", "c": "", "d": "true", "e": "2026-01-05", "f": ""}
    assert len(row["f"]) == 1000


async def test_a_million_rows_are_one_row(database: Database) -> None:  # noqa: F811
    query = QuerySettings(source="bank", sql="SELECT n FROM generate_series(1, 1000000) AS n")
    assert await queries_of(database, many=query).ask("many", {}) == {"n": "1"}


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT pg_sleep(5)", "took longer than 0.05 s"),
        ("CREATE TABLE t (x int)", "ReadOnlySQLTransactionError"),
        ("SELECT nonsense", "UndefinedColumnError"),
        ("SELECT $1::text", "InterfaceError"),
        ("SELECT 1/0", "DivisionByZeroError"),
    ],
)
async def test_a_query_that_is_slow_wrong_or_writes_fails_with_a_reason(
    database: Database,  # noqa: F811
    sql: str,
    reason: str,
) -> None:
    queries = queries_of(database, q=QuerySettings(source="bank", sql=sql, timeout_seconds=0.05))
    with pytest.raises(QueryFailed, match=reason):
        await queries.ask("q", {})
    async with database.connection() as connection:
        assert await connection.fetchval("SHOW statement_timeout") == "0", "the limit ends with the query"
    assert database.available


async def test_a_source_that_is_away_is_a_failed_query(database: Database) -> None:  # noqa: F811
    take_away(database)
    with pytest.raises(QueryFailed, match="'bank' is away"):
        await queries_of(database).ask("balance_by_account", {"account": "1"})


async def test_a_query_nobody_configured_fails(database: Database) -> None:  # noqa: F811
    with pytest.raises(QueryFailed, match="there is no query"):
        await queries_of(database).ask("other", {})


def test_a_query_on_an_unknown_source_is_a_wrong_configuration() -> None:
    with pytest.raises(ValueError, match="do not exist: bank"):
        Queries(sources={}, queries=demo_queries("bank"))


# --- flows, entry points, call-backs ----------------------------------------------------------------------


async def test_published_flows_and_numbers_are_found_again(database: Database) -> None:  # noqa: F811
    store = store_of(database)
    for flow in FLOWS:
        await published(database, flow, NOW)
    for number, name, from_seat in DEMO_ENTRY_POINTS:
        await store.save_entry_point(EntryPoint(number=number, flow=FlowId(name), from_seat=from_seat))
    catalogue = Catalogue(store=store, clock=SystemClock(), alarms=Alarms())
    await catalogue.load()
    assert {flow.flow for flow in catalogue.flows()} == {flow.flow for flow in FLOWS}
    assert catalogue.entry_point("95000", False) == "main"
    assert catalogue.entry_point("95000", True) == "main"
    assert catalogue.entry_point("*11", True) == "agent_sign_in"
    assert catalogue.entry_point("*11", False) is None, "a feature code from outside reaches nothing"
    assert catalogue.entry_point("12345", True) is None
    assert all(catalogue.entry_point(number, True) for number, _, _ in DEMO_ENTRY_POINTS)


async def test_a_new_revision_replaces_the_old_which_running_sessions_still_find(
    database: Database,  # noqa: F811
) -> None:
    store = store_of(database)
    old, new = flow_of(ONE), flow_of(TWO)
    first = await published(database, old, datetime.now(UTC))
    second = await published(database, new, datetime.now(UTC))
    catalogue = Catalogue(store=store, clock=SystemClock(), alarms=Alarms())
    await catalogue.load()
    current = catalogue.current(FlowId("test"))
    assert current is not None
    assert (current.flow, current.revision) == (new, second)
    superseded = catalogue.revision(FlowId("test"), first)
    assert superseded is not None
    assert superseded.flow == old


async def test_rolling_back_makes_the_old_revision_current_again(database: Database) -> None:  # noqa: F811
    store = store_of(database)
    first = await published(database, flow_of(ONE), NOW)
    await published(database, flow_of(TWO), NOW)
    assert await published(database, flow_of(ONE), NOW) == first
    assert [row.revision for row in await store.flows(NOW + timedelta(days=2)) if row.current] == [first]


async def test_a_stored_flow_this_program_cannot_run_is_an_alarm_not_a_crash(
    database: Database,  # noqa: F811
) -> None:
    store = store_of(database)
    await published(database, flow_of(ONE), NOW)
    async with database.connection() as connection:
        await connection.execute("UPDATE flows SET document = $1", '{"flow": "test", "wrong": true}')
    alarms = Alarms()
    catalogue = Catalogue(store=store, clock=SystemClock(), alarms=alarms)
    await catalogue.load()
    assert catalogue.current(FlowId("test")) is None
    assert ("flow_invalid", "test") in alarms.up

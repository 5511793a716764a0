"""Reports of trunks, flows and contacts: what is counted where, and that no two of them contradict each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from ccplatform.calls.store import ContactProjection
from ccplatform.contracts.facts import CallsRefused, FactEvent, FlowNodeEntered, KeysEntered
from ccplatform.contracts.words import (
    AgentId,
    ContactId,
    Direction,
    FlowId,
    FlowOutcome,
    Outcome,
    ReleaseCause,
    TrunkId,
)
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.database import Database
from ccplatform.storage.journal import JournalWriter
from metrics import listing
from metrics.errors import BadReportQuery
from metrics.reports import CONTACT_REPORT, FLOW_REPORT, REPORTS, TRUNK_REPORT, ReportQuery, ReportRow
from tests.metrics.telling import Centre, arrived, ended, left_flow, queue_left, refused
from tests.metrics.test_report_sums import BEGIN, sums_of
from tests.metrics.test_reports import RULES, store_of
from tests.storage.stream import VAULT, NotedAlarms
from tests.support.database import database, postgres_dsn  # noqa: F401

OTHER = TrunkId("e1")


async def write(database: Database, events: list[FactEvent]) -> None:  # noqa: F811
    """Into the journal and the table of contacts."""
    clock = SystemClock()
    projection = ContactProjection(digest=lambda number: number.encode())
    writer = JournalWriter(database, sealer=VAULT, clock=clock, alarms=NotedAlarms(), projections=[projection])
    for event in events:
        writer.append(event)
    tasks = TaskSupervisor(clock)
    tasks.keep_running("journal", writer.run)
    await writer.flushed()
    await tasks.close()


def node(contact: ContactId, name: str, flow: str = "main") -> FlowNodeEntered:
    return FlowNodeEntered(contact=contact, flow=FlowId(flow), node=name, kind="menu")


async def rows(
    database: Database,  # noqa: F811
    centre: Centre,
    name: str,
    group_by: str | None = None,
    agents: frozenset[AgentId] | None = None,
    period: timedelta = timedelta(days=2),
) -> list[ReportRow]:
    return await store_of(database, centre).rows(ReportQuery.of(name, BEGIN, BEGIN + period, group_by), agents)


def evening() -> Centre:
    """Two trunks, calls of every kind, one of them a test, over the new year."""
    random, centre = Random(9), Centre(RULES, wall=BEGIN)
    for number in range(40):
        centre.wait(random.choice((1, 240, 900)))
        trunk = random.choice((TrunkId("pstn"), OTHER, None))
        direction = Direction.INTERNAL if trunk is None else random.choice((Direction.INBOUND, Direction.OUTBOUND))
        contact = centre.new_contact()
        centre.tell(replace(arrived(contact, trunk=trunk, direction=direction), mystery=number == 7))
        for name in random.sample(("menu", "balance", "card"), 2):
            centre.tell(node(contact, name), KeysEntered(contact=contact, node=name, length=1, keys="1"))
        centre.wait(random.choice((1, 700)))
        centre.tell(left_flow(contact, random.choice(list(FlowOutcome))), queue_left(contact, "answered", 3.0))
        outcome = random.choice(list(Outcome))
        talked = AgentId("1001") if outcome is Outcome.HANDLED else None
        centre.tell(replace(ended(contact, outcome, trunk=trunk, seconds=30.0), agent=talked, talk_seconds=5.0))
    centre.tell(refused(ReleaseCause.BUSY), refused(ReleaseCause.OVERLOAD, trunk=OTHER))
    centre.tell(
        CallsRefused(trunk=OTHER, source="192.0.2.1", calls=5, cause=ReleaseCause.OVERLOAD, sip_status=503)
    )
    return centre


async def test_trunks_tell_their_contacts_by_outcome_and_whom_they_turned_away(database: Database) -> None:  # noqa: F811
    centre = Centre(RULES, wall=BEGIN)
    one, two = centre.arrive(), centre.arrive(trunk=OTHER, direction=Direction.OUTBOUND)
    centre.end(one)
    centre.end(two, Outcome.NOT_REACHED, trunk=OTHER)
    centre.tell(refused(ReleaseCause.BUSY), refused(ReleaseCause.OVERLOAD, trunk=OTHER))
    await write(database, centre.events)
    e1, pstn = await rows(database, centre, "trunks")
    none = dict.fromkeys(TRUNK_REPORT.columns, 0)
    assert pstn == {**none, "trunk": "pstn", "contacts": 1, "self_service": 1, "blocked": 1, "line_seconds": 10.0}
    assert e1 == {**none, "trunk": "e1", "contacts": 1, "ended_otherwise": 1, "refused": 1, "line_seconds": 10.0}
    ways = {row["direction"]: row["contacts"] for row in await rows(database, centre, "trunks", "direction")}
    assert ways == {"inbound": 1, "outbound": 1}


async def test_a_session_is_counted_at_the_node_where_it_was_left(database: Database) -> None:  # noqa: F811
    centre = Centre(RULES, wall=BEGIN)
    served, gone, failed = centre.arrive(), centre.arrive(), centre.arrive()
    for contact in (served, gone, failed):
        centre.tell(node(contact, "menu"), KeysEntered(contact=contact, node="menu", length=1, keys="1"))
    centre.tell(node(served, "balance"), node(failed, "balance"), node(served, "other", "within"))
    centre.tell(left_flow(served, FlowOutcome.COMPLETED), left_flow(gone, FlowOutcome.ABANDONED))
    centre.tell(left_flow(failed, FlowOutcome.FAILED, "database"))
    await write(database, centre.events)
    nodes = {row.pop("node"): row for row in await rows(database, centre, "flows", "node")}
    none = dict.fromkeys(FLOW_REPORT.columns, 0) | {"success": None}
    assert nodes == {
        "main/menu": {**none, "nodes_entered": 3, "inputs": 3, "sessions": 1, "hung_up": 1},
        "main/balance": {
            **none,
            **{"nodes_entered": 2, "sessions": 2, "completed": 1, "failed": 1, "success": 0.5},
        },
        "within/other": {**none, "nodes_entered": 1},
    }
    main, _ = await rows(database, centre, "flows")
    assert main == {
        **{"flow": "main", "nodes_entered": 5, "inputs": 3, "sessions": 3, "completed": 1},
        **{"hung_up": 1, "failed": 1, "success": 0.5},
    }


async def test_no_two_groupings_and_no_list_contradict_each_other(database: Database) -> None:  # noqa: F811
    centre = evening()
    await write(database, centre.events)
    expected: dict[str, dict[str, float]] = {
        "trunks": {"contacts": 39, "refused": 6, "blocked": 1, "line_seconds": 39 * 30.0}
    }
    expected["flows"] = {"sessions": 39, "nodes_entered": 78, "inputs": 78}
    for name, sums in expected.items():
        for group_by in REPORTS[name].groupings:
            found = await rows(database, centre, name, group_by)
            assert {column: sum(row[column] for row in found) for column in sums} == sums, (name, group_by)
    contacts = await rows(database, centre, "contacts")
    assert len(contacts) == 39
    for kind, column in (("trunk", "trunk"), ("direction", "direction"), ("hour", "ended")):
        width = len("2026-01-01T00") if kind == "hour" else None
        for row in await rows(database, centre, "trunks", kind):
            of_it = [one for one in contacts if one[column][:width] == row[kind][:width]]
            assert (row["contacts"], row["line_seconds"]) == (len(of_it), 30.0 * len(of_it)), row
            assert row["handled"] == sum(one["outcome"] == "handled" for one in of_it)


async def test_they_are_the_same_from_sums_and_from_the_journal(database: Database) -> None:  # noqa: F811
    centre = evening()
    await write(database, centre.events)

    async def tables() -> dict[tuple[str, str], list[ReportRow]]:
        asked = [(name, one) for name in ("trunks", "flows") for one in REPORTS[name].groupings]
        within = timedelta(hours=3, minutes=7)
        return {one: await rows(database, centre, *one, period=within) for one in asked}

    before = await tables()
    for settled in (timedelta(hours=2), timedelta(days=1)):
        centre.clock.set_wall(BEGIN + settled)
        await sums_of(database, centre).sum_up()
        assert await tables() == before
    async with database.connection() as connection:  # an installation of before there were tallies
        await connection.execute("UPDATE report_progress SET tallied = NULL")
        await connection.execute("DELETE FROM report_tallies")
    assert await tables() == before
    sums = sums_of(database, centre)
    await sums.sum_up()
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM report_tallies") > 0
    assert await tables() == before


async def test_the_list_has_no_number_of_a_customer_and_ends_somewhere(
    database: Database,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    centre = Centre(RULES, wall=BEGIN)
    for direction in (Direction.OUTBOUND, Direction.INBOUND):
        centre.end(centre.arrive(direction=direction))
        centre.wait(1)
    await write(database, centre.events)
    found = await rows(database, centre, "contacts")
    assert [(row["direction"], row["dialled"]) for row in found] == [("outbound", ""), ("inbound", "95000")]
    assert all(set(row) == {"contact", *CONTACT_REPORT.columns} for row in found)
    assert all("13800000001" not in str(row) for row in found)
    monkeypatch.setattr(listing, "MOST_CONTACTS", 1)
    with pytest.raises(BadReportQuery, match="more than 1 contacts"):
        await rows(database, centre, "contacts")


async def test_who_oversees_teams_lists_theirs_and_what_nobody_took(database: Database) -> None:  # noqa: F811
    centre = Centre(RULES, wall=BEGIN)
    for agent in ("1001", "1002", None):
        contact = centre.arrive()
        centre.tell(replace(ended(contact, Outcome.HANDLED), agent=AgentId(agent) if agent else None))
    await write(database, centre.events)
    found = await rows(database, centre, "contacts", agents=frozenset({AgentId("1002")}))
    assert sorted(row["agent"] for row in found) == ["", "1002"]

"""First-call resolution (D-FCR), out of contacts and journal, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from ccplatform.contracts.words import AgentId, ContactId, Direction, Outcome
from ccplatform.storage.database import Database
from metrics.reports import ReportQuery, ReportRow
from tests.metrics.telling import Centre, talk_ended
from tests.metrics.test_report_sums import sums_of
from tests.metrics.test_reports import RULES, SHANGHAI, store_of, write
from tests.support.database import database, postgres_dsn  # noqa: F401

DAY = 24 * 3600
HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)


class Callers:
    """Contacts of callers, as lists and the journal show them."""

    def __init__(self) -> None:
        self.centre = Centre(RULES, wall=BEGIN.astimezone(UTC))
        self.rows: list[tuple[object, ...]] = []

    def call(
        self,
        caller: str,
        *agents: str,
        outcome: Outcome = Outcome.HANDLED,
        direction: Direction = Direction.INBOUND,
        queue: str | None = "sales",
    ) -> ContactId:
        contact = self.centre.new_contact()
        begin = self.centre.clock.wall()
        self.centre.wait(60)
        self.centre.tell(*(talk_ended(contact, 20.0, agent=agent) for agent in agents))
        end, agent = self.centre.clock.wall(), agents[-1] if agents else None
        digest = caller.encode() or None
        self.rows.append((contact, direction.value, digest, begin, end, outcome.value, queue, agent))
        return contact

    async def report(
        self,
        base: Database,
        group_by: str = "queue",
        agents: frozenset[AgentId] | None = None,
        *,
        query: ReportQuery | None = None,
    ) -> list[ReportRow]:
        await write(base, self.centre.events)
        async with base.connection() as connection:
            await connection.executemany(
                """
                INSERT INTO contacts (id, call, channel, dialled, direction, caller_digest, started_at, ended_at,
                  outcome, queue, agent)
                VALUES ($1::uuid, $1::uuid, 'voice', '95000', $2, $3, $4, $5, $6, $7, $8)
                """,
                self.rows,
            )
        self.rows.clear()
        self.centre.events.clear()
        query = query or ReportQuery.of("resolution", BEGIN, BEGIN + timedelta(days=30), group_by)
        return await store_of(base, self.centre).rows(query, agents)


def shown(row: ReportRow) -> dict[str, object]:
    return {
        name: row[name] for name in ("handled", "repeats", "open", "judged", "resolved_strict", "resolved_broad")
    }


async def test_a_month_by_hand(database: Database) -> None:  # noqa: F811
    callers = Callers()
    callers.call("once", "1001")  # strict and broad
    callers.call("passed on", "1001", "1002")  # broad only: two agents
    callers.call("twice", "1001")  # neither: he comes back
    callers.call("again later", "1001")
    callers.call("gave up then", outcome=Outcome.ABANDONED_QUEUE)  # never handled, and asked again
    callers.call("", "1001")  # nobody knows who
    callers.centre.wait(3 * DAY)
    callers.call("twice", "1002")  # a repeat
    callers.call("gave up then", "1001")  # a repeat too: his need is the earlier one
    callers.call("once", outcome=Outcome.SELF_SERVICE, queue=None)  # asked for no agent
    callers.call("once", "1001", direction=Direction.OUTBOUND)  # ours to him
    callers.centre.wait(5 * DAY)
    callers.call("again later", "1001")  # eight days after: another need, open yet
    callers.centre.wait(6 * DAY)
    (row,) = await callers.report(database)
    assert shown(row) == {
        "handled": 7,
        "repeats": 2,
        "open": 1,
        "judged": 4,
        "resolved_strict": 2,
        "resolved_broad": 3,
    }
    assert (row["queue"], row["fcr_strict"], row["fcr_broad"]) == ("sales", 0.5, 0.75)


async def test_nothing_is_judged_before_its_days_are_over(database: Database) -> None:  # noqa: F811
    callers = Callers()
    callers.call("new", "1001")
    callers.centre.wait(7 * DAY - 1)
    (row,) = await callers.report(database)
    assert (row["open"], row["judged"], row["fcr_strict"]) == (1, 0, None)
    callers.centre.wait(1)
    (row,) = await callers.report(database)
    assert (row["open"], row["judged"], row["fcr_strict"]) == (0, 1, 1.0)


async def by_contacts(database: Database, callers: Callers, query: ReportQuery) -> list[ReportRow]:  # noqa: F811
    """The report as it is without sums."""
    async with database.connection() as connection:
        known = await connection.fetchrow("SELECT opened, resolved FROM report_progress")
        await connection.execute("UPDATE report_progress SET opened = NULL, resolved = NULL")
        rows = await callers.report(database, query=query)
        await connection.execute("UPDATE report_progress SET opened = $1, resolved = $2", *known or (None, None))
    return rows


@pytest.mark.parametrize("group_by", ["queue", "agent", "day", "month"])
async def test_a_report_is_the_same_from_sums_and_from_contacts(database: Database, group_by: str) -> None:  # noqa: F811
    random, callers = Random(7), Callers()
    for _ in range(120):
        callers.centre.wait(random.choice((600, 7200, DAY)))
        agents = random.sample(["1001", "1002", "1003"], random.choice((1, 1, 2)))
        callers.call(random.choice("abcdefghijklmnop"), *agents, queue=random.choice(("sales", "support")))
    query = ReportQuery.of("resolution", BEGIN, callers.centre.clock.wall() - timedelta(minutes=7), group_by)
    for wait in (0, 0, 900, 2400, 5400):  # again changes nothing
        callers.centre.wait(wait)
        before = await by_contacts(database, callers, query)
        assert await callers.report(database, query=query) == before
        await sums_of(database, callers.centre).sum_up()
        assert await callers.report(database, query=query) == before
    assert sum(row["repeats"] for row in before) > 5
    assert sum(row["resolved_strict"] for row in before) > 5
    async with database.connection() as connection:
        summed = await connection.fetchval("SELECT count(*) FROM report_tallies WHERE report = 'resolution'")
        assert summed > 60
        await connection.execute("UPDATE contacts SET caller_digest = NULL WHERE ended_at < $1", BEGIN + 40 * HOUR)
    assert await callers.report(database, query=query) == before, (
        "what was summed up stays when callers are forgotten"
    )


async def test_contacts_are_judged_one_by_one_and_quarters_after_them(database: Database) -> None:  # noqa: F811
    callers = Callers()
    for number in range(40):
        callers.call(f"caller {number}", "1001")
        callers.centre.wait(60)
    query = ReportQuery.of("resolution", BEGIN, BEGIN + timedelta(days=30), "queue")
    (row,) = await callers.report(database, query=query)
    assert (row["open"], row["judged"]) == (40, 0)
    callers.centre.wait(7 * DAY - 90 * 60)
    judged = set()
    for _ in range(25):
        callers.centre.wait(420)
        exact = await by_contacts(database, callers, query)
        assert await callers.report(database, query=query) == exact
        await sums_of(database, callers.centre).sum_up()
        assert await callers.report(database, query=query) == exact
        judged.add(exact[0]["judged"])
    assert {0, 40} <= judged
    assert len(judged) > 8


@pytest.mark.parametrize(
    ("group_by", "keys"),
    [("agent", ["1001", "1002"]), ("day", ["2026-03-02"]), ("week", ["2026-W10"]), ("month", ["2026-03"])],
)
async def test_groupings_agree_with_one_another(database: Database, group_by: str, keys: list[str]) -> None:  # noqa: F811
    callers = Callers()
    callers.call("one", "1001")
    callers.call("two", "1001", "1002")
    callers.centre.wait(8 * DAY)
    rows = await callers.report(database, group_by)
    assert [row[group_by] for row in rows] == keys
    assert sum(row["judged"] for row in rows) == 2
    assert sum(row["resolved_strict"] for row in rows) == 1


async def test_a_supervisor_sees_the_agents_of_his_teams(database: Database) -> None:  # noqa: F811
    callers = Callers()
    callers.call("one", "1001")
    callers.call("two", "1002")
    callers.centre.wait(8 * DAY)
    (row,) = await callers.report(database, "agent", frozenset({AgentId("1002")}))
    assert (row["agent"], row["handled"]) == ("1002", 1)

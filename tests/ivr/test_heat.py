"""Where callers went, counted from the journal; over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from ccplatform.storage.database import Database
from ccplatform.storage.partitions import ensure_partitions
from tests.ivr.flow_desk import FlowDesk, flow_desk
from tests.support.database import database, postgres_dsn  # noqa: F401

DAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
async def flows(database: Database, tmp_path: Path) -> AsyncIterator[FlowDesk]:  # noqa: F811
    async with flow_desk(database, tmp_path) as made:
        yield made


async def tell(database: Database, revision: str, story: str, at: datetime = DAY) -> None:  # noqa: F811
    """A session: its nodes (``part/ask`` is a sub-flow's), then how it ended, if it did."""
    contact, epoch = str(uuid4()), str(uuid4())
    *nodes, outcome = story.split()
    facts: list[tuple[str, dict[str, str]]] = [("FlowEntered", {"flow": "main", "revision": revision})]
    for node in nodes:
        flow, _, name = node.rpartition("/")
        facts.append(("FlowNodeEntered", {"flow": flow or "main", "node": name, "kind": "say"}))
    if outcome != "…":
        facts.append(("FlowLeft", {"flow": "main", "outcome": outcome, "cause": ""}))
    async with database.connection() as connection:
        await ensure_partitions(connection, {at.date()})
        await connection.executemany(
            """INSERT INTO journal (at, id, epoch, seq, mono, contact, type, version, data)
               VALUES ($1, $2, $3, $4, 0, $5, $6, 1, $7)""",
            [(at, str(uuid4()), epoch, number, contact, kind, data) for number, (kind, data) in enumerate(facts)],
        )


async def test_every_node_tells_who_came_went_on_and_hung_up(
    flows: FlowDesk,
    database: Database,  # noqa: F811
) -> None:
    for story in (
        "menu ask menu abandoned",
        "menu abandoned",
        "menu ask find failed",
        "menu queue completed",
        "menu part/ask ask …",
    ):
        await tell(database, "a", story)
    await tell(database, "b", "menu abandoned")
    await tell(database, "a", "menu abandoned", DAY - timedelta(days=2))
    await tell(database, "a", "menu abandoned", DAY + timedelta(days=2))
    span = {"from": (DAY - timedelta(hours=1)).isoformat(), "to": (DAY + timedelta(hours=1)).isoformat()}
    found = await flows.get("flows/main/heat", query=span)
    assert found["sessions"] == 6
    menu = next(node for node in found["nodes"] if node["node"] == "menu")
    assert menu == {
        "node": "menu",
        "came": 7,
        "hung_up": 3,
        "failed": 0,
        "ended": 0,
        "exits": [{"to": "ask", "times": 2}, {"to": "part/ask", "times": 1}, {"to": "queue", "times": 1}],
    }
    counts = {row["node"]: (row["came"], row["hung_up"], row["failed"], row["ended"]) for row in found["nodes"]}
    assert counts == {"menu": (7, 3, 0, 0), "ask": (3, 0, 0, 0), "find": (1, 0, 1, 0), "queue": (1, 0, 0, 1)}
    part = await flows.get("flows/part/heat", query=span)
    assert part["nodes"][0]["exits"] == [{"to": "main/ask", "times": 1}]


async def test_a_version_is_counted_alone_and_strange_ranges_are_refused(
    flows: FlowDesk,
    database: Database,  # noqa: F811
) -> None:
    text = "flow: main\nlanguages: [en]\nstart: menu\nnodes:\n  menu: {kind: hangup}\n"
    await flows.save(text)
    await flows.publish("main")
    current = await flows.versions.current("main")
    assert current is not None
    await tell(database, current[0].revision, "menu completed")
    await tell(database, "other", "menu abandoned")
    span = {"from": (DAY - timedelta(hours=1)).isoformat(), "to": (DAY + timedelta(hours=1)).isoformat()}
    found = await flows.get("flows/main/heat", query={**span, "version": 1})
    assert (found["sessions"], found["nodes"][0]["ended"], found["nodes"][0]["came"]) == (1, 1, 1)
    await flows.get("flows/main/heat", 404, {**span, "version": 2})
    await flows.get("flows/main/heat", 400, {"from": span["to"], "to": span["from"]})
    await flows.get("flows/main/heat", 400, {"from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"})
    assert await flows.get("flows/nobody/heat", query=span) == {"sessions": 0, "nodes": []}

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import httpx
import pytest
from pydantic import ValidationError

from ccplatform.contracts.commands import AcknowledgeAlarm, Answer, Command
from ccplatform.contracts.facts import AlarmCleared, AlarmRaised, Fact, FactEvent
from ccplatform.contracts.words import Role, Severity
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.operations.board import AlarmBoard
from ccplatform.operations.retention import Retention
from ccplatform.operations.routes import build_router
from ccplatform.operations.service import AlarmService
from ccplatform.operations.settings import RetentionSettings
from ccplatform.operations.store import AlarmProjection, AlarmStore
from ccplatform.security.routes import build_router as build_security_router
from ccplatform.storage.database import Database
from ccplatform.storage.partitions import ensure_partitions
from tests.security.desk import bearer, open_desk, web
from tests.support.database import database, postgres_dsn  # noqa: F401


class Node:
    """Control and web in one: the alarm service, its facts, the board, the table."""

    def __init__(self, database: Database) -> None:  # noqa: F811
        self.clock = VirtualClock()
        self.stream: Stream[Fact] = Stream(self.clock, Ids(self.clock), "default")
        self.database = database
        self.store = AlarmStore(database)
        self.board = AlarmBoard()
        self.events: list[FactEvent] = []
        self.stream.subscribe(self.board.apply)
        self.stream.subscribe(self.events.append)
        self.service = AlarmService(facts=self, clock=self.clock, ids=Ids(self.clock))
        self.reachable = True

    def record(self, fact: Fact) -> None:
        self.stream.publish(fact)

    async def ask(self, command: Command) -> Answer:
        if not self.reachable:
            raise Unavailable("control cannot be reached")
        assert isinstance(command, AcknowledgeAlarm)
        return self.service.perform(command)

    async def project(self) -> None:
        async with self.database.transaction() as connection:
            await AlarmProjection().apply(connection, self.events)

    def raise_and_clear(self, *subjects: str) -> None:
        for subject in subjects:
            self.service.raise_alarm("trunk_down", subject, Severity.NON_URGENT, "no answer")
            self.clock.advance(10)
            self.service.clear_alarm("trunk_down", subject)


@pytest.fixture
def node(database: Database) -> Node:  # noqa: F811
    return Node(database)


async def test_the_table_tells_the_story_of_every_alarm(node: Node) -> None:
    node.raise_and_clear("lab")
    node.service.raise_alarm("disk_full", "", Severity.URGENT, "97 %\x00")
    node.clock.advance(5)
    node.service.perform(AcknowledgeAlarm(alarm=node.service.active()[0].id, by="sup1"))
    await node.project()
    await node.project()  # told again, written once
    disk, trunk = await node.store.page()
    assert (trunk.subject, trunk.lasted_seconds, trunk.severity) == ("lab", 10.0, Severity.NON_URGENT)
    assert trunk.cleared_at == trunk.raised_at + timedelta(seconds=10)
    assert (disk.cleared_at, disk.acknowledged_by) == (None, "sup1")
    assert disk.acknowledged_at == disk.raised_at + timedelta(seconds=5)
    assert [row.kind for row in await node.store.active()] == ["disk_full"]


async def test_what_is_up_in_the_table_is_taken_back_and_cleared_after_a_restart(node: Node) -> None:
    node.service.raise_alarm("disk_full", "", Severity.URGENT, "97 %")
    await node.project()
    again = Node(node.database)
    again.service.restore(await again.store.active())
    again.service.clear_alarm("disk_full", "")
    assert [type(event.fact) for event in again.events] == [AlarmCleared]
    await again.project()
    assert await again.store.active() == []


async def test_pages_go_back_in_time_without_gap_or_repetition(node: Node) -> None:
    node.raise_and_clear(*(f"trunk-{n}" for n in range(7)))
    await node.project()
    seen: list[str] = []
    before = None
    while rows := await node.store.page(limit=3, before=before):
        seen += [row.subject for row in rows]
        before = (rows[-1].raised_at, rows[-1].id)
    assert seen == [f"trunk-{n}" for n in reversed(range(7))]


@pytest.mark.parametrize("field", ["alarm_days", "journal_days"])
def test_a_history_shorter_than_three_months_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 92"):
        RetentionSettings.model_validate({field: 91})
    RetentionSettings.model_validate({field: 92})


async def test_what_is_older_than_the_setting_goes_and_what_is_up_stays(node: Node) -> None:
    start = node.clock.wall()
    node.raise_and_clear("lab")
    node.service.raise_alarm("disk_full", "", Severity.URGENT, "97 %")
    node.clock.advance(92 * 86_400)
    node.raise_and_clear("pstn")
    await node.project()
    days = [start.date() - timedelta(days=1), start.date(), node.clock.wall().date()]
    async with node.database.transaction() as connection:
        await ensure_partitions(connection, days)
        for contact, at in (("old", start - timedelta(days=3)), ("new", start + timedelta(days=1))):
            await connection.execute(
                "INSERT INTO contact_keys (contact, wrapped, created_at) VALUES (gen_random_uuid(), $1, $2)",
                contact.encode(),
                at,
            )
    settings = RetentionSettings(alarm_days=92, journal_days=92)
    retention = Retention(database=node.database, alarms=node.store, clock=node.clock, settings=settings)
    removed = await retention.remove_old()
    assert removed.partitions == (f"journal_{days[0]:%Y%m%d}",)
    assert removed.alarms == 1
    assert {row.subject for row in await node.store.page()} == {"", "pstn"}
    async with node.database.connection() as connection:
        assert await connection.fetchval("SELECT array_agg(wrapped) FROM contact_keys") == [b"new"]
    assert (await retention.remove_old()).partitions == ()


async def test_an_event_without_a_partition_is_refused_by_the_table(node: Node) -> None:
    async with node.database.connection() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                """INSERT INTO journal (at, id, epoch, seq, mono, type, version, data)
                   VALUES ($1, gen_random_uuid(), gen_random_uuid(), 1, 0, 'x', 1, '{}')""",
                datetime(2001, 1, 1, tzinfo=UTC),
            )
    assert date(2001, 1, 1)


@pytest.fixture
async def client(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    desk = open_desk(node.database)
    await desk.add("1004", Role.AGENT)
    await desk.add("aud1", Role.AUDITOR)
    await desk.add("sup1", Role.SUPERVISOR)
    alarms = build_router(access=desk.access, store=node.store, board=node.board, control=node, audit=desk.audit)
    security = build_security_router(access=desk.access, login=desk.login, audit=desk.audit)
    async with web(alarms, security) as made:
        yield made


async def test_alarms_are_listed_filtered_and_paged(node: Node, client: httpx.AsyncClient) -> None:
    node.raise_and_clear("lab", "pstn")
    node.service.raise_alarm("disk_full", "", Severity.URGENT, "97 %")
    await node.project()
    headers = await bearer(client, "sup1")
    page = (await client.get("/alarms", params={"limit": 2}, headers=headers)).json()
    assert [(item["kind"], item["subject"]) for item in page["items"]] == [
        ("disk_full", ""),
        ("trunk_down", "pstn"),
    ]
    query = {"limit": 2, "cursor": page["next_cursor"]}
    page = (await client.get("/alarms", params=query, headers=headers)).json()
    assert ([item["subject"] for item in page["items"]], page["next_cursor"]) == (["lab"], None)
    for params in ({"active": "true"}, {"severity": "urgent"}, {"from": node.clock.wall().isoformat()}):
        page = (await client.get("/alarms", params=params, headers=headers)).json()
        assert [item["kind"] for item in page["items"]] == ["disk_full"], params
    answer = await client.get("/alarms", params={"active": "false"}, headers=headers)
    assert len(answer.json()["items"]) == 2
    for params in ({"severity": "deadly"}, {"to": "soon"}, {"limit": "0"}):
        assert (await client.get("/alarms", params=params, headers=headers)).status_code == 422
    answer = await client.get("/alarms", params={"cursor": "bm8gY3Vyc29y"}, headers=headers)
    assert answer.json()["code"] == "bad_request"


async def test_what_is_up_is_seen_before_and_without_the_table(node: Node, client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "sup1")
    node.service.raise_alarm("database_unavailable", "", Severity.URGENT, "gone")
    page = (await client.get("/alarms", params={"active": "true"}, headers=headers)).json()
    assert [item["kind"] for item in page["items"]] == ["database_unavailable"]
    assert (await client.get("/alarms", headers=headers)).json()["items"] == []


async def test_supervisors_acknowledge_auditors_read_agents_neither(node: Node, client: httpx.AsyncClient) -> None:
    node.service.raise_alarm("disk_full", "", Severity.URGENT, "97 %")
    ident = node.service.active()[0].id
    path = f"/alarms/{ident}/acknowledge"
    agent, auditor, supervisor = [await bearer(client, name) for name in ("1004", "aud1", "sup1")]
    assert (await client.get("/alarms", headers=agent)).status_code == 403
    assert (await client.get("/alarms", headers=auditor)).status_code == 200
    assert (await client.post(path, headers=auditor)).status_code == 403
    assert (await client.post(path, headers=supervisor)).status_code == 204
    assert node.board.active()[0].acknowledged_by == "sup1"
    assert (await client.post("/alarms/not-an-id/acknowledge", headers=supervisor)).status_code == 422
    node.service.clear_alarm("disk_full", "")
    assert (await client.post(path, headers=supervisor)).status_code == 404
    node.reachable = False
    assert (await client.post(path, headers=supervisor)).status_code == 503
    (audited, *_) = (await client.get("/audit", headers=auditor)).json()["items"]
    assert (audited["subject"], audited["action"], audited["object"]) == ("sup1", "alarm.acknowledge", ident)
    assert isinstance(node.events[0].fact, AlarmRaised)

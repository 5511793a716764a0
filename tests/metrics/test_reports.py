"""Reports out of the journal, on a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ccplatform.contracts.facts import FactEvent, Offered, OfferEnded, SurveyAnswered, SurveyBegun
from ccplatform.contracts.words import AgentId, ContactId, OfferEnd, QueueId, SeatId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.database import Database
from ccplatform.storage.journal import JournalWriter
from ccplatform.storage.journal_reader import JournalReader
from metrics.errors import BadReportQuery, NoSuchReport
from metrics.reports import AGENT_REPORT, QUEUE_REPORT, ReportQuery, ReportRow
from metrics.service import MetricsService
from metrics.settings import MetricsSettings
from metrics.sheets import as_csv
from metrics.store import ReportStore
from tests.metrics.telling import SALES, Centre, queue_left, talk_ended, wrap_up_ended
from tests.storage.stream import VAULT, NotedAlarms
from tests.support.database import database, postgres_dsn  # noqa: F401

SUPPORT = QueueId("support")
SHANGHAI = ZoneInfo("Asia/Shanghai")
RULES = MetricsSettings().rules(SHANGHAI)


async def write(database: Database, events: list[FactEvent]) -> None:  # noqa: F811
    clock = SystemClock()
    writer = JournalWriter(database, sealer=VAULT, clock=clock, alarms=NotedAlarms())
    for event in events:
        writer.append(event)
    tasks = TaskSupervisor(clock)
    tasks.keep_running("journal", writer.run)
    await writer.flushed()
    await tasks.close()


def offer(contact: ContactId, agent: str, seat: str, end: OfferEnd) -> tuple[Offered, OfferEnded]:
    offered = Offered(contact=contact, queue=SALES, agent=AgentId(agent), seat=SeatId(seat))
    return offered, OfferEnded(contact=contact, queue=SALES, agent=AgentId(agent), end=end, rang_seconds=3.0)


def day_of_two_queues() -> Centre:
    """Around midnight of Shanghai: 23:30 on the 5th and 00:30 on the 6th."""
    centre = Centre(RULES, wall=datetime(2026, 1, 5, 23, 30, tzinfo=SHANGHAI).astimezone(UTC))
    one, two, three = centre.arrive(), centre.arrive(), centre.arrive()
    centre.tell(
        *offer(one, "1002", "seat-02", OfferEnd.NO_ANSWER), *offer(one, "1001", "seat-01", OfferEnd.ANSWERED)
    )
    centre.tell(queue_left(one, "answered", 30.0), queue_left(two, "abandoned", 4.0))
    centre.wait(1800)
    centre.tell(talk_ended(one, 100.0, hold=10.0))
    centre.wait(1800)
    centre.tell(wrap_up_ended(one, 20.0), *offer(three, "1001", "seat-09", OfferEnd.ANSWERED))
    centre.tell(queue_left(three, "answered", 30.0, SUPPORT), talk_ended(three, 50.0, queue=SUPPORT))
    return centre


def store_of(database: Database, centre: Centre) -> ReportStore:  # noqa: F811
    levels = {"support": 60.0}
    return ReportStore(
        database,
        clock=centre.clock,
        settings=MetricsSettings(),
        zone=SHANGHAI,
        service_levels=lambda: levels,
    )


async def report(
    database: Database,  # noqa: F811
    centre: Centre,
    name: str,
    group_by: str | None = None,
    agents: frozenset[AgentId] | None = None,
) -> list[ReportRow]:
    store = store_of(database, centre)
    begin = centre.events[0].at - timedelta(hours=1)
    return await store.rows(ReportQuery.of(name, begin, begin + timedelta(hours=12), group_by), agents)


async def test_queues_by_queue(database: Database) -> None:  # noqa: F811
    centre = day_of_two_queues()
    await write(database, centre.events)
    sales, support = await report(database, centre, "queues")
    assert sales == {
        "queue": "sales",
        "offered": 2,
        "answered": 1,
        "answered_in_time": 0,
        "service_level": 0.0,
        "asa_seconds": 30.0,
        "abandoned": 1,
        "abandoned_short": 1,
        "left_otherwise": 0,
        "talks": 1,
        "talk_seconds": 100.0,
        "hold_seconds": 10.0,
        "wrap_up_seconds": 20.0,
    }
    assert (support["queue"], support["service_level"], support["talks"]) == ("support", 1.0, 1)


async def test_hours_and_days_are_those_of_the_centre(database: Database) -> None:  # noqa: F811
    centre = day_of_two_queues()
    await write(database, centre.events)
    days = await report(database, centre, "queues", "day")
    assert [(row["day"], row["offered"], row["talks"]) for row in days] == [
        ("2026-01-05", 2, 0),
        ("2026-01-06", 1, 2),
    ]
    hours = await report(database, centre, "queues", "hour")
    assert [row["hour"] for row in hours] == ["2026-01-05T23:00", "2026-01-06T00:00"]


async def test_agents_and_seats(database: Database) -> None:  # noqa: F811
    centre = day_of_two_queues()
    await write(database, centre.events)
    agents = {row["agent"]: row for row in await report(database, centre, "agents")}
    assert (agents["1001"]["offers"], agents["1001"]["offers_answered"], agents["1001"]["talks"]) == (2, 2, 2)
    assert (agents["1002"]["offers"], agents["1002"]["offers_missed"], agents["1002"]["talks"]) == (1, 1, 0)
    seats = {row["seat"]: row["talk_seconds"] for row in await report(database, centre, "agents", "seat")}
    assert seats == {"seat-01": 100.0, "seat-02": 0.0, "seat-09": 50.0}


async def test_agents_of_some_teams_in_every_grouping(database: Database) -> None:  # noqa: F811
    centre = day_of_two_queues()
    await write(database, centre.events)
    for group_by in ("agent", "seat", "queue", "hour", "day"):
        all_rows = await report(database, centre, "agents", group_by)
        rows = await report(database, centre, "agents", group_by, frozenset({AgentId("1001"), AgentId("1099")}))
        assert sum(row["offers"] for row in all_rows) == 3
        assert sum(row["offers"] for row in rows) == 2
    assert await report(database, centre, "agents", "agent", frozenset()) == []


async def test_sums_agree_across_groupings(database: Database) -> None:  # noqa: F811
    centre = day_of_two_queues()
    await write(database, centre.events)
    for asked, expected in (
        (QUEUE_REPORT, {"offered": 3, "answered": 2, "answered_in_time": 1, "abandoned": 1, "talks": 2}),
        (AGENT_REPORT, {"offers": 3, "offers_answered": 2, "talks": 2, "talk_seconds": 150.0, "wrap_ups": 1}),
    ):
        for group_by in asked.groupings:
            rows = await report(database, centre, asked.name, group_by)
            assert {column: sum(row[column] for row in rows) for column in expected} == expected, group_by


async def test_the_report_of_today_and_the_live_fold_say_the_same(database: Database) -> None:  # noqa: F811
    centre = day_of_two_queues()
    await write(database, centre.events)
    service = MetricsService(
        clock=centre.clock,
        settings=MetricsSettings(),
        zone=SHANGHAI,
        service_levels=lambda: {"support": 60.0},
    )
    await service.load(JournalReader(database, sealer=VAULT))
    live = {figure.definition_id: figure for figure in service.figures()}
    _, today = await report(database, centre, "queues", "day")
    assert (today["service_level"], today["offered"]) == (live["D-SL"].value, live["D-SL"].samples) == (1.0, 1)
    assert (today["asa_seconds"], today["answered"]) == (live["D-ASA"].value, live["D-ASA"].samples) == (30.0, 1)
    assert service.fold.snapshot() == centre.fold.snapshot()


def query(begin: datetime, end: datetime, name: str = "queues", group_by: str | None = None) -> ReportQuery:
    return ReportQuery.of(name, begin, end, group_by)


NOW = datetime(2026, 1, 5, tzinfo=UTC)


def test_a_report_that_nobody_computes_does_not_exist() -> None:
    with pytest.raises(NoSuchReport, match="'weather'"):
        query(NOW, NOW + timedelta(days=1), "weather")


@pytest.mark.parametrize(
    ("begin", "end", "group_by", "reason"),
    [
        (NOW, NOW, None, "before"),
        (NOW, NOW + timedelta(days=400), "hour", "366 days"),
        (NOW, NOW + timedelta(days=32), "quarter_hour", "31 days"),
        (NOW, NOW + timedelta(days=3661), None, "3660 days"),
        (NOW.replace(tzinfo=None), NOW, None, "time zone"),
        (
            NOW,
            NOW + timedelta(days=1),
            "caller",
            "it has queue, quarter_hour, hour, day, week",
        ),
    ],
)
def test_periods_and_groupings_are_checked(
    begin: datetime, end: datetime, group_by: str | None, reason: str
) -> None:
    with pytest.raises(BadReportQuery, match=reason):
        query(begin, end, "queues", group_by)


def test_csv_runs_no_formula() -> None:
    asked = query(NOW, NOW + timedelta(days=1))
    row: ReportRow = {"queue": "=1+1", **dict.fromkeys(asked.report.columns, 1), "service_level": None}
    head, line = as_csv(asked, [row]).splitlines()
    assert head.startswith("queue,offered,answered")
    assert line.startswith("'=1+1,1,1,1,,1")


async def test_surveys_by_queue_and_agent_with_who_was_asked_and_who_answered(database: Database) -> None:  # noqa: F811
    centre = Centre(RULES, wall=datetime(2026, 1, 5, 10, 0, tzinfo=SHANGHAI).astimezone(UTC))
    one, two, three, four = (centre.arrive() for _ in range(4))
    centre.tell(talk_ended(one, 60.0), talk_ended(two, 60.0), talk_ended(three, 60.0, queue=SUPPORT))
    centre.wait(5)
    centre.tell(*(SurveyBegun(contact=contact, survey="service") for contact in (one, two, three, four)))
    centre.tell(answer(one, "friendly", 5), answer(two, "friendly", 1), answer(one, "solved", 2, 2))
    centre.wait(5)
    centre.tell(answer(two, "friendly", 2), answer(four, "friendly", 3))  # asked again
    await write(database, centre.events)
    rows = await report(database, centre, "surveys")
    common = {"survey": "service", "asked": 2}
    assert [row for row in rows if row["queue"] == "sales"] == [
        {
            **common,
            "queue": "sales",
            "question": "friendly",
            "scale": 5,
            "answered": 2,
            "share_answered": 1.0,
            "mean": 3.5,
            "lowest": 2,
            "highest": 5,
        },
        {
            **common,
            "queue": "sales",
            "question": "solved",
            "scale": 2,
            "answered": 1,
            "share_answered": 0.5,
            "mean": 2.0,
            "lowest": 2,
            "highest": 2,
        },
    ]
    silent = next(row for row in rows if row["queue"] == "support")
    assert (silent["question"], silent["asked"], silent["answered"], silent["mean"]) == ("", 1, 0, None)
    assert next(row for row in rows if row["queue"] == "")["mean"] == 3.0, "asked without a talk before"
    by_agent = await report(database, centre, "surveys", "agent")
    assert {(row["agent"], row["question"], row["mean"]) for row in by_agent} >= {("1001", "friendly", 3.5)}
    overseen = frozenset({AgentId("1002")})
    assert await report(database, centre, "surveys", "agent", overseen) == []
    assert await report(database, centre, "surveys", "queue", overseen) == rows
    for grouping, key in (("day", "2026-01-05"), ("hour", "2026-01-05T10:00")):
        assert {row[grouping] for row in await report(database, centre, "surveys", grouping)} == {key}
    query = ReportQuery.of("surveys", centre.events[0].at, centre.events[0].at + timedelta(hours=1), None)
    assert as_csv(query, rows).splitlines()[0].startswith("queue,survey,question,scale,asked,answered")


def answer(contact: ContactId, question: str, score: int, scale: int = 5) -> SurveyAnswered:
    return SurveyAnswered(contact=contact, survey="service", question=question, score=score, scale=scale)

"""Reports over months, and what rebuilding takes: ``python -m bench.reports``.

A month of contacts is made in PostgreSQL as the quarters that the platform sums up, waits one by one, and the
reports of queues, agents, trunks and flows are asked of it. Reports that look at single contacts (the list of an
hour, first-call resolution, surveys) are asked of ``--single`` contacts of the same month. A slice of journalled
calls says how fast quarters and the fold are made anew, from which a year is estimated. Everything runs on an
embedded PostgreSQL of its own, in a directory that is removed.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.figures import Figure, conditions, show, single, write_json
from bench.metrics import make_events
from ccplatform.contracts.facts import FactEvent
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.database import Database
from ccplatform.storage.embedded import EmbeddedPostgres
from ccplatform.storage.journal import JournalWriter
from ccplatform.storage.journal_reader import JournalReader
from ccplatform.storage.migrate import migrate
from metrics.reports import (
    AGENT_REPORT,
    CONTACT_REPORT,
    FLOW_REPORT,
    QUEUE_REPORT,
    RESOLUTION_REPORT,
    SURVEY_REPORT,
    TRUNK_REPORT,
    Grouping,
    ReportDefinition,
    ReportQuery,
)
from metrics.service import MetricsService
from metrics.settings import MetricsSettings
from metrics.sheets import as_xlsx
from metrics.store import ReportStore
from metrics.sums import SETTLED, ReportSums
from metrics.tallies import SUMMED
from tests.storage.stream import VAULT, NotedAlarms

ZONE = ZoneInfo("Asia/Shanghai")
MONTH = datetime(2026, 3, 1, tzinfo=ZONE)
DAYS = 31
#: A month's report over five million contacts, seconds.
GOAL_SECONDS = 10.0

_QUEUES = """
    INSERT INTO report_quarters
    SELECT 'default', begins, 'queue-' || queue, '', '', $3::int * 11 / 10, $3::int, $3::int * 12.0,
      (SELECT array_agg((begin * 7 % 60)::smallint) FROM generate_series(1, $3::int) begin), $3::int / 10, 1,
      0, 0, 0, 0, 0, 0, 0, 0
    FROM generate_series($1::timestamptz, $2::timestamptz - interval '15 min', '15 min') begins,
      generate_series(1, $4::int) queue
"""
_AGENTS = """
    INSERT INTO report_quarters
    SELECT 'default', begins, 'queue-' || (agent % $4::int + 1), agent::text, 'seat-' || agent,
      0, 0, 0, '{}', 0, 0, $3::int, $3::int, 0, $3::int, $3::int * 180.0, $3::int * 5.0, $3::int, $3::int * 15.0
    FROM generate_series($1::timestamptz, $2::timestamptz - interval '15 min', '15 min') begins,
      generate_series(1, $5::int) agent
"""
#: Trunks by direction, flows by node; $3 how many names, $4 what they part into, $5 what each sum is in a quarter.
_TALLIES = """
    INSERT INTO report_tallies
    SELECT 'default', begins, $6, $6 || name, part, $5::float8[]
    FROM generate_series($1::timestamptz, $2::timestamptz - interval '15 min', '15 min') begins,
      generate_series(1, $3::int) name, unnest($4::text[]) part
"""
#: Single contacts, each handled by one agent; three in four callers come once, one in ten is asked what he thinks.
_SINGLE = """
    INSERT INTO contacts (tenant, id, call, channel, direction, dialled, trunk, caller_digest, started_at,
      answered_at, ended_at, outcome, cause, queue, agent, seat, total_seconds, queue_seconds, talk_seconds,
      hold_seconds)
    SELECT 'default', gen_random_uuid(), gen_random_uuid(), 'voice', 'inbound', '95000', 'pstn',
      sha256((number % ($3::int * 3 / 4))::text::bytea), at, at, at + interval '3 min', 'handled', 'normal',
      'queue-' || number % $4::int, (number % $5::int)::text, 'seat', 180, 10, 150, 0
    FROM (SELECT number,
        $1::timestamptz + ($2::timestamptz - $1) * (number::bigint * 7919 % $3::int) / $3::int AS at
      FROM generate_series(0, $3::int - 1) number) told
"""
_TOLD = """
    INSERT INTO journal (tenant, at, id, epoch, seq, mono, contact, type, version, data)
    SELECT 'default', c.ended_at + $1::int * interval '1 s', gen_random_uuid(), gen_random_uuid(), 1, 0, c.id, $2,
      1, jsonb_build_object('queue', c.queue, 'agent', c.agent) || $3::jsonb
    FROM contacts c WHERE $4::int = 1 OR hashtext(c.id::text) % $4::int = 0
"""
#: So many days after a contact it is known whether its caller came back (D-FCR).
REPEAT_DAYS = MetricsSettings().repeat_days
#: Each flow has so many nodes.
NODES = 30


async def a_month(database: Database, contacts: int, options: argparse.Namespace) -> None:
    """Fill the month: every queue, agent, trunk and node busy in every quarter of an hour."""
    queues, agents = options.queues, options.agents
    end, quarters = MONTH + timedelta(days=DAYS), DAYS * 96
    async with database.connection() as connection:
        each = -(-contacts // (quarters * queues))
        await connection.execute(_QUEUES, MONTH, end, each, queues, timeout=600)
        talks = -(-contacts // (quarters * agents))
        await connection.execute(_AGENTS, MONTH, end, talks, queues, agents, timeout=600)
        nodes = [f"node-{number}" for number in range(NODES)]
        for report, names, parts in (
            (TRUNK_REPORT.name, options.trunks, ["inbound", "outbound"]),
            (FLOW_REPORT.name, options.flows, nodes),
        ):
            each = -(-contacts // (quarters * names * len(parts)))
            sums = [float(each)] * len(SUMMED[report])
            await connection.execute(_TALLIES, MONTH, end, names, parts, sums, report, timeout=600)
        await connection.execute(
            "INSERT INTO report_progress (tenant, until, tallied) VALUES ('default', $1, $1)", end
        )
        await connection.execute("ANALYZE report_quarters, report_tallies")


async def single_contacts(database: Database, options: argparse.Namespace) -> None:
    """Fill the month with contacts and what was told of them."""
    end = MONTH + timedelta(days=DAYS)
    begun = {"survey": "satisfaction"}
    answered = begun | {"question": "service", "score": 4, "scale": 5}
    async with database.connection() as connection:
        await connection.execute(
            f"CREATE TABLE journal_bench PARTITION OF journal FOR VALUES FROM ('{MONTH}') TO ('{end + SETTLED}')"
        )
        told = (MONTH, end - timedelta(hours=1), options.single, options.queues, options.agents)
        await connection.execute(_SINGLE, *told, timeout=1200)
        for after, kind, data, one_in in (
            (0, "TalkEnded", {}, 1),
            (5, "SurveyBegun", begun, 10),
            (9, "SurveyAnswered", answered, 20),
        ):
            await connection.execute(_TOLD, after, kind, data, one_in, timeout=1200)
        await connection.execute("ANALYZE contacts, journal")


async def single_reports(database: Database, options: argparse.Namespace) -> list[Figure]:
    """Reports that look at each contact, once each; all but the list are of the month."""
    end = MONTH + timedelta(days=DAYS)
    store = ReportStore(database, clock=_At(end), settings=MetricsSettings(), zone=ZONE)
    begin = time.perf_counter()
    await _sums(database, end).sum_up()
    note = f"{options.single:,} contacts, but those of the last {REPEAT_DAYS} days"
    figures = [single("first-call resolution summed up", time.perf_counter() - begin, "s", note=note)]
    for report, grouping, period in (
        (CONTACT_REPORT, Grouping.CONTACT, timedelta(hours=1)),
        (RESOLUTION_REPORT, Grouping.QUEUE, timedelta(days=DAYS)),
        (SURVEY_REPORT, Grouping.QUEUE, timedelta(days=DAYS)),
    ):
        query = ReportQuery.of(report.name, MONTH, MONTH + period, grouping)
        begin = time.perf_counter()
        rows = await store.rows(query)
        seconds = time.perf_counter() - begin
        note = f"{len(rows)} rows; {options.single:,} contacts in the month"
        figures.append(single(f"{report.name} by {grouping}", seconds, "s", goal=GOAL_SECONDS, note=note))
    return figures


async def reports(database: Database) -> list[Figure]:
    """Every report of the month, the slowest of three runs each."""
    store = ReportStore(database, clock=SystemClock(), settings=MetricsSettings(), zone=ZONE)
    kinds: list[tuple[ReportDefinition, Grouping]] = [
        (report, grouping)
        for report in (QUEUE_REPORT, AGENT_REPORT, TRUNK_REPORT, FLOW_REPORT)
        for grouping in report.groupings
        if grouping not in (Grouping.QUARTER, Grouping.YEAR)
    ]
    figures = []
    for report, grouping in kinds:
        query = ReportQuery.of(report.name, MONTH, MONTH + timedelta(days=DAYS), grouping)
        slowest, rows = 0.0, []
        for _ in range(3):
            begin = time.perf_counter()
            rows = await store.rows(query)
            slowest = max(slowest, time.perf_counter() - begin)
        note = f"{len(rows)} rows"
        if grouping is Grouping.DAY:
            begin = time.perf_counter()
            note += (
                f", Excel {len(as_xlsx(query, rows, ZONE)) / 1e3:.0f} kB in {time.perf_counter() - begin:.2f} s"
            )
        figures.append(single(f"{report.name} by {grouping}", slowest, "s", goal=GOAL_SECONDS, note=note))
    return figures


async def rebuild(database: Database, facts: int, year: int) -> list[Figure]:
    """Journal a slice, then sum it up and fold it anew; a year has ``year`` contacts."""
    events = make_events(facts, 20, 200)
    contacts = sum(type(event.fact).__name__ == "ContactEnded" for event in events)
    await _journal(database, events)
    sums = _sums(database, events[-1].at)
    begin = time.perf_counter()
    await sums.sum_up()
    summed = time.perf_counter() - begin
    service = MetricsService(clock=SystemClock(), settings=MetricsSettings(), zone=ZONE)
    begin = time.perf_counter()
    await service.load(JournalReader(database, sealer=VAULT), since=events[0].at)
    folded = time.perf_counter() - begin
    told = f"{contacts:,} contacts, {len(events):,} facts"
    return [
        _rebuilt("quarters summed up anew", contacts, summed, year, told),
        _rebuilt("journal read and folded anew", contacts, folded, year, told),
    ]


def _sums(database: Database, at: datetime) -> ReportSums:
    return ReportSums(
        database, clock=_At(at), short_abandon_seconds=5.0, every_seconds=60.0, repeat_days=REPEAT_DAYS
    )


def _rebuilt(name: str, contacts: int, seconds: float, year: int, told: str) -> Figure:
    rate = contacts / seconds
    return single(name, rate, "contacts/s", note=f"{told}; a year of {year:,}: {year / rate / 3600:.1f} h")


class _At(SystemClock):
    """The time at which a slice is settled."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._wall = at + 2 * SETTLED

    def wall(self) -> datetime:
        """Always the same."""
        return self._wall.astimezone(UTC)


async def _journal(database: Database, events: list[FactEvent]) -> None:
    clock = SystemClock()
    writer = JournalWriter(database, sealer=VAULT, clock=clock, alarms=NotedAlarms())
    tasks = TaskSupervisor(clock)
    tasks.keep_running("journal", writer.run)
    for start in range(0, len(events), 5000):
        for event in events[start : start + 5000]:
            writer.append(event)
        await writer.flushed()
    await tasks.close()


async def _measured(options: argparse.Namespace) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="ccp-bench-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres", durable=False)
        database = Database(await asyncio.to_thread(server.start), clock=SystemClock())
        try:
            await database.open()
            await migrate(database)
            figures = await rebuild(database, options.facts, options.year)
            async with database.connection() as connection:
                await connection.execute("TRUNCATE report_quarters, report_tallies, report_progress, journal")
            await a_month(database, options.contacts, options)
            found = await reports(database)
            await single_contacts(database, options)
            return [*found, *await single_reports(database, options), *figures]
        finally:
            await database.close()
            server.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=5_000_000)
    parser.add_argument("--queues", type=int, default=20)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--trunks", type=int, default=20)
    parser.add_argument("--flows", type=int, default=20, help=f"of {NODES} nodes each")
    parser.add_argument("--single", type=int, default=500_000, help="contacts one by one")
    parser.add_argument("--facts", type=int, default=100_000)
    parser.add_argument("--year", type=int, default=60_000_000, help="contacts of the year that is estimated")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    facts = conditions() | {
        name: f"{getattr(options, name):,}" for name in ("contacts", "queues", "agents", "trunks", "flows")
    }
    figures = asyncio.run(_measured(options))
    show("reports", figures, facts)
    if options.json is not None:
        write_json(options.json, figures, facts)


if __name__ == "__main__":
    main()

"""The search over a large catalogue: ``python -m bench.recording_search --rows 10000000``.

Rows of three months are generated in an embedded PostgreSQL as the platform configures it: 2,000 agents, 40
queues, a fifth of the contacts from numbers that call again and again. Each search has one filter, or some
together as people set them, with values of equal chance, and asks for the page that the list shows (51 rows).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.figures import Figure, conditions, distribution, show, single
from ccplatform.kernel.clock import SystemClock
from ccplatform.storage.database import Database
from ccplatform.storage.embedded import EmbeddedPostgres
from ccplatform.storage.migrate import migrate
from recording.model import RecordingFilter
from recording.store import Catalogue

GOAL_MS = 100.0
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 93
AGENTS, QUEUES, NUMBERS = 2_000, 40, 200_000
DISPOSITIONS = ("sold", "informed", "call_again", "wrong_number", "complaint", "legal")

# Ids are UUIDv7: the time in the id is that of the row, as the cursor of the list needs it.
_ROWS = f"""
INSERT INTO recordings (tenant, id, contact, mode, queue, agent, seat, started_at, ended_at, seconds, size_bytes,
                        complete, root, coding, copies_due, caller_digest, disposition, score, held)
SELECT 'default',
       (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(noise, 1, 3) || 'a'
        || substr(noise, 4, 15))::uuid,
       md5('contact' || (n * 10 / 11))::uuid, 'full', 'queue' || floor(queue * {QUEUES})::int, 'a' || agent,
       's' || agent, at, at + make_interval(secs => seconds), seconds, (seconds * 7500)::bigint, true,
       decode(noise, 'hex'), 'flac', false,
       decode(md5(CASE WHEN again < 0.2 THEN 'often' || (again * 5 * {NUMBERS})::int ELSE 'n' || n END), 'hex'),
       CASE WHEN noted < 0.7 THEN 'informed' WHEN noted < 0.85 THEN 'sold' WHEN noted < 0.9 THEN 'call_again'
            WHEN noted < 0.94 THEN 'wrong_number' WHEN noted < 0.949 THEN 'complaint'
            WHEN noted < 0.9491 THEN 'legal' END,
       CASE WHEN random() < 0.1 THEN 25 * (random() * 4)::int END, random() < 0.0001
  FROM (SELECT n, md5('row' || n) AS noise, random() AS queue, floor(random() * {AGENTS})::int AS agent,
               random() AS again, random() AS noted, -150 * ln(1 - random()) AS seconds,
               timestamptz '2026-01-01T00:00:00Z' + make_interval(secs => {DAYS * 86_400} * n::float8 / $3) AS at
          FROM generate_series($1::bigint, $2::bigint) AS n) AS made
"""


async def fill(database: Database, rows: int, step: int = 500_000) -> None:
    """Generate them; the indexes are built when all are there."""
    async with database.connection() as connection:
        indexes = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE tablename = 'recordings' AND indexname <> 'recordings_pkey'"
        )
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['indexname']}")
    for first in range(0, rows, step):
        async with database.transaction() as connection:
            await connection.execute(_ROWS, first, min(first + step, rows) - 1, rows, timeout=3600)
        print(f"{min(first + step, rows):,} rows", flush=True)
    async with database.connection() as connection:
        for index in indexes:
            await connection.execute(index["indexdef"], timeout=3600)
        await connection.execute("VACUUM ANALYZE recordings", timeout=3600)


def searches(known: list[Any], chance: random.Random) -> dict[str, Callable[[], RecordingFilter]]:
    """By name, a search with values of equal chance."""

    def agent() -> str:
        return f"a{chance.randrange(AGENTS)}"

    def queue() -> str:
        return f"queue{chance.randrange(QUEUES)}"

    def start() -> datetime:
        return BEGIN + timedelta(seconds=chance.random() * (DAYS - 1) * 86_400)

    def longer() -> float:
        return chance.choice([300.0, 900.0, 1500.0])

    def a_day(**more: Any) -> RecordingFilter:
        begin = start()
        return RecordingFilter(start=begin, end=begin + timedelta(days=1), **more)

    def row() -> Any:
        return chance.choice(known)

    return {
        "newest": RecordingFilter,
        "a later page": lambda: RecordingFilter(before=str(row()["id"])),  # type: ignore[arg-type]
        "a day": a_day,
        "contact": lambda: RecordingFilter(contact=str(row()["contact"])),
        "caller": lambda: RecordingFilter(caller_digest=row()["caller_digest"]),
        "agent": lambda: RecordingFilter(agent=agent()),
        "seat": lambda: RecordingFilter(seat=f"s{chance.randrange(AGENTS)}"),
        "queue": lambda: RecordingFilter(queue=queue()),
        "disposition": lambda: RecordingFilter(disposition=chance.choice(DISPOSITIONS)),
        "length at least": lambda: RecordingFilter(shortest_seconds=chance.choice([60, 300, 900, 1500, 2400])),
        "length at most": lambda: RecordingFilter(longest_seconds=chance.choice([1, 5, 10, 120])),
        "score at most": lambda: RecordingFilter(highest_score=chance.choice([0, 25, 50])),
        "held": lambda: RecordingFilter(held=True),
        "agent and a day": lambda: a_day(agent=agent()),
        "agent and queue": lambda: RecordingFilter(agent=agent(), queue=queue()),
        "agent and length": lambda: RecordingFilter(agent=agent(), shortest_seconds=longer()),
        "queue and a day": lambda: a_day(queue=queue()),
        "queue and length": lambda: RecordingFilter(queue=queue(), shortest_seconds=longer()),
        "queue and score": lambda: RecordingFilter(queue=queue(), highest_score=25),
        "queue and disposition": lambda: RecordingFilter(queue=queue(), disposition=chance.choice(DISPOSITIONS)),
        "disposition and score": lambda: RecordingFilter(disposition="complaint", highest_score=25),
        "queue, disposition, length, score": lambda: RecordingFilter(
            queue=queue(), disposition="complaint", shortest_seconds=300, highest_score=50
        ),
    }


async def ask(database: Database, rows: int, tries: int) -> list[Figure]:
    """A figure for each search, and one for all of them."""
    catalogue = Catalogue(database=database)
    chance = random.Random(8)
    async with database.connection() as connection:
        known = await connection.fetch(
            "SELECT id, contact, caller_digest FROM recordings TABLESAMPLE SYSTEM ($1) LIMIT 5000",
            min(100.0, 1e6 / rows),
            timeout=600,
        )
    every: list[float] = []
    figures = []
    for name, make in searches(list(known), chance).items():
        took, found = [], 0
        for _ in range(tries):
            wanted = make()
            began = time.perf_counter()
            found += len(await catalogue.page(wanted, 51))
            took.append(time.perf_counter() - began)
        every += took
        figures.append(distribution(name, took, goal_ms=GOAL_MS, note=f"{found / tries:.0f} rows"))
    figures.append(distribution("all", every, goal_ms=GOAL_MS))
    return [figure for figure in figures if figure is not None]


async def bench(directory: Path, rows: int, tries: int) -> None:
    """Fill and ask."""
    facts = conditions()
    server = EmbeddedPostgres(directory, durable=False)
    database = Database(server.start(), clock=SystemClock(), max_connections=2)
    try:
        await database.open()
        await migrate(database)
        began = time.perf_counter()
        async with database.connection() as connection:
            is_filled = await connection.fetchval("SELECT EXISTS (SELECT FROM recordings)")
        if not is_filled:
            await fill(database, rows)
        filled = time.perf_counter() - began
        async with database.connection() as connection:
            size = await connection.fetchval("SELECT pg_total_relation_size('recordings')")
        figures = await ask(database, rows, tries)
    finally:
        await database.close()
        server.stop()
    figures.append(single("size with indexes", size / 2**30, "GiB"))
    figures += [] if is_filled else [single("filling", filled, "s")]
    show(f"Searches over {rows:,} recordings", figures, facts)


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--tries", type=int, default=50)
    parser.add_argument("--directory", type=Path, help="of the database, which is left there, and found there")
    arguments = parser.parse_args()
    if arguments.directory is not None:
        asyncio.run(bench(arguments.directory, arguments.rows, arguments.tries))
        return
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(bench(Path(name) / "postgres", arguments.rows, arguments.tries))


if __name__ == "__main__":
    main()

"""The journal's partitions, one for each UTC day."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from ccplatform.storage.database import Connection, Database

_NAME = re.compile(r"journal_(\d{4})(\d{2})(\d{2})")
_LOCK = 0x6363_7061_7274


async def ensure_partitions(connection: Connection, days: Iterable[date]) -> None:
    """Make the partitions of ``days`` that are missing.

    A new table is attached, not created as a partition: attaching lets readers of the journal go on.
    """
    wanted = sorted(set(days))
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    for day in wanted:
        name = _name(day)
        if await connection.fetchval("SELECT to_regclass($1)", name) is not None:
            continue
        await connection.execute(f"CREATE TABLE {name} (LIKE journal INCLUDING ALL)")
        bounds = f"FROM ('{_start(day)}') TO ('{_start(day + timedelta(days=1))}')"
        await connection.execute(f"ALTER TABLE journal ATTACH PARTITION {name} FOR VALUES {bounds}")


async def drop_partitions(database: Database, *, before: date) -> list[str]:
    """Drop the partitions of days before ``before``, and the contact keys that only they used; their names."""
    async with database.transaction() as connection:
        rows = await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'journal'::regclass"
        )
        old = sorted(row["name"] for row in rows if _is_before(row["name"], before))
        for name in old:
            await connection.execute(f"DROP TABLE {name}")
        # A contact may last over midnight: its key stays one day longer than its first events.
        limit = datetime(before.year, before.month, before.day, tzinfo=UTC) - timedelta(days=1)
        await connection.execute("DELETE FROM contact_keys WHERE created_at < $1", limit)
    return old


def _name(day: date) -> str:
    return f"journal_{day:%Y%m%d}"


def _start(day: date) -> str:
    return f"{day.isoformat()} 00:00:00+00"


def _is_before(name: str, limit: date) -> bool:
    match = _NAME.fullmatch(name)
    return match is not None and date(int(match[1]), int(match[2]), int(match[3])) < limit

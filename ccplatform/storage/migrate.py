"""The migration runner: plain SQL files, applied once, in the order of their names (docs/decisions/0002).

Files are called ``NNNN_topic.sql``. Each runs in a transaction of its own and is then noted in
``schema_migrations`` with its SHA-256: a file that was applied must never change.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from ccplatform.storage.database import Connection, Database, is_lost
from ccplatform.storage.errors import MigrationError

_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
#: An index of a large table takes minutes, longer than any other statement may.
MIGRATION_SECONDS = 3600.0
_LOCK = 0x6363_6D69_6772  # any number; two starts at once apply one after the other

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Checksum of the file's text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped_migrations() -> tuple[Migration, ...]:
    """The files that belong to this program, in order; raises :class:`MigrationError` for a bad name."""
    folder = files("ccplatform.storage") / "migrations"
    found = []
    for entry in folder.iterdir():
        if not entry.name.endswith(".sql"):
            continue
        if not _NAME.fullmatch(entry.name):
            raise MigrationError(f"migration {entry.name!r} is not called NNNN_topic.sql")
        found.append(Migration(name=entry.name, sql=entry.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.name))


async def migrate(database: Database, migrations: tuple[Migration, ...] | None = None) -> list[str]:
    """Bring the schema up to this program; returns the names applied now. Raises :class:`MigrationError`."""
    wanted = shipped_migrations() if migrations is None else migrations
    async with database.connection() as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        try:
            await connection.execute(_TABLE)
            rows = await connection.fetch("SELECT name, sha256 FROM schema_migrations")
            applied = {row["name"]: row["sha256"] for row in rows}
            _check(applied, wanted)
            pending = [migration for migration in wanted if migration.name not in applied]
            for migration in pending:
                await _apply(connection, migration)
            return [migration.name for migration in pending]
        finally:
            if not is_lost(connection):
                await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


def _check(applied: dict[str, str], wanted: tuple[Migration, ...]) -> None:
    known = {migration.name: migration.sha256 for migration in wanted}
    unknown = sorted(applied.keys() - known.keys())
    if unknown:
        raise MigrationError(f"the database is newer than this program: it has {unknown[-1]}; update the program")
    for name, sha256 in sorted(applied.items()):
        if known[name] != sha256:
            raise MigrationError(
                f"migration {name} was changed after it was applied; put it back and add a new file"
            )


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql, timeout=MIGRATION_SECONDS)
            await connection.execute(
                "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", migration.name, migration.sha256
            )
    except asyncpg.PostgresError as error:
        if is_lost(connection):
            raise
        raise MigrationError(f"migration {migration.name} failed: {error}") from error

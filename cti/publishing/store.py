"""Articles and their readings in PostgreSQL (tables ``articles``, ``article_readings``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ccplatform.contracts.words import DEFAULT_TENANT, QueueId, TenantId
from ccplatform.storage.database import Database
from cti.publishing.articles import Article, Reading


class ArticleStore:
    """Of one tenant. Every method raises DatabaseUnavailable while the database is away."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant
        self._articles: tuple[Article, ...] = ()
        self._read: str | None = None  # the state of the table in which they were read

    async def documents(self, name: str | None = None) -> dict[str, dict[str, Any]]:
        """The documents by id; all, or the one of this id if there is one."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT id, document FROM articles
                 WHERE tenant = $1 AND ($2::text IS NULL OR id = $2) ORDER BY id
                """,
                self._tenant,
                name,
            )
        return {row["id"]: row["document"] for row in rows}

    async def count(self) -> int:
        """How many there are."""
        async with self._database.connection() as connection:
            count: int = await connection.fetchval("SELECT count(*) FROM articles WHERE tenant = $1", self._tenant)
        return count

    async def articles(self) -> tuple[Article, ...]:
        """Every article, the one changed last first; read anew only when one was changed, as every desk asks."""
        async with self._database.connection() as connection:
            state = await connection.fetchval(
                """
                SELECT md5(string_agg(concat(id, ' ', changed_at), ',' ORDER BY id))
                  FROM articles WHERE tenant = $1
                """,
                self._tenant,
            )
            if self._read != state or state is None:
                rows = await connection.fetch(
                    "SELECT id, document, changed_at FROM articles WHERE tenant = $1 ORDER BY changed_at DESC, id",
                    self._tenant,
                )
                self._articles = tuple(_article(row["id"], row["document"], row["changed_at"]) for row in rows)
                self._read = state
            return self._articles

    async def save(self, name: str, document: Mapping[str, Any]) -> None:
        """Add or replace one."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO articles (tenant, id, document) VALUES ($1, $2, $3)
                ON CONFLICT (tenant, id) DO UPDATE SET document = excluded.document, changed_at = now()
                """,
                self._tenant,
                name,
                dict(document),
            )

    async def remove(self, name: str) -> None:
        """Forget one, and who has read it."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM articles WHERE tenant = $1 AND id = $2", self._tenant, name)

    async def naming(self, part: str, name: str) -> list[str]:
        """The articles that name a team (``teams``) or a queue (``queues``)."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM articles WHERE tenant = $1 AND document -> $2 ? $3 ORDER BY id",
                self._tenant,
                part,
                name,
            )
        return [f"article {row['id']}" for row in rows]

    async def read(self, name: str, reader: str, version: str) -> None:
        """Remember that somebody has read this text; reading it again changes nothing."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO article_readings (tenant, article, reader, version) VALUES ($1, $2, $3, $4)
                ON CONFLICT (tenant, article, reader) DO UPDATE SET version = excluded.version, at = now()
                 WHERE article_readings.version <> excluded.version
                """,
                self._tenant,
                name,
                reader,
                version,
            )

    async def read_by(self, reader: str) -> dict[str, str]:
        """Of each article that somebody has read, which text."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT article, version FROM article_readings WHERE tenant = $1 AND reader = $2",
                self._tenant,
                reader,
            )
        return {row["article"]: row["version"] for row in rows}

    async def readings(self, name: str) -> list[Reading]:
        """Who has read an article, the first first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT reader, version, at FROM article_readings
                 WHERE tenant = $1 AND article = $2 ORDER BY at, reader
                """,
                self._tenant,
                name,
            )
        return [Reading(reader=row["reader"], version=row["version"], at=row["at"]) for row in rows]


def _article(name: str, document: Mapping[str, Any], changed_at: datetime) -> Article:
    return Article(
        id=name,
        title=document["title"],
        text=document["text"],
        urgent=document["urgent"],
        teams=tuple(document["teams"]),
        queues=tuple(QueueId(queue) for queue in document["queues"]),
        since=_instant(document["since"]),
        until=_instant(document["until"]),
        changed_at=changed_at,
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

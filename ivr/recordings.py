"""Recorded prompts of flows, in PostgreSQL: what a name means now, and the sounds by content, kept for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.kernel.errors import Refusal
from ccplatform.storage.database import Database
from ivr.errors import NoSuchFlow
from ivr.numbers import Language
from ivr.speech.uploaded import Uploaded

#: Most recordings of a flow, all languages together.
MAX_RECORDINGS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recorded prompt in one language; ``gain_db`` is what brought it to the level of prompts."""

    name: str
    language: Language
    sha256: str
    seconds: float
    gain_db: float
    uploaded_at: datetime
    uploaded_by: str


class Recordings:
    """SQL of one tenant's recordings; every method raises DatabaseUnavailable while it is away."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def all(self, flow: str) -> list[Recording]:
        """The recordings of a flow, by name."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT name, language, sha256, seconds, gain_db, uploaded_at, uploaded_by FROM flow_recordings
                WHERE tenant = $1 AND flow = $2 ORDER BY name, language
                """,
                self._tenant,
                flow,
            )
        return [Recording(**row) for row in rows]

    async def contents(self, flow: str) -> dict[str, dict[Language, str]]:
        """What is in the recordings of a flow: name → language → hash."""
        found: dict[str, dict[Language, str]] = {}
        for row in await self.all(flow):
            found.setdefault(row.name, {})[row.language] = row.sha256
        return found

    async def wav(self, flow: str, name: str, language: str) -> bytes:
        """The WAV file of a recording; raises NoSuchFlow."""
        async with self._database.connection() as connection:
            wav: bytes | None = await connection.fetchval(
                """
                SELECT wav FROM flow_sounds JOIN flow_recordings USING (tenant, sha256)
                WHERE tenant = $1 AND flow = $2 AND name = $3 AND language = $4
                """,
                self._tenant,
                flow,
                name,
                language,
            )
        if wav is None:
            raise _no_recording(flow, name, language)
        return wav

    async def sound(self, sha256: str) -> bytes | None:
        """The WAV file of a content."""
        async with self._database.connection() as connection:
            wav: bytes | None = await connection.fetchval(
                "SELECT wav FROM flow_sounds WHERE tenant = $1 AND sha256 = $2", self._tenant, sha256
            )
        return wav

    async def save(
        self, flow: str, name: str, language: Language, sound: Uploaded, *, at: datetime, by: str
    ) -> Recording:
        """Let a name mean this sound; published versions keep theirs."""
        made = Recording(
            name=name,
            language=language,
            sha256=hashlib.sha256(sound.wav).hexdigest(),
            seconds=sound.seconds,
            gain_db=sound.gain_db,
            uploaded_at=at,
            uploaded_by=by,
        )
        async with self._database.transaction() as connection:
            others = await connection.fetchval(
                """
                SELECT count(*) FROM flow_recordings
                WHERE tenant = $1 AND flow = $2 AND (name, language) <> ($3, $4)
                """,
                self._tenant,
                flow,
                name,
                language,
            )
            if others >= MAX_RECORDINGS:
                raise Refusal(f"flow {flow} has {MAX_RECORDINGS} recordings already", code="too_many")
            await connection.execute(
                "INSERT INTO flow_sounds (tenant, sha256, wav) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                self._tenant,
                made.sha256,
                sound.wav,
            )
            await connection.execute(
                """
                INSERT INTO flow_recordings
                    (tenant, flow, name, language, sha256, seconds, gain_db, uploaded_at, uploaded_by)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT (tenant, flow, name, language) DO UPDATE
                SET sha256 = excluded.sha256, seconds = excluded.seconds, gain_db = excluded.gain_db,
                    uploaded_at = excluded.uploaded_at, uploaded_by = excluded.uploaded_by
                """,
                self._tenant,
                flow,
                name,
                language,
                made.sha256,
                made.seconds,
                made.gain_db,
                at,
                by,
            )
        return made

    async def remove(self, flow: str, name: str, language: str) -> None:
        """Let a name mean nothing any more; raises NoSuchFlow."""
        async with self._database.connection() as connection:
            done = await connection.execute(
                "DELETE FROM flow_recordings WHERE tenant = $1 AND flow = $2 AND name = $3 AND language = $4",
                self._tenant,
                flow,
                name,
                language,
            )
        if done == "DELETE 0":
            raise _no_recording(flow, name, language)

    async def remove_unused(self) -> int:
        """Delete the sounds that no name means and no version plays; how many there were."""
        async with self._database.connection() as connection:
            done = await connection.execute(
                """
                DELETE FROM flow_sounds AS sound
                WHERE tenant = $1
                  AND NOT EXISTS (SELECT FROM flow_recordings AS named
                                  WHERE (named.tenant, named.sha256) = (sound.tenant, sound.sha256))
                  AND NOT EXISTS (SELECT FROM flows
                                  WHERE flows.tenant = sound.tenant AND strpos(flows.document, sound.sha256) > 0)
                """,
                self._tenant,
            )
        return int(done.removeprefix("DELETE "))


def _no_recording(flow: str, name: str, language: str) -> NoSuchFlow:
    return NoSuchFlow(f"flow {flow} has no recording {name} in {language}")

"""Facts as lines: the journal's rows as they lie there, without what is sealed, and the hashes over them.

A line is the text of PostgreSQL's jsonb array ``[id, at, epoch, seq, mono, contact, type, version, data]``, where
``at`` and ``mono`` are texts of seconds. It is never made anew from what a program read, so that its hash is the
same for every later version.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from ccplatform.contracts.facts import FACTS, FactEvent
from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.kernel.stream import Event
from ccplatform.storage.database import Database
from ccplatform.storage.sealing import PERSONAL

#: The line of a row of the journal.
LINE: Final = (
    "jsonb_build_array(id, extract(epoch FROM at)::text, epoch, seq, mono::text, contact, type, "
    "version, data)::text"
)
_PAGE: Final = f"""
    SELECT at, id, {LINE} AS line FROM journal
    WHERE tenant = $1 AND at >= $2 AND (at, id) > ($2, $3::uuid) AND at < $4 AND type = ANY($5)
    ORDER BY at, id LIMIT 1000
"""
#: $1 tenant, $2 and $3 an hour: by type, how many facts, and SHA-256 over the hashes of their lines.
HOUR: Final = f"""
    SELECT type, count(*) AS facts,
      sha256(string_agg(sha256(convert_to({LINE}, 'UTF8')), ''::bytea ORDER BY at, id)) AS hash
    FROM journal WHERE tenant = $1 AND at >= $2 AND at < $3 GROUP BY type
"""

#: Type of fact → how many there were on a day, and the hash over them.
Sums: TypeAlias = dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Told:
    """A line that was read: the type that it names, and the fact."""

    type: str
    event: FactEvent


def read(line: bytes) -> Told:
    """The fact of a line; raises ValueError, KeyError, TypeError, LookupError or RemoteViolation."""
    event, at, epoch, seq, mono, contact, kind, version, data = msgspec.json.decode(line)
    erased: dict[str, Any] = {name: "" for name in PERSONAL.get(kind, ()) if name not in data}
    about = {} if contact is None else {"contact": contact}
    whole, _, part = at.partition(".")
    moment = datetime.fromtimestamp(int(whole), UTC) + timedelta(microseconds=int(part.ljust(6, "0") or 0))
    fact = FACTS.decode({"type": kind, "v": version, **data, **erased, **about})
    told: FactEvent = Event(
        epoch=epoch, seq=seq, id=event, tenant=DEFAULT_TENANT, at=moment, mono=float(mono), fact=fact
    )
    return Told(kind, told)


async def journal_lines(
    database: Database, begin: datetime, end: datetime, types: Sequence[str], *, tenant: TenantId = DEFAULT_TENANT
) -> AsyncIterator[bytes]:
    """The lines of a period in the order of the journal; raises DatabaseUnavailable."""
    after: tuple[datetime, Any] = (begin, "00000000-0000-0000-0000-000000000000")
    while True:
        async with database.connection() as connection:
            rows = await connection.fetch(_PAGE, tenant, *after, end, list(types))
        for row in rows:
            yield row["line"].encode()
        if not rows:
            return
        after = (rows[-1]["at"], rows[-1]["id"])


class DaySums:
    """Sums of the lines of each day (UTC), taken in the order of the journal."""

    def __init__(self) -> None:
        self.days: dict[date, dict[str, tuple[int, Any]]] = {}
        self._hour: datetime | None = None
        self._lines: dict[str, Any] = {}

    def take(self, told: Told, line: bytes) -> None:
        """The next line."""
        hour = told.event.at.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._end_hour()
            self._hour = hour
        self._lines.setdefault(told.type, []).append(hashlib.sha256(line).digest())

    def hour(self, day: date, kind: str, facts: int, digest: bytes) -> None:
        """What an hour had of a type."""
        before, hashed = self.days.setdefault(day, {}).get(kind, (0, None))
        hashed = hashed or hashlib.sha256()
        hashed.update(digest)
        self.days[day][kind] = (before + facts, hashed)

    def of(self, day: date) -> Sums:
        """The sums of a day."""
        self._end_hour()
        return {kind: (facts, hashed.hexdigest()) for kind, (facts, hashed) in self.days.get(day, {}).items()}

    def _end_hour(self) -> None:
        if self._hour is not None:
            for kind, hashes in self._lines.items():
                self.hour(self._hour.date(), kind, len(hashes), hashlib.sha256(b"".join(hashes)).digest())
        self._lines, self._hour = {}, None

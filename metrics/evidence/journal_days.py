"""The journal's days: a hash over the facts of each day that is over goes into the audit, whose rows are chained.

A fact that is changed, added or taken away later shows, whoever has the database. What identifies a person counts
as it lies there, sealed, so that destroying its key breaks nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

import structlog

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.security.audit import Audit, AuditRow
from ccplatform.storage.database import Database
from ccplatform.storage.errors import DatabaseUnavailable
from metrics.evidence.days import ACTION
from metrics.evidence.lines import HOUR, DaySums, Sums

#: A day is proved so long after its end: its last facts are there by then.
SETTLED: Final = timedelta(hours=1)
#: The first run of an installation, and the one after a long stand-still, look so far back.
LOOK_BACK: Final = timedelta(days=31)
_EVERY_SECONDS: Final = 900.0
_DAY: Final = timedelta(days=1)
#: Days of thirty years.
_MOST_PROOFS: Final = 11_000

#: $1 tenant, $2 and $3 an hour: SHA-256 over the hashes of its facts, in the order of the journal's key.
_HOUR: Final = """
    SELECT count(*) AS facts, sha256(coalesce(string_agg(sha256(convert_to(
      jsonb_build_array(id, extract(epoch FROM at)::text, epoch, seq, mono::text, contact, type, version, data,
        encode(sealed, 'hex'))::text, 'UTF8')), ''::bytea ORDER BY at, id), ''::bytea)) AS hash
    FROM journal WHERE tenant = $1 AND at >= $2 AND at < $3
"""

_log = structlog.get_logger("evidence")


class Found(StrEnum):
    """What a day's facts are against their root."""

    EQUAL = "equal"
    DIFFERENT = "different"
    REMOVED = "removed"  # none are there any more: retention, or somebody


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalDay:
    """The facts of a day (UTC) and the hash over them."""

    day: date
    facts: int
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDay:
    """A day as it was proved, and how it is now."""

    proved: JournalDay
    facts: int
    found: Found


class JournalDays:
    """Proves every day that is over, and checks them; run :meth:`run` under ``TaskSupervisor.keep_running``."""

    def __init__(
        self, database: Database, *, audit: Audit, clock: Clock, tenant: TenantId = DEFAULT_TENANT
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._tenant = tenant

    async def run(self) -> None:
        """Prove again and again; without a database later."""
        while True:
            try:
                await self.prove()
            except DatabaseUnavailable:
                _log.info("the journal's days are proved when the database is back")
            await sleep(self._clock, _EVERY_SECONDS)

    async def prove(self) -> list[JournalDay]:
        """Prove the days since the last one that was; raises DatabaseUnavailable."""
        end = (self._clock.wall() - SETTLED).astimezone(UTC).date()
        last = await self._audit.page(action=ACTION, limit=1)
        after = date.fromisoformat(last[0].object) + _DAY if last else end - LOOK_BACK
        day, proved = max(after, end - LOOK_BACK), list[JournalDay]()
        while day < end:
            found = await self.day(day)
            if found.facts or last or proved:  # nothing is said of days before there was anything
                await self._keep(found)
                proved.append(found)
            day += _DAY
        return proved

    async def check(self, first: date, last: date) -> list[CheckedDay]:
        """Every proved day from ``first`` to ``last``, computed anew; raises DatabaseUnavailable. Of a day that
        was proved twice the first proof counts."""
        proofs = {row.object: _kept(row.object, row.detail) for row in await self.proofs(first, last)}
        checked = []
        for _, proved in sorted(proofs.items()):
            now = await self.day(proved.day)
            same = Found.EQUAL if now.root == proved.root else Found.DIFFERENT
            found = Found.REMOVED if proved.facts and not now.facts else same
            checked.append(CheckedDay(proved=proved, facts=now.facts, found=found))
        return checked

    async def day(self, day: date) -> JournalDay:
        """The facts of a day as they are now: the hash over those of its hours."""
        digest, facts = hashlib.sha256(), 0
        begin = datetime.combine(day, time(), UTC)
        for hour in range(24):
            first = begin + timedelta(hours=hour)
            async with self._database.connection() as connection:
                row = await connection.fetchrow(_HOUR, self._tenant, first, first + timedelta(hours=1))
            assert row is not None
            digest.update(row["hash"])
            facts += row["facts"]
        return JournalDay(day=day, facts=facts, root=digest.hexdigest())

    async def sums(self, day: date) -> Sums:
        """By type, the facts of a day and the hash over their lines, as evidence packs hold them."""
        sums, begin = DaySums(), datetime.combine(day, time(), UTC)
        for hour in range(24):
            first = begin + timedelta(hours=hour)
            async with self._database.connection() as connection:
                rows = await connection.fetch(HOUR, self._tenant, first, first + timedelta(hours=1))
            for row in rows:
                sums.hour(day, row["type"], row["facts"], row["hash"])
        return sums.of(day)

    async def proofs(self, first: date, last: date) -> list[AuditRow]:
        """What the audit keeps of the days from ``first`` to ``last``, the newest entry first; raises
        DatabaseUnavailable."""
        names = [(first + number * _DAY).isoformat() for number in range((last - first).days + 1)]
        return await self._audit.page(action=ACTION, objects=names, limit=_MOST_PROOFS)

    async def _keep(self, found: JournalDay) -> None:
        name = found.day.isoformat()
        detail: dict[str, object] = {"facts": found.facts, "root": found.root}
        _log.info("the facts of a day are proved", day=name, **detail)
        detail["types"] = await self.sums(found.day)
        await self._audit.record(subject="system", action=ACTION, object=name, result="ok", detail=detail)


def _kept(name: str, detail: str) -> JournalDay:
    told = json.loads(detail)
    return JournalDay(day=date.fromisoformat(name), facts=told["facts"], root=told["root"])

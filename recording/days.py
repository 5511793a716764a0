"""The proof of each day: a hash over the recordings that ended on it goes into the audit, with the counts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, date, timedelta
from typing import Final

import structlog

from ccplatform.contracts.facts import RecordingDayProved
from ccplatform.contracts.ports import Alarms, Facts
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock
from ccplatform.security.audit import Audit
from recording.proof import DAY_ACTION, DayProof, DayRoot
from recording.store import Catalogue

_log = structlog.get_logger("recording")

#: Alarm while seconds that a policy wanted are missing; its subject is the day.
ALARM: Final = "recording_gap"
#: The first run of an installation, and the one after a long stand-still, look so far back.
LOOK_BACK: Final = timedelta(days=31)
#: Rows read at once.
BATCH: Final = 1000


class DailyProof:
    """Proves every day that is over. ``committed`` returns when the facts so far are in the database."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        audit: Audit,
        facts: Facts,
        alarms: Alarms,
        clock: Clock,
        committed: Callable[[], Awaitable[None]],
    ) -> None:
        self._catalogue = catalogue
        self._audit = audit
        self._facts = facts
        self._alarms = alarms
        self._clock = clock
        self._committed = committed

    async def run_once(self) -> list[DayProof]:
        """Prove the days since the last one that was proved; raises DatabaseUnavailable, then run it again."""
        await self._committed()
        today = self._clock.wall().astimezone(UTC).date()
        last = await self._audit.page(action=DAY_ACTION, limit=1)
        first = today - LOOK_BACK if not last else date.fromisoformat(last[0].object) + timedelta(days=1)
        proofs: list[DayProof] = []
        day = max(first, today - LOOK_BACK)
        while day < today:
            proof = await day_proof(self._catalogue, day)
            if proof.recordings or last or proofs:  # nothing is said of days before there was anything
                await self._keep(proof)
                proofs.append(proof)
            day += timedelta(days=1)
        return proofs

    async def _keep(self, proof: DayProof) -> None:
        detail = {**asdict(proof), "day": proof.day.isoformat()}
        await self._audit.record(
            subject="system", action=DAY_ACTION, object=proof.day.isoformat(), result="ok", detail=detail
        )
        self._facts.record(RecordingDayProved(**detail))
        _log.info("the recordings of a day are proved", **detail)
        if proof.gap_seconds:
            text = f"of {proof.day} {proof.gap_seconds:.1f} s that were to be recorded are missing"
            self._alarms.raise_alarm(ALARM, proof.day.isoformat(), Severity.URGENT, text)


async def day_proof(catalogue: Catalogue, day: date) -> DayProof:
    """The sum of a day's rows as they are now; raises DatabaseUnavailable."""
    adding, last = DayRoot(day), None
    while rows := await catalogue.ended_on(day, last, BATCH):
        for row in rows:
            adding.add(row)
        last = rows[-1].id
        if len(rows) < BATCH:
            break
    return adding.proof()


def kept_proof(detail: str) -> DayProof:
    """What the audit keeps of a day; raises ValueError for other rows."""
    told = json.loads(detail)
    try:
        return DayProof(**{**told, "day": date.fromisoformat(told["day"])})
    except (TypeError, KeyError) as error:
        raise ValueError(str(error)) from error

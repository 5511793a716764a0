"""``ccplatform recording verify``: everything that is kept against everything that was told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from ccplatform.contracts.words import RecordingId
from ccplatform.security.audit import Audit
from ccplatform.security.errors import BadSeal, VaultClosed
from recording.days import BATCH, day_proof, kept_proof
from recording.model import KeptRow
from recording.proof import DAY_ACTION, DayProof, Finding, check_file
from recording.sealed import Sounds
from recording.store import Catalogue
from recording.stores.copies import Copies

_AUDIT_PAGE = 500


@dataclass(slots=True)
class Verdict:
    """What was looked at, and what was found."""

    recordings: int = 0
    files: int = 0
    days: int = 0
    unproved: int = 0  # days without a root: today, and those before there were any
    incomplete: int = 0
    gap_seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)


class Verification:
    """Looks at the recordings that ended on some days, their files and the roots of the days; changes nothing.

    Of what the directory let go one copy is read, of all of them every one with ``all_copies``.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        sounds: Sounds,
        audit: Audit,
        copies: Copies | None = None,
        all_copies: bool = False,
    ) -> None:
        self._catalogue = catalogue
        self._sounds = sounds
        self._audit = audit
        self._copies = copies
        self._all_copies = all_copies

    async def run(self, first: date, last: date) -> Verdict:
        """Both days are looked at; raises DatabaseUnavailable."""
        verdict = Verdict()
        audit = await self._audit.verify()
        if not audit.intact:
            problem = (
                f"the audit is broken at row {audit.broken_at}: no root of a day from there on proves anything"
            )
            verdict.findings.append(Finding(day=first, recording="", problem=problem))
        told = await self._told()
        day = first
        while day <= last:
            await self._look_at(day, told.get(day), verdict)
            day += timedelta(days=1)
        return verdict

    async def _told(self) -> dict[date, DayProof]:
        """The roots of all days; of a day that was proved twice the first counts."""
        told: dict[date, DayProof] = {}
        before: int | None = None
        while rows := await self._audit.page(action=DAY_ACTION, before=before, limit=_AUDIT_PAGE):
            for row in rows:
                try:
                    proof = kept_proof(row.detail)
                except ValueError:
                    continue
                told[proof.day] = proof
            before = rows[-1].seq
        return told

    async def _look_at(self, day: date, told: DayProof | None, verdict: Verdict) -> None:
        known: set[RecordingId] = set()
        async for row in self._rows(day):
            known.add(row.id)
            verdict.recordings += 1
            verdict.incomplete += not row.complete
            verdict.gap_seconds += row.gap_seconds
            problem = "" if row.deleted else await asyncio.to_thread(self._problem_of, row)
            verdict.files += not row.deleted
            if problem:
                verdict.findings.append(Finding(day=day, recording=row.id, problem=problem))
        verdict.days += 1
        verdict.unproved += told is None
        await self._compare(day, told, verdict)
        await self._find_rowless(day, known, verdict)

    async def _compare(self, day: date, told: DayProof | None, verdict: Verdict) -> None:
        now = await day_proof(self._catalogue, day)
        if told is not None and told.root != now.root:
            count = f"it has {now.recordings} now and had {told.recordings}"
            problem = f"the rows of the day are not those of its root in the audit: {count}"
            verdict.findings.append(Finding(day=day, recording="", problem=problem))

    async def _find_rowless(self, day: date, known: set[RecordingId], verdict: Verdict) -> None:
        files = await asyncio.to_thread(lambda: list(self._sounds.files.of_day(day)))
        unknown = [recording for recording in files if recording not in known]
        for start in range(0, len(unknown), BATCH):
            some = unknown[start : start + BATCH]
            rows = await self._catalogue.known(some)
            for recording in some:
                if recording not in rows:
                    problem = "its file is there and its row is missing"
                    verdict.findings.append(Finding(day=day, recording=recording, problem=problem))

    async def _rows(self, day: date) -> AsyncIterator[KeptRow]:
        last: RecordingId | None = None
        while rows := await self._catalogue.kept_on(day, last, BATCH):
            for row in rows:
                yield row
            last = rows[-1].id

    def _problem_of(self, row: KeptRow) -> str:
        problem = self._local_problem(row) if row.local else ""
        if problem or self._copies is None or (row.local and not self._all_copies):
            return problem
        found = 0
        for store in self._copies.stores:
            try:
                problem = self._copies.problem(store, row.id, row.root, row.stored_root)
            except FileNotFoundError:
                continue
            except (OSError, VaultClosed) as error:
                problem = str(error)
            if problem:
                return f"its copy in {store.name}: {problem}"
            found += 1
            if not self._all_copies:
                break
        return "" if found or row.local else "its file is in no store"

    def _local_problem(self, row: KeptRow) -> str:
        files = self._sounds.files
        try:
            reader = self._sounds.reader(row.id)
        except FileNotFoundError:
            return "" if files.plain_path_of(row.id).exists() and not row.root else "its file is missing"
        except OSError as error:
            return f"its file cannot be read: {error.strerror}"
        except (BadSeal, VaultClosed) as error:
            return str(error)
        with reader:
            return check_file(reader, row.root, row.stored_root)

"""What the commands about evidence packs do; each returns what to say."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from ccplatform.app.administer import BY, with_database
from ccplatform.app.errors import CannotStart
from ccplatform.app.foundation import Foundation
from ccplatform.app.settings import Settings
from metrics.errors import BadEvidence
from metrics.evidence.journal_days import JournalDays
from metrics.evidence.lines import journal_lines
from metrics.evidence.making import make, signer_of
from metrics.evidence.model import BEFORE, Period, fact_types
from metrics.evidence.verifying import verify

#: What the signing key is derived for: the same installation signs with the same key.
_KEY_CONTEXT = "evidence-signature"


def make_evidence(settings: Settings, begin: datetime, end: datetime, file: Path) -> str:
    """Write a pack of the journal's facts."""
    zone = settings.node.zone_info
    period = Period(begin=_aware(begin, settings), end=_aware(end, settings), zone=settings.node.zone)
    rules = settings.metrics.rules(zone)
    if not file.absolute().parent.is_dir():
        raise BadEvidence(f"{file.absolute().parent} is no directory")

    async def work(ground: Foundation) -> str:
        if period.end > ground.clock.wall():
            raise BadEvidence("the period has not ended yet")
        verdict = await ground.audit.verify()
        if not verdict.intact:
            raise CannotStart(f"the audit chain is broken at row {verdict.broken_at}; nothing is signed")
        proofs = JournalDays(ground.database, audit=ground.audit, clock=ground.clock, tenant=ground.tenant)
        first = (period.begin - BEFORE).astimezone(UTC).date()
        last = (period.end - timedelta(microseconds=1)).astimezone(UTC).date()
        days = await proofs.proofs(first, last)
        begin, end = datetime.combine(first, time(), UTC), period.end
        if any(row.object == last.isoformat() for row in days):  # the day is over: it is there as a whole
            end = max(end, datetime.combine(last, time(), UTC) + timedelta(days=1))
        facts = await make(
            file,
            journal_lines(ground.database, begin, end, fact_types(rules), tenant=ground.tenant),
            period=period,
            rules=rules,
            key=signer_of(ground.vault.derive(_KEY_CONTEXT)),
            made_at=ground.clock.wall(),
            audit_head=verdict.head.hex(),
            days=days,
            held=(begin, end),
        )
        detail: dict[str, object] = {"begin": str(period.begin), "end": str(period.end), "facts": facts}
        await ground.audit.record(subject=BY, action="evidence.make", object=file.name, result="ok", detail=detail)
        return f"{file}: {facts} facts. Verify it with: ccplatform evidence verify {file}"

    return with_database(settings, work)


def verify_evidence(file: Path, signer: str) -> tuple[str, bool]:
    """What a verification finds, and whether all is well. Needs neither database nor configuration."""
    found = verify(file, signer)
    head = [
        f"{file}: {found.manifest['begin']} to {found.manifest['end']}, signed by {found.signer}",
        f"{found.facts} facts give {found.figures} figures, each computed anew",
        f"{found.days} whole days (UTC) compared with their proofs in the audit, {found.unproved} without one",
    ]
    if found.problems:
        return "\n".join([*head, *(f"NOT EQUAL: {problem}" for problem in found.problems)]), False
    return "\n".join([*head, "all equal"]), True


def _aware(at: datetime, settings: Settings) -> datetime:
    """A time without a zone is one of the centre's."""
    return at if at.tzinfo is not None else at.replace(tzinfo=settings.node.zone_info)

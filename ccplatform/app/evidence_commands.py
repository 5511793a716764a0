"""What the commands about evidence packs do; each returns what to say."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from ccplatform.app.administer import BY, with_database
from ccplatform.app.errors import CannotStart
from ccplatform.app.foundation import Foundation
from ccplatform.app.settings import Settings
from ccplatform.storage.journal_reader import JournalReader
from metrics.errors import BadEvidence
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
        journal = JournalReader(ground.database, sealer=ground.vault, tenant=ground.tenant)
        verdict = await ground.audit.verify()
        if not verdict.intact:
            raise CannotStart(f"the audit chain is broken at row {verdict.broken_at}; nothing is signed")
        facts = await make(
            file,
            journal.since(period.begin - BEFORE, until=period.end, types=fact_types(rules)),
            period=period,
            rules=rules,
            key=signer_of(ground.vault.derive(_KEY_CONTEXT)),
            made_at=ground.clock.wall(),
            audit_head=verdict.head.hex(),
        )
        if journal.skipped:
            await asyncio.to_thread(file.unlink)
            raise BadEvidence(f"{journal.skipped} events of the journal cannot be read: no pack would be whole")
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
    ]
    if found.problems:
        return "\n".join([*head, *(f"NOT EQUAL: {problem}" for problem in found.problems)]), False
    return "\n".join([*head, "all equal"]), True


def _aware(at: datetime, settings: Settings) -> datetime:
    """A time without a zone is one of the centre's."""
    return at if at.tzinfo is not None else at.replace(tzinfo=settings.node.zone_info)

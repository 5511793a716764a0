"""Making evidence packs."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ccplatform import __version__
from ccplatform.kernel.errors import RemoteViolation
from ccplatform.security.audit import AuditRow
from metrics.errors import BadEvidence
from metrics.evidence.days import as_document
from metrics.evidence.lines import Told, read
from metrics.evidence.model import (
    Period,
    Recomputation,
    as_json,
    definitions,
    fact_types,
    rules_document,
)
from metrics.model import FoldRules


def signer_of(key: bytes) -> Ed25519PrivateKey:
    """The signing key of an installation, from 32 secret bytes."""
    return Ed25519PrivateKey.from_private_bytes(key)


async def make(
    file: Path,
    lines: AsyncIterator[bytes],
    *,
    period: Period,
    rules: FoldRules,
    key: Ed25519PrivateKey,
    made_at: datetime,
    audit_head: str,
    days: Sequence[AuditRow] = (),
    held: tuple[datetime, datetime] | None = None,
) -> int:
    """Write a pack, all or nothing; how many facts are in it.

    ``lines`` begin :data:`~metrics.evidence.model.BEFORE` the period, or earlier, and end with it, or later, in
    the order of the journal; ``held`` says from when to when they are all there. ``audit_head`` is the last hash
    of the audit chain, which the pack fixes, ``days`` what the audit keeps of the journal's days. Raises
    BadEvidence for a journal that this program cannot read.
    """
    fresh = file.with_name(f".{file.name}.part")
    work = Recomputation(rules, period.instants())
    try:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as pack:
            hashes: dict[str, str] = {}
            digest = hashlib.sha256()
            with pack.open("facts.jsonl", "w", force_zip64=True) as facts:
                async for line in lines:
                    work.take(_read(line).event)
                    digest.update(line + b"\n")
                    facts.write(line + b"\n")
            hashes["facts.jsonl"] = digest.hexdigest()
            contents = {"definitions": definitions(), "days": as_document(days), "results": work.finish()}
            for name, content in ((f"{name}.json", content) for name, content in contents.items()):
                data = as_json(content)
                hashes[name] = hashlib.sha256(data).hexdigest()
                pack.writestr(name, data)
            manifest = as_json(
                {
                    "evidence": 2,
                    "program": __version__,
                    "begin": period.begin.isoformat(),
                    "end": period.end.isoformat(),
                    "zone": period.zone,
                    "made_at": made_at.isoformat(),
                    "rules": rules_document(rules),
                    "facts": work.facts,
                    "types": fact_types(rules),
                    "held": [at.isoformat() for at in held or (period.begin, period.end)],
                    "audit_head": audit_head,
                    "files": hashes,
                    "signer": key.public_key().public_bytes_raw().hex(),
                }
            )
            pack.writestr("manifest.json", manifest)
            pack.writestr("signature", key.sign(manifest).hex())
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    return work.facts


def _read(line: bytes) -> Told:
    try:
        return read(line)
    except (RemoteViolation, ValueError, KeyError, TypeError, LookupError) as error:
        raise BadEvidence(
            f"the journal holds what this program cannot read, no pack would be whole: {error}"
        ) from error

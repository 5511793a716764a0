"""Making evidence packs."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ccplatform import __version__
from ccplatform.contracts.facts import FactEvent
from metrics.evidence.model import (
    Period,
    Recomputation,
    as_json,
    decoded,
    definitions,
    line_of,
    rules_document,
)
from metrics.model import FoldRules


def signer_of(key: bytes) -> Ed25519PrivateKey:
    """The signing key of an installation, from 32 secret bytes."""
    return Ed25519PrivateKey.from_private_bytes(key)


async def make(
    file: Path,
    facts: AsyncIterator[FactEvent],
    *,
    period: Period,
    rules: FoldRules,
    key: Ed25519PrivateKey,
    made_at: datetime,
    audit_head: str,
) -> int:
    """Write a pack, all or nothing; how many facts are in it.

    ``facts`` begin :data:`~metrics.evidence.model.BEFORE` the period and end with it, in the order of the journal.
    ``audit_head`` is the last hash of the audit chain, which the pack fixes.
    """
    fresh = file.with_name(f".{file.name}.part")
    work = Recomputation(rules, period.instants())
    try:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as pack:
            hashes: dict[str, str] = {}
            digest = hashlib.sha256()
            with pack.open("facts.jsonl", "w", force_zip64=True) as lines:
                async for event in facts:
                    line = line_of(event)
                    digest.update(line)
                    lines.write(line)
                    work.take(decoded(line))
            hashes["facts.jsonl"] = digest.hexdigest()
            for name, content in (("definitions.json", definitions()), ("results.json", work.finish())):
                data = as_json(content)
                hashes[name] = hashlib.sha256(data).hexdigest()
                pack.writestr(name, data)
            manifest = as_json(
                {
                    "evidence": 1,
                    "program": __version__,
                    "begin": period.begin.isoformat(),
                    "end": period.end.isoformat(),
                    "zone": period.zone,
                    "made_at": made_at.isoformat(),
                    "rules": rules_document(rules),
                    "facts": work.facts,
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

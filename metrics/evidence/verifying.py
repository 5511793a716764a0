"""Verifying evidence packs: nothing of a pack is believed that its facts do not give."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ccplatform.kernel.errors import RemoteViolation
from metrics.errors import BadEvidence
from metrics.evidence.days import against, proved, whole_days
from metrics.evidence.lines import DaySums, read
from metrics.evidence.model import MOST_DAYS, Period, Recomputation, Row, as_json, definitions, rules_of

_FILES: Final = ("days.json", "definitions.json", "facts.jsonl", "results.json")
_MOST_LINE_BYTES: Final = 1 << 20
_MOST_SMALL_BYTES: Final = 64 << 20
#: Facts of a large centre's year, unpacked.
_MOST_FACTS_BYTES: Final = 64 << 30
#: Lines that are no facts: after so many nobody reads on.
_MOST_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a verification found; no ``problems``: every number is what the facts give, and nobody changed any."""

    manifest: Mapping[str, Any]
    signer: str
    facts: int
    figures: int
    days: int  # of the journal, whose facts are those of when the day was proved
    unproved: int  # days that are here, and in the audit not
    problems: tuple[str, ...]


def verify(file: Path, signer: str = "") -> Verified:
    """Check signature and hashes, and compute every number anew from the facts.

    ``signer``: the public key (hexadecimal) that must have signed it; '': whoever the pack names. Raises
    BadEvidence for a file that is no pack.
    """
    try:
        with zipfile.ZipFile(file) as pack:
            return _verify(pack, signer)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise BadEvidence(f"{file} is no evidence pack: {error}") from error


def _verify(pack: zipfile.ZipFile, signer: str) -> Verified:
    names = pack.namelist()
    if sorted(names) != sorted((*_FILES, "manifest.json", "signature")):
        raise BadEvidence(f"an evidence pack holds other files than {', '.join(names)[:200]}")
    raw = _read(pack, "manifest.json")
    manifest = _document(raw, "manifest.json")
    try:
        key, told = str(manifest["signer"]), dict(manifest["files"])
        period = Period(
            begin=datetime.fromisoformat(manifest["begin"]),
            end=datetime.fromisoformat(manifest["end"]),
            zone=str(manifest["zone"]),
        )
        rules = rules_of(manifest["rules"], period.zone)
        begin, end = (datetime.fromisoformat(at) for at in manifest["held"])
        types, days = (
            [str(name) for name in manifest["types"]],
            list(islice(whole_days(begin, end), MOST_DAYS + 3)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadEvidence(f"manifest.json does not say what a pack says: {error!r}") from error
    problems = [*_signature(pack, raw, key, signer)]
    work, sums = Recomputation(rules, period.instants()), DaySums()
    problems += islice(_facts(pack, work, sums, told.get("facts.jsonl")), _MOST_PROBLEMS)
    contents: dict[str, Any] = {}
    for name in ("days.json", "definitions.json", "results.json"):
        data = _read(pack, name)
        if hashlib.sha256(data).hexdigest() != told.get(name):
            problems.append(f"{name} was changed: its hash is not that of the manifest")
        contents[name] = _document(data, name)
    problems += _definitions(contents["definitions.json"])
    problems += differences(contents["results.json"], work.finish())
    then, wrong = proved(contents["days.json"])
    problems += [*wrong, *against(then, sums, days, types)]
    if manifest.get("facts") != work.facts:
        problems.append(f"{work.facts} facts are there, the manifest tells of {manifest.get('facts')}")
    figures = sum(map(len, work.results.values()))
    checked = sum(day in then for day in days)
    return Verified(
        manifest=manifest,
        signer=key,
        facts=work.facts,
        figures=figures,
        days=checked,
        unproved=len(days) - checked,
        problems=tuple(problems),
    )


def _signature(pack: zipfile.ZipFile, manifest: bytes, key: str, wanted: str) -> Iterator[str]:
    try:
        signature = bytes.fromhex(_read(pack, "signature").decode("ascii"))
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, manifest)
    except (InvalidSignature, ValueError):
        yield "the signature does not fit the manifest"
    if wanted and wanted.lower() != key.lower():
        yield f"signed by {key}, not by {wanted}"


def _facts(pack: zipfile.ZipFile, work: Recomputation, sums: DaySums, told: Any) -> Iterator[str]:
    if pack.getinfo("facts.jsonl").file_size > _MOST_FACTS_BYTES:
        raise BadEvidence(f"facts.jsonl is larger than {_MOST_FACTS_BYTES} bytes")
    digest = hashlib.sha256()
    with pack.open("facts.jsonl") as lines:
        for number, line in enumerate(_lines(lines), 1):
            digest.update(line)
            try:
                fact = read(line)
                work.take(fact.event)
                sums.take(fact, line[:-1])
            except (RemoteViolation, ValueError, KeyError, TypeError, LookupError) as error:
                yield f"facts.jsonl line {number} is no fact that this program knows: {error}"
    if digest.hexdigest() != told:
        yield "facts.jsonl was changed: its hash is not that of the manifest"


def _lines(lines: IO[bytes]) -> Iterator[bytes]:
    while line := lines.readline(_MOST_LINE_BYTES):
        if not line.endswith(b"\n"):
            raise BadEvidence(f"facts.jsonl has a line of more than {_MOST_LINE_BYTES} bytes, or ends within one")
        yield line


def _definitions(told: Any) -> Iterator[str]:
    ours = json.loads(as_json(definitions()))
    if not isinstance(told, dict):
        yield "definitions.json holds no definitions"
        return
    for name in sorted({*told, *ours}):
        if told.get(name) != ours.get(name):
            yield f"{name} is defined otherwise than by this program"


def differences(told: Any, computed: Mapping[str, list[Row]]) -> Iterator[str]:
    """Where told results are not those that the facts give."""
    if not isinstance(told, dict) or set(told) != set(computed):
        yield "results.json tells of other instants than the period has"
        return
    for at, ours in computed.items():
        given = (
            {row.get("id"): row for row in told[at] if isinstance(row, dict)} if isinstance(told[at], list) else {}
        )
        if set(given) != {row["id"] for row in ours}:
            yield f"{at}: results.json tells of other clauses"
        for row in ours:
            other = given.get(row["id"], {})
            for name, value in row.items():
                if other.get(name) != value:
                    yield f"{at} {row['id']} {name}: told {other.get(name)!r}, the facts give {value!r}"


def _objects(data: Any) -> list[Row]:
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _read(pack: zipfile.ZipFile, name: str) -> bytes:
    with pack.open(name) as member:
        data = member.read(_MOST_SMALL_BYTES + 1)
    if len(data) > _MOST_SMALL_BYTES:
        raise BadEvidence(f"{name} is larger than {_MOST_SMALL_BYTES} bytes")
    return data


def _document(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadEvidence(f"{name} is no JSON: {error}") from error

"""Evidence packs: what is made verifies, and whoever changes anything is found."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.facts import FACTS, FactEvent, KeyAnswered, MysteryCallMade
from ccplatform.contracts.words import MysteryFate
from ccplatform.storage.sealing import split
from metrics.compliance import rows
from metrics.errors import BadEvidence
from metrics.evidence.making import make, signer_of
from metrics.evidence.model import Period, as_json
from metrics.evidence.verifying import Verified, verify
from tests.metrics.telling import NINE, Centre

_KEY = signer_of(bytes(range(32)))
_PERIOD = Period(begin=NINE, end=NINE + timedelta(days=1), zone="Asia/Shanghai")

Files = dict[str, bytes]
_FACT, _FORGED = b'"response_seconds":0.105', b'"response_seconds":0.106'


def _day() -> Centre:
    centre = Centre()
    for number in range(40):
        centre.good_call()
        key = KeyAnswered(contact=centre.new_contact(), node="menu", response_seconds=0.1 + number / 1000)
        centre.tell(key)
        centre.wait(60)
    centre.tell(MysteryCallMade(number="95000", fate=MysteryFate.COMPLETED, loopback=True, key_seconds=(0.2,)))
    return centre


async def _told(events: Sequence[FactEvent]) -> AsyncIterator[bytes]:
    """The lines that PostgreSQL would write, without its blanks."""
    for event in events:
        seen, _ = split(event)
        kind, version = FACTS.name_of(event.fact)
        contact = getattr(event.fact, "contact", None)
        at = f"{event.at.timestamp():.6f}"
        yield msgspec.json.encode(
            [event.id, at, event.epoch, event.seq, str(event.mono), contact, kind, version, seen]
        )


async def _pack(file: Path, centre: Centre, period: Period = _PERIOD, key: Ed25519PrivateKey = _KEY) -> int:
    return await make(
        file,
        _told(centre.events),
        period=period,
        rules=centre.rules,
        key=key,
        made_at=NINE,
        audit_head="00" * 32,
    )


def _files(file: Path) -> Files:
    with zipfile.ZipFile(file) as pack:
        return {name: pack.read(name) for name in pack.namelist()}


def _forge(file: Path, change: Callable[[Files], None], *, sign: Ed25519PrivateKey | None = None) -> Verified:
    """What is found in a pack that somebody changed; with ``sign`` he also mended hashes and signature."""
    files = _files(file)
    change(files)
    if sign is not None:
        manifest = json.loads(files["manifest.json"])
        manifest["files"] = {name: hashlib.sha256(files[name]).hexdigest() for name in manifest["files"]}
        manifest["signer"] = sign.public_key().public_bytes_raw().hex()
        files["manifest.json"] = as_json(manifest)
        files["signature"] = sign.sign(files["manifest.json"]).hex().encode()
    forged = file.with_name("forged.zip")
    with zipfile.ZipFile(forged, "w") as pack:
        for name, data in files.items():
            pack.writestr(name, data)
    return verify(forged, _KEY.public_key().public_bytes_raw().hex() if sign is not _KEY else "")


async def test_what_was_made_is_equal(tmp_path: Path) -> None:
    centre, file = _day(), tmp_path / "pack.zip"
    facts = await _pack(file, centre)
    found = verify(file, _KEY.public_key().public_bytes_raw().hex())
    assert found.problems == ()
    assert (found.facts, facts) == (len(centre.events), len(centre.events))
    results = json.loads(_files(file)["results.json"])
    assert list(results) == [at.isoformat() for at in _PERIOD.instants()]
    assert (found.days, found.unproved) == (0, 0)
    assert found.figures == 13 * len(rows(centre.fold, centre.now))
    first = {row["id"]: row for row in results[_PERIOD.instants()[0].isoformat()]}
    assert first["R10.3.2.b"]["samples"] == 1
    assert first["R10.3.2.b"]["source"] == "mystery_calls"


async def test_no_number_of_a_caller_is_in_it(tmp_path: Path) -> None:
    centre, file = _day(), tmp_path / "pack.zip"
    assert any("13800000001" in str(event.fact) for event in centre.events)
    await _pack(file, centre)
    assert all(b"13800000001" not in data for data in _files(file).values())


async def test_one_changed_fact_is_found_whatever_the_forger_mends(tmp_path: Path) -> None:
    centre, file = _day(), tmp_path / "pack.zip"
    await _pack(file, centre)

    def change(files: Files) -> None:
        assert _FACT in files["facts.jsonl"]
        files["facts.jsonl"] = files["facts.jsonl"].replace(_FACT, _FORGED)

    assert any("facts.jsonl was changed" in problem for problem in _forge(file, change).problems)
    stranger = _forge(file, change, sign=signer_of(bytes(32)))
    assert any(problem.startswith("signed by ") for problem in stranger.problems)
    owner = _forge(file, change, sign=_KEY)
    assert any("R10.3.1.6 value: told" in problem for problem in owner.problems)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda files: files.update(signature=b"00" * 64), "the signature does not fit"),
        (
            lambda files: files.update({"facts.jsonl": files["facts.jsonl"].split(b"\n", 1)[1]}),
            "facts.jsonl was changed",
        ),
        (
            lambda files: files.update({"results.json": files["results.json"].replace(b'"pass"', b'"fail"')}),
            "results.json was changed",
        ),
        (
            lambda files: files.update({"definitions.json": files["definitions.json"].replace(b"0.9999", b"0.9")}),
            "R10.3.1.1.a is defined otherwise",
        ),
        (
            lambda files: files.update({"manifest.json": files["manifest.json"].replace(b"Shanghai", b"Tokyo")}),
            "the signature does not fit",
        ),
    ],
)
async def test_what_was_changed_is_named(tmp_path: Path, change: Callable[[Files], None], told: str) -> None:
    file = tmp_path / "pack.zip"
    await _pack(file, _day())
    assert any(told in problem for problem in _forge(file, change).problems)


async def test_a_result_that_the_facts_do_not_give_is_found_though_its_owner_signed_it(tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    await _pack(file, _day())

    def change(files: Files) -> None:
        results: dict[str, Any] = json.loads(files["results.json"])
        next(row for row in next(iter(results.values())) if row["id"] == "R10.3.1.2")["value"] = 0.001
        files["results.json"] = as_json(results)

    (problem, *_) = _forge(file, change, sign=_KEY).problems
    assert "R10.3.1.2 value: told 0.001, the facts give" in problem


@given(st.binary(max_size=200))
def test_other_files_are_no_packs(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.mktemp("packs") / "x.zip"
    file.write_bytes(data)
    with pytest.raises(BadEvidence):
        verify(file)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"files": 1, "signer": ""}', b"\xff", b"[" * 100_000])
async def test_a_pack_without_a_proper_manifest_is_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "pack.zip"
    await _pack(file, _day())
    with pytest.raises(BadEvidence):
        _forge(file, lambda files: files.update({"manifest.json": content}))


async def test_lines_that_are_no_facts_are_told_by_their_number(tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    await _pack(file, _day())
    found = _forge(file, lambda files: files.update({"facts.jsonl": b"{}\n[]\n" + files["facts.jsonl"]}))
    assert any("line 1 " in problem for problem in found.problems)
    assert any("line 2 " in problem for problem in found.problems)
    with pytest.raises(BadEvidence, match="ends within one"):
        _forge(file, lambda files: files.update({"facts.jsonl": files["facts.jsonl"] + b"{"}))


def test_periods_must_be_of_use() -> None:
    day = timedelta(days=1)
    for begin, end in (
        (NINE, NINE),
        (NINE, NINE - day),
        (NINE, NINE + 367 * day),
        (datetime(2026, 1, 1), NINE),  # noqa: DTZ001
    ):
        with pytest.raises(BadEvidence):
            Period(begin=begin, end=end, zone="UTC")
    period = Period(
        begin=datetime(2026, 1, 5, 21, 30, tzinfo=UTC), end=datetime(2026, 1, 6, 1, tzinfo=UTC), zone="UTC"
    )
    assert [at.isoformat() for at in period.instants()] == [
        "2026-01-05T22:00:00+00:00",
        "2026-01-06T00:00:00+00:00",
        "2026-01-06T01:00:00+00:00",
    ]


async def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        async for line in _told(_day().events[:1]):
            yield line
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        await make(
            tmp_path / "pack.zip",
            broken(),
            period=_PERIOD,
            rules=Centre().rules,
            key=_KEY,
            made_at=NINE,
            audit_head="",
        )
    assert os.listdir(tmp_path) == []

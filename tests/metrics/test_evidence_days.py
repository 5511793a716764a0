"""Packs against the journal's days in the audit: a fact that was taken away, added or changed since is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ccplatform.storage.database import Database
from metrics.evidence.lines import DaySums, journal_lines, read
from metrics.evidence.making import make, signer_of
from metrics.evidence.model import Period, fact_types
from metrics.evidence.verifying import Verified, verify
from tests.metrics.test_evidence import _forge
from tests.metrics.test_journal_days import FIRST, Days
from tests.support.database import database, postgres_dsn  # noqa: F401

SECOND = FIRST + timedelta(days=1)
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
END = BEGIN + timedelta(days=2)
KEY = signer_of(bytes(range(32)))


@pytest.fixture
async def days(database: Database) -> Days:  # noqa: F811
    told = await Days(database).told()
    told.clock.advance(2 * 86400)
    await told.days.prove()
    return told


async def pack(days: Days, file: Path) -> Verified:
    rules = days.centre.rules
    await make(
        file,
        journal_lines(days.database, BEGIN, END, fact_types(rules)),
        period=Period(begin=BEGIN + timedelta(days=1), end=END, zone="Asia/Shanghai"),
        rules=rules,
        key=KEY,
        made_at=END,
        audit_head="00" * 32,
        days=await days.days.proofs(FIRST, SECOND),
        held=(BEGIN, END),
    )
    return verify(file)


async def test_a_pack_agrees_with_what_was_proved_day_by_day(days: Days, tmp_path: Path) -> None:
    found = await pack(days, tmp_path / "pack.zip")
    assert (found.problems, found.days, found.unproved, found.facts) == ((), 2, 0, 8)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE journal SET data = data || '{\"waited_seconds\": 4.0}' WHERE type = 'QueueLeft' AND at < $1",
            "2026-01-05 QueueLeft: of the 2 facts at least one is not what it was when the day was proved",
        ),
        (
            "DELETE FROM journal WHERE type = 'QueueLeft' AND at < $1",
            "2026-01-05 QueueLeft: 2 facts were in the journal when the day was proved, 0 are here",
        ),
        (
            "INSERT INTO journal SELECT tenant, at, gen_random_uuid(), epoch, seq + 100, mono, contact, type, "
            "version, data, sealed FROM journal WHERE type = 'ContactArrived' AND at < $1",
            "2026-01-05 ContactArrived: 2 facts were in the journal when the day was proved, 4 are here",
        ),
    ],
)
async def test_what_was_done_to_the_journal_is_named(
    days: Days, tmp_path: Path, statement: str, told: str
) -> None:
    await days.change(statement, datetime(2026, 1, 6, tzinfo=UTC))
    assert (await pack(days, tmp_path / "pack.zip")).problems == (told,)


async def test_destroying_the_keys_of_a_person_changes_nothing(days: Days, tmp_path: Path) -> None:
    await days.change("DELETE FROM contact_keys")
    assert (await pack(days, tmp_path / "pack.zip")).problems == ()


def _without_a_fact(files: dict[str, bytes]) -> None:
    files["facts.jsonl"] = files["facts.jsonl"].split(b"\n", 1)[1]
    manifest = json.loads(files["manifest.json"])
    files["manifest.json"] = json.dumps({**manifest, "facts": manifest["facts"] - 1}).encode()


def _another_proof(files: dict[str, bytes]) -> None:
    files["days.json"] = files["days.json"].replace(b'\\"QueueLeft\\": [2', b'\\"QueueLeft\\": [3', 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without_a_fact, "2 facts were in the journal when the day was proved, 1 are here"),
        (_another_proof, "of the audit was changed: its hash does not fit"),
        (lambda files: files.update({"days.json": b"[1]"}), "days.json holds what is no row of the audit"),
    ],
)
async def test_what_was_done_to_the_pack_is_named_though_its_owner_signed_it(
    days: Days, tmp_path: Path, change: Callable[[dict[str, bytes]], None], told: str
) -> None:
    await pack(days, tmp_path / "pack.zip")
    problems = _forge(tmp_path / "pack.zip", change, sign=KEY).problems
    assert any(told in problem for problem in problems), problems


async def test_days_without_a_proof_are_told_as_such(days: Days, tmp_path: Path) -> None:
    async def none(first: date, last: date) -> list[object]:
        return []

    days.days.proofs = none  # type: ignore[method-assign,assignment]
    found = await pack(days, tmp_path / "pack.zip")
    assert (found.problems, found.days, found.unproved) == ((), 0, 2)


async def test_lines_read_back_are_the_facts_without_persons(days: Days) -> None:
    types = fact_types(days.centre.rules)
    lines = [line async for line in journal_lines(days.database, BEGIN, END, types)]
    told = sorted((read(line).event for line in lines), key=lambda one: one.seq)
    assert [(one.epoch, one.seq, one.at, one.mono) for one in told] == [
        (one.epoch, one.seq, one.at, one.mono) for one in days.centre.events
    ]
    assert all(b"13800000001" not in line for line in lines)
    sums = DaySums()
    for line in lines:
        sums.take(read(line), line)
    assert sums.of(FIRST) == await days.days.sums(FIRST)
    assert sums.of(SECOND) == await days.days.sums(SECOND)

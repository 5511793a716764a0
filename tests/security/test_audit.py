from __future__ import annotations

import asyncio

import asyncpg
import pytest

from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.security.audit import MAX_TEXT, Audit
from ccplatform.storage.database import Database
from tests.support.database import database, postgres_dsn  # noqa: F401


@pytest.fixture
async def audit(database: Database) -> Audit:  # noqa: F811
    clock = VirtualClock()
    made = Audit(database, clock=clock, ids=Ids(clock))
    for number in range(5):
        detail: dict[str, object] = {"number": number, "share": 0.1, "名": "值", "none": None}
        await made.record(
            subject="sup1", action="user.lock", object=f"{1000 + number}", result="ok", detail=detail
        )
        clock.advance(1)
    return made


async def test_an_untouched_audit_is_intact(audit: Audit) -> None:
    verdict = await audit.verify()
    assert (verdict.intact, verdict.rows) == (True, 5)


async def test_an_empty_audit_is_intact(database: Database) -> None:  # noqa: F811
    clock = VirtualClock()
    assert (await Audit(database, clock=clock, ids=Ids(clock)).verify()).intact


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET result = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "UPDATE audit SET seq = 9 WHERE seq = 99",
    ],
)
async def test_nothing_can_be_changed_or_deleted(database: Database, audit: Audit, statement: str) -> None:  # noqa: F811
    async with database.connection() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await connection.execute(statement)
    assert (await audit.verify()).intact


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET subject = 'nobody' WHERE seq = 3",
        "UPDATE audit SET detail = '{\"number\": 7}' WHERE seq = 3",
        "UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 3",
        "UPDATE audit SET hash = sha256('x') WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
    ],
)
async def test_what_is_changed_behind_the_triggers_back_shows(
    database: Database,  # noqa: F811
    audit: Audit,
    statement: str,
) -> None:
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_keep")
        await connection.execute(statement)
    verdict = await audit.verify()
    assert (verdict.intact, verdict.broken_at) == (False, 3)


async def test_entries_written_at_the_same_time_make_one_chain(audit: Audit) -> None:
    async def write(number: int) -> None:
        await audit.record(subject=f"user{number}", action="auth.login", object="", result="ok")

    await asyncio.gather(*map(write, range(20)))
    assert (await audit.verify()).rows == 25


async def test_an_entry_can_be_part_of_a_transaction_and_go_with_it(database: Database, audit: Audit) -> None:  # noqa: F811
    async def change_and_fail() -> None:
        async with database.transaction() as connection:
            await audit.record(subject="a", action="b", object="c", result="ok", connection=connection)
            raise KeyError("failed")

    with pytest.raises(KeyError):
        await change_and_fail()
    assert (await audit.verify()).rows == 5


async def test_texts_of_strangers_are_cut_and_cleaned(audit: Audit) -> None:
    detail: dict[str, object] = {"text": "\x00\ud800", "big": "x" * 30_000}
    await audit.record(subject="\x00\ud800" + "x" * 10_000, action="a", object="b", result="c", detail=detail)
    (row,) = await audit.page(limit=1)
    assert row.subject.startswith("\ufffd?x")
    assert len(row.subject) == MAX_TEXT
    assert row.detail.startswith('{"too_large')
    await audit.record(subject="s", action="a", object="b", result="c", detail={"text": "\x00\ud800"})
    assert (await audit.verify()).intact


async def test_pages_go_back_in_time_and_filter(audit: Audit) -> None:
    first = await audit.page(limit=2)
    assert [row.object for row in first] == ["1004", "1003"]
    second = await audit.page(limit=2, before=first[-1].seq)
    assert [row.object for row in second] == ["1002", "1001"]
    assert await audit.page(subject="nobody") == []
    assert [row.object for row in await audit.page(since=first[-1].at, until=first[0].at)] == ["1003"]

from __future__ import annotations

import os
from pathlib import Path

import asyncpg
import pytest

from ccplatform.contracts.facts import ContactEnded
from ccplatform.operations import backup as backup_module
from ccplatform.operations.backup import backup, restore
from ccplatform.operations.errors import BackupFailed
from ccplatform.storage.database import Database
from ccplatform.storage.journal_reader import JournalReader
from ccplatform.storage.migrate import migrate
from tests.contracts.samples import sample
from tests.storage.stream import VAULT, open_journal, story
from tests.support.database import database, postgres_dsn  # noqa: F401


async def test_a_restored_backup_is_the_database_of_its_instant(database: Database, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "centre.dump"
    reader = JournalReader(database, sealer=VAULT)
    async with open_journal(database) as journal:
        contact = journal.contact()
        told = journal.tell(*story(contact))
        await journal.writer.flushed()
        assert await backup(database.dsn, file) == file.stat().st_size
        journal.tell(sample(ContactEnded, contact=journal.contact()))
        await journal.writer.flushed()
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE made_later (n int)")
    for _ in range(2):  # a restored database can be backed up and restored again
        await restore(database.dsn, file)
        assert [event async for event in reader.since(told[0].at)] == told
        await backup(database.dsn, file)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT to_regclass('made_later')") is None
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("TRUNCATE audit")
    assert await migrate(database) == []
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["centre.dump"]


async def test_a_restore_that_fails_changes_nothing(database: Database, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "centre.dump"
    await backup(database.dsn, file)
    whole = file.read_bytes()
    for broken in (b"no dump at all", whole[: len(whole) // 2]):
        file.write_bytes(broken)
        with pytest.raises(BackupFailed, match="pg_restore failed"):
            await restore(database.dsn, file)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM users") == 0


async def test_a_restore_under_a_running_platform_says_so(
    database: Database,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backup_module, "LOCK_TIMEOUT", "100ms")
    file = tmp_path / "centre.dump"
    await backup(database.dsn, file)
    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE users IN ACCESS SHARE MODE")
        with pytest.raises(BackupFailed, match="stop the platform first"):
            await restore(database.dsn, file)
        assert await connection.fetchval("SELECT count(*) FROM users") == 0


async def test_clear_words_for_what_cannot_be_done(tmp_path: Path) -> None:
    away = "postgresql://nobody:secret@/none?host=/nonexistent"
    with pytest.raises(BackupFailed, match="there is no file"):
        await restore(away, tmp_path / "missing.dump")
    with pytest.raises(BackupFailed, match="cannot write"):
        await backup(away, tmp_path / "missing" / "centre.dump")
    with pytest.raises(BackupFailed, match="pg_dump failed") as caught:
        await backup(away, tmp_path / "centre.dump")
    assert "secret" not in str(caught.value)
    assert os.listdir(tmp_path) == []

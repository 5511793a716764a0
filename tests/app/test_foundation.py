"""The common ground of processes when the database is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccplatform.app import administer
from ccplatform.app.foundation import lay_foundation
from ccplatform.app.places import places_of
from ccplatform.app.settings import Settings, load_settings
from ccplatform.storage.errors import DatabaseUnavailable


def away(tmp_path: Path) -> Settings:
    return load_settings(
        flags={
            "node": {"data_dir": tmp_path},
            "database": {"url": "postgresql://cc:secret@127.0.0.1:9/cc", "acquire_seconds": 0.2},
        }
    )


async def test_who_can_wait_for_the_database_begins_without(tmp_path: Path) -> None:
    settings = away(tmp_path)
    ground = await lay_foundation(settings, places_of(tmp_path), needs_database=False)
    assert not ground.database.available
    with pytest.raises(DatabaseUnavailable):
        await ground.users.find("admin")
    await ground.tasks.close()
    await ground.database.close()


async def test_who_needs_it_gives_up_when_his_patience_is_over(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await lay_foundation(away(tmp_path), places_of(tmp_path), patience_seconds=0.3)


def test_a_command_says_that_the_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administer, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(DatabaseUnavailable, match="the database is not available") as told:
        administer.migrate(away(tmp_path))
    assert "secret" not in str(told.value)

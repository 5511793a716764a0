"""What was said is nowhere in the clear: as it is written, at rest, in a second store, in the database. With its
keys, which are backed up apart, it is heard on another node."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from tests.e2e.centre import Centre
from tests.e2e.rig import Journal, centre_of, talking
from tests.e2e.test_calls_agent import verify
from tests.e2e.test_calls_recording import heard
from tests.e2e.test_operation_commands import ccplatform
from tests.support import sources
from tests.support.g711 import RATE
from tests.support.platform import PlatformProcess
from tests.support.traces import Traces

#: The keeper looks once a minute, the copier twice.
AT_REST_SECONDS: Final = 200.0


@pytest.mark.timeout(600)  # two minutes of it are the keeper's and the copier's looks
async def test_what_was_said_is_nowhere_in_the_clear_and_heard_on_another_node(
    tmp_path_factory: pytest.TempPathFactory, callers: Iterator[int]
) -> None:
    home, elsewhere, other = (tmp_path_factory.mktemp(name) for name in ("h", "e", "o"))
    store = {"name": "nas", "kind": "directory", "directory": str(elsewhere)}
    environment = {"CCP_RECORDING__STORES": json.dumps([store]), "CCP_RECORDING__AT_REST_AFTER_SECONDS": "0"}
    said = np.random.default_rng(18).normal(0, 3000, 120 * RATE).astype(np.int16)
    traces = Traces(said[: 3 * RATE])
    platform = PlatformProcess(home, environment=environment)
    try:
        await asyncio.to_thread(platform.start)
        async with centre_of(platform, callers) as centre:
            async with talking(centre) as talk:
                begun = time.monotonic()
                talk.caller.play(sources.signal(said))
                await talk.agent.heard(since=begun + 5.0)
                assert await asyncio.to_thread(traces.in_files, home / "recordings") == []  # as it is written
            recording = (await centre.recording(talk.contact))["id"]
            sound = await heard(centre, recording)
            assert traces.within(sound.tobytes()), "what is recorded has what is looked for"
            await rested(centre)
            assert (await heard(centre, recording) == sound).all()
            assert await in_tables(platform, traces) == []
        dump = home.parent / "dump"
        await command("db", "backup", dump, "--data-dir", home)
        assert await asyncio.to_thread(platform.stop) == 0
        for folder in (home, elsewhere):
            assert await asyncio.to_thread(traces.in_files, folder) == []
    finally:
        await asyncio.to_thread(platform.close)
    shutil.copy(home / "master.key", other / "master.key")
    await command("db", "restore", dump, "--data-dir", other)
    shutil.copytree(home / "recordings", other / "recordings", dirs_exist_ok=True)
    code, _, errors = await asyncio.to_thread(ccplatform, "run", "--data-dir", other)
    assert (code, "the master keys of the recordings are gone" in errors) == (1, True), errors
    shutil.copy(home / "recording.keys", other / "recording.keys")
    await heard_again(other, recording, sound, callers)


async def rested(centre: Centre) -> None:
    """Wait until the recording is converted and copied."""

    async def at_rest() -> tuple[str, int]:
        (row,) = await centre.items("recordings")
        (store,) = await centre.items("recordings/stores", user="admin")
        return row["coding"], store["copies"]

    await centre.eventually(at_rest, lambda found: found == ("flac", 1), limit=AT_REST_SECONDS)


async def heard_again(home: Path, recording: str, sound: np.ndarray, callers: Iterator[int]) -> None:
    """On a node with these data every sample is as it was, and the proof holds."""
    platform = PlatformProcess(home)
    try:
        await asyncio.to_thread(platform.start)
        async with centre_of(platform, callers) as centre:
            assert (await heard(centre, recording) == sound).all()
            code, text = await verify(centre)
            assert code == 0, text
    finally:
        await asyncio.to_thread(platform.close)


async def command(*arguments: object) -> None:
    """It must succeed."""
    code, _, errors = await asyncio.to_thread(ccplatform, *arguments)
    assert code == 0, errors


async def in_tables(platform: PlatformProcess, traces: Traces) -> list[str]:
    """The tables that hold some of it as bytes (their files are searched, too)."""
    journal, found = Journal(platform), []
    names = await journal.rows(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    for row in names:
        where = "EXISTS (SELECT FROM unnest($1::text[]) piece WHERE position(piece in one::text) > 0)"
        if await journal.rows(f"SELECT 1 FROM {row['name']} AS one WHERE {where} LIMIT 1", traces.texts()):
            found.append(row["name"])
    return found

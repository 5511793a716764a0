from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ccplatform.kernel import outbox as outbox_module
from ccplatform.kernel.outbox import Outbox


class Spy(asyncio.StreamWriter):
    """A writer that notes what it was given."""

    writes: list[bytes]

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.writes.append(data)
        super().write(data)


@asynccontextmanager
async def ends(path: Path) -> AsyncIterator[tuple[Spy, asyncio.StreamReader]]:
    taken: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()
    server = await asyncio.start_unix_server(lambda *pair: taken.set_result(pair), path=str(path))
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.__class__ = Spy
    assert isinstance(writer, Spy)
    writer.writes = []
    reader, theirs = await taken
    yield writer, reader
    writer.close()
    theirs.close()
    server.close()


async def test_frames_of_one_turn_are_one_write_in_their_order(tmp_path: Path) -> None:
    async with ends(tmp_path / "s") as (writer, reader):
        outbox = Outbox(writer)
        for frame in (b"one ", b"two ", b"three"):
            outbox.put(frame)
        assert (writer.writes, outbox.unread_bytes) == ([], 13)
        assert await reader.readexactly(13) == b"one two three"
        assert writer.writes == [b"one two three"]


async def test_what_may_wait_goes_with_what_may_not(tmp_path: Path) -> None:
    async with ends(tmp_path / "s") as (writer, reader):
        outbox = Outbox(writer, delay_seconds=60)
        outbox.put(b"fact ")
        outbox.put(b"answer")
        outbox.flush()
        assert await reader.readexactly(11) == b"fact answer"


async def test_much_does_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MAX_JOINED_BYTES", 10)
    async with ends(tmp_path / "s") as (writer, _):
        outbox = Outbox(writer, delay_seconds=60)
        outbox.put(b"x" * 10)
        assert writer.writes == []
        outbox.put(b"x")
        assert writer.writes == [b"x" * 11]


async def test_a_closed_outbox_has_written_all_and_an_aborted_one_nothing_more(tmp_path: Path) -> None:
    async with ends(tmp_path / "s") as (writer, reader):
        outbox = Outbox(writer, delay_seconds=60)
        outbox.put(b"last")
        outbox.close()
        outbox.put(b"too late")
        outbox.flush()
        assert await reader.read() == b"last"
    async with ends(tmp_path / "t") as (writer, reader):
        outbox = Outbox(writer, delay_seconds=60)
        outbox.put(b"lost")
        outbox.abort()
        assert await reader.read() == b""

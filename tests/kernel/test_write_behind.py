from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Set

import pytest

from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.kernel.write_behind import WriteBehind

GATHER, RETRY = 0.25, 2.0


class Rows:
    """What is stored of ``live``; can be away, and can be held up in the middle of a write."""

    def __init__(self) -> None:
        self.live: dict[str, int] = {}
        self.stored: dict[str, int] = {}
        self.away = False
        self.writes = 0
        self.tried = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def save(self, keys: Set[str]) -> None:
        self.tried.set()
        values = {key: self.live[key] for key in keys}
        await self.gate.wait()
        if self.away:
            raise Unavailable("away")
        self.stored |= values
        self.writes += 1

    async def next_try(self) -> None:
        self.tried.clear()
        await self.tried.wait()
        for _ in range(3):  # the writer goes on after its save
            await asyncio.sleep(0)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
async def behind(rows: Rows, clock: VirtualClock) -> AsyncIterator[WriteBehind[str]]:
    tasks = TaskSupervisor(clock)
    yield WriteBehind(
        name="test", save=rows.save, clock=clock, tasks=tasks, gather_seconds=GATHER, retry_seconds=RETRY
    )
    assert not tasks.crashes
    await tasks.close()


def change(rows: Rows, behind: WriteBehind[str], key: str, value: int) -> None:
    rows.live[key] = value
    behind.changed(key)


async def test_changes_are_gathered_and_the_latest_is_stored(
    rows: Rows, behind: WriteBehind[str], clock: VirtualClock
) -> None:
    for value in range(3):
        change(rows, behind, "a", value)
    change(rows, behind, "b", 7)
    clock.advance(GATHER)
    await rows.next_try()
    assert (rows.stored, rows.writes) == ({"a": 2, "b": 7}, 1)


async def test_changes_wait_while_the_database_is_away(
    rows: Rows, behind: WriteBehind[str], clock: VirtualClock
) -> None:
    rows.away = True
    change(rows, behind, "a", 1)
    clock.advance(GATHER)
    await rows.next_try()
    change(rows, behind, "a", 2)
    change(rows, behind, "b", 3)
    with pytest.raises(Unavailable):
        await behind.flush()
    rows.away = False
    clock.advance(RETRY)
    await rows.next_try()
    assert (rows.stored, rows.writes) == ({"a": 2, "b": 3}, 1)


async def test_what_changes_while_it_is_saved_is_saved_again(
    rows: Rows, behind: WriteBehind[str], clock: VirtualClock
) -> None:
    rows.gate.clear()
    change(rows, behind, "a", 1)
    clock.advance(GATHER)
    await rows.next_try()
    change(rows, behind, "a", 2)
    flushed = asyncio.ensure_future(behind.flush())  # waits for the write that is under way
    rows.gate.set()
    await flushed
    assert (rows.stored, rows.writes) == ({"a": 2}, 2)


async def test_a_cut_off_write_is_kept_for_the_last_flush(rows: Rows, behind: WriteBehind[str]) -> None:
    rows.gate.clear()
    rows.live["a"] = 1
    behind.changed("a")
    behind.close()
    flushed = asyncio.ensure_future(behind.flush())
    await rows.next_try()
    flushed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flushed
    rows.gate.set()
    await behind.flush()
    assert rows.stored == {"a": 1}

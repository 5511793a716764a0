"""Free space for recordings is watched."""

from __future__ import annotations

from pathlib import Path

from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import VirtualClock
from recording.disk import ALARM, FreeSpaceWatch
from tests.recording.kit import Told


def watch(directory: Path, told: Told) -> FreeSpaceWatch:
    return FreeSpaceWatch(
        directory=directory,
        alarms=told,
        clock=VirtualClock(),
        low_bytes=1000,
        very_low_bytes=100,
        check_seconds=30,
    )


def test_the_alarm_follows_the_free_space(tmp_path: Path) -> None:
    told = Told()
    space = watch(tmp_path, told)
    seen = []
    for free in (1000, 999, 99, 50, 500, 5000):
        space.judge(free)
        seen.append(told.alarms.get((ALARM, str(tmp_path))))
    assert seen == [None, Severity.NON_URGENT, Severity.URGENT, Severity.URGENT, Severity.NON_URGENT, None]


async def test_a_directory_that_cannot_be_read_is_urgent(tmp_path: Path) -> None:
    told = Told()
    space = watch(tmp_path / "missing", told)
    await space.check()
    assert list(told.alarms.values()) == [Severity.URGENT]
    (tmp_path / "missing").mkdir()
    await space.check()
    assert told.alarms == {}

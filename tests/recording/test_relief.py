"""A full disk: room is made in the order of least loss, and every second that is not recorded is told."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from ccplatform.contracts.facts import ContactEnded, Fact, RecordingGap
from ccplatform.contracts.words import Outcome, RecordingId, ReleaseCause, Severity
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.stream import Stream
from ccplatform.storage.database import Database
from recording.disk import ALARM, FreeSpaceWatch
from recording.errors import RetentionTooShort
from recording.relief import EARLY_ALARM, Relief
from recording.retention import Retention
from tests.recording.kit import CONTACT, ZONE, Studio, talk
from tests.recording.stores.test_copier import Depot
from tests.support.database import database, postgres_dsn  # noqa: F401

DAY = 86_400


class Disk:
    """A depot on a disk of so many bytes, watched."""

    def __init__(self, depot: Depot, *, after_days: int | None) -> None:
        vault = depot.vault
        self.depot, self.files, self.told = depot, vault.sounds.files, vault.told
        self.relief = Relief(
            files=self.files,
            book=depot.book,
            stores=["nas", "far"],
            retention=Retention(
                catalogue=vault.catalogue,
                files=self.files,
                database=vault.database,
                audit=vault.audit,
                clock=vault.clock,
                days=93,
                at=time(3, 0),
                zone=ZONE,
            ),
            delete_after_days=after_days,
            database=vault.database,
            clock=vault.clock,
            alarms=vault.told,
        )

    def here(self, *recordings: RecordingId) -> list[bool]:
        return [self.files.path_of(recording).exists() for recording in recordings]


@pytest.fixture
def depot(database: Database, tmp_path: Path) -> Depot:  # noqa: F811
    return Depot(database, tmp_path)


async def test_what_every_store_has_goes_first_and_no_more_than_needed(depot: Depot) -> None:
    first, second = await depot.vault.add(), await depot.vault.add()
    depot.vault.clock.advance(700)
    await depot.work()
    third = await depot.vault.add()
    depot.vault.clock.advance(40 * DAY)
    disk = Disk(depot, after_days=31)
    size = disk.files.size_of(first)
    assert await disk.relief.free(size) == 2 * size  # a step lets go of several
    assert disk.here(first, second, third) == [False, False, True]
    assert depot.vault.told.alarms == {}
    assert (await depot.vault.catalogue.get(first)).deleted_at is None
    assert await depot.findings(all_copies=False) == []


async def test_without_leave_nothing_is_deleted(depot: Depot) -> None:
    recording = await depot.vault.add()
    depot.vault.clock.advance(80 * DAY)
    disk = Disk(depot, after_days=None)
    assert await disk.relief.free(10**9) == 0
    assert disk.here(recording) == [True]


async def test_with_leave_the_oldest_go_but_nothing_that_must_be_kept(depot: Depot) -> None:
    vault = depot.vault
    old, held, longer = [await vault.add() for _ in range(3)]
    await vault.catalogue.set_hold(held, held=True, reason="case 4711", by="the auditor", audit=vault.audit)
    await vault.sql("UPDATE recordings SET keep_days = 60 WHERE id = $1", longer)
    vault.clock.advance(20 * DAY)
    young = await vault.add()
    vault.clock.advance(20 * DAY)
    disk = Disk(depot, after_days=31)
    assert await disk.relief.free(10**9) > 0
    assert disk.here(old, held, longer, young) == [False, True, True, True]
    assert vault.told.alarms == {(EARLY_ALARM, ""): Severity.URGENT}
    [row] = await vault.audit.page(action="recording.delete")
    assert "the disk is full" in row.detail
    assert old in row.detail


async def test_less_than_a_month_is_refused_even_by_a_full_disk(depot: Depot) -> None:
    with pytest.raises(RetentionTooShort):
        await Disk(depot, after_days=30).relief.free(1)


class Space(FreeSpaceWatch):
    """With a disk of the test's."""

    left: int | None = 10_000

    async def _look(self) -> int | None:
        return self.left


def watch(told: Studio, asked: list[int], *, away: bool = False, gives: int = 0) -> Space:
    async def relieve(wanted: int) -> int:
        asked.append(wanted)
        if away:
            raise Unavailable("the database is away")
        assert space.left is not None
        space.left += gives
        return gives

    space = Space(
        directory=told.files.directory,
        alarms=told.told,
        clock=told.clock,
        low_bytes=1000,
        very_low_bytes=100,
        check_seconds=30,
        refuse_below_bytes=50,
        relieve=relieve,
    )
    return space


async def test_room_is_asked_for_only_below_the_second_limit(tmp_path: Path) -> None:
    studio, asked = Studio(tmp_path), list[int]()
    space = watch(studio, asked, gives=940)
    for left in (10_000, 500, 60):
        space.left = left
        await space.check()
    assert asked == [940]
    assert space.left == 1000
    assert studio.told.alarms == {}  # room was made
    await studio.end()


async def test_nothing_can_be_made_room_of_without_the_database_and_the_alarm_stands(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    space = watch(studio, [], away=True)
    space.left = 60
    await space.check()
    assert studio.told.alarms == {(ALARM, str(tmp_path)): Severity.URGENT}
    await studio.end()


async def test_what_is_refused_for_want_of_space_is_a_gap_of_its_whole_length(tmp_path: Path) -> None:
    clock = VirtualClock()
    studio = Studio(tmp_path, clock=clock, refusal=lambda: space.refusal())
    space = watch(studio, [])
    space.left = 49
    await space.check()
    assert studio.service.decide(talk()) is None
    assert [(ended.complete, ended.reason[:9]) for ended in studio.told.ended] == [(False, "disk_full")]
    clock.advance(120.0)
    ended = ContactEnded(
        contact=CONTACT,
        outcome=Outcome.HANDLED,
        cause=ReleaseCause.NORMAL,
        dialled="95000",
        trunk=None,
        total_seconds=120.0,
    )
    stream: Stream[Fact] = Stream(clock, studio.ids, "default")
    studio.service.observe(stream.publish(ended))
    [gap] = [fact for fact in studio.told.facts if isinstance(fact, RecordingGap)]
    assert (gap.seconds, gap.reason[:9]) == (120.0, "disk_full")
    assert studio.told.alarms["recording_gap", ""] is Severity.URGENT
    space.left = 51
    await space.check()
    assert studio.service.decide(talk()) is not None
    await studio.end()

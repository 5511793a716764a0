"""Every recording at rest gets into every store, whatever happens on the way; what is deleted goes from all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest

from ccplatform.contracts.words import RecordingId, Severity
from ccplatform.security.sealed_sound import Coding
from ccplatform.storage.database import Database
from recording.keeper import DAMAGE_ALARM, Keeper
from recording.retention import Retention
from recording.stores.book import CopyBook
from recording.stores.copier import AWAY_ALARM, BEHIND_ALARM, Copier
from recording.stores.copies import Copies
from recording.stores.directory import DirectoryStore
from recording.stores.model import Store, StoreAway
from recording.verify import Verification
from tests.recording.kit import ZONE, Told
from tests.recording.test_proof import Vault
from tests.support.database import database, postgres_dsn  # noqa: F401
from tests.support.object_store import ObjectStore
from tests.support.sealed import RING


class Faulty(DirectoryStore):
    """A directory that is away at will."""

    away = False

    def put(self, key: str, parts: Iterator[bytes]) -> None:
        if self.away:
            raise StoreAway(self.name, "unplugged")
        super().put(key, parts)

    def remove(self, key: str) -> None:
        if self.away:
            raise StoreAway(self.name, "unplugged")
        super().remove(key)


class Depot:
    """A vault, two stores, and what copies."""

    def __init__(self, opened: Database, directory: Path, second: Store | None = None) -> None:
        self.vault = Vault(opened, directory / "here")
        (directory / "nas").mkdir(parents=True)
        (directory / "far").mkdir()
        self.near = Faulty("nas", directory / "nas")
        self.far = second or Faulty("far", directory / "far")
        self.told = Told()
        self.copier = self.start()

    def start(self, *, keep_days: int | None = None, stores: list[Store] | None = None) -> Copier:
        self.copies = Copies(stores or [self.near, self.far], RING)
        self.book = CopyBook(database=self.vault.database)
        self.copier = Copier(
            book=self.book,
            sounds=self.vault.sounds,
            copies=self.copies,
            database=self.vault.database,
            audit=self.vault.audit,
            clock=self.vault.clock,
            settle_seconds=600.0,
            behind_seconds=3600.0,
            keep_days=keep_days,
            alarms=self.told,
        )
        return self.copier

    async def work(self) -> int:
        done = 0
        while some := await self.copier.work():
            done += some
        return done

    async def stores_of(self, recording: RecordingId) -> list[str]:
        return (await self.book.stores_of([recording])).get(recording, [])

    async def findings(self, *, all_copies: bool = True) -> list[str]:
        verification = Verification(
            catalogue=self.vault.catalogue,
            sounds=self.vault.sounds,
            audit=self.vault.audit,
            copies=self.copies,
            all_copies=all_copies,
        )
        verdict = await verification.run(self.vault.day, self.vault.day)
        return [finding.problem for finding in verdict.findings]


@pytest.fixture
def depot(database: Database, tmp_path: Path) -> Depot:  # noqa: F811
    return Depot(database, tmp_path)


async def test_what_rested_long_enough_gets_into_every_store_once(depot: Depot) -> None:
    old = await depot.vault.add()
    depot.vault.clock.advance(700)
    young = await depot.vault.add()
    assert await depot.work() == 2
    assert await depot.work() == 0
    assert await depot.stores_of(old) == ["far", "nas"]
    assert await depot.stores_of(young) == []
    assert await depot.findings() == []
    rows = await depot.vault.audit.page(action="recording.copy")
    assert len(rows) == 2
    assert all(old in row.detail for row in rows)
    depot.vault.clock.advance(1)
    [near, far] = await depot.book.counts(["nas", "far"], depot.vault.clock.wall())
    assert (near.copies, near.waiting, far.copies) == (1, 1, 1)
    assert near.size_bytes == depot.vault.sounds.files.path_of(old).stat().st_size


async def test_a_smaller_file_takes_the_place_of_its_copies(depot: Depot) -> None:
    recording = await depot.vault.add()
    depot.vault.clock.advance(700)
    await depot.work()
    keeper = Keeper(
        catalogue=depot.vault.catalogue,
        sounds=depot.vault.sounds,
        database=depot.vault.database,
        audit=depot.vault.audit,
        clock=depot.vault.clock,
        coding=Coding.FLAC,
        after_seconds=600.0,
        alarms=depot.told,
    )
    assert await keeper.make_smaller() == 1
    assert await depot.work() == 2
    with depot.copies.open_in(depot.far, recording) as reader:
        assert reader.description.coding is Coding.FLAC
    assert await depot.findings() == []
    [count] = await depot.book.counts(["far"], depot.vault.clock.wall())
    assert (count.copies, count.size_bytes) == (1, depot.vault.sounds.files.path_of(recording).stat().st_size)


async def test_a_store_that_is_away_delays_no_other_and_is_tried_less_and_less_often(depot: Depot) -> None:
    recording = await depot.vault.add()
    depot.vault.clock.advance(700)
    depot.near.away = True
    assert await depot.work() == 1
    assert await depot.stores_of(recording) == ["far"]
    assert depot.told.alarms == {(AWAY_ALARM, "nas"): Severity.NON_URGENT}
    state = depot.copier.states["nas"]
    pauses = []
    for _ in range(9):
        pauses.append(state.pause_seconds)
        assert await depot.work() == 0  # not before its time
        depot.vault.clock.advance(state.pause_seconds)
        await depot.work()
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    depot.vault.clock.advance(3600)
    await depot.work()
    assert depot.told.alarms[BEHIND_ALARM, "nas"] is Severity.URGENT
    depot.near.away = False
    depot.vault.clock.advance(300)
    assert await depot.work() == 1
    assert await depot.stores_of(recording) == ["far", "nas"]
    assert depot.told.alarms == {}


async def test_a_bucket_that_is_killed_gets_everything_when_it_is_back(
    database: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    with ObjectStore() as emulator:
        depot = Depot(database, tmp_path, emulator.store(timeout_seconds=2.0))
        recordings = [await depot.vault.add() for _ in range(3)]
        depot.vault.clock.advance(700)
        emulator.kill()
        assert await depot.work() == 3  # into the directory
        assert (AWAY_ALARM, "bucket") in depot.told.alarms
        emulator.start()
        depot.vault.clock.advance(300)
        assert await depot.work() == 3
        for recording in recordings:
            assert await depot.stores_of(recording) == ["bucket", "nas"]
        assert await depot.findings() == []
        assert depot.told.alarms == {}


async def test_a_damaged_file_is_never_copied_and_raises_an_alarm(depot: Depot) -> None:
    damaged, whole = await depot.vault.add(), await depot.vault.add()
    depot.vault.flip(damaged, 40_000)
    depot.vault.clock.advance(700)
    assert await depot.work() == 2
    assert await depot.stores_of(damaged) == []
    assert await depot.stores_of(whole) == ["far", "nas"]
    assert depot.told.alarms[DAMAGE_ALARM, ""] is Severity.URGENT


async def test_a_new_store_gets_what_the_others_have(depot: Depot, tmp_path: Path) -> None:
    recording = await depot.vault.add()
    depot.vault.clock.advance(700)
    depot.start(stores=[depot.near])
    assert await depot.work() == 1
    depot.start()
    assert await depot.work() == 1
    assert await depot.stores_of(recording) == ["far", "nas"]
    depot.start(stores=[depot.near])
    await depot.work()
    assert (AWAY_ALARM, "far") in depot.told.alarms  # its copies stay where they are: somebody is told


async def test_the_directory_lets_go_only_of_what_every_store_has(depot: Depot) -> None:
    recording = await depot.vault.add()
    depot.near.away = True
    depot.vault.clock.advance(2 * 86_400)
    depot.start(keep_days=1)
    await depot.work()
    assert depot.vault.sounds.files.path_of(recording).exists()
    depot.near.away = False
    depot.vault.clock.advance(300)
    await depot.work()
    assert not depot.vault.sounds.files.path_of(recording).exists()
    sound = Copies([depot.far], RING).open(recording)
    assert sound.contents.samples == 3 * 8000
    assert await depot.findings(all_copies=False) == []
    depot.copies.remove(depot.near, recording)
    assert await depot.findings(all_copies=False) == []  # the other store has it
    depot.copies.remove(depot.far, recording)
    assert await depot.findings(all_copies=False) == ["its file is in no store"]


async def test_deletion_reaches_every_store_even_if_one_is_away_that_night(depot: Depot) -> None:
    recording = await depot.vault.add()
    depot.vault.clock.advance(700)
    await depot.work()
    depot.vault.clock.advance(40 * 86_400)
    retention = Retention(
        catalogue=depot.vault.catalogue,
        files=depot.vault.sounds.files,
        database=depot.vault.database,
        audit=depot.vault.audit,
        clock=depot.vault.clock,
        days=31,
        at=time(3, 0),
        zone=ZONE,
    )
    depot.near.away = True
    assert await retention.run_once() == 1
    await depot.work()
    assert list(depot.far.keys("")) == []
    assert len(list(depot.near.keys(""))) == 2
    depot.near.away = False
    depot.vault.clock.advance(300)
    await depot.work()
    assert list(depot.near.keys("")) == []
    rows = await depot.vault.audit.page(action="recording.delete_copy")
    assert [recording in row.detail for row in rows] == [True, True]
    assert [count.copies for count in await depot.book.counts(["nas", "far"], depot.vault.clock.wall())] == [0, 0]


async def test_what_is_deleted_while_it_is_copied_does_not_stay_in_the_store(depot: Depot) -> None:
    recording = await depot.vault.add()
    depot.vault.clock.advance(700)
    [due] = await depot.book.due("far", depot.vault.clock.wall(), 10)
    await depot.book.know(["far", "nas"])
    with depot.vault.sounds.reader(recording) as reader:
        size = depot.copies.copy(depot.far, reader)
    async with depot.vault.database.transaction() as connection:
        await depot.vault.catalogue.mark_deleted(connection, [recording], depot.vault.clock.wall())
    await depot.copier._commit(depot.far, [(due, size)])
    assert list(depot.far.keys("")) == []
    assert await depot.stores_of(recording) == []

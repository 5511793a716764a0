"""Sealed recordings in stores: any second without the whole, nothing opened, nothing changed unnoticed."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.security.key_ring import KEYS_VARIABLE, KeyRing, KeysFromEnvironment, master_of
from recording.errors import RecordingGone
from recording.files import RecordingFiles, place_of
from recording.ranges import PIECE_BYTES
from recording.sealed import Sounds
from recording.stores.copies import Copies
from recording.stores.model import Store
from tests.support.object_store import ObjectStore
from tests.support.recalling_store import RecallingStore
from tests.support.sealed import RING, write_sealed

#: Two minutes, no two seconds alike.
SAID = b"".join(bytes([second]) * 32_000 for second in range(120))


class Archive:
    """A recording in the directory and in a store."""

    def __init__(self, store: Store, directory: Path) -> None:
        self.store = RecallingStore(store)
        self.copies = Copies([self.store], RING)
        self.sounds = Sounds(files=RecordingFiles(directory), keys=RING, elsewhere=self.copies)
        self.recording = RecordingId(Ids(VirtualClock()).new())
        write_sealed(self.sounds.files.path_of(self.recording), self.recording, SAID)
        with self.sounds.reader(self.recording) as reader:
            self.root = reader.root.hex()
            self.size = self.copies.copy(self.store, reader)
        self.store.asked.clear()

    @property
    def reads(self) -> list[int]:
        """Bytes of each reading since."""
        return [came for _, _, came in self.store.asked]

    def let_go(self) -> None:
        assert self.sounds.files.let_go(self.recording) == self.size

    def problem(self) -> str:
        return self.copies.problem(self.store, self.recording, self.root, "")

    def change(self, suffix: str, place: int) -> None:
        key = place_of(self.recording) + suffix
        data = bytearray(self.store.read(key, 0, self.store.size(key)))
        data[place] ^= 1
        self.store.put(key, iter([bytes(data)]))


@pytest.fixture
def archive(store: Store, tmp_path: Path) -> Archive:
    return Archive(store, tmp_path / "recordings")


def test_what_the_directory_let_go_is_heard_from_the_store(archive: Archive) -> None:
    here = archive.sounds.open(archive.recording)
    whole = here.read(0, here.size)
    here.close()
    archive.let_go()
    there = archive.sounds.open(archive.recording)
    assert there.size == len(whole)
    assert there.read(0, there.size) == whole
    assert whole[44:] == SAID


def test_one_second_costs_the_head_and_one_block(archive: Archive) -> None:
    archive.let_go()
    sound = archive.sounds.open(archive.recording)
    place = 44 + 100 * 32_000
    assert sound.read(place, 32_000) == SAID[100 * 32_000 : 101 * 32_000]
    assert archive.reads == [512 + 60 * 121, 32_016]


@pytest.mark.parametrize("first", [44 + 100 * 32_000, 44 + 70 * 32_000 + 31_996, 44 + len(SAID) - PIECE_BYTES])
def test_a_player_starts_after_two_requests(archive: Archive, first: int) -> None:
    archive.let_go()
    sound = archive.sounds.open(archive.recording)
    assert sound.read(first, PIECE_BYTES) == SAID[first - 44 :][:PIECE_BYTES]
    _, body = archive.reads
    assert body <= PIECE_BYTES + 2 * (60 + 32_016)
    sound.read(first + PIECE_BYTES, PIECE_BYTES)
    assert len(archive.reads) <= 3


def test_much_at_once_is_fetched_in_bounded_parts(archive: Archive) -> None:
    archive.let_go()
    sound = archive.sounds.open(archive.recording)
    assert sound.read(44, len(SAID)) == SAID
    assert max(archive.reads) == 2**20
    assert len(archive.reads) <= 2 + len(SAID) // 2**20 + 1


def test_nothing_in_the_store_can_be_heard_without_the_key(archive: Archive) -> None:
    keys = list(archive.store.keys(""))
    assert len(keys) == 2
    for key in keys:
        data = archive.store.read(key, 0, archive.store.size(key))
        assert SAID[32_000:32_100] not in data
        assert SAID[-100:] not in data


@pytest.mark.parametrize(
    ("suffix", "place"),
    [(".head", 10), (".head", 100), (".head", 520), (".body", 5), (".body", 500), (".body", -1)],
)
def test_one_changed_bit_of_a_copy_is_named(archive: Archive, suffix: str, place: int) -> None:
    assert archive.problem() == ""
    archive.change(suffix, place)
    assert archive.problem() != ""


def test_a_listener_hears_nothing_that_was_changed(archive: Archive) -> None:
    archive.let_go()
    archive.change(".body", 90 * (60 + 32_016) + 500)
    sound = archive.sounds.open(archive.recording)
    assert sound.read(44, 32_000) == SAID[:32_000]
    with pytest.raises(Exception, match="chunk 90"):
        sound.read(44 + 90 * 32_000, 32_000)


def test_a_removed_copy_is_gone_and_removing_it_again_is_harmless(archive: Archive) -> None:
    archive.let_go()
    for _ in range(2):
        archive.copies.remove(archive.store, archive.recording)
    assert list(archive.store.keys("")) == []
    with pytest.raises(RecordingGone):
        archive.sounds.open(archive.recording)


def test_a_new_master_key_wraps_copies_too(archive: Archive) -> None:
    keys = f"test:{base64.b64encode(b'm' * 32).decode()},next:{base64.b64encode(b'n' * 32).decode()}"
    ring = KeyRing(KeysFromEnvironment({KEYS_VARIABLE: keys}))
    copies = Copies([archive.store], ring)
    assert copies.rewrap(archive.store, archive.recording)
    assert not copies.rewrap(archive.store, archive.recording)
    assert master_of(copies.wrapped_key(archive.store, archive.recording)) == "next"
    with copies.open(archive.recording) as reader:
        assert reader.root.hex() == archive.root
    assert list(copies.recordings(archive.store)) == [archive.recording]


def test_while_its_store_is_away_a_recording_is_unavailable_and_not_gone(tmp_path: Path) -> None:
    with ObjectStore() as emulator:
        archive = Archive(emulator.store(timeout_seconds=2.0), tmp_path)
        archive.let_go()
        emulator.kill()
        with pytest.raises(Unavailable, match="store bucket"):
            archive.sounds.open(archive.recording)

"""The port of stores: what is true of one kind is true of each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from recording.stores.directory import DirectoryStore
from recording.stores.model import Store, StoreAway
from tests.support.object_store import ObjectStore

#: More than a part of an upload, so that it goes in several.
LARGE = os.urandom(11 * 2**20 + 7)


def parts(data: bytes) -> Iterator[bytes]:
    for place in range(0, len(data), 2**20):
        yield data[place : place + 2**20]


def test_what_was_put_is_read_in_any_part(store: Store) -> None:
    store.put("2026/01/05/a.body", parts(LARGE))
    assert store.size("2026/01/05/a.body") == len(LARGE)
    for first, length in ((0, 10), (5 * 2**20 - 3, 7), (len(LARGE) - 4, 4), (len(LARGE) - 4, 4000)):
        assert store.read("2026/01/05/a.body", first, length) == LARGE[first : first + length]


def test_a_second_put_takes_the_place_of_the_first(store: Store) -> None:
    store.put("a/b.head", iter([b"first, and longer"]))
    store.put("a/b.head", iter([b"sec", b"ond"]))
    assert store.read("a/b.head", 0, 100) == b"second"


def test_keys_are_those_that_were_put_and_not_removed(store: Store) -> None:
    for key in ("2026/01/05/a.head", "2026/01/05/a.body", "2026/01/06/b.head"):
        store.put(key, iter([b"x"]))
    store.remove("2026/01/05/a.head")
    store.remove("2026/01/05/a.head")
    assert sorted(store.keys("")) == ["2026/01/05/a.body", "2026/01/06/b.head"]
    assert list(store.keys("2026/01/06")) == ["2026/01/06/b.head"]
    with pytest.raises(FileNotFoundError):
        store.read("2026/01/05/a.head", 0, 1)
    with pytest.raises(FileNotFoundError):
        store.size("2026/01/05/a.head")


def test_a_put_that_breaks_off_leaves_what_was_there(store: Store) -> None:
    def breaks_off() -> Iterator[bytes]:
        yield bytes(2**20)
        raise OSError(5, "the disk gives no more")

    store.put("a", iter([b"whole"]))
    with pytest.raises(OSError, match="disk"):
        store.put("a", breaks_off())
    assert store.read("a", 0, 100) == b"whole"
    assert list(store.keys("")) == ["a"]


def test_a_directory_that_is_not_mounted_is_never_made(tmp_path: Path) -> None:
    store = DirectoryStore("nas", tmp_path / "nas")
    for ask in (
        lambda: store.put("a", iter([b"x"])),
        lambda: store.read("a", 0, 1),
        lambda: store.remove("a"),
    ):
        with pytest.raises(StoreAway, match="mounted"):
            ask()
    assert not (tmp_path / "nas").exists()


def test_a_read_only_directory_is_away_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "2026").write_bytes(b"a file where a directory should be")
    with pytest.raises(StoreAway, match="store nas"):
        DirectoryStore("nas", tmp_path).put("2026/a", iter([b"x"]))


def test_copies_belong_to_the_platform_alone(tmp_path: Path) -> None:
    DirectoryStore("nas", tmp_path).put("a/b", iter([b"x"]))
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o600


def test_a_bucket_that_does_not_answer_is_away_and_comes_back() -> None:
    with ObjectStore() as emulator:
        store = emulator.store(timeout_seconds=1.0)
        store.put("a", iter([b"x"]))
        emulator.stall()
        with pytest.raises(StoreAway, match="store bucket"):
            store.read("a", 0, 1)
        emulator.go_on()
        assert store.read("a", 0, 1) == b"x"
        emulator.kill()
        with pytest.raises(StoreAway):
            store.put("b", iter([b"x"]))
        emulator.start()
        store.put("b", iter([b"x"]))
        assert store.read("b", 0, 1) == b"x"

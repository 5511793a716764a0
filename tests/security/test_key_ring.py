"""Master keys of recordings: made, changed, taken from file or environment, refused when they are not right."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from ccplatform.kernel.clock import VirtualClock
from ccplatform.security.errors import BadSeal, VaultClosed
from ccplatform.security.key_ring import KEYS_FILE, KEYS_VARIABLE, KeyRing, add_key, master_of, open_ring

ID = "019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b3a"


def coded(letter: bytes) -> str:
    return base64.b64encode(letter * 32).decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    add_key(tmp_path / KEYS_FILE, VirtualClock())
    return tmp_path / KEYS_FILE


def ring_of(path: Path) -> KeyRing:
    return open_ring("file", path.parent)


def test_a_key_opens_for_its_recording_only(path: Path) -> None:
    key, wrapped = ring_of(path).make(ID)
    assert ring_of(path).unwrap(wrapped + bytes(300), ID) == key
    assert key not in wrapped
    with pytest.raises(BadSeal):
        ring_of(path).unwrap(wrapped, "another")
    for place in range(len(wrapped)):
        changed = wrapped[:place] + bytes([wrapped[place] ^ 1]) + wrapped[place + 1 :]
        with pytest.raises(BadSeal):
            ring_of(path).unwrap(changed, ID)
    with pytest.raises(BadSeal, match="destroyed"):
        ring_of(path).unwrap(bytes(428), ID)


def test_a_new_master_key_counts_at_once_and_old_ones_go_on_opening(path: Path) -> None:
    ring = ring_of(path)
    key, wrapped = ring.make(ID)
    first = ring.current
    second = add_key(path, VirtualClock())
    assert (ring.current, master_of(wrapped), second == first) == (second, first, False)
    assert ring.unwrap(wrapped, ID) == key
    again = ring.wrap(key, ID)
    assert (master_of(again), ring.unwrap(again, ID)) == (second, key)


def test_the_file_is_for_the_platforms_user_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(VaultClosed, match="chmod 600"):
        _ = ring_of(path).current


def test_a_ring_that_is_open_survives_the_loss_of_its_file(path: Path) -> None:
    ring = ring_of(path)
    _, wrapped = ring.make(ID)
    path.unlink()
    assert ring.unwrap(wrapped, ID)
    assert ring.make(ID)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"keys": []}', '{"keys": [{"id": "a b", "key": "x"}]}', "[1]", "\xff"]
)
def test_a_file_that_is_no_key_file_is_named(path: Path, text: str) -> None:
    path.write_text(text, "latin-1")
    with pytest.raises(VaultClosed, match=KEYS_FILE):
        _ = ring_of(path).current


def test_keys_come_from_the_environment_the_newest_last(tmp_path: Path) -> None:
    environment = {KEYS_VARIABLE: f"old:{coded(b'a')},new:{coded(b'b')}"}
    ring = open_ring("environment", tmp_path, environment=environment)
    key, wrapped = ring.make(ID)
    assert master_of(wrapped) == "new"
    before = open_ring("environment", tmp_path, environment={KEYS_VARIABLE: f"old:{coded(b'a')}"})
    with pytest.raises(BadSeal, match="'new' of this recording is not there"):
        before.unwrap(wrapped, ID)
    assert ring.unwrap(before.make(ID)[1], ID) != key


@pytest.mark.parametrize("text", ["", "x", "id:", "id:AAAA", "i d:" + coded(b"a")])
def test_a_wrong_environment_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(VaultClosed, match=KEYS_VARIABLE):
        open_ring("environment", tmp_path, environment={KEYS_VARIABLE: text})


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VaultClosed, match="cannot write"):
        add_key(tmp_path / "file" / KEYS_FILE, VirtualClock())
    assert os.listdir(tmp_path) == ["file"]

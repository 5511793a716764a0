"""Master keys of recordings at the start and at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccplatform.app.errors import CannotStart
from ccplatform.app.places import places_of
from ccplatform.app.recorder import prepare_keys
from ccplatform.app.recording_commands import create_key, list_keys, rewrap_keys
from ccplatform.app.settings import Settings, load_settings
from ccplatform.contracts.media import Seal
from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import SystemClock, VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.security.errors import VaultClosed
from ccplatform.security.key_ring import KEYS_FILE, open_ring
from gateway.media.sealed_file import SealedFile
from recording.files import RecordingFiles
from recording.keys import destroy_key


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(flags={"node": {"data_dir": tmp_path}})


def start(settings: Settings) -> None:
    places = places_of(settings.node.data_dir)
    places.prepare()
    prepare_keys(settings, places, VirtualClock())


def record(folder: Path) -> Path:
    recording = RecordingId(Ids(SystemClock()).new())
    key, wrapped = open_ring("file", folder).make(recording)
    path = RecordingFiles(folder / "recordings").path_of(recording)
    SealedFile(str(path), recording, Seal(key=key, wrapped=wrapped)).close()
    return path


def test_the_first_start_makes_a_key_and_later_ones_keep_it(settings: Settings, tmp_path: Path) -> None:
    start(settings)
    made = (tmp_path / KEYS_FILE).read_bytes()
    start(settings)
    assert (tmp_path / KEYS_FILE).read_bytes() == made


def test_recordings_without_their_keys_stop_the_start(settings: Settings, tmp_path: Path) -> None:
    start(settings)
    record(tmp_path)
    (tmp_path / KEYS_FILE).unlink()
    with pytest.raises(CannotStart, match="recording keys create"):
        start(settings)
    create_key(settings)
    start(settings)


def test_keys_are_listed_and_recordings_brought_under_the_newest(settings: Settings, tmp_path: Path) -> None:
    start(settings)
    record(tmp_path)
    first = open_ring("file", tmp_path).current
    assert "Keep a copy" in create_key(settings)
    newest = open_ring("file", tmp_path).current
    record(tmp_path)
    assert list_keys(settings).splitlines() == [
        f"for new recordings: {newest}",
        f"{first}: 1 recordings",
        f"{newest}: 1 recordings",
    ]
    assert rewrap_keys(settings) == f"1 keys were wrapped by {newest}"
    assert f"{newest}: 2 recordings" in list_keys(settings)


def test_what_cannot_be_opened_is_counted_and_left(settings: Settings, tmp_path: Path) -> None:
    start(settings)
    destroy_key(record(tmp_path))
    assert "destroyed or damaged: 1 recordings" in list_keys(settings)
    with pytest.raises(VaultClosed, match="1 recordings could not be opened"):
        rewrap_keys(settings)


def test_no_key_is_made_where_they_are_not_in_a_file(tmp_path: Path) -> None:
    flags: dict[str, dict[str, object]] = {"node": {"data_dir": tmp_path}, "recording": {"keys": "environment"}}
    with pytest.raises(CannotStart, match="environment"):
        create_key(load_settings(flags=flags))
    with pytest.raises(CannotStart, match="CCP_RECORDING_KEYS"):
        start(load_settings(flags=flags))

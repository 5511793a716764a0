"""Master keys of recordings at the start and at the command line."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ccplatform.app.errors import CannotStart, WrongConfiguration
from ccplatform.app.places import places_of
from ccplatform.app.recorder import prepare_keys
from ccplatform.app.recording_commands import create_key, list_keys, rewrap_keys
from ccplatform.app.recording_keys import ring_of
from ccplatform.app.settings import Settings, load_settings
from ccplatform.contracts.media import Seal
from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import SystemClock, VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.security.errors import VaultClosed
from ccplatform.security.key_ring import KEYS_FILE, KEYS_VARIABLE, KeyRing, open_ring
from ccplatform.security.key_service import TOKEN_VARIABLE
from ccplatform.security.sealed_sound import HEADER_BYTES
from gateway.media.sealed_file import SealedFile
from recording.files import RecordingFiles
from recording.keys import destroy_key
from tests.support.key_service import TOKEN, transit_engine


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(flags={"node": {"data_dir": tmp_path}})


def start(settings: Settings) -> None:
    places = places_of(settings.node.data_dir)
    places.prepare()
    prepare_keys(settings, places, VirtualClock())


def record(folder: Path, ring: KeyRing | None = None) -> Path:
    recording = RecordingId(Ids(SystemClock()).new())
    key, wrapped = (ring or open_ring("file", folder)).make(recording)
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


def test_keys_of_the_environment_are_taken_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS_VARIABLE, f"first:{base64.b64encode(bytes(32)).decode()}")
    settings = load_settings(flags={"node": {"data_dir": tmp_path}, "recording": {"keys": "environment"}})
    start(settings)
    assert list_keys(settings) == "for new recordings: first"


def test_keys_in_a_service_are_rotated_there_and_recordings_brought_under_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    with transit_engine() as engine:
        settings = in_a_service(tmp_path, engine.url)
        start(settings)
        assert not (tmp_path / KEYS_FILE).exists()
        path = record(tmp_path, ring_of(settings, places_of(tmp_path), VirtualClock()))
        sound = path.read_bytes()[HEADER_BYTES:]
        engine.rotate()
        assert rewrap_keys(settings) == "1 keys were wrapped by ccplatform-recordings.v2"
        assert "ccplatform-recordings.v2: 1 recordings" in list_keys(settings)
        assert path.read_bytes()[HEADER_BYTES:] == sound
        with pytest.raises(CannotStart, match="kms"):
            create_key(settings)
        engine.away = True
        start(settings)  # who may not record may still telephone
        with pytest.raises(VaultClosed, match="sealed"):
            list_keys(settings)


def test_a_service_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongConfiguration, match=r"key_service\.url"):
        in_a_service(tmp_path, "")


def in_a_service(folder: Path, url: str) -> Settings:
    recording: dict[str, object] = {"keys": "kms", "key_service": {"url": url}}
    return load_settings(flags={"node": {"data_dir": folder}, "recording": recording})

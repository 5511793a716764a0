"""Reading sealed recordings: any part as of a WAV file, torn ones closed, keys changed and destroyed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccplatform.contracts.media import Seal
from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.security.errors import BadSeal
from ccplatform.security.key_ring import KEYS_FILE, add_key, master_of, open_ring
from gateway.media.sealed_file import SealedFile, append
from recording.errors import RecordingGone
from recording.files import RecordingFiles
from recording.keys import destroy_key, rewrap
from recording.sealed import Sounds
from recording.wave import wave_header
from tests.support.sealed import KEY, RING, unsealed, write_sealed

SAMPLES = bytes(range(256)) * 500  # four seconds
WAVE = wave_header(len(SAMPLES), 8000) + SAMPLES


@pytest.fixture
def sounds(tmp_path: Path) -> Sounds:
    return Sounds(files=RecordingFiles(tmp_path / "recordings"), keys=RING)


@pytest.fixture
def recording(sounds: Sounds) -> RecordingId:
    made = RecordingId(Ids(VirtualClock()).new())
    write_sealed(sounds.files.path_of(made), made, SAMPLES)
    return made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(0, len(WAVE) + 10), length=st.integers(0, len(WAVE)))
def test_any_part_is_as_of_a_wave_file(sounds: Sounds, recording: RecordingId, first: int, length: int) -> None:
    sound = sounds.open(recording)
    assert sound.size == len(WAVE)
    assert sound.read(first, length) == WAVE[first : first + length]
    sound.close()


def test_players_can_read_it(sounds: Sounds, recording: RecordingId) -> None:
    sound = sounds.open(recording)
    samples, rate = soundfile.read(io.BytesIO(sound.read(0, sound.size)), dtype="int16")
    sound.close()
    assert (rate, samples.tobytes()) == (8000, SAMPLES)


def test_only_the_chunks_of_a_range_are_opened(sounds: Sounds, recording: RecordingId) -> None:
    path = sounds.files.path_of(recording)
    data = bytearray(path.read_bytes())
    data[1000] ^= 1  # within the first second
    path.write_bytes(data)
    sound = sounds.open(recording)
    assert sound.read(44 + 32_000, 1000) == SAMPLES[32_000:33_000]
    with pytest.raises(BadSeal, match="chunk 0"):
        sound.read(0, 1000)
    sound.close()


def test_the_file_of_another_recording_is_not_played(sounds: Sounds, recording: RecordingId) -> None:
    other = RecordingId(Ids(VirtualClock()).new())
    sounds.files.prepare(other)
    sounds.files.path_of(recording).rename(sounds.files.path_of(other))
    with pytest.raises(RecordingGone):
        sounds.open(other)


def test_what_was_recorded_before_sound_was_sealed_is_played(sounds: Sounds, recording: RecordingId) -> None:
    sounds.files.path_of(recording).unlink()
    sounds.files.plain_path_of(recording).write_bytes(WAVE)
    sound = sounds.open(recording)
    assert (sound.size, sound.read(40, 100)) == (len(WAVE), WAVE[40:140])
    sound.close()


@pytest.mark.parametrize("torn", [0, 1, 60, 61, 20_000, 31_999])
def test_a_torn_file_is_closed_after_its_last_whole_chunk(
    sounds: Sounds, recording: RecordingId, torn: int
) -> None:
    path = sounds.files.path_of(recording)
    write_sealed(path, recording, SAMPLES, close=False)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - torn])
    found = sounds.close_torn(recording, "restart")
    assert found.seconds == (4.0 if torn == 0 else 3.0)
    assert found == sounds.close_torn(recording, "again")
    with sounds.reader(recording) as reader:
        closing = reader.closing()
        assert closing is not None
        assert (closing.error, closing.chunks, reader.root.hex()) == ("restart", int(found.seconds), found.root)
    assert unsealed(path)[0].tobytes() == SAMPLES[: int(found.seconds) * 32_000]


def test_a_file_of_a_dead_writer_is_gone_on_with_and_proves_what_is_missing(
    sounds: Sounds, recording: RecordingId
) -> None:
    path = sounds.files.path_of(recording)
    write_sealed(path, recording, SAMPLES, close=False)
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    seal = Seal(key=KEY, wrapped=b"")
    file = SealedFile(str(path), recording, seal, at_seconds=4.5)
    assert (file.missing_seconds, file.seconds) == (1.5, 4.5)
    assert append([(file, SAMPLES[:32_000])]) == [0]
    file.close()
    with sounds.reader(recording) as reader:
        assert (reader.contents.missing, reader.contents.samples) == (12_000, 44_000)
        assert reader.root.hex() == file.root
    assert unsealed(path)[0].tobytes() == SAMPLES[:96_000] + bytes(48_000) + SAMPLES[:32_000]


def test_a_failed_write_is_cut_off_and_the_file_closed(tmp_path: Path, recording: RecordingId) -> None:
    path = tmp_path / "a"
    file = SealedFile(str(path), recording, Seal(key=KEY, wrapped=b""))
    assert append([(file, SAMPLES[:32_000])]) == [0]

    def half(fds: object, parts: object, places: object) -> list[int]:
        with path.open("ab") as disk:
            disk.write(b"half of a chunk")
        return [28]

    assert append([(file, SAMPLES[32_000:64_000])], half) == [28]
    file.close(error="disk full")
    assert unsealed(path)[0].tobytes() == SAMPLES[:32_000]
    assert file.root


def test_keys_are_wrapped_anew_without_touching_the_sound(tmp_path: Path, recording: RecordingId) -> None:
    add_key(tmp_path / KEYS_FILE, VirtualClock())
    ring = open_ring("file", tmp_path)
    files = RecordingFiles(tmp_path / "others")
    key, wrapped = ring.make(recording)
    file = SealedFile(str(files.path_of(recording)), recording, Seal(key=key, wrapped=wrapped))
    append([(file, SAMPLES)])
    file.close()
    before = files.path_of(recording).read_bytes()
    assert not rewrap(files.path_of(recording), ring)
    newest = add_key(tmp_path / KEYS_FILE, VirtualClock())
    assert rewrap(files.path_of(recording), ring)
    [(_, wrapped)] = files.wrapped_keys()
    assert master_of(wrapped) == newest
    after = files.path_of(recording).read_bytes()
    assert (after[512:], after[:84]) == (before[512:], before[:84])
    sound = Sounds(files=files, keys=ring).open(recording)
    assert sound.read(44, len(SAMPLES)) == SAMPLES
    sound.close()


def test_a_destroyed_key_shuts_the_file_for_ever(sounds: Sounds, recording: RecordingId) -> None:
    destroy_key(sounds.files.path_of(recording))
    with pytest.raises(RecordingGone, match="destroyed"):
        sounds.open(recording)


def test_no_plain_sound_reaches_the_disk(sounds: Sounds, recording: RecordingId) -> None:
    data = sounds.files.path_of(recording).read_bytes()
    assert SAMPLES[:64] not in data
    assert KEY not in data

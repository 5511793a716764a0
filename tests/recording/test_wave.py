"""WAV files that were cut are mended; what is no WAV file is said to be none."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from recording.errors import BadWave
from recording.wave import mend_wave, read_wave, wave_header
from tests.recording.kit import wave_bytes


def test_a_whole_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wave_bytes(8000))
    assert mend_wave(path).seconds == 1.0
    assert path.read_bytes() == wave_bytes(8000)


@pytest.mark.parametrize("declared", [0, 100, 16_000, 0xFFFF_FFFF])
def test_a_cut_file_gets_a_true_header_and_plays(tmp_path: Path, declared: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wave_bytes(12_000, declared=declared, extra=b"\x55"))
    wave = mend_wave(path)
    assert wave.whole
    assert wave.seconds == 1.5
    assert path.read_bytes() == wave_bytes(12_000)
    info = soundfile.info(path)
    assert (info.frames, info.channels, info.samplerate) == (12_000, 2, 8000)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_torn_recording_of_either_rate_is_mended_to_its_last_whole_sample(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wave_header(rate * 4, rate) + bytes(rate * 4))
    with path.open("ab") as file:
        file.write(bytes(rate * 2 + 3))  # half a second more, and a part of a sample, that no header tells of
    assert mend_wave(path).seconds == 1.5
    info = soundfile.info(path)
    assert (info.frames, info.channels, info.samplerate) == (rate * 3 // 2, 2, rate)


@given(st.binary(max_size=200) | st.integers(0, 60).map(lambda cut: wave_bytes(10)[:cut]))
def test_any_bytes_are_read_or_refused_never_worse(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.wav"
    path.write_bytes(data)
    try:
        wave = mend_wave(path)
    except BadWave:
        assert path.read_bytes() == data
    else:
        assert read_wave(path).whole
        assert wave.seconds >= 0

"""The audio tools tell the truth about signals whose truth is known."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support import audio, g711
from tests.support.speech import speech_like


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
def test_g711_agrees_with_libsndfile_on_every_sample_value(codec: str) -> None:
    samples = np.arange(-32768, 32768).astype(np.int16)
    subtype = {"PCMA": "ALAW", "PCMU": "ULAW"}[codec]
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, format="RAW", subtype=subtype)
    file.seek(0)
    theirs, _ = soundfile.read(file, dtype="int16", samplerate=8000, channels=1, format="RAW", subtype=subtype)
    ours = g711.decode(g711.encode(samples, codec), codec)
    agree = np.mean(ours == theirs)
    assert agree > 0.99, f"{agree:.4f} of the values are the same"
    assert np.max(np.abs(ours.astype(int) - theirs)) <= 1024  # one step of the top segment


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
def test_g711_keeps_every_code_word(codec: str) -> None:
    octets = bytes(range(256))
    again = g711.encode(g711.decode(octets, codec), codec)
    differ = [n for n in range(256) if again[n] != n]
    assert differ == ([0x7F] if codec == "PCMU" else [])  # mu-law has two zeros


def test_g711_table_values() -> None:
    assert list(g711.decode(bytes([0xD5, 0x55, 0xAA, 0x2A]), "PCMA")) == [8, -8, 32256, -32256]
    assert list(g711.decode(bytes([0xFF, 0x80, 0x00]), "PCMU")) == [0, 32124, -32124]
    assert g711.encode([0, 32767, -32768], "PCMA") == bytes([0xD5, 0xAA, 0x2A])
    assert g711.encode([0, 32767, -32768], "PCMU") == bytes([0xFF, 0x80, 0x00])


def test_full_scale_sine_has_3_14_dbm0() -> None:
    sine = 32768 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    assert audio.level_dbm0(sine) == pytest.approx(3.14, abs=0.001)
    assert audio.level_dbfs(sine) == pytest.approx(0, abs=0.001)
    assert audio.level_dbm0(np.zeros(10)) == audio.NOTHING_DBM0


def test_goertzel_measures_level_and_rejects_neighbours() -> None:
    signal = audio.tone(440, 0.5, -20.0)
    assert audio.tone_level_dbm0(signal, 440) == pytest.approx(-20, abs=0.1)
    assert audio.tone_level_dbm0(signal, 520) < -50
    assert audio.has_tone(signal, 440)
    assert not audio.has_tone(signal, 1004)
    assert not audio.has_tone(np.zeros(800), 440)


def test_a_tone_under_noise_of_the_same_level_is_found_and_one_far_below_is_not() -> None:
    noise = np.random.default_rng(1).normal(0, 2000, 8000)
    assert audio.has_tone(noise + audio.tone(700, 1.0, -17.0), 700)
    assert not audio.has_tone(noise + audio.tone(700, 1.0, -45.0), 700)


def test_loudest_tones_are_named_in_order() -> None:
    mixed = audio.tone(440, 1.0, -20.0) + audio.tone(1004, 1.0, -14.0)
    (first, level), (second, _) = audio.loudest_tones(mixed, 2)
    assert first == pytest.approx(1004, abs=2)
    assert level == pytest.approx(-14, abs=0.5)
    assert second == pytest.approx(440, abs=2)
    assert audio.loudest_tones(np.zeros(8000)) == []


def test_speech_is_told_from_tone_music_noise_and_silence() -> None:
    generator = np.random.default_rng(2)
    chord = sum((audio.tone(f, 3.0, -22.0).astype(float) for f in (262, 330, 392)), np.zeros(24000))
    assert audio.measure_speech(speech_like(3.0)).speech()
    assert not audio.measure_speech(audio.tone(1004, 3.0)).speech()
    assert not audio.measure_speech(chord).speech()
    assert not audio.measure_speech(generator.normal(0, 3000, 24000)).speech()
    assert not audio.measure_speech(np.zeros(24000)).speech()


def test_audible_spans_say_when_something_is_heard() -> None:
    signal = np.concatenate([np.zeros(1600), audio.tone(800, 0.4), np.zeros(8000), audio.tone(800, 0.2)])
    assert audio.audible_spans(signal) == [pytest.approx((0.2, 0.6)), pytest.approx((1.6, 1.8))]
    assert audio.is_silent(signal[:1600])


@pytest.mark.parametrize("lag", [0, 37, 1234])
def test_reference_is_found_in_a_noisy_quieter_copy(lag: int) -> None:
    reference = speech_like(1.5)
    recording = np.random.default_rng(3).normal(0, 50, 20000)
    recording[lag : lag + reference.size] += 0.3 * reference
    found = audio.find(reference, recording)
    assert found.lag_samples == lag
    assert found.correlation > 0.9
    assert audio.find(reference, np.random.default_rng(4).normal(0, 1000, 20000)).correlation < 0.3


@pytest.mark.parametrize(("codec", "least"), [("PCMA", 33), ("PCMU", 33)])
def test_snr_of_g711_is_what_the_law_gives(codec: str, least: float) -> None:
    reference = audio.tone(1004, 1.0, -10.0)
    coded = g711.decode(g711.encode(reference, codec), codec)
    assert least < audio.snr_db(reference, np.concatenate([np.zeros(555), coded])) < 45


def test_stereo_wav_round_trip(tmp_path: Path) -> None:
    left, right = audio.tone(440, 0.1), audio.tone(700, 0.1)
    audio.write_wav(tmp_path / "two.wav", left, right)
    rate, channels = audio.read_wav(tmp_path / "two.wav")
    assert rate == 8000
    assert np.array_equal(channels[0], left)
    assert np.array_equal(channels[1], right)

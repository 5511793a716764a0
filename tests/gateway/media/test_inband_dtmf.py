"""The figures of ITU-T Q.24; 10,000 digits and an hour of speech are in ``bench/dtmf.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.media.audio import FRAME, Pcm
from gateway.media.g711 import Law
from gateway.media.inband_dtmf import KEYPAD
from tests.gateway.media.dtmf import detector, dialled, heard_in, key_tone, keys_in, noise, over_the_wire
from tests.gateway.media.peers import tone

ALL_KEYS = 4 * KEYPAD


@pytest.mark.parametrize("law", Law)
@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"level_dbm0": -27.0, "snr_db": 15.0},
        {"level_dbm0": 0.0},
        {"seconds": 0.1, "pause": 0.1, "snr_db": 15.0},
        {"twist_db": -8.0, "level_dbm0": -20.0},
        {"twist_db": 4.0, "level_dbm0": -20.0},
        {"deviation": (0.018, -0.018)},
        {"deviation": (-0.018, 0.018)},
        {"deviation": (0.018, 0.018)},
    ],
    ids=str,
)
def test_every_key_is_told_once_within_the_limits_of_q24(law: Law, condition: dict[str, Any]) -> None:
    rng = np.random.default_rng(24)
    assert keys_in([dialled(rng, ALL_KEYS, law=law, **condition)]) == [ALL_KEYS]


@pytest.mark.parametrize(
    "condition",
    [
        {"seconds": 0.023},
        {"deviation": (0.03, 0.0)},
        {"deviation": (0.0, 0.03)},
        {"deviation": (-0.035, -0.035)},
        {"twist_db": 12.0, "level_dbm0": -20.0},
        {"twist_db": -14.0, "level_dbm0": -20.0},
        {"level_dbm0": -38.0},
        {"snr_db": 3.0},
    ],
    ids=str,
)
def test_what_is_no_key_by_q24_is_not_told(condition: dict[str, Any]) -> None:
    rng = np.random.default_rng(24)
    assert keys_in([dialled(rng, ALL_KEYS, **condition)]) == [""]


@pytest.mark.parametrize("start", range(0, FRAME, 13))
def test_a_key_is_told_wherever_it_begins_and_with_its_end(start: int) -> None:
    sound = np.concatenate([np.zeros(800 + start), key_tone("5", 0.06), np.zeros(800)])
    (keys,) = heard_in([over_the_wire(sound)])
    assert [key.digit for key in keys] == ["5"]
    end, told = 800 + start + 480, -(-(800 + start + 480 + 200) // FRAME) * FRAME
    assert keys[0].age_seconds == pytest.approx((told - end) / 8000, abs=0.0225)


def test_an_interruption_of_10_ms_makes_no_second_key_and_a_pause_of_40_ms_does() -> None:
    half = key_tone("3", 0.05)
    broken = np.concatenate([np.zeros(333), half, np.zeros(80), half, np.zeros(800)])
    twice = np.concatenate([np.zeros(333), half, np.zeros(320), half, np.zeros(800)])
    assert keys_in([over_the_wire(broken), over_the_wire(twice)]) == ["3", "33"]


def test_one_key_held_for_long_is_told_once_when_it_is_let_go() -> None:
    dtmf = detector(1)
    held = over_the_wire(key_tone("*", 3.0, deviation=(0.012, -0.012)))
    told = [key for start in range(0, len(held), FRAME) for key in dtmf.hear(held[None, start : start + FRAME])]
    assert told == []
    assert dtmf.sounding[0]
    silent = np.zeros((1, FRAME), dtmf._before.dtype)
    assert [key.digit for _ in range(3) for key in dtmf.hear(silent)] == ["*"]
    assert not dtmf.sounding[0]


def test_legs_do_not_disturb_one_another() -> None:
    rng = np.random.default_rng(9)
    digits = ["".join(rng.permutation(list(KEYPAD))) for _ in range(70)]
    sounds = [dialled(rng, row, snr_db=15.0, level_dbm0=-25.0) for row in digits]
    assert keys_in(sounds) == digits


def test_a_row_handed_to_another_leg_begins_anew() -> None:
    dtmf = detector(1)
    sound = over_the_wire(key_tone("1", 0.1))
    dtmf.hear(sound[None, :FRAME])
    dtmf.hear(sound[None, FRAME : 2 * FRAME])
    dtmf.clear(0)
    dtmf.listen(0, True)
    silent = np.zeros((1, FRAME), dtype=np.int16)
    assert [dtmf.hear(silent) for _ in range(4)] == [[]] * 4


@pytest.mark.parametrize("hertz", [(697.0,), (1477.0,), (440.0, 480.0), (350.0, 440.0), (1400.0, 2060.0)])
def test_one_frequency_and_call_progress_tones_are_no_keys(hertz: tuple[float, ...]) -> None:
    sound: Pcm = sum((tone(value, 1.0) for value in hertz), np.zeros(8000, dtype=np.int16))
    assert keys_in([sound]) == [""]


def test_loud_noise_is_no_key() -> None:
    rng = np.random.default_rng(1)
    assert keys_in([over_the_wire(noise(rng, 80_000, -10.0)) for _ in range(20)]) == [""] * 20


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=0, max_size=6 * FRAME * 2), st.integers(0, 3))
def test_any_sound_is_taken_and_leaves_the_detector_usable(garbage: bytes, before: int) -> None:
    codes = np.frombuffer(garbage[: len(garbage) // 2 * 2], dtype=np.int16)
    begin = np.zeros((before * FRAME,), dtype=np.int16)
    silence = np.zeros(-len(codes) % FRAME + 4 * FRAME, dtype=np.int16)
    sound = np.concatenate([begin, codes, silence, over_the_wire(key_tone("7", 0.1)), silence[: 4 * FRAME]])
    assert keys_in([sound[: len(sound) // FRAME * FRAME]])[0].endswith("7")

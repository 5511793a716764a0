"""How alike what was heard is to what was said: the way of speech, and the scale of its quality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.proof.scoring import raw_of_lqo, way_of
from tests.support.audio import tone
from tests.support.speech import speech_like


@given(st.integers(0, 12000), st.integers(0, 2**32 - 1))
def test_the_way_of_speech_is_found_to_the_sample(lag: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    said = generator.integers(-8000, 8000, 8000).astype(np.int16)
    heard = np.zeros(24000, dtype=np.int16)
    heard[lag : lag + len(said)] = said
    assert way_of(said, heard) == lag / 8000


def test_other_sound_is_no_echo() -> None:
    generator = np.random.default_rng(1)
    said, other = generator.integers(-8000, 8000, (2, 16000)).astype(np.int16)
    assert way_of(said, other) is None
    assert way_of(said, np.zeros(16000, dtype=np.int16)) is None


def test_speech_that_a_jitter_buffer_moved_and_a_network_thinned_is_still_found() -> None:
    said = speech_like(6.0)
    heard = np.zeros(len(said) + 3 * 8000, dtype=np.int16)
    for third, lag in enumerate((2000, 2400, 1800)):  # the delay changes twice
        part = slice(third * 16000, (third + 1) * 16000)
        heard[part.start + lag : part.stop + lag] = said[part]
    lost = np.random.default_rng(3).random(len(heard) // 160) < 0.1
    heard[: len(lost) * 160].reshape(-1, 160)[lost] = 0
    way = way_of(said, heard)
    assert way is not None
    assert 1800 <= 8000 * way <= 2400


@pytest.mark.parametrize("other", [8, 9, 10, 11])
def test_the_speech_of_somebody_else_is_no_echo(other: int) -> None:
    assert way_of(speech_like(4.0), speech_like(8.0, seed=other)) is None


def test_a_tone_and_speech_that_is_quieter_than_noise_are_no_echo() -> None:
    said = speech_like(4.0)
    assert way_of(said, tone(440, 8.0)) is None
    noise = np.random.default_rng(4).normal(0, 3000, 64000)
    assert way_of(said, np.asarray(noise + 0.1 * np.concatenate([said, said]), dtype=np.int16)) is None


@pytest.mark.parametrize("gain", [0.05, 1.0])
def test_speech_that_comes_back_quieter_is_found(gain: float) -> None:
    said = speech_like(3.0)
    heard = np.asarray(np.rint(np.concatenate([np.zeros(1234), gain * said, np.zeros(9000)])), dtype=np.int16)
    assert way_of(said, heard) == 1234 / 8000


def test_nothing_said_is_not_found() -> None:
    assert way_of(np.zeros(0, dtype=np.int16), np.ones(8000, dtype=np.int16)) is None
    assert way_of(np.zeros(8000, dtype=np.int16), np.ones(16000, dtype=np.int16)) is None


def test_raw_scores_are_those_of_the_requirements() -> None:
    for raw, lqo in ((3.8, 3.94), (3.4, 3.41), (2.8, 2.53)):
        assert raw_of_lqo(lqo) == pytest.approx(raw, abs=0.01)

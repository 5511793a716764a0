"""Splitting 16 kHz into two bands and joining them again."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.media.audio import FRAME, Pcm
from gateway.media.bands import DELAY, WIDE_FRAME, Bands, prototype
from tests.gateway.media.peers import level
from tests.gateway.media.wide import RATE, wide_level, wide_tone

ROWS = np.arange(3)
_INAUDIBLE = 8000 * 10 ** (-55 / 20)  # 55 dB below the tone


def filters() -> Bands:
    bands = Bands()
    bands.grow(4)
    return bands


def split(*wide: Pcm) -> tuple[Pcm, Pcm]:
    bands, rows = filters(), ROWS[: len(wide)]
    pairs = [bands.split(rows, np.stack(part, axis=0)) for part in zip(*(w.reshape(-1, WIDE_FRAME) for w in wide),
                                                                       strict=True)]  # fmt: skip
    low, high = zip(*pairs, strict=True)
    return np.concatenate(low, axis=1), np.concatenate(high, axis=1)


def join(low: Pcm, high: Pcm) -> Pcm:
    bands, rows = filters(), ROWS[: len(low)]
    parts = [
        bands.join(rows, low[:, at : at + FRAME], high[:, at : at + FRAME]) for at in range(0, low.shape[1], FRAME)
    ]
    return np.concatenate(parts, axis=1)


def test_what_is_split_and_joined_is_what_it_was_but_later() -> None:
    noise = np.random.default_rng(1).normal(0, 4000, (3, RATE)).astype(np.int16)
    again = join(*split(*noise))
    error = again[:, DELAY:].astype(float) - noise[:, :-DELAY]
    signal = noise.astype(float)
    assert 10 * np.log10((signal**2).mean() / (error**2).mean()) > 50


@pytest.mark.parametrize("hertz", [50, 300, 1000, 3000, 3400])
def test_speech_of_a_narrow_leg_is_in_the_low_band_alone(hertz: int) -> None:
    low, high = split(wide_tone(hertz, 0.5))
    assert 20 * np.log10(level(low[0, 800:], hertz) / 8000) == pytest.approx(0, abs=0.1)
    assert np.abs(high[0, 800:]).max() < _INAUDIBLE


@pytest.mark.parametrize("hertz", [4600, 5000, 6000, 7000])
def test_what_a_narrow_leg_cannot_hear_does_not_alias_into_its_band(hertz: int) -> None:
    low, high = split(wide_tone(hertz, 0.5))
    assert np.abs(low[0, 800:]).max() < _INAUDIBLE
    assert 20 * np.log10(level(high[0, 800:], 8000 - hertz) / 8000) == pytest.approx(0, abs=0.1)


def test_a_narrow_voice_alone_gets_no_image_above_4_khz() -> None:
    wave = (8000 * np.sin(2 * np.pi * 3000 * np.arange(4000) / 8000)).astype(np.int16)[np.newaxis]
    wide = join(wave, np.zeros_like(wave))[0]
    assert wide_level(wide[1600:], 3000) == pytest.approx(8000, rel=0.01)
    assert wide_level(wide[1600:], 5000) < _INAUDIBLE


def test_the_loudest_sound_does_not_wrap() -> None:
    square = np.where(np.arange(3200) // 16 % 2, -32768, 32767).astype(np.int16)
    low, high = split(square)
    assert np.abs(np.diff(low[0].astype(int))).max() < 65535
    joined = join(low, high)[0]
    assert (np.sign(joined[DELAY + 8 :: 16]) == np.sign(square[8 : len(square) - DELAY : 16])).all()


def test_the_prototype_adds_up_to_a_flat_response() -> None:
    taps = prototype().astype(float)
    grid = np.linspace(0, 0.25, 500)
    gain, mirror = (np.abs(np.exp(-2j * np.pi * np.outer(f, np.arange(64))) @ taps) for f in (grid, 0.5 - grid))
    assert np.abs(10 * np.log10(gain**2 + mirror**2)).max() < 0.04

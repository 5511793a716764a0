"""A mark in exported sound that tells which export it was: heard by nobody, found again by its key.

Spread spectrum (I. J. Cox et al., *Secure spread spectrum watermarking for multimedia*, IEEE Trans. Image
Processing 6, 1997; here in the time domain): noise of ±1, made from the key, is added :data:`LEVEL_DB` below what
is said at that moment, near the noise that G.711 adds itself (38 dB below), and nothing where nobody speaks. It
repeats every :data:`PERIOD` samples and has four codes of equal power: one finds the beginning, the other three
carry ten bits each by how far each of them is turned. A detector whitens the spectrum of every period, adds all
of them up and looks where each code fits. What is cut, mixed to one channel, made louder or coded anew still has
it; a faster or slower copy has not. Pure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

#: Below the level of what is said, dB.
LEVEL_DB: Final = 33.0
#: Samples until the mark repeats, about a second at 8 kHz.
PERIOD: Final = 8192
#: Samples over which the level of what is said is taken: 20 ms at 8 kHz.
BLOCK: Final = 160
#: Numbers go up to here.
MAX_NUMBER: Final = 2**30 - 1
#: How far the weakest of the four codes must stand out, standard deviations; without a mark it is about 3.
LEAST_SCORE: Final = 5.0

_DIGITS, _PLACES = 3, 1024
_STEP: Final = PERIOD // _PLACES

Real: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A mark; ``score``: how clearly its weakest code stands out, standard deviations."""

    number: int
    score: float


def mark(frames: npt.NDArray[np.int16], first: int, number: int, key: bytes) -> npt.NDArray[np.int16]:
    """Frames (samples × 2, 16 bits) that begin with sample ``first``, a multiple of :data:`BLOCK`, marked."""
    if first % BLOCK:
        raise ValueError(f"sample {first} begins no block")
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"{number} is no number of an export")
    count = len(frames)
    blocks = -(-count // BLOCK)
    padded = np.zeros((blocks * BLOCK, 2))
    padded[:count] = frames
    level = np.sqrt((padded.reshape(blocks, BLOCK, 2) ** 2).mean(axis=1)) * 10 ** (-LEVEL_DB / 20)
    noise = _waveform(number, key)[(first + np.arange(count)) % PERIOD]
    shaped = np.repeat(level, BLOCK, axis=0)[:count] * noise[:, np.newaxis]
    marked: npt.NDArray[np.int16] = np.clip(np.rint(frames + shaped), -32768, 32767).astype(np.int16)
    return marked


def find(sound: npt.NDArray[Any], key: bytes) -> Found | None:
    """The mark in sound (samples, or samples × channels) at the rate at which it was marked; None: none."""
    voice = sound.astype(np.float64)
    voice = voice.sum(axis=1) if voice.ndim == 2 else voice
    periods = len(voice) // PERIOD
    if periods == 0:
        return None
    together = np.zeros(PERIOD // 2 + 1, dtype=np.complex128)
    for start in range(0, periods * PERIOD, PERIOD):
        spectrum = np.fft.rfft(voice[start : start + PERIOD])
        size = np.abs(spectrum)
        around = np.convolve(size, np.full(33, 1 / 33), mode="same")
        together += spectrum / (around + 1.0)
    fits = [np.fft.irfft(together * np.conj(np.fft.rfft(code)), PERIOD) for code in _codes(key)]
    begins = int(np.argmax(fits[0]))
    score, number = _stands_out(fits[0], begins), 0
    for fit in fits[1:]:
        turned = np.roll(fit, -begins)[::_STEP]
        digit = int(np.argmax(turned))
        score = min(score, _stands_out(fit, (begins + digit * _STEP) % PERIOD))
        number = number * _PLACES + digit
    return Found(number=number, score=round(score, 1)) if score >= LEAST_SCORE else None


def _stands_out(fit: Real, place: int) -> float:
    return float((fit[place] - fit.mean()) / (fit.std() or 1.0))


@lru_cache(maxsize=4)
def _codes(key: bytes) -> tuple[Real, ...]:
    seeds = (int.from_bytes(hashlib.sha256(key + bytes([code])).digest()) for code in range(1 + _DIGITS))
    return tuple(np.random.default_rng(seed).choice([-1.0, 1.0], PERIOD) for seed in seeds)


@lru_cache(maxsize=16)
def _waveform(number: int, key: bytes) -> Real:
    beginning, *codes = _codes(key)
    digits = (number >> (10 * (_DIGITS - 1 - place)) & (_PLACES - 1) for place in range(_DIGITS))
    turned = (np.roll(code, digit * _STEP) for code, digit in zip(codes, digits, strict=True))
    made: Real = (beginning + sum(turned)) / np.sqrt(1 + _DIGITS)
    return made

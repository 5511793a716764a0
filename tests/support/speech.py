"""A reproducible signal that behaves like speech: syllables of moving formants over a gliding pitch, pauses."""

from __future__ import annotations

import numpy as np

from tests.support.audio import level_dbm0
from tests.support.g711 import RATE, Samples

_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))


def speech_like(seconds: float, *, dbm0: float = -20.0, seed: int = 7) -> Samples:
    """Mean level ``dbm0`` with pauses included; the same seed gives the same samples."""
    generator = np.random.default_rng(seed)
    count = round(seconds * RATE)
    voice = np.zeros(count)
    position = 0
    while position < count:
        length = min(int(generator.uniform(0.12, 0.26) * RATE), count - position)
        voice[position : position + length] = _syllable(length, generator)
        position += length + int(generator.choice([0.03, 0.05, 0.3], p=[0.5, 0.35, 0.15]) * RATE)
    gain = 10 ** ((dbm0 - level_dbm0(voice)) / 20)
    return np.asarray(np.clip(np.round(voice * gain), -32768, 32767), dtype=np.int16)


def _syllable(length: int, generator: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    begin, end = (np.array(_VOWELS[n]) for n in generator.choice(len(_VOWELS), 2, replace=False))
    pitch = np.linspace(generator.uniform(110, 150), generator.uniform(90, 130), length)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    way = np.linspace(0, 1, length)
    out = np.zeros(length)
    for harmonic in range(1, 28):
        frequency = harmonic * pitch
        gain = np.zeros(length)
        for n, (first, last) in enumerate(zip(begin, end, strict=True)):
            formant = first + (last - first) * way
            gain += 0.6**n / (1 + ((frequency - formant) / 90) ** 2)
        out += np.where(frequency < 3600, gain, 0) * np.sin(harmonic * phase)
    return out * np.sin(np.pi * np.arange(length) / max(length, 1)) ** 0.6 * generator.uniform(0.3, 1.0) * 1000

"""Tones of keys as ITU-T Q.24 describes them, and what the detector makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.media.audio import FRAME, RATE, Pcm, peak_of
from gateway.media.g711 import Law, decode, encode
from gateway.media.inband_dtmf import KEYPAD, HeardKey, InbandDtmf, tones_of
from gateway.media.native import find_hot_path

Samples = NDArray[np.float64]


def key_tone(
    digit: str,
    seconds: float,
    *,
    level_dbm0: float = -10.0,
    twist_db: float = 0.0,
    deviation: tuple[float, float] = (0.0, 0.0),
    phases: tuple[float, float] = (0.0, 0.0),
) -> Samples:
    """The weaker tone has ``level_dbm0``; ``twist_db``: how much the high one is above the low one."""
    time = np.arange(round(seconds * RATE)) / RATE
    levels = level_dbm0 + max(0.0, -twist_db), level_dbm0 + max(0.0, twist_db)
    return np.asarray(
        sum(
            peak_of(level) * np.sin(2 * np.pi * hertz * (1 + error) * time + phase)
            for hertz, level, error, phase in zip(tones_of(digit), levels, deviation, phases, strict=True)
        )
    )


def over_the_wire(samples: Samples, law: Law = Law.PCMA) -> Pcm:
    """Whole frames of what arrives."""
    size = -(-len(samples) // FRAME) * FRAME
    whole = np.zeros(size, dtype=np.int16)
    whole[: len(samples)] = np.clip(np.rint(samples), -32768, 32767)
    return decode(law, encode(law, whole))


def noise(rng: np.random.Generator, count: int, dbm0: float) -> Samples:
    """White noise of that power."""
    return np.asarray(rng.standard_normal(count) * peak_of(dbm0) / np.sqrt(2))


def dialled(
    rng: np.random.Generator,
    digits: str,
    *,
    seconds: float = 0.04,
    pause: float = 0.04,
    snr_db: float | None = None,
    law: Law = Law.PCMA,
    **tone: Any,
) -> Pcm:
    """Keys one after the other, each at a random place in its frame, in noise relative to both tones together."""
    parts = [np.zeros(int(rng.integers(400, 800)))]
    for digit in digits:
        phases = tuple(rng.random(2) * 2 * np.pi)
        parts += [key_tone(digit, seconds, phases=phases, **tone), np.zeros(round(pause * RATE))]
        parts.append(np.zeros(int(rng.integers(0, FRAME))))
    samples = np.concatenate([*parts, np.zeros(4 * FRAME)])
    if snr_db is not None:
        level = tone.get("level_dbm0", -10.0)
        twist = abs(tone.get("twist_db", 0.0))
        power = 10 * np.log10(10 ** (level / 10) + 10 ** ((level + twist) / 10))
        samples = samples + noise(rng, len(samples), power - snr_db)
    return over_the_wire(samples, law)


def detector(rows: int) -> InbandDtmf:
    """One that listens to every row."""
    dtmf = InbandDtmf(find_hot_path(True))
    dtmf.grow(rows)
    for row in range(rows):
        dtmf.listen(row, True)
    return dtmf


def keys_in(sounds: Sequence[Pcm]) -> list[str]:
    """What is heard in each sound."""
    return ["".join(key.digit for key in row) for row in heard_in(sounds)]


def heard_in(sounds: Sequence[Pcm]) -> list[list[HeardKey]]:
    """The keys heard in each sound, as they are told."""
    dtmf = detector(len(sounds))
    heard: list[list[HeardKey]] = [[] for _ in sounds]
    length = max(len(sound) for sound in sounds)
    table = np.zeros((len(sounds), length), dtype=np.int16)
    for row, sound in enumerate(sounds):
        table[row, : len(sound)] = sound
    for start in range(0, length, FRAME):
        for key in dtmf.hear(np.ascontiguousarray(table[:, start : start + FRAME])):
            heard[key.row].append(key)
    return heard


def random_digits(rng: np.random.Generator, count: int) -> str:
    return "".join(KEYPAD[place] for place in rng.integers(0, len(KEYPAD), count))

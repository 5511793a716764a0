"""What a phone says: a signal that is played once (then silence) or over and over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.support import audio, g711
from tests.support.g711 import Samples

FRAME = 160  # samples in 20 ms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A signal at 8000 Hz."""

    samples: Samples
    loop: bool
    name: str

    def encoded(self, codec: str) -> bytes:
        return g711.encode(self.samples, codec)


def silence() -> Source:
    """Digital silence, sent all the same."""
    return Source(samples=np.zeros(FRAME, dtype=np.int16), loop=True, name="silence")


def tone(frequency: float, dbm0: float = -13.0) -> Source:
    """A sine for ever. One second is repeated, so whole hertz join without a click."""
    return Source(samples=audio.tone(frequency, 1.0, dbm0), loop=True, name=f"{frequency:g} Hz")


def signal(samples: Samples, *, loop: bool = False, name: str = "signal") -> Source:
    """Any signal."""
    return Source(samples=np.asarray(samples, dtype=np.int16), loop=loop, name=name)


def wav(path: Path | str, *, loop: bool = False) -> Source:
    """The first channel of a 16-bit WAV file at 8000 Hz."""
    rate, channels = audio.read_wav(path)
    if rate != g711.RATE:
        raise ValueError(f"{path}: {rate} Hz, expected {g711.RATE}")
    return Source(samples=channels[0], loop=loop, name=str(path))

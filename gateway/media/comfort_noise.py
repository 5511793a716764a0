"""Comfort noise: what is heard where a leg has nothing to say (RFC 3389, and our own fades after long losses).

Every leg can have a loop of 128 ms of noise of its own level and colour; it is made only when needed.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy import fft  # here: numpy would load it with the first use, within a tick

from gateway.media.audio import FRAME, LOUDEST_BACKGROUND, RATE, Array, Floats, Pcm, Rows
from gateway.media.rows import RowArrays

_LOOP_FRAMES: Final = 7  # a prime number of frames, so that legs and ticks meet it at ever other places
#: The level byte counts decibels below the overload of the digital system (RFC 3389 section 3.1): the RMS of a
#: square wave of full scale.
_OVERLOAD_RMS: Final = 32768.0
_MOST_COEFFICIENTS: Final = 12


class ComfortNoise(RowArrays):
    """The noise of all legs, as loops of samples at ``rate``."""

    def __init__(self, rate: int) -> None:
        super().__init__()
        self._frame: Final = FRAME * rate // RATE
        self.level: Array
        self._described: Array
        self._loop: Array
        size = _LOOP_FRAMES * self._frame
        self._white: Floats = _unit(np.random.default_rng(3389).standard_normal(size).astype(np.float32))
        self._slope: Floats = _coloured(self._white, np.array([-0.3]))
        self.row_array("level", np.float32)  # RMS of what the loop holds
        self.row_array("_described", np.bool_, False)  # by a SID packet
        self.row_array("_loop", np.int16, 0, (size,))

    def describe(self, row: int, payload: bytes) -> None:
        """Take a leg's SID packet: a level byte and any number of reflection coefficients (RFC 3389 section 3)."""
        if not payload:
            return
        level = _OVERLOAD_RMS * 10 ** (-(payload[0] & 0x7F) / 20)
        reflection = (np.frombuffer(payload[1 : 1 + _MOST_COEFFICIENTS], dtype=np.uint8) - 127.0) / 128
        self._described[row] = True
        self._set(row, level, _coloured(self._white, reflection) if len(reflection) else self._slope)

    def follow(self, rows: Rows, level: Array) -> None:
        """Give rows the level of their background, or silence if no pause was heard; to those without a SID."""
        level = np.where(level > LOUDEST_BACKGROUND, 0, level)
        differs = np.abs(level - self.level[rows]) > 0.25 * level  # 2 dB
        for index in np.flatnonzero(differs & ~self._described[rows]).tolist():
            self._set(int(rows[index]), float(level[index]), self._slope)

    def frame(self, rows: Rows, tick: int) -> Pcm:
        """20 ms of the noise of ``rows``."""
        loops = self._loop.reshape(-1, _LOOP_FRAMES, self._frame)
        noise: Pcm = loops[rows, (tick + rows) % _LOOP_FRAMES]
        return noise

    def _set(self, row: int, level: float, shape: Floats) -> None:
        self.level[row] = level
        self._loop[row] = np.clip(np.rint(shape * level), -32767, 32767)


def _coloured(noise: Floats, reflection: Array) -> Floats:
    """Noise through the all-pole filter of reflection coefficients, as a seamless loop of RMS 1."""
    polynomial = np.ones(1)
    for k in np.clip(reflection, -0.98, 0.98):
        padded = np.append(polynomial, 0.0)
        polynomial = padded + k * padded[::-1]
    return _unit(fft.irfft(fft.rfft(noise) / fft.rfft(polynomial, len(noise)), len(noise)))


def _unit(noise: Array) -> Floats:
    return np.asarray(noise / np.sqrt(np.mean(np.square(noise))), dtype=np.float32)

"""DTMF as tones in the audio, detected to ITU-T Q.24 (frequencies: ITU-T Q.23), all legs of a tick at once.

Two stages. The *screen* looks at the frames of all legs that are listened to, in whole numbers: is most of a
frame's energy at one low and one high frequency? Silence is left at once, little speech passes. What passes is
*examined*: both frequencies are measured by the advance of their phases, two sines are fitted by least squares,
and the fit is continued into the frames before and after. A key is what stays coherent with it long enough, which
speech does not do: that is the resistance to talk-off.

A tone of 40 ms (Q.24: to be accepted) holds a whole frame of 20 ms wherever it begins, but for 1 ms or so that
the fit forgives; its length is measured in steps of 2.5 ms, so that one of 23 ms (to be rejected) is told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gateway.media.audio import FRAME, RATE, Array, Mask, Pcm, Rows, peak_of
from gateway.media.hot_path import HotPath, ToneScreen
from gateway.media.rows import RowArrays

#: The keys by ``4 * low group + high group`` (ITU-T Q.23).
KEYPAD: Final = "123A456B789C*0#D"
LOW_GROUP: Final = (697.0, 770.0, 852.0, 941.0)
HIGH_GROUP: Final = (1209.0, 1336.0, 1477.0, 1633.0)

#: Largest relative deviation of a frequency: Q.24 accepts 1.5 to 1.8 % and rejects 3 to 3.5 %.
MAX_DEVIATION: Final = 0.024
#: Level of the high group above the low group in dB: Q.24 accepts -8 to +4 (AT&T), 5 either way (NTT).
TWIST_DB: Final = (-10.0, 6.5)
#: Lowest level of each frequency.
LEAST_DBM0: Final = -33.0
#: Most of a frame's energy that may be something else than the two tones.
MAX_RESIDUE: Final = 0.15

_STEP: Final = 20
_STEPS: Final = FRAME // _STEP
_LEAST_STEPS: Final = 12  # a key lasts 30 ms
_PAUSE_STEPS: Final = 10  # 25 ms without its tone end a key: Q.24 bridges 10 ms and accepts pauses of 40 ms
_SCREEN_SHARE: Final = 0.5
_WAVE: Final = 4096.0  # amplitude of the screen's waves
#: With less than so many times the energy of the weakest tone a frame holds no two of them: what is found at both
#: together is at most 1.5 times its energy.
_NO_ROOM: Final = 1.3
_WINDOW: Final = 100  # samples of the two windows whose phases are compared
_ADVANCE: Final = FRAME - _WINDOW
_COHERENT: Final = 0.7  # share of a step's energy that agrees with the fit
_GAIN: Final = (0.5, 2.0)  # of a step against the fit
_NO_KEY: Final = -1

_Doubles: TypeAlias = NDArray[np.float64]

_TONES: Final = np.array(LOW_GROUP + HIGH_GROUP)
_GROUP: Final = len(LOW_GROUP)
_LEAST_POWER: Final = peak_of(LEAST_DBM0) ** 2 / 2
_TWIST: Final = (10 ** (TWIST_DB[0] / 10), 10 ** (TWIST_DB[1] / 10))
_OMEGA: Final = 2 * np.pi / RATE
_TIME: Final = np.arange(FRAME)


def tones_of(digit: str) -> tuple[float, float]:
    """The two frequencies of a key, hertz."""
    low, high = divmod(KEYPAD.index(digit), _GROUP)
    return LOW_GROUP[low], HIGH_GROUP[high]


def _hann(size: int) -> _Doubles:
    return np.asarray(np.hanning(size + 2)[1:-1])


def _screen() -> ToneScreen:
    """Are most of a frame's energy, and a quarter of the least power, at one tone of each group?

    A sine of amplitude a has, windowed, the energy a² / 2 · Σw², and the squared products with the cosine and the
    sine of its frequency are (a / 2 · Σw)² together.
    """
    window = np.minimum(np.rint(_hann(FRAME) * 2**15), 2**15 - 1)
    waves = np.exp(1j * _OMEGA * _TONES[:, np.newaxis] * _TIME)
    height = window / 2**18  # of a windowed sample against the sample
    gain = (_WAVE * np.sum(height)) ** 2 / (2 * np.sum(height**2))  # squared products of a tone by its energy
    least = _LEAST_POWER / 4 * np.sum(height**2)
    return ToneScreen(
        window=window.astype(np.int16),
        waves=np.rint(_WAVE * np.concatenate([waves.real, waves.imag])).astype(np.int16),
        least_energy=int(_NO_ROOM * least),
        least_power=int(gain * least),
        share=float(gain * _SCREEN_SHARE),
    )


def _phase_matrix() -> NDArray[np.complex128]:
    """Samples × (2 windows × 8 tones)."""
    waves = np.exp(-1j * _OMEGA * _TONES * _TIME[:, np.newaxis])
    matrix = np.zeros((FRAME, 2, len(_TONES)), dtype=np.complex128)
    for place, start in enumerate((0, _ADVANCE)):
        part = slice(start, start + _WINDOW)
        matrix[part, place] = _hann(_WINDOW)[:, np.newaxis] * waves[part]
    return matrix.reshape(FRAME, -1)


SCREEN: Final = _screen()
_PHASES: Final = _phase_matrix()


@dataclass(frozen=True, slots=True)
class HeardKey:
    """A key that was let go ``age_seconds`` before the end of the frame."""

    row: int
    digit: str
    age_seconds: float


@dataclass(frozen=True, slots=True)
class _Fits:
    """Two sines fitted to the frames of several legs; ``good``: they are a key's."""

    radians: _Doubles  # per sample (legs × 2)
    weights: _Doubles  # of cosines and sines (legs × 4)
    good: Mask


class InbandDtmf(RowArrays):
    """The detector. ``sounding`` says in which rows a key's tone is heard, or was less than 25 ms ago."""

    def __init__(self, hot_path: HotPath) -> None:
        super().__init__()
        self._hot_path = hot_path
        self.sounding: Mask
        self._listening: Array
        self._before: Array
        self._now: Array
        self._key: Array
        self._span: Array
        self._pause: Array
        self._radians: Array
        self._weights: Array
        self.row_array("sounding", np.bool_, False)
        self.row_array("_listening", np.bool_, False)
        self.row_array("_before", np.int16, 0, (FRAME,))  # what was heard last
        self.row_array("_now", np.int16, 0, (FRAME,))  # takes turns with it
        self.row_array("_key", np.int8, _NO_KEY)
        self.row_array("_span", np.int32)  # steps from the begin of the tone to its last one so far
        self.row_array("_pause", np.int32)  # steps since then
        self.row_array("_radians", np.float64, 0, (2,))
        self.row_array("_weights", np.float64, 0, (4,))  # at the beginning of the next frame
        self._rows: Rows = np.zeros(0, dtype=np.intp)

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        super().clear(row)
        self._rows = np.flatnonzero(self._listening)

    def listen(self, row: int, listening: bool) -> None:
        """Look for keys in what this row says from now on, or no longer."""
        if bool(self._listening[row]) != listening:
            super().clear(row)
            self._listening[row] = listening
            self._rows = np.flatnonzero(self._listening)

    def hear(self, frame: Pcm) -> list[HeardKey]:
        """Take 20 ms of every leg (rows × 160); returns the keys that are over now."""
        rows = self._rows
        if not len(rows):
            return []
        low, high, passed = self._hot_path.screen(frame, rows, SCREEN, self._now)
        heard: list[HeardKey] = []
        if passed.any() or self.sounding.any():
            chosen = np.flatnonzero(passed | self.sounding[rows])
            key = (low[chosen] * _GROUP + high[chosen]).astype(np.int8)
            heard = self._examine(rows[chosen], frame[rows[chosen]].astype(np.float64), key, passed[chosen])
        self._before, self._now = self._now, self._before
        return heard

    def _examine(self, rows: Rows, samples: _Doubles, key: Array, passed: Mask) -> list[HeardKey]:
        fits = _fit(samples, key)
        good = fits.good & passed
        begins = good & (key != self._key[rows])
        heard = self._finish(rows[begins])
        self._key[rows[begins]] = key[begins]
        self._keep(rows[good], fits.radians[good], fits.weights[good])
        there = _agrees(samples, self._radians[rows], self._weights[rows])
        lead = np.where(begins & there[:, 0], self._lead(rows, begins), 0)
        first, last = there.argmax(axis=1), _STEPS - there[:, ::-1].argmax(axis=1)
        some = there.any(axis=1)
        self._span[rows] += np.where(some, self._pause[rows] + last + lead - np.where(begins, first, 0), 0)
        self._pause[rows] = np.where(some, _STEPS - last, self._pause[rows] + _STEPS)
        self._weights[rows] = _turned(self._weights[rows], self._radians[rows] * FRAME)
        self.sounding[rows] = self._key[rows] != _NO_KEY
        return heard + self._finish(rows[self.sounding[rows] & (self._pause[rows] >= _PAUSE_STEPS)])

    def _keep(self, rows: Rows, radians: _Doubles, weights: _Doubles) -> None:
        self._radians[rows], self._weights[rows] = radians, weights

    def _lead(self, rows: Rows, begins: Mask) -> Array:
        """Steps at the end of the frame before that belong to the tone already."""
        weights = _turned(self._weights[rows], -self._radians[rows] * FRAME)
        there = _agrees(self._before[rows].astype(np.float64), self._radians[rows], weights)
        return np.where(there.all(axis=1), _STEPS, (~there[:, ::-1]).argmax(axis=1))

    def _finish(self, rows: Rows) -> list[HeardKey]:
        """The keys of these rows are over, if there were any; returns those that lasted long enough."""
        heard = [
            HeardKey(row, KEYPAD[self._key[row]], float(self._pause[row]) * _STEP / RATE)
            for row in rows.tolist()
            if self._key[row] != _NO_KEY and self._span[row] >= _LEAST_STEPS
        ]
        self._key[rows] = _NO_KEY
        self._span[rows] = self._pause[rows] = 0
        self.sounding[rows] = False
        return heard


def _fit(samples: _Doubles, key: Array) -> _Fits:
    """Fit the two tones of a key to frames, their frequencies first."""
    tones = np.stack([key // _GROUP, _GROUP + key % _GROUP], axis=1)
    windows = (samples @ _PHASES).reshape(-1, 2, len(_TONES))
    every = np.arange(len(samples))[:, np.newaxis]
    early, late = windows[every, 0, tones], windows[every, 1, tones]
    deviation = np.angle(late * early.conj()) / _ADVANCE  # radians per sample
    nominal = _OMEGA * _TONES[tones]
    radians = nominal + deviation
    phases = radians[:, np.newaxis, :] * _TIME[:, np.newaxis]
    basis = np.concatenate([np.cos(phases), np.sin(phases)], axis=2)
    products = np.einsum("nti,nt->ni", basis, samples)
    weights = np.linalg.solve(np.einsum("nti,ntj->nij", basis, basis), products[:, :, np.newaxis])[:, :, 0]
    energy = np.einsum("nt,nt->n", samples, samples)
    residue = energy - np.einsum("ni,ni->n", products, weights)
    power = (weights[:, :2] ** 2 + weights[:, 2:] ** 2) / 2
    twist = power[:, 1] / np.maximum(power[:, 0], 1e-9)
    good = (np.abs(deviation) <= MAX_DEVIATION * nominal).all(axis=1)
    good &= (power >= _LEAST_POWER).all(axis=1) & (twist >= _TWIST[0]) & (twist <= _TWIST[1])
    return _Fits(radians, weights, good & (residue <= MAX_RESIDUE * energy))


def _agrees(samples: _Doubles, radians: _Doubles, weights: _Doubles) -> Mask:
    """In which steps of their frames (legs × 8) legs say what the fit foretells."""
    phases = radians[:, np.newaxis, :] * _TIME[:, np.newaxis]
    foretold = np.einsum("nti,ni->nt", np.cos(phases), weights[:, :2])
    foretold += np.einsum("nti,ni->nt", np.sin(phases), weights[:, 2:])
    foretold, said = foretold.reshape(-1, _STEPS, _STEP), samples.reshape(-1, _STEPS, _STEP)
    product = np.einsum("nst,nst->ns", foretold, said)
    there = np.einsum("nst,nst->ns", foretold, foretold)
    energy = np.einsum("nst,nst->ns", said, said)
    coherent = product * np.abs(product) >= _COHERENT * there * energy
    return np.asarray(coherent & (product >= _GAIN[0] * there) & (product <= _GAIN[1] * there) & (there > 0))


def _turned(weights: _Doubles, angles: _Doubles) -> _Doubles:
    """The weights of the same sines when time begins later by these angles."""
    cosines, sines = np.cos(angles), np.sin(angles)
    a, b = weights[:, :2], weights[:, 2:]
    return np.concatenate([a * cosines + b * sines, b * cosines - a * sines], axis=1)

"""Who speaks: level meters, voice activity and answering-machine hints of the legs that are watched, all at once.

*Activity*: a frame is loud when its power is :data:`ABOVE_NOISE_DB` above the noise floor of the leg and not
below :data:`LEAST_DBM0`. The floor follows quieter frames by half of the way at once and rises by 2 dB/s. Three
loud frames in a row begin speech (told as begun with the first), 400 ms without one end it.

*Hint*, once per watch, so watch a leg from its answer on. A person says a short greeting and waits: speech of at
most 2 s, then a second of silence, is PERSON. A machine talks on: 3 s of speech without such a silence is MACHINE.
Nobody within 5 s is SILENCE. Both kinds err: what depends on it should be harmless when wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from ccplatform.contracts.media import Answerer
from gateway.media.audio import FRAME, TICK_SECONDS, Array, Mask, Pcm, Rows, peak_of
from gateway.media.rows import RowArrays

#: What is loud: against the noise floor, and at least, as the level of a sine.
ABOVE_NOISE_DB: Final = 9.0
LEAST_DBM0: Final = -45.0

_BEGIN_FRAMES: Final = 3
_END_FRAMES: Final = round(0.4 / TICK_SECONDS)
_RISE: Final = np.float32(10 ** (2.0 * TICK_SECONDS / 10))
_ABOVE: Final = np.float32(10 ** (ABOVE_NOISE_DB / 10))
_LEAST: Final = np.float32(peak_of(LEAST_DBM0) ** 2 / 2)
_POWER_0_DBM0: Final = peak_of(0.0) ** 2 / 2
_PEAK_0_DBM0: Final = peak_of(0.0)
_QUIETEST: Final = -100.0
_GREETING_FRAMES: Final = round(2.0 / TICK_SECONDS)
_WAITING_FRAMES: Final = round(1.0 / TICK_SECONDS)
_MACHINE_FRAMES: Final = round(3.0 / TICK_SECONDS)
_NOBODY_FRAMES: Final = round(5.0 / TICK_SECONDS)


@dataclass(frozen=True, slots=True)
class Changed:
    """Speech began or ended ``age_seconds`` before the end of the frame."""

    row: int
    speaking: bool
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Hinted:
    """Who seems to have answered."""

    row: int
    answerer: Answerer


@dataclass(frozen=True, slots=True)
class Metered:
    """Levels over the metering period, dBm0 (of a sine of that power and that peak)."""

    row: int
    rms_dbm0: float
    peak_dbm0: float


class VoiceWatch(RowArrays):
    """The watched legs; others cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.speaking: Array
        self._watched: Array
        self._floor: Array
        self._loud: Array
        self._quiet: Array
        self._frames: Array
        self._spoken: Array
        self._hinted: Array
        self._period: Array
        self._metered: Array
        self._power: Array
        self._peak: Array
        self.row_array("speaking", np.bool_, False)
        self.row_array("_watched", np.bool_, False)
        self.row_array("_floor", np.float32, float(_LEAST))
        self.row_array("_loud", np.int32)  # loud frames in a row
        self.row_array("_quiet", np.int32, _END_FRAMES)  # frames since the last loud one
        self.row_array("_frames", np.int64)  # since the watch began
        self.row_array("_spoken", np.int64)  # frames since speech began first, pauses included; 0: nobody yet
        self.row_array("_hinted", np.bool_, False)
        self.row_array("_period", np.int32)  # frames between levels; 0: none are told
        self.row_array("_metered", np.int32)
        self.row_array("_power", np.float64)
        self.row_array("_peak", np.float32)
        self._rows: Rows = np.zeros(0, dtype=np.intp)

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        super().clear(row)
        self._rows = np.flatnonzero(self._watched)

    def watch(self, row: int, on: bool, level_seconds: float) -> None:
        """Begin to watch a leg, or end; levels are told every ``level_seconds``, 0: never."""
        self.clear(row)
        self._watched[row] = on
        self._period[row] = min(max(0, round(level_seconds / TICK_SECONDS)), 1 << 20)
        self._rows = np.flatnonzero(self._watched)

    def hear(self, frame: Pcm) -> list[Changed | Hinted | Metered]:
        """Take 20 ms of every leg (rows × 160)."""
        rows = self._rows
        if not len(rows):
            return []
        samples = frame[rows].astype(np.float32)
        power = np.einsum("rt,rt->r", samples, samples) / np.float32(FRAME)
        self._frames[rows] += 1
        events: list[Changed | Hinted | Metered] = [*self._activity(rows, power), *self._hints(rows)]
        return [*events, *self._levels(rows, power, np.abs(samples).max(axis=1))]

    def _activity(self, rows: Rows, power: Array) -> list[Changed]:
        floor = self._floor[rows]
        loud = (power > floor * _ABOVE) & (power > _LEAST)
        self._floor[rows] = np.maximum(np.where(power < floor, (floor + power) / 2, floor * _RISE), 1.0)
        self._loud[rows] = np.where(loud, self._loud[rows] + 1, 0)
        self._quiet[rows] = np.where(loud, 0, self._quiet[rows] + 1)
        was = self.speaking[rows]
        begins = ~was & (self._loud[rows] >= _BEGIN_FRAMES)
        ends = was & (self._quiet[rows] >= _END_FRAMES)
        self.speaking[rows] = (was | begins) & ~ends
        changed = [Changed(row, True, _BEGIN_FRAMES * TICK_SECONDS) for row in rows[begins].tolist()]
        return changed + [Changed(row, False, _END_FRAMES * TICK_SECONDS) for row in rows[ends].tolist()]

    def _hints(self, rows: Rows) -> list[Hinted]:
        rows = rows[~self._hinted[rows]]
        begun = self.speaking[rows] | (self._spoken[rows] > 0)
        self._spoken[rows] += begun
        spoken, quiet = self._spoken[rows], self._quiet[rows]
        person = begun & (quiet >= _WAITING_FRAMES) & (spoken - quiet <= _GREETING_FRAMES)
        machine = begun & ~person & (spoken - quiet >= _MACHINE_FRAMES)
        unclear = begun & ~person & ~machine & (quiet >= _WAITING_FRAMES)
        nobody = ~begun & (self._frames[rows] >= _NOBODY_FRAMES)
        self._hinted[rows] = person | machine | nobody | unclear
        return [
            Hinted(row, answerer)
            for answerer, those in self._named(person, machine, unclear, nobody)
            for row in rows[those].tolist()
        ]

    @staticmethod
    def _named(person: Mask, machine: Mask, unclear: Mask, nobody: Mask) -> tuple[tuple[Answerer, Mask], ...]:
        return (
            (Answerer.PERSON, person),
            (Answerer.MACHINE, machine),
            (Answerer.UNCLEAR, unclear),
            (Answerer.SILENCE, nobody),
        )

    def _levels(self, rows: Rows, power: Array, peak: Array) -> list[Metered]:
        chosen = self._period[rows] > 0
        if not chosen.any():
            return []
        rows, power, peak = rows[chosen], power[chosen], peak[chosen]
        self._power[rows] += power
        self._peak[rows] = np.maximum(self._peak[rows], peak)
        self._metered[rows] += 1
        due = rows[self._metered[rows] >= self._period[rows]]
        told = [
            Metered(row, _decibels(self._power[row] / self._metered[row] / _POWER_0_DBM0, 10.0),
                    _decibels(self._peak[row] / _PEAK_0_DBM0, 20.0))
            for row in due.tolist()
        ]  # fmt: skip
        self._power[due], self._peak[due], self._metered[due] = 0.0, 0.0, 0
        return told


VoiceEvent: TypeAlias = Changed | Hinted | Metered


def _decibels(ratio: float, factor: float) -> float:
    return round(max(_QUIETEST, factor * float(np.log10(max(ratio, 1e-12)))), 1)

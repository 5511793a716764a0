"""Loss concealment: what did not arrive is made from the last pitch period, fading out within 60 ms.

Works on whole batches: only the legs that miss something in this tick, or come back from a loss, are touched.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gateway.media.audio import BLOCK, FRAME, Array, Floats, Mask, Pcm, Rows
from gateway.media.jitter import ABSENT
from gateway.media.rows import RowArrays

_HISTORY: Final = 3  # frames
_SHORTEST, _LONGEST = 40, 120  # pitch periods, samples: 200 to 67 Hz
_TEMPLATE: Final = 160
#: Gain at the end of each concealed block relative to its beginning: full for 10 ms, gone after 60.
_FADE: Final = np.array([1.0, 0.8, 0.75, 2 / 3, 0.5, 0.0], dtype=np.float32)
#: Blocks after which a leg is simply silent.
GIVE_UP: Final = len(_FADE)
#: Legs for which a pitch is looked for in one tick; beyond that the middle of the range is taken.
_MAX_SEARCHES: Final = 64
_OVERLAP: Final = 40
_RISE: Final = np.linspace(0, 1, _OVERLAP, dtype=np.float32)
_RAMP: Final = np.linspace(0, 1, BLOCK, dtype=np.float32)


class Concealer(RowArrays):
    """Repairs frames and keeps the last 60 ms of what each leg said."""

    def __init__(self) -> None:
        super().__init__()
        self.concealed: Array
        self.muted: Array
        self._run: Array
        self._lag: Array
        self._history: Array
        self.row_array("concealed", np.int64)  # blocks
        self.row_array("muted", np.bool_, False)  # no concealment: the peer sends no audio on purpose
        self.row_array("_run", np.int32, GIVE_UP)  # blocks concealed in a row
        self.row_array("_lag", np.int32, _LONGEST)
        self.row_array("_history", np.int16, 0, (_HISTORY * FRAME,))
        self._slot = 0

    def repair(self, frame: Pcm) -> None:
        """Replace every :data:`ABSENT` sample of ``frame`` (rows × 160), in place."""
        high = len(frame)
        missing = frame == ABSENT
        lossy = missing.any(axis=1)
        run = self._run[:high]
        active = np.flatnonzero((lossy & (run < GIVE_UP) & ~self.muted[:high]) | (~lossy & (run > 0)))
        if len(active):
            self._repair_rows(frame, active, missing[active])
        idle = lossy.copy()
        idle[active] = False
        if idle.any():
            np.copyto(frame, 0, where=missing & idle[:, np.newaxis])
            run[idle] = GIVE_UP
        self._history[:high, self._slot * FRAME : (self._slot + 1) * FRAME] = frame
        self._slot = (self._slot + 1) % _HISTORY

    def _repair_rows(self, frame: Pcm, rows: Rows, missing: Mask) -> None:
        order = [(self._slot + age) % _HISTORY for age in range(_HISTORY)]
        history = np.concatenate(
            [self._history[rows, slot * FRAME : (slot + 1) * FRAME] for slot in order], axis=1
        ).astype(np.float32)
        for start in range(0, FRAME, BLOCK):
            part = slice(start, start + BLOCK)
            block = self._repair_block(rows, history, frame[rows, part].astype(np.float32), missing[:, part])
            frame[rows, part] = block
            history = np.concatenate([history[:, BLOCK:], block], axis=1)

    def _repair_block(self, rows: Rows, history: Floats, block: Floats, missing: Mask) -> Floats:
        lossy = missing.any(axis=1)
        run = self._run[rows]
        begins = lossy & (run == 0)
        if begins.any():
            self._lag[rows[begins]] = _pitch(history[begins])
        lag = self._lag[rows][:, np.newaxis]
        places = history.shape[1] - lag + np.arange(BLOCK) % lag
        made = np.take_along_axis(history, places, axis=1)
        end_gain = _FADE[np.minimum(run, GIVE_UP - 1)] * (run < GIVE_UP)
        faded = made * (1 + (end_gain[:, np.newaxis] - 1) * _RAMP)
        returns = ~lossy & (run > 0)
        if returns.any():
            joint = faded[returns, :_OVERLAP] * (1 - _RISE) + block[returns, :_OVERLAP] * _RISE
            block[returns, :_OVERLAP] = joint
        self._run[rows] = np.where(lossy, np.minimum(run + 1, GIVE_UP), 0)
        self.concealed[rows] += lossy
        result: Floats = np.where(missing, faded, block)
        return result


def _pitch(history: Floats) -> Array:
    """Pitch period of each row's recent past, by normalised correlation."""
    lags = np.full(len(history), _TEMPLATE // 2, dtype=np.int32)
    searched = history[:_MAX_SEARCHES]
    length = searched.shape[1]
    template = searched[:, length - _TEMPLATE :]
    past = searched[:, length - _TEMPLATE - _LONGEST : length - _SHORTEST]
    windows = sliding_window_view(past, _TEMPLATE, axis=1)
    match = np.einsum("rlt,rt->rl", windows, template)
    energy = np.einsum("rlt,rlt->rl", windows, windows)
    lags[:_MAX_SEARCHES] = _LONGEST - np.argmax(match / np.sqrt(energy + 1.0), axis=1)
    return lags

"""Sound at 16 kHz as two bands at 8 kHz each, and back: a quadrature mirror filter bank for all wide legs at once.

The low band is what a narrow leg can hear: it goes wherever sound at 8 kHz goes. The high band holds 4-8 kHz,
mirrored. Splitting and joining are linear, so bands may be mixed with gains before they are joined. Both
filters come from one low-pass prototype: what aliases into the bands cancels when they are joined, and the whole
is flat within 0.04 dB. Splitting delays by :data:`DELAY` / 2 samples of 16 kHz, joining by as much again.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from gateway.media.audio import FRAME, Array, Floats, Pcm, Rows
from gateway.media.rows import RowArrays

#: Samples of 20 ms at 16 kHz.
WIDE_FRAME: Final = 2 * FRAME
_TAPS: Final = 64
#: From the split to the joint, samples of 16 kHz.
DELAY: Final = _TAPS - 2
_KAISER_BETA: Final = 6.0  # with 64 taps: 63 dB down above 4.6 kHz, flat to 0.01 dB up to 3.4 kHz
_BLOCK: Final = 32  # samples of a band that one product makes: few enough that most of its matrix is not zero
_BLOCKS: Final = FRAME // _BLOCK
_WINDOW: Final = _TAPS - 2 + 2 * _BLOCK
_PAST: Final = _TAPS - 2  # samples of 16 kHz, or of both bands together
_FULL: Final = 32767.0


def prototype() -> Floats:
    """The low-pass: a Kaiser-windowed sinc whose corner makes the power of both filters add up at 4 kHz."""
    place = np.arange(_TAPS) - (_TAPS - 1) / 2
    window = np.kaiser(_TAPS, _KAISER_BETA)
    low, high = 0.2, 0.3  # of the sample rate; at 0.25 the gain is to be the square root of a half
    while high - low > 1e-9:
        corner = (low + high) / 2
        taps = np.sinc(2 * corner * place) * window
        taps /= taps.sum()
        gain = abs(np.dot(taps, np.exp(-0.5j * np.pi * place)))
        low, high = (corner, high) if gain < np.sqrt(0.5) else (low, corner)
    return np.asarray(taps, dtype=np.float32)


def _splitting() -> Floats:
    """One block: a window of 16 kHz → 32 samples of the low band, then 32 of the high one."""
    taps = prototype()[::-1]
    mirrored = taps * np.where(np.arange(_TAPS) % 2, 1, -1)  # the newest sample counts with +1
    matrix = np.zeros((_WINDOW, 2, _BLOCK), dtype=np.float32)
    for out in range(_BLOCK):
        matrix[2 * out : 2 * out + _TAPS, 0, out] = taps
        matrix[2 * out : 2 * out + _TAPS, 1, out] = mirrored
    return matrix.reshape(_WINDOW, 2 * _BLOCK)


def _joining() -> Floats:
    """One block: windows of both bands, sample by sample in pairs → 64 samples of 16 kHz."""
    taps = 2 * prototype()
    mirrored = -taps * np.where(np.arange(_TAPS) % 2, -1, 1)
    matrix = np.zeros((_WINDOW // 2, 2, 2 * _BLOCK), dtype=np.float32)
    for out in range(2 * _BLOCK):
        newest = _PAST // 2 + out // 2
        for age in range(_TAPS // 2):
            matrix[newest - age, 0, out] = taps[2 * age + out % 2]
            matrix[newest - age, 1, out] = mirrored[2 * age + out % 2]
    return matrix.reshape(_WINDOW, 2 * _BLOCK)


class Bands(RowArrays):
    """The filters' memories, one row per wide leg."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: Array
        self._said: Array
        self.row_array("_heard", np.float32, 0, (_PAST,))
        self.row_array("_said", np.float32, 0, (_PAST,))
        self._splitting = _splitting()
        self._joining = _joining()

    def split(self, rows: Rows, wide: Pcm) -> tuple[Pcm, Pcm]:
        """The low and the high band of the next 20 ms of some rows (rows × 320 → twice rows × 160)."""
        bands = _filtered(self._heard, rows, wide, self._splitting).reshape(len(rows), _BLOCKS, 2, _BLOCK)
        low, high = bands.swapaxes(1, 2).reshape(len(rows), 2, FRAME).swapaxes(0, 1)
        return low, high

    def join(self, rows: Rows, low: Pcm, high: Pcm) -> Pcm:
        """The next 20 ms of some rows at 16 kHz."""
        pairs = np.stack((low, high), axis=2).reshape(len(rows), WIDE_FRAME)
        return _filtered(self._said, rows, pairs, self._joining).reshape(len(rows), WIDE_FRAME)


class Splitter:
    """One sound at 16 kHz, split piece by piece outside the tick."""

    def __init__(self) -> None:
        self._bands = Bands()
        self._bands.grow(1)
        self._rest: Pcm = np.zeros(0, dtype=np.int16)

    def split(self, wide: Pcm, *, last: bool) -> tuple[Pcm, Pcm]:
        """Both bands of what can be split now; with the ``last`` piece all, filled up with silence to 20 ms."""
        wide = np.concatenate([self._rest, wide])
        if last:
            wide = np.pad(wide, (0, -len(wide) % WIDE_FRAME))
        count = len(wide) // WIDE_FRAME
        self._rest = wide[count * WIDE_FRAME :]
        frames = wide[: count * WIDE_FRAME].reshape(count, 1, WIDE_FRAME)
        row, bands = np.zeros(1, dtype=np.intp), np.empty((2, count, FRAME), dtype=np.int16)
        for number, frame in enumerate(frames):
            low, high = self._bands.split(row, frame)
            bands[:, number] = low[0], high[0]
        return bands[0].reshape(-1), bands[1].reshape(-1)


def _filtered(memory: Array, rows: Rows, samples: Pcm, matrix: Floats) -> Pcm:
    """Every block's window times the matrix, with the rows' past before their samples."""
    line = np.concatenate((memory[rows], samples), axis=1, dtype=np.float32)
    memory[rows] = line[:, -_PAST:]
    step = line.strides[1]
    windows = as_strided(
        line, (len(rows), _BLOCKS, _WINDOW), (line.strides[0], 2 * _BLOCK * step, step), writeable=False
    )
    product = windows.reshape(-1, _WINDOW) @ matrix
    np.clip(np.rint(product, out=product), -_FULL, _FULL, out=product)
    return product.astype(np.int16)

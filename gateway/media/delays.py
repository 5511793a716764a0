"""How much delay each leg's network needs: a histogram of its packets' delays with a memory of some seconds.

Delays are relative: samples after a reference of the leg (*anchor*) that only makes them small numbers. The delay
that a leg wants is the cheapest one: a longer buffer costs its length, a packet that comes too late costs
:data:`_LOSS_COST` for each per cent of the packets. Everything is done for all legs at once.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.audio import Array, Mask, Rows
from gateway.media.hot_path import DelayRules
from gateway.media.rows import RowArrays

#: Milliseconds of delay that one per cent of late packets is worth. The E-model (ITU-T G.107, G.113) would pay
#: 150 ms below an end-to-end delay of 177 ms and 25 ms above; conversation suffers sooner than it says.
_LOSS_COST: Final = 40.0
_BINS: Final = 96
_BIN_MS: Final = 5
_HOME: Final = 32  # the bin of a stream's first packet
_LOWEST, _HIGHEST = 8, 48  # where the fastest packets are kept: 240 ms of room above them at least
_MEMORY_TICKS: Final = 250  # time constant of forgetting: 5 s
_LATE_WEIGHT: Final = 2.0  # of a packet that came too late: quick to rise
_RENORMALISE: Final = 1e6
#: Share of the packets that shall be there one packet early where losses are to be repaired from both sides.
_EARLY_SHARE: Final = 0.8
_LOSSY: Final = 0.004  # share of lost samples from which the next packet is waited for
_CLOSE_MS: Final = 3  # packets that come with less time to spare ask for more delay
_PROOF_TICKS: Final = 250  # no delay is taken out of a stream that is younger


class DelayHistogram(RowArrays):
    """Relative packet delays of all legs. ``rate`` is that of the samples in which delays are given."""

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.bin: Final = rate * _BIN_MS // 1000
        self.weight = 1.0
        self.bins: Array
        self.row_array("bins", np.float32, 0, (_BINS,))

    def begin(self, rows: Rows) -> Array:
        """Forget streams; the delay that the first packet of a new one is to have."""
        self.bins[rows] = 0
        return np.full(len(rows), (_HOME + 0.5) * self.bin)

    def note(self, rows: Rows, delay: Array, late: Mask) -> None:
        """Count packets, no leg twice."""
        index = np.clip(delay / self.bin, 0, _BINS - 1).astype(np.intp)
        self.bins[rows, index] += np.where(late, _LATE_WEIGHT * self.weight, self.weight)

    def forget(self) -> None:
        """A tick has passed: what was counted weighs a little less than what will be."""
        self.weight *= 1 + 1 / _MEMORY_TICKS
        if self.weight > _RENORMALISE:
            self.bins /= self.weight
            self.weight = 1.0

    def recentre(self, rows: Rows) -> Array:
        """Move histograms that the drift of a clock carries to an edge; what was added to the delays, samples."""
        bins = self.bins[rows]
        low = np.argmax(np.cumsum(bins, axis=1) > bins.sum(axis=1, keepdims=True) * 1e-3, axis=1)
        shift = np.where((low < _LOWEST) | (low > _HIGHEST), _HOME - low, 0) * bins.any(axis=1)
        for row, by in zip(rows[shift != 0].tolist(), shift[shift != 0].tolist(), strict=True):
            moved = np.zeros(_BINS, dtype=np.float32)
            if by > 0:
                moved[by:] = self.bins[row, :-by]
                moved[-1] += self.bins[row, -by:].sum()
            else:
                moved[:by] = self.bins[row, -by:]
                moved[0] += self.bins[row, :-by].sum()
            self.bins[row] = moved
        return shift * self.bin


def delay_rules(rate: int, frame: int, keep: int) -> DelayRules:
    """The rules for legs at ``rate`` that take ``frame`` samples at once and spare ``keep``."""
    return DelayRules(
        bin=rate * _BIN_MS // 1000,
        frame=frame,
        close=rate * _CLOSE_MS // 1000,
        keep=keep,
        proof=_PROOF_TICKS,
        step=_BIN_MS,
        loss=100 * _LOSS_COST,
        most=_EARLY_SHARE,
        lossy=_LOSSY,
    )

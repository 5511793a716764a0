"""Half-filled blocks of the recordings that run: what two legs say, interleaved, at one of the two rates."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, TypeAlias

import numpy as np

from gateway.media.audio import FRAME, RATE, Array, Pcm, Rows
from gateway.media.bands import WIDE_FRAME, Bands
from gateway.media.hot_path import HotPath
from gateway.media.mixing import limit
from gateway.media.rows import RowArrays, RowTable

#: Frames of a block: a second, which a worker that dies takes with it. Half of it made writing dearer by half.
BLOCK_FRAMES: Final = 50

#: Gives what rows say above 4 kHz (rows × 160).
HighBands: TypeAlias = Callable[[list[int]], Pcm]


class Blocks(RowArrays):
    """Blocks of recordings with the frames of one size, a slot each."""

    rate: int = RATE
    frame: int = FRAME

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.left: Array
        self.right: Array
        self.filled: Array
        self.taken: Array
        self.samples: Array
        self.row_array("left", np.intp)
        self.row_array("right", np.intp)
        self.row_array("filled", np.intp)
        self.row_array("taken", np.int64)  # frames since the recording began
        self.row_array("samples", np.int16, 0, (BLOCK_FRAMES, self.frame, 2))
        self.table = RowTable(limit)
        self.table.attach(self)
        self.slots: Rows = np.zeros(0, dtype=np.intp)
        self.mixed: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}  # rows of each channel, if not one

    def begin(self, left: int, right: int) -> int:
        """A slot for what two rows say."""
        slot = self.table.take()
        self.left[slot], self.right[slot] = left, right
        self.slots = np.append(self.slots, slot)
        return slot

    def end(self, slot: int) -> None:
        """Free a slot."""
        self.mixed.pop(slot, None)
        self.slots = self.slots[self.slots != slot]
        self.table.give_back(slot)

    def mix(self, slot: int, left: tuple[int, ...], right: tuple[int, ...]) -> None:
        """Take what these rows say from now on, those of a channel together."""
        self.mixed[slot] = left, right
        if self.mixed[slot] == ((int(self.left[slot]),), (int(self.right[slot]),)):
            del self.mixed[slot]

    def rows(self, slot: int) -> set[int]:
        """The rows that a slot takes."""
        left, right = self.mixed.get(slot, ((int(self.left[slot]),), (int(self.right[slot]),)))
        return {*left, *right}

    def leave(self, row: int) -> None:
        """A row that was mixed in is gone."""
        for slot, (left, right) in tuple(self.mixed.items()):
            if row in left or row in right:
                self.mix(slot, tuple(r for r in left if r != row), tuple(r for r in right if r != row))

    def take(self, hot_path: HotPath, voices: Pcm, high: HighBands, paused: Collection[int]) -> None:
        """Take one frame of every leg (rows × 160); silence for slots that are ``paused``."""
        if not len(self.slots):
            return
        self._put(hot_path, voices, high, paused)
        for slot in paused:
            self.samples[slot, self.filled[slot]] = 0
        self.filled[self.slots] += 1
        self.taken[self.slots] += 1

    def due(self, tick: int) -> list[int]:
        """Slots to be written now: each has a turn of its own, so that not all are written in one tick."""
        turn: list[int] = self.slots[(self.slots + tick) % BLOCK_FRAMES == 0].tolist()
        return turn

    def empty(self, slots: list[int]) -> list[tuple[int, bytes]]:
        """The samples that have come since the last time, of slots that have any: interleaved, 16-bit
        little-endian."""
        filled = self.filled[slots].tolist()
        self.filled[slots] = 0
        samples = self.samples.astype("<i2", copy=False)
        return [
            (slot, samples[slot, :frames].tobytes()) for slot, frames in zip(slots, filled, strict=True) if frames
        ]

    def _put(self, hot_path: HotPath, voices: Pcm, high: HighBands, paused: Collection[int]) -> None:
        hot_path.interleave(voices, self.left, self.right, self.slots, self.filled, self.samples)
        for slot, channels in self.mixed.items():
            for channel, rows in enumerate(channels):
                self.samples[slot, self.filled[slot], :, channel] = _together(voices[list(rows)])


class WideBlocks(Blocks):
    """At 16 kHz: both bands of each leg joined; a narrow leg has nothing in the high one."""

    rate = 2 * RATE
    frame = WIDE_FRAME

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._sides = (Bands(), Bands())
        for side in self._sides:
            self.table.attach(side)

    def _put(self, hot_path: HotPath, voices: Pcm, high: HighBands, paused: Collection[int]) -> None:
        slots = self.slots
        for channel, (legs, bands) in enumerate(zip((self.left, self.right), self._sides, strict=True)):
            rows = legs[slots]
            low, above = voices[rows], high(rows.tolist())
            for slot, channels in self.mixed.items():
                mixed, at = list(channels[channel]), slots == slot
                low[at], above[at] = _together(voices[mixed]), _together(high(mixed))
            for slot in paused:  # the filter is to remember nothing of a pause when that is over
                low[slots == slot] = above[slots == slot] = 0
            self.samples[slots, self.filled[slots], :, channel] = bands.join(slots, low, above)


def _together(frames: Pcm) -> Pcm:
    """What several say at one time; what one says alone is left as it is."""
    return frames[0] if len(frames) == 1 else limit(frames.sum(axis=0, dtype=np.float32))

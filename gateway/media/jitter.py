"""The jitter buffers of all legs: audio placed by its RTP timestamp, taken out 20 ms at a time.

Each leg has a ring of samples, cut into blocks of 10 ms. ``head`` is the sample that plays next; a sample that
is not there has the value :data:`ABSENT`, which G.711 never yields. Positions count samples of a stream and
never wrap.

The delay follows the network. *Earliness* is how long before the take that needs it a packet arrives. A packet
that comes too late while nothing newer has played moves the head back (the gap was concealed already); one that
was overtaken asks for more delay, and so does one that came only just in time. When even the latest packet of
several seconds came early enough, 20 ms are taken out. Changes are made 10 ms at a time, cross-faded. This also
absorbs the drift between the peer's clock and ours.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.audio import BLOCK, FRAME, RATE, Array, Mask, Pcm, Rows
from gateway.media.reception import wrapped
from gateway.media.rows import RowArrays

#: Marks a sample that has not arrived.
ABSENT: Final = np.int16(-32768)

_BLOCKS: Final = 64
_RING: Final = _BLOCKS * BLOCK
_STRIKES: Final = 3  # packets out of reach in a row that make the stream begin anew
_FAR: Final = np.float32(1e9)
_WINDOW_TICKS: Final = 250
_CONTROL_TICKS: Final = 10
_LATE_STEP: Final = FRAME
_CLOSE: Final = 24.0  # earliness below 3 ms asks for more delay
_HYSTERESIS: Final = FRAME + 40

_RISE: Final = np.linspace(0, 1, BLOCK, dtype=np.float32)
_FALL: Final = 1 - _RISE


class JitterBuffer(RowArrays):
    """Jitter buffers of all legs. Delays are given in milliseconds, kept in samples."""

    def __init__(self, *, start_ms: int, min_ms: int, max_ms: int) -> None:
        super().__init__()
        self._start = start_ms * RATE // 1000
        self._keep = min_ms * RATE // 1000
        self._max = min(max_ms * RATE // 1000, _RING - 2 * FRAME)
        self._ticks = 0
        self.playing: Array
        self.head: Array
        self.late: Array
        self.earliness: Array
        self._ring: Array
        self._end: Array
        self._position: Array
        self._timestamp: Array
        self._strikes: Array
        self._wanted: Array
        self._least: Array
        self._least_before: Array
        self._began: Array
        self.row_array("playing", np.bool_, False)
        self.row_array("head", np.int64)
        self.row_array("late", np.int64)  # packets that came after their time
        self.row_array("earliness", np.float32)  # moving average, samples
        self.row_array("_ring", np.int16, ABSENT, (_RING,))
        self.row_array("_end", np.int64)  # one past the newest sample
        self.row_array("_position", np.int64)  # of the last packet, with its timestamp
        self.row_array("_timestamp", np.uint32)
        self.row_array("_strikes", np.int8)
        self.row_array("_wanted", np.int32)  # samples of delay to be added, negative: to be taken out
        self.row_array("_least", np.float32, _FAR)  # least earliness of this window and the one before
        self.row_array("_least_before", np.float32, _FAR)
        self.row_array("_began", np.int64)  # tick at which the stream began

    def place(self, rows: Rows, timestamp: Array, pcm: Pcm, marker: Mask, begins: Mask, lead: Array) -> None:
        """Put packets of one length in, no leg twice. ``lead``: samples of time until the next take."""
        size = pcm.shape[1]
        position = self._position[rows] + wrapped(timestamp - self._timestamp[rows].astype(np.int64), 32)
        head = self.head[rows]
        slack = position - head
        outside = (slack < -self._max) | (slack + size > self._max)
        strikes = np.where(outside, self._strikes[rows] + 1, 0)
        anew = begins | ~self.playing[rows] | (outside & (marker | (strikes >= _STRIKES)))
        self._strikes[rows] = np.where(anew, 0, strikes)
        start = np.maximum(0, np.ceil((self._start - lead) / BLOCK).astype(np.int64) * BLOCK)
        position = np.where(anew, head + start, position)
        self.late[rows] += ~anew & (position < head)
        head = self._move_back(rows, position, head, anew, size)
        usable = (anew | ~outside) & (position + size > head)
        if not usable.all():
            rows, position, head, pcm = rows[usable], position[usable], head[usable], pcm[usable]
            timestamp, lead, anew = timestamp[usable], lead[usable], anew[usable]
        self._position[rows], self._timestamp[rows] = position, timestamp
        self._note(rows, ((position - head) // FRAME * FRAME + lead).astype(np.float32), anew)
        self._end[rows] = np.where(anew, position + size, np.maximum(self._end[rows], position + size))
        self.playing[rows] = True
        self._write(rows, position, head, pcm)

    def take(self, high: int) -> Pcm:
        """The next 20 ms of rows ``[:high]``, with :data:`ABSENT` where nothing arrived in time."""
        self._ticks += 1
        if self._ticks % _CONTROL_TICKS == 0:
            self._control(high)
        grow, shrink = np.flatnonzero(self._wanted[:high] > 0), np.flatnonzero(self._wanted[:high] < 0)
        blocks = self._ring[:high].reshape(high, _BLOCKS, BLOCK)
        every = np.arange(high)
        first = (self.head[:high] // BLOCK) % _BLOCKS
        second = (first + 1) % _BLOCKS
        frame = np.empty((high, FRAME), dtype=np.int16)
        frame[:, :BLOCK] = blocks[every, first]
        frame[:, BLOCK:] = blocks[every, second]
        blocks[every, first] = ABSENT
        kept = blocks[grow, second[grow]] if len(grow) else None
        blocks[every, second] = ABSENT
        step = np.where(self.playing[:high], FRAME, 0)
        if kept is not None:
            self._stretch(frame, grow, kept, step)
            blocks[grow, second[grow]] = kept
        if len(shrink):
            self._shorten(blocks, frame, shrink, (second[shrink] + 1) % _BLOCKS, step)
        self.head[:high] += step
        return frame

    def buffered(self, row: int) -> int:
        """Samples between the head and the newest sample."""
        return max(0, int(self._end[row] - self.head[row]))

    def _move_back(self, rows: Rows, position: Array, head: Array, anew: Mask, size: int) -> Array:
        """Wait for packets that are late but the newest of their leg; returns the new heads."""
        late = ~anew & (position < head)
        if not late.any():
            return head
        lateness = head - position
        back = -(-lateness // BLOCK) * BLOCK
        newest = position >= self._end[rows]
        moved = late & newest & (position + size - (head - back) <= self._max) & (lateness <= self._max)
        moved_rows = rows[moved]
        head = np.where(moved, head - back, head)
        self.head[moved_rows] = head[moved]
        self._least[moved_rows] += back[moved]
        self._least_before[moved_rows] += back[moved]
        overtaken = late & ~moved & (lateness <= self._max)
        asked = np.minimum(back[overtaken], _LATE_STEP)
        self._wanted[rows[overtaken]] = np.maximum(self._wanted[rows[overtaken]], asked)
        return head

    def _note(self, rows: Rows, early: Array, anew: Mask) -> None:
        self._least[rows] = np.where(anew, early, np.minimum(self._least[rows], early))
        if anew.any():
            self._least_before[rows[anew]] = _FAR
            self._began[rows[anew]] = self._ticks
        average = self.earliness[rows]
        self.earliness[rows] = np.where(anew, early, average + (early - average) / 64)

    def _write(self, rows: Rows, position: Array, head: Array, pcm: Pcm) -> None:
        size = pcm.shape[1]
        if size % BLOCK:
            straight = np.zeros(len(rows), dtype=np.bool_)
        else:
            straight = (position >= head) & (position % BLOCK == 0)
        count = size // BLOCK
        blocks = self._ring.reshape(len(self._ring), _BLOCKS, BLOCK)
        target = (position[straight] // BLOCK)[:, np.newaxis] + np.arange(count)
        chosen = pcm if straight.all() else pcm[straight]
        if count:
            blocks[rows[straight, np.newaxis], target % _BLOCKS] = chosen.reshape(-1, count, BLOCK)
        for index in np.flatnonzero(~straight).tolist():
            skipped = max(0, int(head[index] - position[index]))
            places = (int(position[index]) + np.arange(skipped, size)) % _RING
            self._ring[rows[index], places] = pcm[index, skipped:]

    def _control(self, high: int) -> None:
        """Ask for more delay where it is too short, for less where it is longer than needed."""
        if self._ticks % _WINDOW_TICKS == 0:
            self._least_before[:high] = self._least[:high]
            self._least[:high] = _FAR
        least = np.minimum(self._least[:high], self._least_before[:high])
        known = least < _FAR / 2
        idle = self._wanted[:high] == 0
        self._wanted[:high][known & idle & (least < _CLOSE)] = FRAME
        proven = known & (self._ticks - self._began[:high] >= _WINDOW_TICKS)
        self._wanted[:high][proven & idle & (least >= self._keep + _HYSTERESIS)] = -FRAME

    def _stretch(self, frame: Pcm, rows: Rows, kept: Pcm, step: Array) -> None:
        """Play the first 10 ms of ``rows`` twice: the second block fades from itself to the first."""
        first = frame[rows, :BLOCK]
        mixed = (kept * _FALL + first * _RISE).astype(np.int16)
        whole = ((first != ABSENT).all(axis=1) & (kept != ABSENT).all(axis=1))[:, np.newaxis]
        frame[rows, BLOCK:] = np.where(whole, mixed, ABSENT)
        step[rows] = np.where(self.playing[rows], BLOCK, 0)
        self._wanted[rows] = np.maximum(self._wanted[rows] - BLOCK, 0)
        self._least[rows] += BLOCK
        self._least_before[rows] += BLOCK

    def _shorten(self, blocks: Array, frame: Pcm, rows: Rows, third: Array, step: Array) -> None:
        """Play 30 ms in 20: the first block fades into the second, the third follows."""
        last = blocks[rows, third]
        whole = (frame[rows] != ABSENT).all(axis=1) & (last != ABSENT).all(axis=1) & self.playing[rows]
        rows, third, last = rows[whole], third[whole], last[whole]
        frame[rows, :BLOCK] = (frame[rows, :BLOCK] * _FALL + frame[rows, BLOCK:] * _RISE).astype(np.int16)
        frame[rows, BLOCK:] = last
        blocks[rows, third] = ABSENT
        step[rows] = FRAME + BLOCK
        self._wanted[rows] += BLOCK
        self._least[rows] -= BLOCK
        self._least_before[rows] -= BLOCK

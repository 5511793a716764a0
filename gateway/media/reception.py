"""Reception statistics of all legs (RFC 3550 appendices A.1, A.3 and A.8), one packet per leg at a time."""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.audio import RATE, Array, Mask, Rows
from gateway.media.rows import RowArrays

#: Jumps of the sequence number that are believed at once, forward and backward (RFC 3550 A.1).
MAX_DROPOUT: Final = 3000
MAX_MISORDER: Final = 100

_WINDOW_BITS: Final = 64


def wrapped(difference: Array, bits: int) -> Array:
    """The signed value of a difference of counters that wrap at ``bits``."""
    half = 1 << (bits - 1)
    return ((difference.astype(np.int64) + half) & ((1 << bits) - 1)) - half


def signed16(difference: int) -> int:
    """The signed value of a difference of two 16-bit counters."""
    return ((difference + 0x8000) & 0xFFFF) - 0x8000


def signed32(difference: int) -> int:
    """The signed value of a difference of two 32-bit counters."""
    return ((difference + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class Reception(RowArrays):
    """Sequence numbers, loss and jitter. ``received`` counts every packet once, duplicates apart."""

    def __init__(self) -> None:
        super().__init__()
        self.started: Array
        self.ssrc: Array
        self.highest: Array
        self.first: Array
        self.in_stream: Array
        self.received: Array
        self.lost_before: Array
        self.duplicates: Array
        self.jitter: Array
        self.clock: Array
        self.window: Array
        self.expected_next: Array
        self.transit: Array
        self.transit_known: Array
        self.row_array("started", np.bool_, False)
        self.row_array("ssrc", np.uint32)
        self.row_array("highest", np.int64)  # extended sequence number
        self.row_array("first", np.int64)
        self.row_array("in_stream", np.int64)  # received since the stream began
        self.row_array("received", np.int64)
        self.row_array("lost_before", np.int64)  # of streams with earlier SSRCs
        self.row_array("duplicates", np.int64)
        self.row_array("jitter", np.float64)  # in units of the RTP clock
        self.row_array("clock", np.int32, RATE)  # units of the RTP clock in a second
        self.row_array("window", np.uint64)  # bit n: highest - n was received
        self.row_array("expected_next", np.int64, -1)  # after a jump that is not believed yet
        self.row_array("transit", np.int64)
        self.row_array("transit_known", np.bool_, False)

    def streams(self) -> tuple[Array, ...]:
        """The arrays that the hot path knows, in its order."""
        return (
            self.started,
            self.ssrc,
            self.highest,
            self.in_stream,
            self.received,
            self.window,
            self.expected_next,
            self.jitter,
            self.transit,
            self.transit_known,
        )

    def lost(self, row: int) -> int:
        """Packets lost so far; late ones that came count as received."""
        if not self.started[row]:
            return 0
        expected = int(self.highest[row] - self.first[row]) + 1
        return max(0, expected - int(self.in_stream[row])) + int(self.lost_before[row])

    def take(self, rows: Rows, ssrc: Array, sequence: Array) -> tuple[Mask, Mask]:
        """Count packets, no leg twice; returns which are to be played and which begin a stream anew."""
        delta = wrapped(sequence - (self.highest[rows] & 0xFFFF), 16)
        fresh = ~self.started[rows] | (ssrc != self.ssrc[rows])
        jumped = ~fresh & ((delta > MAX_DROPOUT) | (delta < -MAX_MISORDER))
        believed = jumped & (self.expected_next[rows] == sequence)
        doubtful = jumped & ~believed
        begins = fresh | believed
        self.expected_next[rows] = np.where(doubtful, (sequence + 1) & 0xFFFF, -1)
        if begins.any():
            self._begin(rows[begins], ssrc[begins], sequence[begins])
            delta = np.where(begins, 0, delta)
        repeated = self._mark(rows, delta, ~doubtful) & ~begins
        good = ~doubtful & ~repeated
        counted = rows[good]
        self.in_stream[counted] += 1
        self.received[counted] += 1
        self.duplicates[rows[repeated]] += 1
        return good, begins

    def measure(self, rows: Rows, timestamp: Array, arrival: Array) -> None:
        """Interarrival jitter of audio packets (RFC 3550 section 6.4.1)."""
        clock = self.clock[rows]
        transit = np.floor(arrival * clock).astype(np.int64) - timestamp.astype(np.int64)
        change = np.abs(wrapped(transit - self.transit[rows], 32))
        usable = self.transit_known[rows] & (change < clock)  # a jump of the sender's clock is no jitter
        jitter = self.jitter[rows]
        self.jitter[rows] = np.where(usable, jitter + (change - jitter) / 16, jitter)
        self.transit[rows] = transit
        self.transit_known[rows] = True

    def _begin(self, rows: Rows, ssrc: Array, sequence: Array) -> None:
        started = self.started[rows]
        expected = self.highest[rows] - self.first[rows] + 1
        self.lost_before[rows] += np.where(started, np.maximum(expected - self.in_stream[rows], 0), 0)
        self.started[rows] = True
        self.ssrc[rows] = ssrc
        self.highest[rows] = sequence.astype(np.int64) + 0x10000  # room for packets overtaken by the first
        self.first[rows] = self.highest[rows]
        self.in_stream[rows] = 0
        self.window[rows] = 0
        self.transit_known[rows] = False

    def _mark(self, rows: Rows, delta: Array, wanted: Mask) -> Mask:
        """Set the packets' bits in the windows; True for those that were there or are too old to know."""
        window = self.window[rows]
        ahead = np.maximum(delta, 0)
        shifted = np.where(ahead < _WINDOW_BITS, window << (ahead % _WINDOW_BITS).astype(np.uint64), np.uint64(0))
        age = np.maximum(-delta, 0)
        old = age >= _WINDOW_BITS
        bit = np.uint64(1) << (age % _WINDOW_BITS).astype(np.uint64)
        repeated: Mask = wanted & (old | ((shifted & bit) != 0))
        marked = wanted & ~old
        self.window[rows] = np.where(marked, shifted | bit, window)
        position = self.highest[rows] + delta
        self.first[rows] = np.where(marked, np.minimum(self.first[rows], position), self.first[rows])
        self.highest[rows] = np.where(wanted, np.maximum(self.highest[rows], position), self.highest[rows])
        return repeated

"""The jitter buffers of all legs: audio placed by its RTP timestamp, taken out 20 ms at a time.

Each leg has a ring of samples. All legs play from the same place of it, ``head``, which a take moves on by one
frame; a leg's delay is how far ahead of the head its packets are put. The ring also keeps what was played last,
for concealment. A sample that is not there has the value :data:`ABSENT`, which G.711 never yields. Positions count
samples and never wrap.

The delay follows the network (:class:`DelayHistogram`): it is changed where a listener does not notice
(:mod:`gateway.media.stretching`), which also absorbs the drift between the peer's clock and ours. A packet that
comes too late while nothing newer has arrived is waited for: the gap before it was concealed, and all that follows
plays later by as much.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.audio import ABSENT, FRAME, RATE, Array, Mask, Pcm, Rows
from gateway.media.delays import DelayHistogram, delay_rules
from gateway.media.hot_path import Delayed, HotPath, Streams
from gateway.media.reception import wrapped
from gateway.media.rows import RowArrays
from gateway.media.stretching import Stretcher

#: Frames kept behind the head and looked at before it, when a row is repaired.
KEPT: Final = 5
AHEAD: Final = 4

_SLOTS: Final = 32
_STRIKES: Final = 3  # packets out of reach in a row that make the stream begin anew
_TURN: Final = 256  # rows that have their turn together, at least: few legs cost nothing in most ticks
_LISTEN_TICKS: Final = 5  # every row is listened to once in so many ticks
_BACKGROUND_RISE: Final = 1.02  # each time: 6 dB in 3.5 s
_CONTROL_TICKS: Final = 10  # every row is controlled once in so many ticks
_RECENTRE_TICKS: Final = 500


class JitterBuffer(RowArrays):
    """Jitter buffers of all legs. Delays are given in milliseconds, kept in samples at ``rate``."""

    def __init__(self, hot_path: HotPath, *, start_ms: int, min_ms: int, max_ms: int, rate: int = RATE) -> None:
        super().__init__()
        self.hot_path = hot_path
        self.rate: Final = rate
        self.frame: Final = FRAME * rate // RATE
        self._ring_size: Final = _SLOTS * self.frame
        self._start = start_ms * rate // 1000
        self._rules = delay_rules(rate, self.frame, min_ms * rate // 1000)
        self._max = min(max_ms * rate // 1000, (_SLOTS - KEPT - 4) * self.frame)
        self._ticks = KEPT
        #: Takes that should have been made before now: the next ones come at once, one after the other.
        self.overdue = 0
        self._delays = DelayHistogram(rate)
        self._stretcher = Stretcher(hot_path, rate)
        self.playing: Array
        self.discarded: Array
        self.late: Array
        self.delay: Array
        self.delay_sum: Array
        self.placed: Array
        self.loss: Array
        self.background: Array
        self.stretched: Array
        self.wanted: Array
        self.lossy: Array
        self._ring: Array
        self._end: Array
        self._position: Array
        self._timestamp: Array
        self._clock: Array
        self._strikes: Array
        self._reach: Array
        self._packet: Array
        self._began: Array
        self._in_gap: Array
        self.row_array("playing", np.bool_, False)
        self.row_array("discarded", np.int64)  # packets of which nothing was played
        self.row_array("late", np.int64)  # packets that came after their time
        self.row_array("delay", np.float32)  # of a packet from its arrival to its sound, moving average, samples
        self.row_array("delay_sum", np.float64)  # the same, added up
        self.row_array("placed", np.int64)  # packets
        self.row_array("loss", np.float32)  # recent share of samples that were missing, told by the concealer
        self.row_array("background", np.float32, 1e4)  # RMS level of the pauses
        self.row_array("stretched", np.int64)  # samples added and taken out
        self.row_array("wanted", np.int64)  # samples of delay to be added, negative: to be taken out
        self.row_array("lossy", np.bool_, False)  # something was absent in what was taken last
        self.row_array("_ring", np.int16, ABSENT, (self._ring_size,))
        self.row_array("_end", np.int64)  # one past the newest sample
        self.row_array("_position", np.int64)  # of the last packet, with its timestamp
        self.row_array("_timestamp", np.uint32)
        self.row_array("_clock", np.int32, RATE)  # units of RTP timestamps in a second
        self.row_array("_strikes", np.int8)
        self.row_array("_reach", np.float64)  # the relative delay of a packet that comes just in time, samples
        self.row_array("_packet", np.int32, self.frame)  # samples of the last packet
        self.row_array("_began", np.int64)  # tick at which the stream began
        self.row_array("_in_gap", np.int64)  # tick that ended in a gap: what follows it is not to be moved

    def grow(self, capacity: int) -> None:
        """See :class:`RowPart`."""
        super().grow(capacity)
        self._delays.grow(capacity)

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        super().clear(row)
        self._delays.clear(row)

    def set_clock(self, row: int, hertz: int) -> None:
        """The RTP clock of a leg whose codec does not count samples at our rate (G.722: 8000, Opus: 48000)."""
        self._clock[row] = hertz

    def streams(self) -> tuple[Array, ...]:
        """The arrays that the hot path knows, in its order."""
        return (
            *(self.playing, self._clock, self._position, self._timestamp, self._end, self._strikes, self._packet),
            *(self.delay, self.delay_sum, self.placed, self._reach, self._delays.bins, self._ring),
        )

    def describe(self, arrays: tuple[Array, ...]) -> Streams:
        """These arrays, and what the hot path has to know besides."""
        return Streams(arrays=arrays, ring_size=self._ring_size, farthest=self._max, bin=self._delays.bin)

    def update(self, streams: Streams) -> None:
        """What changes with each tick."""
        streams.head, streams.overdue = self.head, self.overdue * self.frame
        streams.weight = self._delays.weight

    @property
    def head(self) -> int:
        """The position that the next take begins with."""
        return self._ticks * self.frame

    def place(self, rows: Rows, timestamp: Array, pcm: Pcm, marker: Mask, begins: Mask, lead: Array) -> None:
        """Put packets of one length in, no leg twice. ``lead``: samples of time until the next take."""
        size, head = pcm.shape[1], self.head
        lead = lead - self.overdue * self.frame
        step = wrapped(timestamp - self._timestamp[rows].astype(np.int64), 32)
        position = self._position[rows] + (step * self.rate // self._clock[rows])
        slack = position - head
        outside = (slack < -self._max) | (slack + size > self._max)
        strikes = np.where(outside, self._strikes[rows] + 1, 0)
        anew = begins | ~self.playing[rows] | (outside & (marker | (strikes >= _STRIKES)))
        self._strikes[rows] = np.where(anew, 0, strikes)
        if anew.any():
            position[anew] = self._begin(rows[anew], lead[anew])
        late = ~anew & ~outside & (position < head)
        if late.any():
            position += self._wait_for(rows, position, late)
        usable = (anew | ~outside) & (position + size > head)
        self._note(rows, position - head + lead, late, anew | ~outside)
        if not usable.all():
            self.discarded[rows[~usable]] += 1
            rows, position, pcm, timestamp = rows[usable], position[usable], pcm[usable], timestamp[usable]
        self._position[rows], self._timestamp[rows], self._packet[rows] = position, timestamp, size
        self._end[rows] = np.maximum(self._end[rows], position + size)
        self._write(rows, position, np.maximum(pcm, ABSENT + 1) if self.rate != RATE else pcm)

    def take(self, high: int, out: Pcm | None = None) -> Pcm:
        """The next 20 ms of rows ``[:high]``, with :data:`ABSENT` where nothing arrived in time: see ``lossy``.

        ``out`` (rows × one frame) is where they are put; else they are in an array of their own.
        """
        self.overdue = max(0, self.overdue - 1)
        self._delays.forget()
        self._control(high)
        self._recentre(high)
        self._stretch(high)
        frame = np.empty((high, self.frame), dtype=np.int16) if out is None else out
        slot, old = self._ticks % _SLOTS * self.frame, (self._ticks - KEPT) % _SLOTS * self.frame
        self.hot_path.take(self._ring, high, slot, old, frame, self.lossy)
        self._listen(frame)
        self._ticks += 1
        return frame

    def _listen(self, frame: Pcm) -> None:
        """Follow the background level of some rows: the least level, rising slowly."""
        some = self._turn(_LISTEN_TICKS, len(frame))
        if some is None:
            return
        self.hot_path.listen(frame, some, 5 * self.frame // FRAME, _BACKGROUND_RISE, self.background)

    def around(self, rows: Rows) -> Pcm:
        """What was taken last (one frame) with the :data:`KEPT` frames before and the :data:`AHEAD` after it."""
        slots = np.arange(self._ticks - 1 - KEPT, self._ticks + AHEAD) % _SLOTS
        blocks = self._ring.reshape(len(self._ring), _SLOTS, self.frame)
        window: Pcm = blocks[rows[:, np.newaxis], slots].reshape(len(rows), -1)
        return window

    def mend(self, rows: Rows, frame: Pcm, goes_on: Mask) -> None:
        """Keep the repaired form of what was taken last; ``goes_on``: the gap does, at the end of the frame."""
        slot = (self._ticks - 1) % _SLOTS * self.frame
        self._ring[rows, slot : slot + self.frame] = frame
        self._in_gap[rows[goes_on]] = self._ticks

    def buffered(self, row: int) -> int:
        """Samples between the head and the newest sample."""
        return max(0, int(self._end[row] - self.head))

    def mean_delay(self, row: int) -> float | None:
        """Seconds from a packet's arrival to its sound, averaged over all packets; None before the first."""
        placed = int(self.placed[row])
        return float(self.delay_sum[row]) / placed / self.rate if placed else None

    def packet_samples(self, row: int) -> int:
        """Samples of the leg's last packet."""
        return int(self._packet[row])

    def _begin(self, rows: Rows, lead: Array) -> Array:
        """Give streams their first place: the nearest to the start delay at which whole frames are played."""
        frames = np.maximum(0, np.rint((self._start - lead) / self.frame)).astype(np.int64)
        first = self.head + frames * self.frame
        for index in np.flatnonzero(self._end[rows] > first).tolist():  # what is left of the stream before
            places = np.arange(first[index], self._end[rows[index]])
            self._ring[rows[index], places % self._ring_size] = ABSENT
        self._reach[rows] = self._delays.begin(rows) + (first - self.head + lead)
        self._began[rows], self.wanted[rows], self.playing[rows] = self._ticks, 0, True
        self._end[rows] = first
        return first

    def _wait_for(self, rows: Rows, position: Array, late: Mask) -> Array:
        """How much later the packets that are late, but the newest of their leg, play than they should have."""
        behind = np.where(late & (position >= self._end[rows]), self.head - position, 0)
        self._reach[rows] += behind
        return behind

    def _note(self, rows: Rows, delay: Array, late: Mask, heard: Mask) -> None:
        if not heard.all():
            rows, delay, late = rows[heard], delay[heard], late[heard]
        self.late[rows] += late
        recent = self.delay[rows]
        self.delay[rows] = np.where(self.placed[rows] == 0, delay, recent + (delay - recent) / 16)
        self.delay_sum[rows] += delay
        self.placed[rows] += 1
        self._delays.note(rows, self._reach[rows] - delay, late)

    def _write(self, rows: Rows, position: Array, pcm: Pcm) -> None:
        """Copy packets into the ring: in one move, unless they lie across its end or begin before the head."""
        size, head = pcm.shape[1], self.head
        start = position % self._ring_size
        whole = (position >= head) & (start + size <= self._ring_size)
        if not whole.all():
            part = np.flatnonzero(~whole)
            places = position[part, np.newaxis] + np.arange(size)
            usable = places >= head
            owners = np.broadcast_to(rows[part, np.newaxis], places.shape)
            self._ring[owners[usable], places[usable] % self._ring_size] = pcm[part][usable]
            rows, start, pcm = rows[whole], start[whole], pcm[whole]
        if len(rows):
            spans = np.ndarray(
                (self._ring.size - size + 1,), dtype=f"V{2 * size}", buffer=self._ring.data, strides=(2,)
            )
            spans[rows * self._ring_size + start] = np.ascontiguousarray(pcm).view(spans.dtype)[:, 0]

    def _control(self, high: int) -> None:
        """Compare the delay of some rows with what their network needs."""
        some = self._turn(_CONTROL_TICKS, high)
        if some is None or not self.playing[some].any():
            return
        legs = Delayed(
            bins=self._delays.bins,
            playing=self.playing,
            packet=self._packet,
            loss=self.loss,
            reach=self._reach,
            position=self._position,
            began=self._began,
            wanted=self.wanted,
        )
        self.hot_path.control(legs, some, self._ticks, self._rules)

    def _recentre(self, high: int) -> None:
        some = self._turn(_RECENTRE_TICKS, high)
        if some is not None:
            self._reach[some] += self._delays.recentre(np.arange(some.start, some.stop))

    def _turn(self, ticks: int, high: int) -> slice | None:
        """The rows whose turn it is when each of ``[:high]`` has one in so many ticks; None for none of them."""
        size = max(_TURN, -(-high // ticks))
        start = self._ticks % ticks * size
        return slice(start, min(start + size, high)) if start < high else None

    def _stretch(self, high: int) -> None:
        if not self.wanted[:high].any():
            return
        rows = np.flatnonzero((self.wanted[:high] != 0) & (self._in_gap[:high] != self._ticks))
        if len(rows):
            added = self._stretcher.apply(
                self._ring, rows, self.head, self._end[rows], self.wanted[rows], self.background[rows]
            )
            self._end[rows] += added
            self._position[rows] += added
            self._reach[rows] += added
            self.wanted[rows] -= added
            self.stretched[rows] += np.abs(added)

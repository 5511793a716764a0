"""Loss concealment: what did not arrive is made from what was said before, and from what comes after it.

A gap is filled by repeating the last pitch period, after 10 ms the last two, getting quieter, as in ITU-T G.711
Appendix I. Unlike there, a gap whose end is in the jitter buffer already is filled from both sides, the one fading
into the other, and needs no guess at its end. A gap whose end is not known fades into the background noise within
60 ms, and the voice that comes back is faded in over what was made up.

Works on whole batches: only the legs that miss something in this tick, or come back from a loss, are touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.media.audio import ABSENT, RATE, Array, Floats, Mask, Pcm, Rows
from gateway.media.comfort_noise import ComfortNoise
from gateway.media.jitter import KEPT, JitterBuffer
from gateway.media.pitch import LONGEST, extend, period
from gateway.media.rows import RowArrays

# In units of 1/8000 s:
_FULL: Final = 80  # full level so long,
_GONE: Final = 480  # then down by a fifth every 10 ms, to nothing after 60 ms
_MIX: Final = 40  # how long the second period takes to be mixed in
_PAST: Final = 320  # how far back the sound before a gap is looked at
_NEXT: Final = 160  # what must be there after a gap to fill it from that side
_NEXT_TEMPLATE: Final = _NEXT - LONGEST  # what of it is compared to find its pitch
_SPAN: Final = 480  # the longest gap that is filled from both sides
#: Fade into the voice that comes back: so much and a quarter of the gap, at most so much. (Appendix I: 4 ms for
#: each 10 ms of gap, at most 10 ms.)
_RETURN, _LONGEST_RETURN = 32, 80

#: Legs repaired in one tick; in a breakdown of the network the others hear their background noise.
_MOST: Final = 256
_LOSS_MEMORY: Final = 1 / 500  # of a tick: 10 s


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """The share of a leg's sound that was made up, and BurstR of ITU-T G.107: 1 for random losses."""

    concealed_ratio: float
    burst_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gaps:
    """One gap of each of some rows, in samples of this tick's frame (``end`` may lie after it).

    ``which`` are the places of the rows in the batch; ``run`` samples of the gap were filled in earlier frames.
    """

    rows: Rows
    which: Rows
    first: Array
    end: Array
    run: Array

    @property
    def length(self) -> Array:
        return self.run + self.end - self.first


class Concealer(RowArrays):
    """Repairs what a jitter buffer gives out."""

    def __init__(self, jitter: JitterBuffer) -> None:
        super().__init__()
        self._jitter = jitter
        self._hot_path = jitter.hot_path
        self._scale = jitter.rate // RATE
        self._frame = jitter.frame
        self._cells = np.arange(self._frame)
        self._ticks = 0
        self.noise: Final = ComfortNoise(jitter.rate)
        self.concealed: Array
        self.gaps: Array
        self.muted: Array
        self._run: Array
        self._lag: Array
        self._sighted: Array
        self.row_array("concealed", np.int64)  # samples
        self.row_array("gaps", np.int64)
        self.row_array("muted", np.bool_, False)  # no concealment: the peer sends no audio on purpose
        self.row_array("_run", np.int32, _GONE * self._scale)  # samples filled in a row
        self.row_array("_lag", np.int32, LONGEST)
        self.row_array("_sighted", np.int32)  # how much of the gap was filled when its end came into sight, or -1

    def grow(self, capacity: int) -> None:
        """See :class:`RowPart`."""
        super().grow(capacity)
        self.noise.grow(capacity)

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        super().clear(row)
        self.noise.clear(row)

    def report(self, row: int) -> Repair:
        """What was repaired so far."""
        packet = self._jitter.packet_samples(row)
        concealed, gaps = int(self.concealed[row]), int(self.gaps[row])
        ratio = concealed / max(1, concealed + int(self._jitter.placed[row]) * packet)
        mean_gap = concealed / packet / gaps if gaps else 1.0
        return Repair(concealed_ratio=ratio, burst_ratio=max(1.0, mean_gap * (1 - ratio)))

    def repair(self, frame: Pcm) -> None:
        """Replace every :data:`ABSENT` sample of what was just taken (rows × one frame), in place."""
        high = len(frame)
        self._ticks += 1
        self._jitter.loss[:high] *= 1 - _LOSS_MEMORY
        run = self._run[:high]
        if not (self._jitter.lossy[:high].any() or run.any()):
            return
        lossy = self._jitter.lossy[:high].copy()
        concealable = (run < _GONE * self._scale) & ~self.muted[:high] & self._jitter.playing[:high]
        active = np.flatnonzero(np.where(lossy, concealable, run > 0))[:_MOST]
        lossy[active] = False
        if lossy.any():
            self._fill_with_noise(frame, np.flatnonzero(lossy))
        if len(active):
            frame[active] = self._repair(active)
            self._jitter.mend(active, frame[active], self._run[active] > 0)

    def _fill_with_noise(self, frame: Pcm, rows: Rows) -> None:
        self._run[rows] = _GONE * self._scale
        sound = frame[rows]
        silent = not self.noise.level[rows].any()
        sound = np.where(sound == ABSENT, np.int16(0) if silent else self.noise.frame(rows, self._ticks), sound)
        frame[rows] = sound
        playing = self._jitter.playing[rows]
        if playing.any():
            self._jitter.mend(rows[playing], sound[playing], playing[playing])

    def _repair(self, rows: Rows) -> Pcm:
        """The repaired frames of ``rows``, gap after gap: a frame of short packets can have several."""
        window = self._jitter.around(rows)
        begin, frame = KEPT * self._frame, self._frame
        missing = window[:, begin:] == ABSENT
        np.copyto(window[:, :begin], 0, where=window[:, :begin] == ABSENT)  # the stream began a moment ago
        self._count(rows, missing[:, :frame])
        which, run = np.arange(len(rows)), self._run[rows]
        first = np.where(run > 0, 0, np.argmax(missing[:, :frame], axis=1))
        while len(which):
            end = _first_present(missing[which], first)
            gaps = _Gaps(rows=rows[which], which=which, first=first, end=end, run=run[which])
            run[which] = self._fill(gaps, window, missing)
            rest = missing[which, :frame] & (self._cells >= end[:, np.newaxis])
            more = rest.any(axis=1)
            which, first = which[more], np.argmax(rest[more], axis=1)
        self._run[rows] = run
        return window[:, begin : begin + frame]

    def _count(self, rows: Rows, missing: Mask) -> None:
        filled = missing.sum(axis=1)
        self.concealed[rows] += filled
        self._jitter.loss[rows] += filled * (_LOSS_MEMORY / self._frame)

    def _fill(self, gaps: _Gaps, window: Pcm, missing: Mask) -> Array:
        """Fill gaps in the window, in place; returns how much of them goes on in the next frame."""
        begin, frame = KEPT * self._frame, self._frame
        age = (gaps.run - gaps.first)[:, np.newaxis] + self._cells  # of each sample, from the gap's start
        made = self._from_past(gaps, window, age)
        known = self._is_known(gaps, missing)
        seen = np.flatnonzero(known)
        if len(seen):
            share = self._share_of_future(gaps, seen, age[seen])
            made[seen] += (self._from_future(gaps, seen, window) - made[seen]) * share
        heard = window[gaps.which, begin : begin + frame]
        inside = (self._cells >= gaps.first[:, np.newaxis]) & (self._cells < gaps.end[:, np.newaxis])
        heard_share = np.where(inside, 0, self._return(gaps, known))
        window[gaps.which, begin : begin + frame] = np.rint(made + (heard - made) * heard_share)
        closed = (gaps.end < frame) | (known & (gaps.end == frame))
        return np.where(closed, 0, gaps.run + frame - gaps.first)

    def _from_past(self, gaps: _Gaps, window: Pcm, age: Array) -> Floats:
        """The past repeated, fading into the background."""
        scale, rows = self._scale, gaps.rows
        start = KEPT * self._frame + gaps.first - gaps.run
        past = _cut(window, gaps.which, start - _PAST * scale, _PAST * scale)
        new = np.flatnonzero(gaps.run == 0)
        if len(new):
            self._lag[rows[new]] = period(self._hot_path, past[new], scale)
            self._sighted[rows[new]] = -1
            self.gaps[rows[new]] += 1
            self.noise.follow(rows[new], self._jitter.background[rows[new]])
        lag, first_age = self._lag[rows], gaps.run - gaps.first
        made = extend(past, lag, first_age, self._frame)
        second = extend(past, lag, first_age, self._frame, periods=2)
        made += (second - made) * np.clip((age - _FULL * scale) / np.float32(_MIX * scale), 0, 1)
        gain = self._gain(age)
        return np.asarray(made * gain + self.noise.frame(rows, self._ticks) * (1 - gain), dtype=np.float32)

    def _is_known(self, gaps: _Gaps, missing: Mask) -> Mask:
        """Which gaps are short enough, and followed by enough sound, to be filled from both sides."""
        places = gaps.end[:, np.newaxis] + np.arange(0, _NEXT * self._scale, 4)
        last = missing.shape[1] - 1
        holes = missing[gaps.which[:, np.newaxis], np.minimum(places, last)].any(axis=1)
        fits = (gaps.end > gaps.first) & (gaps.length <= _SPAN * self._scale)
        known: Mask = fits & ~holes & (places[:, -1] <= last)
        return known

    def _share_of_future(self, gaps: _Gaps, seen: Rows, age: Array) -> Floats:
        """How much of the sound comes from after the gap: rising from where the gap's end came into sight."""
        rows = gaps.rows[seen]
        sighted = np.where(self._sighted[rows] < 0, gaps.run[seen], self._sighted[rows])
        self._sighted[rows] = sighted
        span = np.maximum(gaps.length[seen] - sighted, 1)
        share = np.clip((age - sighted[:, np.newaxis] + 0.5) / span[:, np.newaxis], 0, 1)
        return np.asarray(share, dtype=np.float32)

    def _from_future(self, gaps: _Gaps, seen: Rows, window: Pcm) -> Floats:
        """What comes after the gap, repeated backwards."""
        end, size = gaps.end[seen], _NEXT * self._scale
        following = _cut(window, gaps.which[seen], KEPT * self._frame + end, size)[:, ::-1]
        lag = period(self._hot_path, following, self._scale, _NEXT_TEMPLATE)
        made = extend(following, lag, end - self._frame, self._frame)[:, ::-1]
        return made * self._gain(end[:, np.newaxis] - self._cells)

    def _return(self, gaps: _Gaps, known: Mask) -> Floats:
        """The share of what was heard after each gap: rising where its end was a guess, 1 otherwise."""
        fade = np.minimum(_RETURN * self._scale + gaps.length // 4, _LONGEST_RETURN * self._scale)
        fade = np.where(gaps.run >= _GONE * self._scale, _RETURN * self._scale, fade)
        fade = np.minimum(fade, np.maximum(self._frame - gaps.end, 1))
        rise = np.clip((self._cells - gaps.end[:, np.newaxis] + 0.5) / fade[:, np.newaxis], 0, 1)
        from_silence = (gaps.run >= _GONE * self._scale) & (self.noise.level[gaps.rows] == 0)
        plain = (known | from_silence)[:, np.newaxis] | (self._cells < gaps.first[:, np.newaxis])
        return np.asarray(np.where(plain, 1, rise), dtype=np.float32)

    def _gain(self, distance: Array) -> Floats:
        full, gone = _FULL * self._scale, _GONE * self._scale
        return np.asarray(np.clip(1 - (distance - full) / (gone - full), 0, 1), dtype=np.float32)


def _first_present(missing: Mask, first: Array) -> Array:
    """Where the gaps that hold ``first`` end; the window's size when that is not known."""
    there = ~missing & (np.arange(missing.shape[1]) >= first[:, np.newaxis])
    return np.asarray(np.where(there.any(axis=1), np.argmax(there, axis=1), missing.shape[1]))


def _cut(window: Pcm, which: Rows, start: Array, size: int) -> Floats:
    cut: Floats = window[which[:, np.newaxis], start[:, np.newaxis] + np.arange(size)].astype(np.float32)
    return cut

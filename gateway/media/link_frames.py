"""The frames of link legs: what joins the legs of a worker with those of other workers.

Every tick one Unix datagram goes to each worker that link legs lead to, with one record for each of them: 20 ms
of 16-bit samples, numbered by tick, and the last digit passed on; behind these, for link legs that carry wide
legs, 20 ms of the high band (:mod:`gateway.media.bands`). A full queue or a dead peer loses the frame, which is
counted on the side that misses it. A link leg holds back no more than its peer's tick needs: it begins with the
first frame that comes, waits one frame when one comes too late, and gives that back when it was not needed for
five seconds.
"""

from __future__ import annotations

import errno
import hashlib
import os
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import numpy as np

from ccplatform.contracts.words import LegId
from gateway.media.audio import FRAME, Array, Mask, Pcm, Rows
from gateway.media.hot_path import Heard
from gateway.media.rows import RowArrays
from gateway.media.wideband import WideLane

_MAGIC: Final = 0x6C6E6B32
_HEADER: Final = np.dtype([("magic", "<u4"), ("records", "<u2"), ("above", "<u2"), ("tick", "<u8")])
_RECORD: Final = np.dtype(
    [("number", "<u8"), ("digits", "<u4"), ("digit", "S1"), ("_", "V3"), ("samples", "<i2", (FRAME,))]
)
#: What a record holds above 4 kHz.
_ABOVE: Final = np.dtype([("number", "<u8"), ("samples", "<i2", (FRAME,))])
#: Records of one datagram; what is more goes into another.
_MAX_RECORDS: Final = 128
_MAX_BYTES: Final = _HEADER.itemsize + _MAX_RECORDS * (_RECORD.itemsize + _ABOVE.itemsize)
#: Bytes that may wait in the kernel towards the other workers together.
_SEND_BUFFER: Final = 1 << 20
_MAX_DATAGRAMS: Final = 64  # read in one tick
_HELD: Final = 4  # frames that a link leg holds at most
_SPARE_TICKS: Final = 250
_ANEW_TICKS: Final = 50  # a frame so far behind is of a peer that began to count anew
_DIGIT_TICKS: Final = 5  # between two digits: each is in so many frames at least


def number_of(link: LegId) -> int:
    """The number of a link leg in the frames; the same on both sides."""
    return int.from_bytes(hashlib.blake2b(link.encode(), digest_size=8).digest(), "little") or 1


class LinkFrames(RowArrays):
    """The frames of all link legs, in and out. ``path`` is the socket that takes them; "" makes one without."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.lost: Array
        self._digits: Array
        self._digit: Array
        self._number: Array
        self._frames: Array
        self._held: Array
        self._last: Array
        self._next: Array
        self._playing: Array
        self._spare: Array
        self._digits_heard: Array
        self.row_array("lost", np.int64)
        self.row_array("_digits", np.uint32)  # passed on so far
        self.row_array("_digit", "S1", b"")
        self.row_array("_number", np.uint64)
        self.row_array("_frames", np.int16, 0, (_HELD, FRAME))
        self.row_array("_held", np.bool_, False, (_HELD,))
        self.row_array("_last", np.int16, 0, (FRAME,))
        self.row_array("_next", np.int64)  # the peer's tick that plays next
        self.row_array("_playing", np.bool_, False)
        self.row_array("_spare", np.int32)  # ticks in a row after which a frame was left
        self.row_array("_digits_heard", np.uint32)
        self.sent = 0
        self.refused = 0  # frames that a full or dead peer did not take
        self._lost_before = 0
        self._tick = 0
        self._path = path
        self._socket = _bind(path)
        self._above: dict[int, Pcm] = {}  # high bands by row: those of _frames, then the last played
        self._digits_waiting: dict[int, deque[str]] = {}
        self._last_digit: dict[int, int] = {}
        self._rows: Rows = np.zeros(0, dtype=np.intp)
        self._sorted: Rows = np.zeros(0, dtype=np.intp)
        self._peers: dict[str, list[int]] = {}
        self._batches: list[tuple[str, Rows, Array]] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def frames_lost(self) -> int:
        """Frames that did not come, of all link legs since the start."""
        return self._lost_before + int(self.lost.sum())

    # --- link legs ----------------------------------------------------------------------------------------

    def add(self, row: int, link: LegId, peer: str) -> None:
        """Let a row send to and hear from the worker with that socket."""
        self._number[row] = number_of(link)
        self._peers.setdefault(peer, []).append(row)
        self._plan()

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        self._lost_before += int(self.lost[row])
        super().clear(row)
        self._above.pop(row, None)
        self._digits_waiting.pop(row, None)
        self._last_digit.pop(row, None)
        for peer, rows in tuple(self._peers.items()):
            if row in rows:
                rows.remove(row)
                if not rows:
                    del self._peers[peer]
                self._plan()

    def close(self) -> None:
        """Close and remove the socket."""
        self._socket.close()
        if self._path:
            with suppress(OSError):
                os.unlink(self._path)

    def pass_digit(self, row: int, digit: str) -> None:
        """Pass a digit on to the other side."""
        self._digits_waiting.setdefault(row, deque(maxlen=64)).append(digit)

    # --- in -----------------------------------------------------------------------------------------------

    def receive(self) -> list[tuple[int, str]]:
        """Take the frames that have come; returns the digits in them with their rows."""
        digits: list[tuple[int, str]] = []
        for tick, records, above in self._datagrams() if len(self._rows) else ():
            rows, known = self._rows_of(records)
            if known.any():
                placed = self._place(rows[known], tick, records["samples"][known])
                if len(above) or self._above:
                    self._place_above(placed, tick, above)
                digits += self._new_digits(rows[known], records[known])
        return digits

    def fill(self, frame: Pcm, wide: WideLane) -> None:
        """Write 20 ms of every link leg into its row of ``frame``, let ``wide`` know the high bands; in place of a
        missing one the last, quieter."""
        rows = self._rows
        if not len(rows):
            return
        slot = self._next[rows] % _HELD
        here = self._held[rows, slot]
        for row, bands in self._above.items():
            place = int(self._next[row] % _HELD)
            bands[-1] = bands[place] if self._held[row, place] else bands[-1] // 2
            wide.carry(row, bands[-1])
        self._last[rows] = np.where(here[:, np.newaxis], self._frames[rows, slot], self._last[rows] // 2)
        frame[rows] = self._last[rows]
        self._held[rows[here], slot[here]] = False
        waiting = self._held[rows].any(axis=1)
        missing = ~here & waiting  # a later frame is there: this one will not come
        self.lost[rows[missing]] += 1
        self._next[rows] += here | missing
        self._spare[rows] = np.where(waiting, self._spare[rows] + 1, 0)
        for row in rows[self._spare[rows] >= _SPARE_TICKS].tolist():
            self._held[row, self._next[row] % _HELD] = False
            self._next[row] += 1
            self._spare[row] = 0

    def _datagrams(self) -> Iterator[tuple[int, Array, Array]]:
        for _ in range(_MAX_DATAGRAMS):
            try:
                data = self._socket.recv(_MAX_BYTES)
            except OSError:  # nothing more is there
                return
            if len(data) < _HEADER.itemsize:
                continue
            head = np.frombuffer(data, _HEADER, 1)[0]
            count, above = int(head["records"]), int(head["above"])
            end = _HEADER.itemsize + count * _RECORD.itemsize
            if head["magic"] == _MAGIC and len(data) == end + above * _ABOVE.itemsize:
                records = np.frombuffer(data, _RECORD, count, _HEADER.itemsize)
                yield int(head["tick"]), records, np.frombuffer(data, _ABOVE, above, end)

    def _rows_of(self, records: Array) -> tuple[Rows, Mask]:
        """The row of each record, and whether there is one."""
        places = np.searchsorted(self._number[self._sorted], records["number"])
        rows = self._sorted[np.minimum(places, len(self._sorted) - 1)]
        return rows, self._number[rows] == records["number"]

    def _place(self, rows: Rows, tick: int, samples: Array) -> Rows:
        """Keep the frames of a datagram that are not too late; returns their rows."""
        ahead = tick - self._next[rows]
        anew = ~self._playing[rows] | (ahead >= _HELD) | (ahead < -_ANEW_TICKS)
        jumped = rows[anew & self._playing[rows]]
        self.lost[jumped] += np.maximum(0, tick - self._next[jumped])
        begun = rows[anew]
        self._held[begun] = False
        self._next[begun] = tick
        self._playing[begun] = True
        usable = rows[anew | (ahead >= 0)]
        self._frames[usable, tick % _HELD] = samples[anew | (ahead >= 0)]
        self._held[usable, tick % _HELD] = True
        return usable

    def _place_above(self, placed: Rows, tick: int, records: Array) -> None:
        """Keep what the frames that were placed have above 4 kHz: nothing, unless there is a record of it."""
        for row in self._above.keys() & placed.tolist():
            self._above[row][tick % _HELD] = 0
        rows, known = self._rows_of(records)
        fresh: Mask = np.zeros(len(self._number), dtype=np.bool_)
        fresh[placed] = True
        usable = known & fresh[rows]  # np.isin may load numpy.ma, which takes as long as some ticks
        for row, samples in zip(rows[usable].tolist(), records["samples"][usable], strict=True):
            self._above.setdefault(row, np.zeros((_HELD + 1, FRAME), dtype=np.int16))[tick % _HELD] = samples

    def _new_digits(self, rows: Rows, records: Array) -> list[tuple[int, str]]:
        fresh = (records["digits"] != self._digits_heard[rows]) & (records["digit"] != b"")
        self._digits_heard[rows[fresh]] = records["digits"][fresh]
        return [
            (row, digit.decode("ascii", "replace"))
            for row, digit in zip(rows[fresh].tolist(), records["digit"][fresh].tolist(), strict=True)
        ]

    # --- out ----------------------------------------------------------------------------------------------

    def send(self, heard: Heard, wide: WideLane) -> None:
        """Send what every link leg hears, with what ``wide`` knows of that above 4 kHz."""
        for row in tuple(self._digits_waiting):
            self._next_digit(row)
        mixed = wide.mixed_for(self._rows.tolist()) if len(self._rows) else {}
        for peer, rows, batch in self._batches:
            above = [(self._number[row], mixed[row]) for row in rows.tolist() if row in mixed] if mixed else []
            records = batch["records"]
            records["samples"] = heard.of(rows)
            records["digits"] = self._digits[rows]
            records["digit"] = self._digit[rows]
            batch["head"]["tick"], batch["head"]["above"] = self._tick, len(above)
            data = batch.tobytes() + np.array(above, dtype=_ABOVE).tobytes()
            try:
                self._socket.sendto(data, socket.MSG_DONTWAIT, peer)
            except OSError as error:
                if error.errno not in _UNSENT:
                    raise
                self.refused += len(rows)
            else:
                self.sent += len(rows)
        self._tick += 1

    def advance(self, ticks: int) -> None:
        """Count ticks that were skipped."""
        self._tick += ticks

    def _next_digit(self, row: int) -> None:
        waiting = self._digits_waiting[row]
        if self._tick - self._last_digit.get(row, -_DIGIT_TICKS) < _DIGIT_TICKS:
            return
        if not waiting:
            del self._digits_waiting[row]
            return
        self._digit[row] = waiting.popleft().encode("ascii", "replace")
        self._digits[row] += 1
        self._last_digit[row] = self._tick

    def _plan(self) -> None:
        used = [row for rows in self._peers.values() for row in rows]
        self._rows = np.asarray(sorted(used), dtype=np.intp)
        self._sorted = self._rows[np.argsort(self._number[self._rows])]
        self._batches = []
        for peer, rows in self._peers.items():
            for first in range(0, len(rows), _MAX_RECORDS):
                chosen = np.asarray(rows[first : first + _MAX_RECORDS], dtype=np.intp)
                layout = np.dtype([("head", _HEADER), ("records", _RECORD, (len(chosen),))])
                batch = np.zeros((), dtype=layout)
                batch["head"]["magic"], batch["head"]["records"] = _MAGIC, len(chosen)
                batch["records"]["number"] = self._number[chosen]
                self._batches.append((peer, chosen, batch))


#: What sending to a full or dead worker ends with; the frame is lost.
_UNSENT: Final = (errno.EAGAIN, errno.ENOBUFS, errno.ENOENT, errno.ECONNREFUSED, errno.EMSGSIZE)


def _bind(path: str) -> socket.socket:
    """A datagram socket that only the owner may use; a stale file of a dead worker is replaced."""
    if path:
        with suppress(FileNotFoundError):
            os.unlink(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    mask = os.umask(0o177)
    try:
        made.bind(path)
    finally:
        os.umask(mask)
    return made

"""The RTP sockets of all legs, read in batches straight into numpy arrays: no Python object is made per packet."""

from __future__ import annotations

import ctypes
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gateway.media.addresses import PARTS
from gateway.media.audio import TICK_SECONDS, Array, Bytes, Mask, Rows

if TYPE_CHECKING:
    from gateway.media.hot_path import HotPath, Streams

#: Longest RTP packet that is looked at: header with CSRCs, a short extension, 60 ms of audio.
MAX_PACKET: Final = 640
#: Seconds that a packet can have waited; more means that somebody set the system's clock.
OLDEST: Final = 0.2

_SO_TIMESTAMPNS: Final = 35
_SPARE: Final = 2048  # packets beyond two per leg that one tick takes
_WATCHED: Final = 250  # ticks for which a new socket is read until it is empty
_LATE_SECONDS: Final = 1.5 * TICK_SECONDS  # since the last read: there is more than one packet in each

_LIBC: Final = ctypes.PyDLL(None)  # connect(2) of UDP never blocks


class Slots:
    """Room for the packets of one tick: arrays with one entry per packet, see :class:`Batch`."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.packets: Bytes = np.zeros((capacity, MAX_PACKET), dtype=np.uint8)
        self.length: Array = np.zeros(capacity, dtype=np.int32)
        self.truncated: Mask = np.zeros(capacity, dtype=np.bool_)
        self.row: Rows = np.zeros(capacity, dtype=np.int64)
        self.turn: Array = np.zeros(capacity, dtype=np.int64)
        self.source: Array = np.zeros((capacity, PARTS), dtype=np.int64)
        self.arrival: Array = np.zeros(capacity, dtype=np.float64)
        self.ordinary: Mask = np.zeros(capacity, dtype=np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Packets that were read together; all arrays have one entry per packet and are valid until the next read.

    ``turn`` counts the packets of one leg within the batch, ``source`` is a number of
    :mod:`~gateway.media.addresses`, ``arrival`` the kernel's receipt in monotonic seconds.
    """

    packets: Bytes
    length: Array
    truncated: Mask
    row: Rows
    turn: Array
    source: Array
    arrival: Array

    def only(self, chosen: Rows) -> Batch:
        """Some of the packets."""
        return Batch(**{name: getattr(self, name)[chosen] for name in Batch.__slots__})


class Watch:
    """The sockets that are read; ``watched``, by row: for how many ticks to look for more than one packet.

    Of the last read: when it was, how many ``packets``, how many legs were ``limited``.
    """

    def __init__(self) -> None:
        self.fds: Array = np.zeros(0, dtype=np.int32)
        self.rows: Rows = np.zeros(0, dtype=np.int64)
        self.watched: Array = np.zeros(0, dtype=np.int32)
        self.read_at = 0.0
        self.packets = 0
        self.limited = 0


class Receiver:
    """Reads the RTP sockets of all legs. ``per_socket`` bounds what one leg may take of a tick."""

    def __init__(self, hot_path: HotPath, per_socket: int) -> None:
        self._hot_path = hot_path
        self._per_socket = per_socket
        self._row_of: dict[int, int] = {}
        self.slots = Slots(_SPARE)
        self._watch = Watch()
        self._dirty = False
        self._first = 0
        self.packets = 0  # that were read
        self.limited = 0  # times that a leg had all the packets that one may take of a tick

    def add(self, fd: int, row: int) -> None:
        """Read a leg's socket from now on."""
        self._row_of[fd] = row
        watch = self._watch
        if row >= len(watch.watched):
            grown = np.zeros(2 * row + 64, dtype=np.int32)
            grown[: len(watch.watched)] = watch.watched
            watch.watched = grown
        watch.watched[row] = _WATCHED
        self._dirty = True

    def remove(self, fd: int) -> None:
        """Read it no more; call before the socket is closed."""
        if self._row_of.pop(fd, None) is not None:
            self._dirty = True

    def read(self, wall: float, now: float, streams: Streams | None = None) -> Batch:
        """What has arrived, but for what the hot path put where it belongs in ``streams``.

        ``wall`` and ``now``: the same instant on the kernel's stamps' clock and monotonic.
        """
        if self._dirty:
            self._plan()
        slots, watch, total = self.slots, self._watch, 0
        if now - watch.read_at > _LATE_SECONDS:
            watch.watched += watch.watched == 0
        if len(watch.fds):
            self._first = (self._first + 1) % len(watch.fds)  # in a flood of all, nobody is always the last
            total = self._hot_path.receive(slots, watch, self._first, self._per_socket, now - wall, now, streams)
            self.packets += watch.packets
            self.limited += watch.limited
        watch.read_at = now
        used = slice(0, total)
        return Batch(
            packets=slots.packets[used],
            length=slots.length[used],
            truncated=slots.truncated[used],
            row=slots.row[used],
            turn=slots.turn[used],
            source=slots.source[used],
            arrival=slots.arrival[used],
        )

    def _plan(self) -> None:
        self._watch.fds = np.fromiter(self._row_of, dtype=np.int32)
        self._watch.rows = np.fromiter(self._row_of.values(), dtype=np.int64)
        needed = 2 * len(self._row_of) + _SPARE
        if needed > self.slots.capacity:
            self.slots = Slots(2 * needed)
        self._dirty = False


def connect(fd: int, name: bytes) -> bool:
    """Connect a UDP socket to a :data:`~gateway.media.addresses.SOCKADDR`, or with one of zeros (``AF_UNSPEC``) to
    nobody; False when that cannot be."""
    return int(_LIBC.connect(fd, name, len(name))) == 0


def stamp_arrivals(rtp: socket.socket) -> None:
    """Let the kernel note when each packet of the socket arrived (socket(7), SO_TIMESTAMPNS)."""
    rtp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

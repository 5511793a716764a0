"""Many UDP packets in few system calls, straight into numpy arrays (recvmmsg(2), sendmsg(2) through ctypes).

No Python object is made per packet. The calls never block, so they are made with the interpreter lock held:
letting it go at every packet would let a background thread into the tick.
"""

from __future__ import annotations

import ctypes
import select
import socket
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.media.audio import Array, Bytes, Mask, Rows

#: Longest RTP packet that is looked at: header with CSRCs, a short extension, 60 ms of audio.
MAX_PACKET: Final = 640

_SO_TIMESTAMPNS: Final = 35
_CONTROL_BYTES: Final = 32  # one cmsghdr with a timespec
_BATCH: Final = 4096
_OLDEST: Final = 0.2  # seconds that a packet can have waited; more means that somebody set the system's clock

_libc = ctypes.PyDLL(None)


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("len", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _MMsgHdr(ctypes.Structure):
    _fields_ = (("hdr", _MsgHdr), ("len", ctypes.c_uint))


#: ``struct sockaddr_in``.
SOCKADDR: Final = np.dtype([("family", "<u2"), ("port", ">u2"), ("ip", ">u4"), ("zero", "<u8")])
IOVEC: Final = np.dtype(_IoVec)
MSGHDR: Final = np.dtype(_MsgHdr)
_MMSGHDR: Final = np.dtype(_MMsgHdr)

_recvmmsg = _libc.recvmmsg
_recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
#: ``sendmsg(fd, address of a msghdr, flags)``; the result is ignored: RTP that cannot leave is lost.
sendmsg = _libc.sendmsg
sendmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
sendmsg.restype = ctypes.c_ssize_t

SEND_FLAGS: Final = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_RECEIVE_FLAGS: Final = int(socket.MSG_DONTWAIT)


def address_key(ip: int, port: int) -> int:
    """One number for an IPv4 address and port, to be compared in arrays."""
    return ip << 16 | port


def addresses_of(array: Array) -> Array:
    """Addresses of the rows of a C-contiguous array."""
    return np.asarray(array.ctypes.data + array.strides[0] * np.arange(len(array), dtype=np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Packets that were read together; all arrays have one entry per packet.

    ``turn`` counts the packets of one leg within the batch, ``source`` is an :func:`address_key`, ``arrival``
    the kernel's receipt in monotonic seconds.
    """

    packets: Bytes
    length: Array
    truncated: Mask
    row: Rows
    turn: Array
    source: Array
    arrival: Array


class Receiver:
    """Reads the RTP sockets of all legs. ``per_socket`` bounds what one leg may take of a tick."""

    def __init__(self, per_socket: int) -> None:
        self._per_socket = per_socket
        self._poll = select.epoll()
        self._row_of: dict[int, int] = {}
        self._allocate(_BATCH)

    def add(self, fd: int, row: int) -> None:
        """Read a leg's socket from now on."""
        self._poll.register(fd, select.EPOLLIN)
        self._row_of[fd] = row
        if 2 * len(self._row_of) + _BATCH // 2 > self._capacity:
            self._allocate(2 * self._capacity)

    def remove(self, fd: int) -> None:
        """Read it no more; call before the socket is closed."""
        if self._row_of.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def close(self) -> None:
        """Free the poll object."""
        self._poll.close()

    def read(self, wall: float, now: float) -> Batch:
        """What has arrived. ``wall`` and ``now``: the same instant on the kernel's stamps' clock and monotonic."""
        rows: list[int] = []
        counts: list[int] = []
        total, row_of, size, per_socket = 0, self._row_of, _MMSGHDR.itemsize, self._per_socket
        for fd, _ in self._poll.poll(0, max(1, len(row_of))):
            room = self._capacity - total
            if room <= 0:
                break
            count = _recvmmsg(fd, self._base + total * size, min(room, per_socket), _RECEIVE_FLAGS, None)
            if count > 0:
                rows.append(row_of[fd])
                counts.append(count)
                total += count
        return self._batch(total, rows, counts, wall, now)

    def _batch(self, total: int, rows: list[int], counts: list[int], wall: float, now: float) -> Batch:
        counted = np.asarray(counts, dtype=np.intp)
        first = np.cumsum(counted) - counted
        headers = self._headers["hdr"]
        used = slice(0, total)
        stamps = self._control[used]
        arrival = stamps[:, 2] + stamps[:, 3] * 1e-9 + (now - wall)
        unstamped = headers["controllen"][used] < _CONTROL_BYTES
        batch = Batch(
            packets=self._packets[used],
            length=self._headers["len"][used].astype(np.int32),
            truncated=(headers["flags"][used] & socket.MSG_TRUNC) != 0,
            row=np.repeat(np.asarray(rows, dtype=np.intp), counted),
            turn=np.arange(total) - np.repeat(first, counted),
            source=self._names["ip"][used].astype(np.int64) << 16 | self._names["port"][used],
            arrival=np.clip(np.where(unstamped, now, arrival), now - _OLDEST, now),
        )
        headers["namelen"][used] = SOCKADDR.itemsize
        headers["controllen"][used] = _CONTROL_BYTES
        return batch

    def _allocate(self, capacity: int) -> None:
        self._capacity = capacity
        self._packets: Bytes = np.zeros((capacity, MAX_PACKET), dtype=np.uint8)
        self._names: Array = np.zeros(capacity, dtype=SOCKADDR)
        self._control: Array = np.zeros((capacity, _CONTROL_BYTES // 8), dtype=np.int64)
        self._vectors: Array = np.zeros(capacity, dtype=IOVEC)
        self._vectors["base"] = addresses_of(self._packets)
        self._vectors["len"] = MAX_PACKET
        self._headers: Array = np.zeros(capacity, dtype=_MMSGHDR)
        header = self._headers["hdr"]
        header["name"], header["namelen"] = addresses_of(self._names), SOCKADDR.itemsize
        header["iov"], header["iovlen"] = addresses_of(self._vectors), 1
        header["control"], header["controllen"] = addresses_of(self._control), _CONTROL_BYTES
        self._base = self._headers.ctypes.data


def stamp_arrivals(rtp: socket.socket) -> None:
    """Let the kernel note when each packet of the socket arrived (socket(7), SO_TIMESTAMPNS)."""
    rtp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

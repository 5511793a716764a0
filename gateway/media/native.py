"""The compiled helper: ``native.c``, built next to this file by ``hatch_build.py`` where there is a compiler."""

from __future__ import annotations

import ctypes
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from gateway.media.audio import Array, Bytes, Pcm, Rows
from gateway.media.g711 import DECODE, ENCODE
from gateway.media.hot_path import (
    LARGEST_PAYLOAD,
    SMALLEST_PAYLOAD,
    STREAM_ARRAYS,
    HotPath,
    PortableHotPath,
)
from gateway.media.packet_io import MAX_PACKET, OLDEST, Slots, Watch
from gateway.media.rtp import HEADER_BYTES

_log = structlog.get_logger("media")

LIBRARY: Final = Path(__file__).with_name("_native.so")
_SOURCE: Final = Path(__file__).with_name("native.c")

_pointer, _int, _double = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double


class _Slots(ctypes.Structure):
    _fields_ = (
        ("packets", _pointer),
        ("length", _pointer),
        ("truncated", _pointer),
        ("row", _pointer),
        ("turn", _pointer),
        ("source", _pointer),
        ("arrival", _pointer),
        ("ordinary", _pointer),
        ("marker", _pointer),
        ("law", _pointer),
        ("payload", _pointer),
        ("timestamp", _pointer),
        ("capacity", _int),
        ("size", _int),
    )


class _Streams(ctypes.Structure):
    _fields_ = tuple((name, _pointer) for name in STREAM_ARRAYS)


class NativeHotPath:
    """See :class:`HotPath`; each method is one call of the library.

    The two that make thousands of system calls let the interpreter go meanwhile, so that the thread that writes
    recordings can work; the others are over in some tenths of a millisecond and keep it.
    """

    name = "native"

    def __init__(self, library: Path) -> None:
        free, held = ctypes.CDLL(str(library)), ctypes.PyDLL(str(library))
        held.media_source.restype = ctypes.c_uint32
        if held.media_source() != zlib.crc32(_SOURCE.read_bytes()):
            raise OSError(f"{library} was not built from the present native.c")
        self._receive, self._send = free.media_receive, free.media_send
        self._decode, self._encode, self._interleave = held.media_decode, held.media_encode, held.media_interleave
        self._receive.argtypes = (*[_pointer] * 3, *[_int] * 3, *[_double] * 4, _pointer)
        self._receive.restype = ctypes.c_int64
        self._admit = held.media_admit
        self._admit.argtypes = (_pointer, _int, _pointer, _double, _int, _int)
        self._send.argtypes = (_pointer, _pointer, _int, _pointer, _int, _pointer, _pointer)
        self._decode.argtypes = (*[_pointer] * 3, _int, _int, _pointer, _int, _int, _pointer)
        self._encode.argtypes = (*[_pointer] * 4, _int, _pointer, _int, _int)
        self._interleave.argtypes = (*[_pointer] * 4, _int, _pointer, _int, _pointer)
        for function in (self._admit, self._send, self._decode, self._encode, self._interleave):
            function.restype = None
        self._slots: Slots | None = None
        self._layout = _Slots()
        self._samples: Pcm = np.zeros(0, dtype=np.int16)

    def receive(self, slots: Slots, watch: Watch, first: int, per_socket: int, offset: float, now: float) -> int:
        """See :class:`HotPath`."""
        if slots is not self._slots:
            self._slots = slots
            arrays = (getattr(slots, name) for name, kind in _Slots._fields_ if kind is _pointer)
            self._layout = _Slots(*map(_at, arrays), slots.capacity, MAX_PACKET)
        return int(
            self._receive(
                ctypes.addressof(self._layout),
                _at(watch.fds),
                _at(watch.rows),
                len(watch.fds),
                first,
                per_socket,
                offset,
                now,
                OLDEST,
                watch.read_at,
                _at(watch.watched),
            )
        )

    def admit(self, slots: Slots, total: int, streams: Sequence[Array], now: float) -> None:
        """See :class:`HotPath`."""
        legs = _Streams(*map(_at, streams))
        self._admit(
            ctypes.addressof(self._layout), total, ctypes.addressof(legs), now, SMALLEST_PAYLOAD, LARGEST_PAYLOAD
        )

    def send(self, fds: Array, rows: Rows, packets: Bytes, lengths: Array, names: Array) -> None:
        """See :class:`HotPath`."""
        self._send(_at(fds), _at(rows), len(rows), _at(packets), packets.strides[0], _at(lengths), _at(names))

    def decode(self, laws: Array, packets: Bytes, chosen: Rows, length: int) -> Pcm:
        """See :class:`HotPath`."""
        size = len(chosen) * length
        if size > len(self._samples):
            self._samples = np.zeros(2 * size, dtype=np.int16)
        pcm: Pcm = self._samples[:size].reshape(len(chosen), length)
        self._decode(
            _at(DECODE),
            _at(laws),
            _at(packets),
            packets.strides[0],
            HEADER_BYTES,
            _at(chosen),
            len(chosen),
            length,
            _at(pcm),
        )
        return pcm

    def encode(self, laws: Array, frames: Pcm, rows: Rows, packets: Bytes) -> None:
        """See :class:`HotPath`."""
        self._encode(
            _at(ENCODE),
            _at(laws),
            _at(frames),
            _at(rows),
            len(rows),
            _at(packets),
            packets.strides[0],
            HEADER_BYTES,
        )

    def interleave(self, frames: Pcm, left: Rows, right: Rows, slots: Rows, filled: Array, samples: Array) -> None:
        """See :class:`HotPath`."""
        self._interleave(
            _at(frames),
            _at(left),
            _at(right),
            _at(slots),
            len(slots),
            _at(filled),
            samples.shape[1],
            _at(samples),
        )


def find_hot_path(native: bool, library: Path = LIBRARY) -> HotPath:
    """The compiled helper when it is wanted and can be loaded, else the portable path."""
    if native and struct.calcsize("P") == 8:
        try:
            return NativeHotPath(library)
        except (OSError, AttributeError) as error:
            _log.warning("the compiled helper is not there; each packet costs more", reason=str(error))
    return PortableHotPath()


def _at(array: Array) -> int:
    """Where a contiguous array lies in memory."""
    return int(array.__array_interface__["data"][0])

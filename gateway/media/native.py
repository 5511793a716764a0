"""The compiled helper: the C in ``compiled``, built beside this file by ``hatch_build.py`` where a compiler is."""

from __future__ import annotations

import ctypes
import struct
import weakref
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog

from ccplatform.kernel.errors import LocalMisuse
from gateway.media.addresses import SOCKADDR
from gateway.media.audio import Array, Bytes, Floats, Mask, Pcm, Rows
from gateway.media.g711 import DECODE
from gateway.media.hot_path import (
    SIMILARITY_FLOOR,
    STREAM_ARRAYS,
    Delayed,
    DelayRules,
    Heard,
    HotPath,
    Reported,
    Streams,
    StretchRules,
    ToneScreen,
)
from gateway.media.packet_io import MAX_PACKET, OLDEST, Slots, Watch
from gateway.media.portable import PortableHotPath

_log = structlog.get_logger("media")

LIBRARY: Final = Path(__file__).with_name("_native.so")
_SOURCE: Final = Path(__file__).with_name("compiled")

_pointer, _int, _double, _float = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double, ctypes.c_float

#: What the elements of arrays are in C.
_BOOL, _I8, _U8, _I16, _U16, _I32, _U32, _I64, _F32, _F64 = map(
    np.dtype, ("bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8")
)

_SLOT_ARRAYS: Final = {
    **{"packets": _U8, "length": _I32, "truncated": _BOOL, "row": _I64},
    **{"turn": _I64, "source": _I64, "arrival": _F64, "ordinary": _BOOL},
}

_DELAYED_ARRAYS: Final = {
    **{"bins": _F32, "playing": _BOOL, "packet": _I32, "loss": _F32},
    **{"reach": _F64, "position": _I64, "began": _I64, "wanted": _I64},
}

_REPORTED_ARRAYS: Final = {
    **{"sent": _I64, "clock": _U32, "own": _U32},
    **{"started": _BOOL, "ssrc": _U32, "highest": _I64, "first": _I64, "in_stream": _I64, "received": _I64},
    **{"lost_before": _I64, "jitter": _F64, "last_report": _U32, "last_report_at": _F64},
    **{"expected_before": _I64, "received_before": _I64, "packets": _U8, "lengths": _I64},
}


class _Slots(ctypes.Structure):
    _fields_ = (
        *((name, _pointer) for name in _SLOT_ARRAYS),
        ("capacity", _int),
        ("size", _int),
    )


class _Streams(ctypes.Structure):
    _fields_ = (
        *((name, _pointer) for name in (*STREAM_ARRAYS, "decode")),
        *((name, _int) for name in ("ring_size", "farthest", "bin", "head", "overdue")),
        ("weight", _double),
    )


class _Rules(ctypes.Structure):
    _fields_ = (
        *((name, _int) for name in ("shortest", "longest", "size", "much")),
        *((name, _double) for name in ("scale", "excess", "forbidden", "grow_alike", "shrink_alike")),
        *((name, _double) for name in ("grow_haste", "shrink_haste", "repeats", "noise", "floor")),
        *((name, _float) for name in ("pause", "quietest", "loudest", "flat")),
    )


class _Delays(ctypes.Structure):
    _fields_ = (
        *((name, _int) for name in ("bin", "frame", "close", "keep", "proof")),
        *((name, _float) for name in ("step", "loss", "most", "lossy")),
    )


class _Delayed(ctypes.Structure):
    _fields_ = tuple((name, _pointer) for name in _DELAYED_ARRAYS)


class _Reported(ctypes.Structure):
    _fields_ = tuple((name, _pointer) for name in _REPORTED_ARRAYS)


class _Intake(ctypes.Structure):
    _fields_ = (("packets", _int), ("limited", _int))


class _Addresses:
    """Where contiguous arrays lie in memory; for those that stay, so that numpy need not be asked each time."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Array], int]] = {}

    def __call__(self, array: Array, dtype: np.dtype[Any]) -> int:
        key = id(array)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = weakref.ref(array, lambda _: self._known.pop(key)), _at(array, dtype)
        return known[1]


class NativeHotPath:
    """See :class:`HotPath`; each method is one call of the library.

    Those that make system calls let the interpreter go meanwhile, so that the tick and the thread that writes
    recordings do not wait for each other; the others are over in some tenths of a millisecond and keep it.
    """

    name = "native"

    def __init__(self, library: Path) -> None:
        free, held = ctypes.CDLL(str(library)), ctypes.PyDLL(str(library))
        held.media_source.restype = ctypes.c_uint32
        source = b"".join(file.read_bytes() for file in sorted(_SOURCE.glob("*.[ch]")))
        if held.media_source() != zlib.crc32(source):
            raise OSError(f"{library} was not built from what is in {_SOURCE} now")
        self._receive = _declared(free.media_receive, "ppp iii dddd ppp")
        self._receive.restype = ctypes.c_int64
        self._send = _declared(free.media_send, "ppi pi pppp")
        self._write = _declared(free.media_write, "ppi p")
        self._admit = _declared(held.media_admit, "pi pd")
        self._take = _declared(held.media_take, "pi iiii pi p")
        self._screen = _declared(held.media_screen, "pi pi pp iid pppp")
        self._similarity = _declared(held.media_similarity, "pi pi iii d p")
        self._lengths = _declared(held.media_lengths, "pi pi i pppp")
        self._control = _declared(held.media_control, "p iii p")
        self._listen = _declared(held.media_listen, "pi ii ii f p")
        self._encode = _declared(held.media_encode, "pppp pi pi")
        self._head = _declared(held.media_head, "pi pi ppppp")
        self._report = _declared(held.media_report, "ppi idp ii")
        self._decode = _declared(held.media_decode, "ppp i pii p")
        self._interleave = _declared(held.media_interleave, "pi ppp i p i p")
        self._at = _Addresses()
        self._slots: Slots | None = None
        self._slots_layout = _Slots()
        self._streams: Streams | None = None
        self._streams_layout = _Streams()
        self._intake = _Intake()
        self._rules: dict[StretchRules, _Rules] = {}
        self._delays: dict[DelayRules, _Delays] = {}
        self._samples: Pcm = np.zeros(0, dtype=np.int16)

    def receive(
        self,
        slots: Slots,
        watch: Watch,
        first: int,
        per_socket: int,
        offset: float,
        now: float,
        streams: Streams | None,
    ) -> int:
        """See :class:`HotPath`."""
        total = int(
            self._receive(
                self._layout_of_slots(slots),
                self._at(watch.fds, _I32),
                self._at(watch.rows, _I64),
                len(watch.fds),
                first,
                per_socket,
                offset,
                now,
                OLDEST,
                watch.read_at,
                self._at(watch.watched, _I32),
                None if streams is None else self._layout_of(streams),
                ctypes.addressof(self._intake),
            )
        )
        watch.packets, watch.limited = self._intake.packets, self._intake.limited
        return total

    def admit(self, slots: Slots, total: int, streams: Streams, now: float) -> None:
        """See :class:`HotPath`."""
        self._admit(self._layout_of_slots(slots), total, self._layout_of(streams), now)

    def take(self, ring: Pcm, rows: int, start: int, old: int, frames: Pcm, lossy: Mask) -> None:
        """See :class:`HotPath`."""
        at, stride = self._at, frames.strides[0] // 2
        taken = rows, start, old, frames.shape[1]
        self._take(at(ring, _I16), ring.shape[1], *taken, at(frames, _I16), stride, at(lossy, _BOOL))

    def control(self, legs: Delayed, some: slice, ticks: int, rules: DelayRules) -> None:
        """See :class:`HotPath`."""
        layout = self._delays.get(rules)
        if layout is None:
            layout = self._delays[rules] = _Delays(**asdict(rules))
        known = _Delayed(*(self._at(getattr(legs, name), dtype) for name, dtype in _DELAYED_ARRAYS.items()))
        places = ctypes.addressof(known), ctypes.addressof(layout)
        self._control(places[0], some.start, some.stop, ticks, places[1])

    def listen(self, frames: Pcm, some: slice, step: int, rise: float, background: Floats) -> None:
        """See :class:`HotPath`."""
        place, stride = self._at(frames, _I16), frames.strides[0] // 2
        sizes = some.start, some.stop, frames.shape[1], step
        self._listen(place, stride, *sizes, rise, self._at(background, _F32))

    def screen(self, frames: Pcm, rows: Rows, screen: ToneScreen, kept: Pcm) -> tuple[Rows, Rows, Mask]:
        """See :class:`HotPath`."""
        count, at = len(rows), self._at
        low, high, passed = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.bool_)
        self._screen(
            at(frames, _I16),
            frames.strides[0] // 2,
            at(rows, _I64),
            count,
            at(screen.window, _I16),
            at(screen.waves, _I16),
            screen.least_energy,
            screen.least_power,
            screen.share,
            _at(passed, _BOOL),
            _at(low, _I64),
            _at(high, _I64),
            at(kept, _I16),
        )
        return low, high, passed

    def similarity(self, signal: Floats, template: Floats) -> Floats:
        """See :class:`HotPath`."""
        signal, template = _whole_rows(signal), _whole_rows(template)
        rows, length = template.shape
        alike = np.empty((rows, signal.shape[1] - length + 1), dtype=np.float32)
        sizes = (rows, alike.shape[1], length)
        strides = signal.strides[0] // 4, template.strides[0] // 4
        places = _at(signal, _F32), strides[0], _at(template, _F32), strides[1]
        self._similarity(*places, *sizes, SIMILARITY_FLOOR, _at(alike, _F32))
        return alike

    def lengths(
        self, ring: Pcm, rows: Rows, head: int, wanted: Rows, background: Floats, rules: StretchRules
    ) -> Rows:
        """See :class:`HotPath`."""
        layout = self._rules.get(rules)
        if layout is None:
            layout = self._rules[rules] = _Rules(**asdict(rules), floor=SIMILARITY_FLOOR)
        added = np.empty(len(rows), dtype=np.int64)
        sized = (self._at(ring, _I16), ring.shape[1], _at(rows, _I64), len(rows), head)
        asked = (_at(wanted, _I64), _at(background, _F32), ctypes.addressof(layout))
        self._lengths(*sized, *asked, _at(added, _I64))
        return added

    def encode(self, laws: Array, heard: Heard, rows: Rows, packets: Bytes) -> None:
        """See :class:`HotPath`."""
        at, size = self._at, packets.strides[0]
        places = at(heard.sound, _I16), at(heard.source, _I64), at(heard.frames, _I16)
        self._encode(at(laws, _I8), *places, at(rows, _I64), len(rows), at(packets, _U8), size)

    def head(
        self,
        rows: Rows,
        packets: Bytes,
        sequence: Array,
        clock: Array,
        ssrc: Array,
        payload_type: Array,
        starting: Mask,
    ) -> None:
        """See :class:`HotPath`."""
        at = self._at
        streams = at(sequence, _U16), at(clock, _U32), at(ssrc, _U32), at(payload_type, _U8), at(starting, _BOOL)
        self._head(at(rows, _I64), len(rows), at(packets, _U8), packets.strides[0], *streams)

    def send(
        self, fds: Array, rows: Rows, packets: Bytes, lengths: Array, names: Array, connected: Mask, sent: Array
    ) -> None:
        """See :class:`HotPath`."""
        at, size = self._at, packets.strides[0]
        ways = at(lengths, _I64), at(names, SOCKADDR), at(connected, _BOOL), at(sent, _I64)
        self._send(at(fds, _I32), at(rows, _I64), len(rows), at(packets, _U8), size, *ways)

    def report(self, legs: Reported, rows: Rows, ntp: int, now: float, name: bytes) -> None:
        """See :class:`HotPath`."""
        known = _Reported(*(self._at(getattr(legs, field), dtype) for field, dtype in _REPORTED_ARRAYS.items()))
        those = ctypes.addressof(known), _at(rows, _I64), len(rows)
        self._report(*those, ntp, now, name, len(name), legs.packets.strides[0])

    def decode(self, laws: Array, packets: Bytes, chosen: Rows, length: int) -> Pcm:
        """See :class:`HotPath`."""
        count = len(chosen)
        if count * length > len(self._samples):
            self._samples = np.zeros(2 * count * length, dtype=np.int16)
        pcm: Pcm = self._samples[: count * length].reshape(count, length)
        coded = _at(laws, _I8), _at(packets, _U8), packets.strides[0], _at(chosen, _I64)
        self._decode(self._at(DECODE, _I16), *coded, count, length, _at(pcm, _I16))
        return pcm

    def interleave(self, frames: Pcm, left: Rows, right: Rows, slots: Rows, filled: Array, samples: Array) -> None:
        """See :class:`HotPath`."""
        at, stride = self._at, frames.strides[0] // 2
        sides = at(left, _I64), at(right, _I64), at(slots, _I64)
        blocks = at(filled, _I64), samples.shape[1], at(samples, _I16)
        self._interleave(at(frames, _I16), stride, *sides, len(slots), *blocks)

    def write(self, fds: Sequence[int], parts: Sequence[bytes], places: Sequence[int]) -> list[int]:
        """See :class:`HotPath`; the interpreter is free meanwhile."""
        count = len(parts)
        numbers: Array = np.array([fds, places, list(map(len, parts))], dtype=np.int64).reshape(3, count)
        failed = np.zeros(count, dtype=np.int64)
        self._write(_at(numbers, _I64), (ctypes.c_char_p * count)(*parts), count, _at(failed, _I64))
        errors: list[int] = failed.tolist()
        return errors

    def _layout_of_slots(self, slots: Slots) -> int:
        if slots is not self._slots:
            self._slots = slots
            arrays = (_at(getattr(slots, name), dtype) for name, dtype in _SLOT_ARRAYS.items())
            self._slots_layout = _Slots(*arrays, slots.capacity, MAX_PACKET)
        return ctypes.addressof(self._slots_layout)

    def _layout_of(self, streams: Streams) -> int:
        layout = self._streams_layout
        if streams is not self._streams:
            self._streams = streams
            known = zip(streams.arrays, STREAM_ARRAYS.values(), strict=True)
            arrays = (*(_at(array, np.dtype(kind)) for array, kind in known), _at(DECODE, _I16))
            layout = self._streams_layout = _Streams(*arrays, streams.ring_size, streams.farthest, streams.bin)
        layout.head, layout.overdue, layout.weight = streams.head, streams.overdue, streams.weight
        return ctypes.addressof(layout)


def find_hot_path(native: bool, library: Path = LIBRARY) -> HotPath:
    """The compiled helper when it is wanted and can be loaded, else the portable path."""
    if native and struct.calcsize("P") == 8:
        try:
            return NativeHotPath(library)
        except (OSError, AttributeError) as error:
            _log.warning("the compiled helper is not there; each packet costs more", reason=str(error))
    return PortableHotPath()


def _declared(function: ctypes._NamedFuncPointer, arguments: str) -> ctypes._NamedFuncPointer:
    """A function that returns nothing; arguments are pointers (p), 64-bit numbers (i), doubles (d), floats (f)."""
    kinds: dict[str, Any] = {"p": _pointer, "i": _int, "d": _double, "f": _float}
    function.argtypes = [kinds[letter] for letter in arguments if letter != " "]
    function.restype = None
    return function


def _whole_rows(samples: Floats) -> Floats:
    """The same, with the samples of each row beside one another."""
    return samples if samples.strides[1] == samples.itemsize else np.ascontiguousarray(samples)


def _at(array: Array, dtype: np.dtype[Any]) -> int:
    """Where an array lies in memory; raises LocalMisuse unless its elements are what the helper takes them for."""
    if array.dtype != dtype:
        raise LocalMisuse(f"the compiled helper was given {array.dtype} where it reads {dtype}")
    return int(array.__array_interface__["data"][0])

"""The compiled helper: ``native.c``, built next to this file by ``hatch_build.py`` where there is a compiler."""

from __future__ import annotations

import ctypes
import struct
import weakref
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog

from gateway.media.audio import Array, Bytes, Floats, Mask, Pcm, Rows
from gateway.media.g711 import DECODE
from gateway.media.hot_path import SIMILARITY_FLOOR, STREAM_ARRAYS, HotPath, Streams, StretchRules, ToneScreen
from gateway.media.packet_io import MAX_PACKET, OLDEST, Slots, Watch
from gateway.media.portable import PortableHotPath

_log = structlog.get_logger("media")

LIBRARY: Final = Path(__file__).with_name("_native.so")
_SOURCE: Final = Path(__file__).with_name("native.c")

_pointer, _int, _double, _float = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double, ctypes.c_float

_SLOT_ARRAYS: Final = ("packets", "length", "truncated", "row", "turn", "source", "arrival", "ordinary")


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


class _Intake(ctypes.Structure):
    _fields_ = (("packets", _int), ("limited", _int))


class _Addresses:
    """Where contiguous arrays lie in memory; for those that stay, so that numpy need not be asked each time."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Array], int]] = {}

    def __call__(self, array: Array) -> int:
        key = id(array)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = weakref.ref(array, lambda _: self._known.pop(key)), _at(array)
        return known[1]


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
        self._receive = _declared(free.media_receive, "ppp iii dddd ppp")
        self._receive.restype = ctypes.c_int64
        self._send = _declared(free.media_send, "ppi pi pppp")
        self._admit = _declared(held.media_admit, "pi pd")
        self._take = _declared(held.media_take, "pi iiii pi p")
        self._screen = _declared(held.media_screen, "pi pi pp iid pppp")
        self._similarity = _declared(held.media_similarity, "pi pi iii d p")
        self._lengths = _declared(held.media_lengths, "pi pi i pppp")
        self._copy = _declared(held.media_copy, "pp i p")
        self._wanted = _declared(held.media_wanted, "ppi fff pp")
        self._listen = _declared(held.media_listen, "pi ii ii f p")
        self._encode = _declared(held.media_encode, "ppp i pi")
        self._head = _declared(held.media_head, "pi pi ppppp")
        self._decode = _declared(held.media_decode, "ppp i pii p")
        self._interleave = _declared(held.media_interleave, "pi ppp i p i p")
        self._at = _Addresses()
        self._slots: Slots | None = None
        self._slots_layout = _Slots()
        self._streams: Streams | None = None
        self._streams_layout = _Streams()
        self._intake = _Intake()
        self._rules: dict[StretchRules, _Rules] = {}
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
                self._at(watch.fds),
                self._at(watch.rows),
                len(watch.fds),
                first,
                per_socket,
                offset,
                now,
                OLDEST,
                watch.read_at,
                self._at(watch.watched),
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
        place, stride, at = self._at(frames), frames.strides[0] // 2, self._at
        self._take(at(ring), ring.shape[1], rows, start, old, frames.shape[1], place, stride, at(lossy))

    def wanted(self, bins: Floats, rows: Rows, step: float, loss: float, most: float) -> tuple[Rows, Rows]:
        """See :class:`HotPath`."""
        count = len(rows)
        enough, early = np.empty(count, np.int64), np.empty(count, np.int64)
        self._wanted(self._at(bins), _at(rows), count, step, loss, most, _at(enough), _at(early))
        return enough, early

    def listen(self, frames: Pcm, some: slice, step: int, rise: float, background: Floats) -> None:
        """See :class:`HotPath`."""
        place, stride = self._at(frames), frames.strides[0] // 2
        self._listen(place, stride, some.start, some.stop, frames.shape[1], step, rise, self._at(background))

    def screen(self, frames: Pcm, rows: Rows, screen: ToneScreen, kept: Pcm) -> tuple[Rows, Rows, Mask]:
        """See :class:`HotPath`."""
        count, at = len(rows), self._at
        low, high, passed = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.bool_)
        self._screen(
            at(frames),
            frames.strides[0] // 2,
            at(rows),
            count,
            at(screen.window),
            at(screen.waves),
            screen.least_energy,
            screen.least_power,
            screen.share,
            _at(passed),
            _at(low),
            _at(high),
            at(kept),
        )
        return low, high, passed

    def similarity(self, signal: Floats, template: Floats) -> Floats:
        """See :class:`HotPath`."""
        signal, template = _whole_rows(signal), _whole_rows(template)
        rows, length = template.shape
        alike = np.empty((rows, signal.shape[1] - length + 1), dtype=np.float32)
        sizes = (rows, alike.shape[1], length)
        strides = signal.strides[0] // 4, template.strides[0] // 4
        places = _at(signal), strides[0], _at(template), strides[1]
        self._similarity(*places, *sizes, SIMILARITY_FLOOR, _at(alike))
        return alike

    def lengths(
        self, ring: Pcm, rows: Rows, head: int, wanted: Rows, background: Floats, rules: StretchRules
    ) -> Rows:
        """See :class:`HotPath`."""
        layout = self._rules.get(rules)
        if layout is None:
            layout = self._rules[rules] = _Rules(**asdict(rules), floor=SIMILARITY_FLOOR)
        added = np.empty(len(rows), dtype=np.int64)
        sized = (self._at(ring), ring.shape[1], _at(rows), len(rows), head)
        self._lengths(*sized, _at(wanted), _at(background), ctypes.addressof(layout), _at(added))
        return added

    def copy(self, sound: Pcm, sources: Rows, count: int, frames: Pcm) -> None:
        """See :class:`HotPath`."""
        self._copy(self._at(sound), self._at(sources), count, self._at(frames))

    def encode(self, laws: Array, frames: Pcm, rows: Rows, packets: Bytes) -> None:
        """See :class:`HotPath`."""
        at, size = self._at, packets.strides[0]
        self._encode(at(laws), at(frames), at(rows), len(rows), at(packets), size)

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
        arrays = map(self._at, (sequence, clock, ssrc, payload_type, starting))
        self._head(self._at(rows), len(rows), self._at(packets), packets.strides[0], *arrays)

    def send(
        self, fds: Array, rows: Rows, packets: Bytes, lengths: Array, names: Array, connected: Mask, sent: Array
    ) -> None:
        """See :class:`HotPath`."""
        at, size = self._at, packets.strides[0]
        arrays = map(at, (lengths, names, connected, sent))
        self._send(at(fds), at(rows), len(rows), at(packets), size, *arrays)

    def decode(self, laws: Array, packets: Bytes, chosen: Rows, length: int) -> Pcm:
        """See :class:`HotPath`."""
        count = len(chosen)
        if count * length > len(self._samples):
            self._samples = np.zeros(2 * count * length, dtype=np.int16)
        pcm: Pcm = self._samples[: count * length].reshape(count, length)
        size = packets.strides[0]
        self._decode(self._at(DECODE), _at(laws), _at(packets), size, _at(chosen), count, length, _at(pcm))
        return pcm

    def interleave(self, frames: Pcm, left: Rows, right: Rows, slots: Rows, filled: Array, samples: Array) -> None:
        """See :class:`HotPath`."""
        at, stride = self._at, frames.strides[0] // 2
        sides = (at(left), at(right), at(slots))
        self._interleave(at(frames), stride, *sides, len(slots), at(filled), samples.shape[1], at(samples))

    def _layout_of_slots(self, slots: Slots) -> int:
        if slots is not self._slots:
            self._slots = slots
            arrays = (getattr(slots, name) for name in _SLOT_ARRAYS)
            self._slots_layout = _Slots(*map(_at, arrays), slots.capacity, MAX_PACKET)
        return ctypes.addressof(self._slots_layout)

    def _layout_of(self, streams: Streams) -> int:
        layout = self._streams_layout
        if streams is not self._streams:
            self._streams = streams
            arrays = (*map(_at, streams.arrays), _at(DECODE))
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


def _at(array: Array) -> int:
    """Where an array lies in memory."""
    return int(array.__array_interface__["data"][0])

"""The hot path without a compiler: system calls through ctypes, the rest by numpy."""

from __future__ import annotations

import ctypes
import errno
import socket
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gateway.media.addresses import SOCKADDR, keys_of
from gateway.media.audio import ABSENT, FRAME, Array, Bytes, Floats, Mask, Pcm, Rows
from gateway.media.g711 import DECODE, ENCODE, Law
from gateway.media.hot_path import (
    SIMILARITY_FLOOR,
    Delayed,
    DelayRules,
    Heard,
    Reported,
    Streams,
    StretchRules,
    ToneScreen,
)
from gateway.media.packet_io import MAX_PACKET, OLDEST, Slots, Watch
from gateway.media.rtcp import ReportBlock, SenderInfo, build
from gateway.media.rtp import HEADER_BYTES
from gateway.media.sealed_file import write_parts

_CONTROL_BYTES: Final = 32  # one cmsghdr with a timespec
_RECEIVE_FLAGS: Final = int(socket.MSG_DONTWAIT)
_SEND_FLAGS: Final = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_MARKER: Final = 0x80


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


_IOVEC: Final = np.dtype(_IoVec)
_MMSGHDR: Final = np.dtype(_MMsgHdr)


class PortableHotPath:
    """recvmmsg(2) and sendto(2) through ctypes, the rest by numpy."""

    name = "portable"

    def __init__(self) -> None:
        libc = ctypes.PyDLL(
            None, use_errno=True
        )  # these calls never block: letting the interpreter go would cost more
        self._recvmmsg = libc.recvmmsg
        self._recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
        self._sendto = libc.sendto
        self._sendto.argtypes = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint32,
        )
        self._messages: _Messages | None = None

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
        """See :class:`HotPath`; reads every socket until it is empty and takes no packet at once."""
        fds, rows = watch.fds, watch.rows
        if self._messages is None or self._messages.slots is not slots:
            self._messages = _Messages(slots)
        messages, total, counts, taken = self._messages, 0, [], []
        order = (*range(first, len(fds)), *range(first))
        for fd, place in zip(np.roll(fds, -first).tolist(), order, strict=True):
            room = min(slots.capacity - total, per_socket)
            if room <= 0:
                break
            place_of = messages.base + total * _MMSGHDR.itemsize
            count = self._recvmmsg(fd, place_of, room, _RECEIVE_FLAGS, None)
            if count < 0 and ctypes.get_errno() == errno.ECONNREFUSED:  # of something that was sent, told once
                count = self._recvmmsg(fd, place_of, room, _RECEIVE_FLAGS, None)
            if count > 0:
                taken.append(place)
                counts.append(count)
                total += count
        repeats = np.asarray(counts, dtype=np.int64)
        slots.row[:total] = np.repeat(rows[np.asarray(taken, dtype=np.int64)], repeats)
        slots.turn[:total] = np.arange(total) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        messages.read(total, offset, now)
        watch.packets, watch.limited = total, counts.count(per_socket)
        return total

    def admit(self, slots: Slots, total: int, streams: Streams, now: float) -> None:
        """See :class:`HotPath`; leaves all to the arrays of the intake."""
        slots.ordinary[:total] = False

    def take(self, ring: Pcm, rows: int, start: int, old: int, frames: Pcm, lossy: Mask) -> None:
        """See :class:`HotPath`."""
        length = frames.shape[1]
        frames[:rows] = ring[:rows, start : start + length]
        ring[:rows, old : old + length] = ABSENT
        lossy[:rows] = frames[:rows].min(axis=1, initial=0) == ABSENT

    def control(self, legs: Delayed, some: slice, ticks: int, rules: DelayRules) -> None:
        """See :class:`HotPath`."""
        rows = some.start + np.flatnonzero(legs.playing[some])
        needed, early = worth_waiting(legs.bins[rows], rules)
        packet = legs.packet[rows].astype(np.int64)
        lossy = legs.loss[rows] > rules.lossy
        needed = np.where(lossy, np.maximum(needed, early + packet), needed)
        grain = np.gcd(packet, rules.frame)
        spare = legs.reach[rows] - needed - (rules.frame - grain)
        skew = legs.position[rows] % grain
        up = -skew % grain
        up += np.ceil(np.maximum(rules.close - spare - up, 0) / grain).astype(np.int64) * grain
        room = spare - rules.keep - skew
        down = skew + np.floor(room / grain).astype(np.int64) * grain
        proven = (room >= 0) & (ticks - legs.began[rows] >= rules.proof)
        legs.wanted[rows] = np.where(spare < skew + rules.close, up, np.where(proven, -down, 0))

    def listen(self, frames: Pcm, some: slice, step: int, rise: float, background: Floats) -> None:
        """See :class:`HotPath`; sums of squares are whole numbers."""
        heard = frames[some, ::step]
        whole = heard.min(axis=1, initial=0) != ABSENT
        level = np.sqrt(np.square(heard, dtype=np.int64).sum(axis=1) / heard.shape[1]).astype(np.float32)
        known = background[some]
        known[whole] = np.minimum(level, known * rise)[whole]

    def screen(self, frames: Pcm, rows: Rows, screen: ToneScreen, kept: Pcm) -> tuple[Rows, Rows, Mask]:
        """See :class:`HotPath`; all sums are whole numbers below 2^53."""
        kept[rows] = frames[rows]
        windowed = ((kept[rows].astype(np.int32) * screen.window) >> 18).astype(np.float64)
        energy = np.einsum("rt,rt->r", windowed, windowed)
        products = (windowed @ screen.waves.T.astype(np.float64)).astype(np.int64)
        products *= products
        powers = (products[:, :8] + products[:, 8:]).reshape(-1, 2, 4)
        low, high = powers.max(axis=2).T
        loud = energy >= screen.least_energy
        passed = loud & (low + high > screen.share * energy) & (np.minimum(low, high) > screen.least_power)
        tones = np.where(loud, powers.argmax(axis=2).T, 0)
        return tones[0], tones[1], passed

    def similarity(self, signal: Floats, template: Floats) -> Floats:
        """See :class:`HotPath`; all sums are whole numbers below 2^53."""
        samples, part, length = signal.astype(np.float64), template.astype(np.float64), template.shape[1]
        match = np.matmul(sliding_window_view(samples, length, axis=1), part[:, :, np.newaxis])[:, :, 0]
        squares = np.zeros((len(signal), signal.shape[1] + 1))
        np.cumsum(np.square(samples), axis=1, out=squares[:, 1:])
        energy = squares[:, length:] - squares[:, :-length]
        own = np.einsum("rt,rt->r", part, part)[:, np.newaxis]
        scale = np.sqrt((energy + SIMILARITY_FLOOR) * (own + SIMILARITY_FLOOR)).astype(np.float32)
        alike: Floats = match.astype(np.float32) / scale
        return alike

    def lengths(
        self, ring: Pcm, rows: Rows, head: int, wanted: Rows, background: Floats, rules: StretchRules
    ) -> Rows:
        """See :class:`HotPath`; sums of squares are whole numbers."""
        longest, shortest, size = rules.longest, rules.shortest, rules.size
        places = (head + np.arange(-longest, longest + size)) % ring.shape[1]
        found = ring[rows[:, np.newaxis], places]
        there = found != ABSENT
        grows = wanted > 0
        whole = np.where(grows, there[:, : longest + size].all(axis=1), there[:, longest:].all(axis=1))
        sound = found.astype(np.float32)
        lags = np.arange(shortest, longest + 1)
        compared = np.where(
            grows[:, np.newaxis], sound[:, : longest - shortest + size], sound[:, longest + shortest :]
        )
        alike = self.similarity(compared, sound[:, longest : longest + size])
        alike[grows] = alike[grows, ::-1]
        most = np.abs(wanted)
        excess = np.maximum(lags - most[:, np.newaxis], 0) / rules.scale
        cost = np.where(grows, rules.excess, rules.forbidden)[:, np.newaxis]
        best = np.argmax(alike - excess * cost, axis=1)
        allowed = grows | (lags[best] <= most)
        quiet = _is_quiet(found[:, longest:], background, rules)
        much = most >= rules.much
        asked = np.where(
            grows,
            np.where(much, rules.grow_haste, rules.grow_alike),
            np.where(much | quiet, rules.shrink_haste, rules.shrink_alike),
        )
        fits = allowed & (alike[np.arange(len(rows)), best] >= asked)
        free = quiet & (alike.max(axis=1) < _repeats(found[:, longest:], background, rules))
        length = np.where(free, np.minimum(most, longest), np.where(fits, lags[best], 0))
        added: Rows = np.where(whole, np.where(grows, length, -length), 0)
        return added

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
        sequence[rows] += np.uint16(1)
        packets[rows, 1] = payload_type[rows] | np.where(starting[rows], _MARKER, 0).astype(np.uint8)
        packets[rows, 2:4] = _octets(sequence[rows].astype(">u2"))
        packets[rows, 4:8] = _octets(clock[rows].astype(">u4"))
        packets[rows, 8:12] = _octets(ssrc[rows].astype(">u4"))
        starting[rows] = False

    def send(
        self, fds: Array, rows: Rows, packets: Bytes, lengths: Array, names: Array, connected: Mask, sent: Array
    ) -> None:
        """See :class:`HotPath`."""
        sent[rows] += lengths[rows] > 0
        data = (packets.ctypes.data + packets.strides[0] * rows).tolist()
        targets = np.where(connected[rows], 0, names.ctypes.data + names.strides[0] * rows).tolist()
        for fd, packet, length, name in zip(fds.tolist(), data, lengths[rows].tolist(), targets, strict=True):
            if length:
                arguments = fd, packet, length, _SEND_FLAGS, name or None, SOCKADDR.itemsize if name else 0
                if self._sendto(*arguments) < 0 and ctypes.get_errno() == errno.ECONNREFUSED:
                    self._sendto(*arguments)  # what was refused is one before

    def report(self, legs: Reported, rows: Rows, ntp: int, now: float, name: bytes) -> None:
        """See :class:`HotPath`."""
        for row in rows.tolist():
            sent = int(legs.sent[row])
            info = SenderInfo(ntp=ntp, rtp_timestamp=int(legs.clock[row]), packets=sent, octets=sent * FRAME)
            block = _block(legs, row, now) if legs.started[row] else None
            data = build(int(legs.own[row]), name.decode(), info if sent else None, block)
            legs.packets[row, : len(data)] = np.frombuffer(data, dtype=np.uint8)
            legs.lengths[row] = len(data)

    def decode(self, laws: Array, packets: Bytes, chosen: Rows, length: int) -> Pcm:
        """See :class:`HotPath`."""
        payload = packets[chosen, HEADER_BYTES : HEADER_BYTES + length]
        first = int(laws[0])
        if (laws == first).all():
            return np.take(DECODE[first], payload)
        return DECODE[laws[:, np.newaxis], payload]

    def encode(self, laws: Array, heard: Heard, rows: Rows, packets: Bytes) -> None:
        """See :class:`HotPath`."""
        payloads = packets[:, HEADER_BYTES : HEADER_BYTES + FRAME]
        for law in Law:
            chosen = rows[laws[rows] == law]
            payloads[chosen] = np.take(ENCODE[law], heard.of(chosen).view(np.uint16))

    def interleave(self, frames: Pcm, left: Rows, right: Rows, slots: Rows, filled: Array, samples: Array) -> None:
        """See :class:`HotPath`."""
        samples[slots, filled[slots], :, 0] = frames[left[slots]]
        samples[slots, filled[slots], :, 1] = frames[right[slots]]

    def write(self, fds: Sequence[int], parts: Sequence[bytes], places: Sequence[int]) -> list[int]:
        """See :class:`HotPath`."""
        return write_parts(fds, parts, places)


def _block(legs: Reported, row: int, now: float) -> ReportBlock:
    """What a leg says of the stream that it hears (RFC 3550 appendix A.3)."""
    received = int(legs.received[row])
    spanned = int(legs.highest[row] - legs.first[row]) + 1
    expected = received + max(0, spanned - int(legs.in_stream[row])) + int(legs.lost_before[row])
    interval = expected - int(legs.expected_before[row])
    missing = max(0, interval - (received - int(legs.received_before[row])))
    legs.expected_before[row], legs.received_before[row] = expected, received
    last = int(legs.last_report[row])
    delay = round((now - float(legs.last_report_at[row])) * 65536) if last else 0
    return ReportBlock(
        ssrc=int(legs.ssrc[row]),
        fraction_lost=min(255, missing * 256 // interval) if interval > 0 else 0,
        lost=expected - received,
        highest=int(legs.highest[row]) - 0x10000 & 0xFFFFFFFF,
        jitter=min(int(legs.jitter[row]), 0xFFFFFFFF),
        last_report=last,
        delay=max(0, min(delay, 0xFFFFFFFF)),
    )


def worth_waiting(bins: Floats, rules: DelayRules) -> tuple[Rows, Rows]:
    """The delay worth waiting for by each histogram, and the one that most packets keep; upper edges, samples."""
    below = np.cumsum(bins, axis=1)
    share = below / np.maximum(below[:, -1:], np.float32(1e-30))
    cost = np.arange(bins.shape[1], dtype=np.float32) * np.float32(rules.step) + (1 - share) * np.float32(
        rules.loss
    )
    enough, early = np.argmin(cost, axis=1), np.argmax(share >= rules.most, axis=1)
    return (enough + 1) * rules.bin, (early + 1) * rules.bin


def _is_quiet(sound: Pcm, background: Floats, rules: StretchRules) -> Mask:
    power = np.square(sound, dtype=np.int64).sum(axis=1) / sound.shape[1]
    quiet: Mask = np.sqrt(power).astype(np.float32) <= np.maximum(rules.pause * background, rules.quietest)
    return quiet


def _repeats(sound: Pcm, background: Floats, rules: StretchRules) -> Array:
    """The correlation of each pause with itself from which a cut of any length would be heard."""
    asked = np.where(background > rules.loudest, rules.noise, rules.repeats)
    span = sound.max(axis=1).astype(np.int32) - sound.min(axis=1)
    return np.where(span > rules.flat, asked, np.inf)


class _Messages:
    """The kernel's structures for the packets of some slots."""

    def __init__(self, slots: Slots) -> None:
        capacity = slots.capacity
        self.slots = slots
        self._names: Array = np.zeros(capacity, dtype=SOCKADDR)
        self._control: Array = np.zeros((capacity, _CONTROL_BYTES // 8), dtype=np.int64)
        self._vectors: Array = np.zeros(capacity, dtype=_IOVEC)
        self._vectors["base"], self._vectors["len"] = _addresses_of(slots.packets), MAX_PACKET
        self._messages: Array = np.zeros(capacity, dtype=_MMSGHDR)
        header = self._messages["hdr"]
        header["name"], header["namelen"] = _addresses_of(self._names), SOCKADDR.itemsize
        header["iov"], header["iovlen"] = _addresses_of(self._vectors), 1
        header["control"], header["controllen"] = _addresses_of(self._control), _CONTROL_BYTES
        self.base = self._messages.ctypes.data

    def read(self, total: int, offset: float, now: float) -> None:
        """Bring the first entries into the slots and make them ready to be used again."""
        used, slots, header = slice(0, total), self.slots, self._messages["hdr"][:total]
        stamps = self._control[used]
        arrival = stamps[:, 2] + stamps[:, 3] * 1e-9 + offset
        unstamped = header["controllen"] < _CONTROL_BYTES
        slots.length[used] = self._messages["len"][used]
        slots.truncated[used] = (header["flags"] & socket.MSG_TRUNC) != 0
        slots.source[used] = keys_of(self._names[used])
        slots.arrival[used] = np.clip(np.where(unstamped, now, arrival), now - OLDEST, now)
        header["namelen"] = SOCKADDR.itemsize
        header["controllen"] = _CONTROL_BYTES


def _octets(numbers: Array) -> Bytes:
    return numbers.view(np.uint8).reshape(len(numbers), numbers.itemsize)


def _addresses_of(array: Array) -> Array:
    return np.asarray(array.ctypes.data + array.strides[0] * np.arange(len(array), dtype=np.int64))

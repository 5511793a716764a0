"""The 2 Mbit/s line: the port of its drivers, and the software span, which is one over UDP.

A block is 20 ms of time slots 1 to 31, slot by slot, 160 octets each, as they lie on the line (A-law with its
even bits inverted, ITU-T G.704, G.711). Frames of the D channel are without flags and check sequence.
"""

from __future__ import annotations

import asyncio
import random
import struct
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from ccplatform.kernel.clock import Clock, sleep

SLOTS: Final = 31
OCTETS: Final = 160
BLOCK_BYTES: Final = SLOTS * OCTETS
BLOCK_SECONDS: Final = 0.02
#: A-law of silence.
IDLE: Final = b"\xd5"
SILENCE: Final = IDLE * OCTETS


class LineAlarm(StrEnum):
    """Faults of the line (ITU-T G.732, G.775)."""

    LOS = "los"  # loss of signal: nothing comes
    LFA = "lfa"  # loss of frame alignment
    AIS = "ais"  # the far end's equipment sends ones only
    RAI = "rai"  # the far end does not receive us


@dataclass(slots=True)
class LineCounters:
    """Since the beginning. ``slips`` are blocks that are missing in their order or come twice."""

    blocks_received: int = 0
    blocks_sent: int = 0
    frames_received: int = 0
    frames_sent: int = 0
    slips: int = 0
    malformed: int = 0
    strangers: int = 0

    def told(self) -> dict[str, int]:
        """As plain data."""
        return asdict(self)


class LineUser(Protocol):
    """Who uses a line."""

    def received(self, block: bytes) -> None:
        """A block came."""

    def to_send(self) -> bytes:
        """The next block that goes out."""

    def frame_received(self, frame: bytes) -> None:
        """A frame of the D channel came."""

    def line_changed(self, alarms: frozenset[LineAlarm]) -> None:
        """Other alarms stand than before."""


class LineDriver(Protocol):
    """What carries a span: a card, or the software span."""

    counters: LineCounters

    @property
    def timing(self) -> str:
        """Whose clock times what goes out (R10.6.a): "span", "system" or "card"."""

    def time_by(self, source: str) -> bool:
        """Be timed by "span" or "system" from now on; False where this is not chosen here."""

    @property
    def alarms(self) -> frozenset[LineAlarm]:
        """Those that stand."""

    async def open(self, user: LineUser) -> None:
        """Begin; raises OSError."""

    async def run(self) -> None:
        """Keep the line going until it is closed."""

    def send_frame(self, frame: bytes) -> None:
        """Send a frame of the D channel."""

    def close(self) -> None:
        """End."""


_HEADER: Final = struct.Struct("!3sBBBHI")
_MAGIC, _VERSION = b"E1S", 1
_SAMPLES, _FRAME = 0, 1
_AIS, _RAI, _LFA = 1, 2, 4
_MAX_FRAME: Final = 264
#: Nothing for so long is a loss of signal, and the far end's clock is no longer waited for, seconds. A program
#: that stands still for a moment is none: what it did not send is a gap in the sound.
LOST_SECONDS: Final = 0.5
#: What a beat that comes late makes up for at most, seconds.
BEHIND_SECONDS: Final = 0.1
_HALF: Final = 1 << 31
#: A block that is overtaken by more others is none that was late.
_LATE_BLOCKS: Final = 25


@dataclass(slots=True)
class Faults:
    """What a software span does to what it sends, for tests and trials."""

    silent: bool = False  # nothing at all: the far end has a loss of signal
    ais: bool = False
    lfa: bool = False
    bit_error_rate: float = 0.0
    slip: int = 0  # blocks to be left out (or, below zero, to be sent twice) once


class SoftwareSpan(asyncio.DatagramProtocol):
    """A span over UDP between ``local`` and ``peer``, both (host, port).

    With ``master`` its blocks go out by our clock; otherwise each block that comes sends one back, so that our
    clock is the far end's, until nothing comes.
    """

    def __init__(self, *, local: tuple[str, int], peer: tuple[str, int], master: bool, clock: Clock) -> None:
        self.counters = LineCounters()
        self.faults = Faults()
        self._local, self._peer, self._master, self._clock = local, peer, master, clock
        self._transport: asyncio.DatagramTransport | None = None
        self._user: LineUser | None = None
        self._alarms: frozenset[LineAlarm] = frozenset({LineAlarm.LOS})
        self._sequence = 0
        self._expected: int | None = None
        self._heard_at = -1.0e9
        self._random = random.Random(1)

    @property
    def timing(self) -> str:
        """See LineDriver."""
        return "system" if self._master or LineAlarm.LOS in self._alarms else "span"

    def time_by(self, source: str) -> bool:
        """See LineDriver."""
        self._master = source == "system"
        return True

    @property
    def alarms(self) -> frozenset[LineAlarm]:
        """Those that stand."""
        return self._alarms

    async def open(self, user: LineUser) -> None:
        """See LineDriver."""
        self._user = user
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=self._local)

    def close(self) -> None:
        """See LineDriver."""
        if self._transport is not None:
            self._transport.close()
        self._transport = None

    async def run(self) -> None:
        """The beat of a master, and of who has lost his."""
        due = self._clock.now()
        while self._transport is not None:
            now = self._clock.now()
            if now - due > BLOCK_SECONDS:  # we stood still ourselves: what came meanwhile is still to be read
                self._heard_at += now - due
            lost = now - self._heard_at > LOST_SECONDS
            if lost:
                self._expected = None
                self._change(frozenset({LineAlarm.LOS}))
            if self._master or lost:
                self._send_block()
            due = max(due + BLOCK_SECONDS, self._clock.now() - BEHIND_SECONDS)
            await sleep(self._clock, max(0.0, due - self._clock.now()))

    def send_frame(self, frame: bytes) -> None:
        """See LineDriver."""
        self.counters.frames_sent += 1
        self._send(_FRAME, frame)

    # --- out ----------------------------------------------------------------------------------------------

    def _send_block(self) -> None:
        assert self._user is not None
        block, faults = self._user.to_send(), self.faults
        if faults.slip > 0:
            faults.slip -= 1
            self._sequence = (self._sequence + 1) & 0xFFFFFFFF
            return
        if faults.bit_error_rate:
            block = self._spoiled(block)
        self.counters.blocks_sent += 1
        self._send(_SAMPLES, block)
        if faults.slip < 0:
            faults.slip += 1
            self._send(_SAMPLES, block)
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF

    def _spoiled(self, block: bytes) -> bytes:
        octets = bytearray(block)
        for _ in range(_poisson(self._random, self.faults.bit_error_rate * 8 * len(block))):
            octets[self._random.randrange(len(octets))] ^= 1 << self._random.randrange(8)
        return bytes(octets)

    def _send(self, kind: int, body: bytes) -> None:
        if self._transport is None or self.faults.silent:
            return
        flags = _AIS * self.faults.ais | _LFA * self.faults.lfa
        flags |= _RAI * bool(self._alarms - {LineAlarm.RAI})
        header = _HEADER.pack(_MAGIC, _VERSION, kind, flags, 0, self._sequence)
        self._transport.sendto(header + body, self._peer)

    # --- in -----------------------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """A datagram came."""
        if addr[:2] != self._peer:
            self.counters.strangers += 1
            return
        if len(data) < _HEADER.size:
            self.counters.malformed += 1
            return
        magic, version, kind, flags, _, sequence = _HEADER.unpack_from(data)
        body = data[_HEADER.size :]
        sizes = (BLOCK_BYTES, BLOCK_BYTES) if kind == _SAMPLES else (2, _MAX_FRAME)
        if magic != _MAGIC or version != _VERSION or kind > _FRAME or not sizes[0] <= len(body) <= sizes[1]:
            self.counters.malformed += 1
            return
        self._heard_at = self._clock.now()
        told = {LineAlarm.AIS: _AIS, LineAlarm.RAI: _RAI, LineAlarm.LFA: _LFA}
        self._change(frozenset(alarm for alarm, flag in told.items() if flags & flag))
        assert self._user is not None
        usable = not self._alarms - {LineAlarm.RAI}
        if kind == _FRAME:
            if usable:
                self.counters.frames_received += 1
                self._user.frame_received(body)
            return
        if self._in_order(sequence):
            if usable:
                self._user.received(body)
            if not self._master:
                self._send_block()

    def _in_order(self, sequence: int) -> bool:
        ahead = 0 if self._expected is None else (sequence - self._expected + _HALF) % (1 << 32) - _HALF
        if ahead < -_LATE_BLOCKS:  # the far end began anew
            ahead = 0
        self.counters.slips += ahead != 0
        self.counters.blocks_received += ahead >= 0
        if ahead >= 0:
            self._expected = (sequence + 1) & 0xFFFFFFFF
        return ahead >= 0

    def _change(self, alarms: frozenset[LineAlarm]) -> None:
        if alarms != self._alarms:
            self._alarms = alarms
            assert self._user is not None
            self._user.line_changed(alarms)

    def error_received(self, exc: Exception) -> None:
        """The far end is not there: loss of signal tells it."""


def _poisson(source: random.Random, mean: float) -> int:
    """How many bits of a block are wrong (Knuth's method; means are small)."""
    count, left = 0, source.expovariate(1.0)
    while left < mean:
        count += 1
        left += source.expovariate(1.0)
    return count

"""Cards by DAHDI: a span as device files (the kernel interface ``dahdi/user.h``).

``dahdi_cfg`` has configured spans and channels (``span=1,1,0,ccs,hdb3,crc4``, ``bchan=1-15,17-31``,
``hardhdlc=16`` or ``dchan=16``). The card times both ways: when the first channel has 20 ms, all are read and
written.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import struct
from contextlib import suppress
from typing import Final, Protocol

from ccplatform.kernel.clock import Clock, sleep
from gateway.isdn.channels import BEARERS
from gateway.isdn.line import OCTETS, SILENCE, SLOTS, LineAlarm, LineCounters, LineUser

DEVICE: Final = "/dev/dahdi/channel"
D_SLOT: Final = 16
#: What reading a channel fails with where an event waits (``ELAST``).
EVENT_WAITS: Final = 500

_CODE: Final = 0xDA
_INT: Final = struct.Struct("=i")
#: ``struct dahdi_bufferinfo``: policies of both ways (0: at once), buffers, their size, two that are read only.
_BUFFERS: Final = struct.Struct("=6i")
#: ``struct dahdi_spaninfo``, packed: number, name, description, alarms, and what is not looked at here.
_SPAN: Final = struct.Struct("=i20s40si18i160sii6s")
_ALARMS: Final = 3


def _request(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | _CODE << 8 | number


GET_EVENT: Final = _request(2, 8, _INT.size)
SPAN_STATUS: Final = _request(3, 10, _SPAN.size)
SET_BUFFERS: Final = _request(1, 27, _BUFFERS.size)
AUDIO_MODE: Final = _request(1, 32, _INT.size)
SPECIFY: Final = _request(1, 38, _INT.size)
SET_LAW: Final = _request(1, 39, _INT.size)
A_LAW: Final = 2
BAD_FRAMES: Final = (6, 7, 8)  # events: abort, overrun, bad check sequence

_YELLOW, _RED, _BLUE, _LOS, _LFA = 1 << 2, 1 << 3, 1 << 4, 1 << 8, 1 << 9
_MAX_FRAME: Final = 2048
_LOOK_SECONDS: Final = 0.5


class CardFiles(Protocol):
    """The device files, as the driver uses them; tests have a fake."""

    def open(self) -> int:
        """A descriptor of the channel selector, not blocking."""

    def close(self, descriptor: int) -> None:
        """Give it back."""

    def read(self, descriptor: int, most: int) -> bytes:
        """Raises OSError: EAGAIN, or :data:`EVENT_WAITS`."""

    def write(self, descriptor: int, data: bytes) -> None:
        """Raises OSError."""

    def control(self, descriptor: int, request: int, argument: bytes) -> bytes:
        """An ioctl; what became of its argument. Raises OSError."""


class RealFiles:
    """Those of the kernel."""

    def open(self) -> int:
        """See CardFiles."""
        return os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self, descriptor: int) -> None:
        """See CardFiles."""
        os.close(descriptor)

    def read(self, descriptor: int, most: int) -> bytes:
        """See CardFiles."""
        return os.read(descriptor, most)

    def write(self, descriptor: int, data: bytes) -> None:
        """See CardFiles."""
        os.write(descriptor, data)

    def control(self, descriptor: int, request: int, argument: bytes) -> bytes:
        """See CardFiles."""
        return fcntl.ioctl(descriptor, request, argument)


class DahdiSpan:
    """The span whose first channel is number ``first``. See LineDriver."""

    def __init__(self, *, first: int, clock: Clock, files: CardFiles | None = None) -> None:
        self.counters = LineCounters()
        self._first, self._clock, self._files = first, clock, files or RealFiles()
        self._bearers: dict[int, int] = {}  # slot → descriptor
        self._signalling = -1
        self._alarms: frozenset[LineAlarm] = frozenset({LineAlarm.LOS})
        self._user: LineUser | None = None
        self._closed = False

    @property
    def timing(self) -> str:
        """See LineDriver; which span the card follows is said to ``dahdi_cfg``."""
        return "card"

    def time_by(self, source: str) -> bool:
        """See LineDriver."""
        return False

    @property
    def alarms(self) -> frozenset[LineAlarm]:
        """Those that stand."""
        return self._alarms

    async def open(self, user: LineUser) -> None:
        """See LineDriver."""
        self._user = user
        try:
            self._signalling = self._channel(D_SLOT, buffers=32, size=1024)
            for slot in BEARERS:
                self._bearers[slot] = descriptor = self._channel(slot, buffers=4, size=OCTETS)
                self._files.control(descriptor, AUDIO_MODE, _INT.pack(1))
                self._files.control(descriptor, SET_LAW, _INT.pack(A_LAW))
        except OSError:
            self.close()
            raise
        loop = asyncio.get_running_loop()
        loop.add_reader(self._signalling, self._read_frames)
        loop.add_reader(self._bearers[BEARERS[0]], self._turn)

    def _channel(self, slot: int, *, buffers: int, size: int) -> int:
        descriptor = self._files.open()
        try:
            self._files.control(descriptor, SPECIFY, _INT.pack(self._first + slot - 1))
            self._files.control(descriptor, SET_BUFFERS, _BUFFERS.pack(0, 0, buffers, size, 0, 0))
        except OSError:
            self._files.close(descriptor)
            raise
        return descriptor

    async def run(self) -> None:
        """Look at the alarms."""
        while not self._closed:
            self._look()
            await sleep(self._clock, _LOOK_SECONDS)

    def close(self) -> None:
        """See LineDriver."""
        self._closed = True
        descriptors = [*self._bearers.values(), *([self._signalling] if self._signalling >= 0 else [])]
        self._bearers, self._signalling = {}, -1
        loop = asyncio.get_running_loop()
        for descriptor in descriptors:
            loop.remove_reader(descriptor)
            self._files.close(descriptor)

    def send_frame(self, frame: bytes) -> None:
        """See LineDriver. The card puts the check sequence in place of the last two octets."""
        with suppress(OSError):  # full: Q.921 sends it again
            self._files.write(self._signalling, frame + b"\0\0")
            self.counters.frames_sent += 1

    # --- what the card has --------------------------------------------------------------------------------

    def _turn(self) -> None:
        assert self._user is not None
        block = bytearray()
        for slot in range(1, SLOTS + 1):
            block += self._row(slot)
        self.counters.blocks_received += 1
        self._user.received(bytes(block))
        said = self._user.to_send()
        self.counters.blocks_sent += 1
        for slot, descriptor in self._bearers.items():
            with suppress(OSError):  # the card does not take it now: a slip, which its own counters have
                self._files.write(descriptor, said[(slot - 1) * OCTETS : slot * OCTETS])

    def _row(self, slot: int) -> bytes:
        descriptor = self._bearers.get(slot)
        if descriptor is None:
            return SILENCE
        try:
            row = self._files.read(descriptor, OCTETS)
        except OSError as error:
            self._event(descriptor, error)
            row = b""
        if len(row) != OCTETS:
            self.counters.slips += 1
            return SILENCE
        return row

    def _read_frames(self) -> None:
        assert self._user is not None
        try:
            data = self._files.read(self._signalling, _MAX_FRAME)
        except OSError as error:
            self._event(self._signalling, error)
            return
        if len(data) > 2:
            self.counters.frames_received += 1
            self._user.frame_received(data[:-2])

    def _event(self, descriptor: int, error: OSError) -> None:
        if error.errno != EVENT_WAITS:
            if error.errno not in (errno.EAGAIN, errno.EINTR):
                self.counters.malformed += 1
            return
        with suppress(OSError):
            (event,) = _INT.unpack(self._files.control(descriptor, GET_EVENT, _INT.pack(0)))
            self.counters.malformed += event in BAD_FRAMES
            self._look()

    def _look(self) -> None:
        if self._signalling < 0:
            return
        try:
            told = _SPAN.unpack(self._files.control(self._signalling, SPAN_STATUS, bytes(_SPAN.size)))
        except OSError:
            alarms = frozenset({LineAlarm.LOS})  # the card is gone
        else:
            alarms = alarms_of(told[_ALARMS])
        if alarms != self._alarms:
            self._alarms = alarms
            assert self._user is not None
            self._user.line_changed(alarms)


def alarms_of(bits: int) -> frozenset[LineAlarm]:
    """Those of a span's status; red without a reason is a loss of signal."""
    found = {
        alarm
        for alarm, bit in (
            (LineAlarm.LOS, _LOS),
            (LineAlarm.LFA, _LFA),
            (LineAlarm.AIS, _BLUE),
            (LineAlarm.RAI, _YELLOW),
        )
        if bits & bit
    }
    if bits & _RED and not found & {LineAlarm.LOS, LineAlarm.LFA}:
        found.add(LineAlarm.LOS)
    return frozenset(found)

"""What legs say, handed to another program as it is said, such as a speech recogniser.

A tap connects to a Unix socket of type ``SOCK_SEQPACKET`` that the program listens on, and sends one packet for
every 20 ms: :data:`HEADER` (number of the frame since the tap began, frames lost so far, monotonic seconds at
which its last sample was taken from the jitter buffer), then 16-bit little-endian samples of one channel; those at
16 kHz have all that a wide leg says. A program that does not read in time loses the oldest frames, and the numbers
of the next packet say so; it never holds up the tick. Secure legs (``SecureCollect``) are silent here, too.

When the leg moves to another worker since its own died, that one connects anew: the program sees the end of the
connection, takes the next one, and its frames count from 0 again.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from ccplatform.contracts.media import StartTap, TapEnded
from gateway.media.audio import RATE, TICK_SECONDS, Pcm
from gateway.media.bands import Bands
from gateway.media.rows import RowTable

#: Frame number, frames lost so far, monotonic seconds; little-endian.
HEADER: Final = struct.Struct("<QQd")
#: Frames that wait for a slow reader: one second.
QUEUED_FRAMES: Final = 50

_RATES: Final = (RATE, 2 * RATE)


class _Tap:
    """One reader. Raises OSError when it is gone."""

    def __init__(self, order: StartTap, row: int, slot: int | None) -> None:
        self.order = order
        self.row = row
        self.slot = slot  # among those at 16 kHz
        self.frames = 0
        self.lost = 0
        self._waiting: deque[tuple[int, float, bytes]] = deque()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            self._socket.connect(order.path)
        except OSError:
            self._socket.close()
            raise

    def put(self, samples: Pcm, now: float) -> None:
        """Send 20 ms, behind what waits."""
        self._waiting.append((self.frames, now, samples.astype("<i2").tobytes()))
        self.frames += 1
        while self._waiting:
            number, at, data = self._waiting[0]
            try:
                self._socket.send(HEADER.pack(number, self.lost, at) + data, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                break
            self._waiting.popleft()
        while len(self._waiting) > QUEUED_FRAMES:
            self._waiting.popleft()
            self.lost += 1

    def end(self, error: str = "") -> TapEnded:
        """Close it; what still waits is lost."""
        self._socket.close()
        lost = self.lost + len(self._waiting)
        return TapEnded(
            leg=self.order.leg,
            tap=self.order.tap,
            seconds=self.frames * TICK_SECONDS,
            lost_seconds=lost * TICK_SECONDS,
            error=error,
        )


class Taps:
    """All taps of a worker, by name. Legs that nobody taps cost nothing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taps: dict[str, _Tap] = {}
        self._bands = Bands()
        self._table = RowTable(max(1, limit))
        self._table.attach(self._bands)

    def __len__(self) -> int:
        return len(self._taps)

    def start(self, order: StartTap, row: int) -> TapEnded | None:
        """Begin a tap; returns its end when it cannot be. One that runs already goes on."""
        if order.tap in self._taps:
            return None
        if order.rate not in _RATES:
            return _refused(order, f"a rate of {order.rate} Hz; {_RATES[0]} or {_RATES[1]} are given")
        if len(self._taps) >= self._limit:
            return _refused(order, f"this worker has {self._limit} taps already")
        slot = self._table.take() if order.rate != RATE else None
        try:
            self._taps[order.tap] = _Tap(order, row, slot)
        except OSError as error:
            if slot is not None:
                self._table.give_back(slot)
            return _refused(order, f"{order.path}: {error.strerror or error}")
        return None

    def stop(self, tap: str) -> list[TapEnded]:
        """End a tap; none when it is unknown."""
        return [self._end(tap)] if tap in self._taps else []

    def leg_closed(self, row: int) -> list[TapEnded]:
        """End the taps of a leg."""
        gone = [name for name, tap in self._taps.items() if tap.row == row]
        return [event for name in gone for event in self.stop(name)]

    def take(self, frame: Pcm, high: Callable[[list[int]], Pcm], now: float) -> list[TapEnded]:
        """Give 20 ms of all legs (rows × 160) to the readers; ``high`` gives the high bands of some rows. Returns
        the taps whose readers are gone."""
        wide = [(name, tap.row, tap.slot) for name, tap in self._taps.items() if tap.slot is not None]
        joined: dict[str, Pcm] = {}
        if wide:
            names, rows, slots = (list(column) for column in zip(*wide, strict=True))
            sounds = self._bands.join(np.array(slots), frame[rows], high(rows))
            joined = dict(zip(names, sounds, strict=True))
        ended: list[TapEnded] = []
        for name, tap in tuple(self._taps.items()):
            try:
                tap.put(joined[name] if tap.slot is not None else frame[tap.row], now)
            except OSError as error:
                ended.append(self._end(name, f"the reader is gone: {error.strerror}"))
        return ended

    def _end(self, name: str, error: str = "") -> TapEnded:
        tap = self._taps.pop(name)
        if tap.slot is not None:
            self._table.give_back(tap.slot)
        return tap.end(error)

    def close(self) -> list[TapEnded]:
        """End all."""
        return [event for name in tuple(self._taps) for event in self.stop(name)]


def _refused(order: StartTap, error: str) -> TapEnded:
    return TapEnded(leg=order.leg, tap=order.tap, seconds=0.0, lost_seconds=0.0, error=error)

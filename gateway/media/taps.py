"""What legs say, handed to another program as it is said, such as a speech recogniser.

A tap connects to a Unix socket of type ``SOCK_SEQPACKET`` that the program listens on, and sends one packet for
every 20 ms: :data:`HEADER` (number of the frame since the tap began, frames lost so far, monotonic seconds at
which its last sample was taken from the jitter buffer), then 16-bit little-endian samples of one channel. A
program that does not read in time loses the oldest frames, and the numbers of the next packet say so; it never
holds up the tick. Secure legs (``SecureCollect``) are silent here, too.

When the leg moves to another worker since its own died, that one connects anew: the program sees the end of the
connection, takes the next one, and its frames count from 0 again.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from typing import Final

import numpy as np

from ccplatform.contracts.media import StartTap, TapEnded
from gateway.media.audio import RATE, TICK_SECONDS, Pcm

#: Frame number, frames lost so far, monotonic seconds; little-endian.
HEADER: Final = struct.Struct("<QQd")
#: Frames that wait for a slow reader: one second.
QUEUED_FRAMES: Final = 50

_RATES: Final = (RATE, 2 * RATE)
#: Half-band interpolation: the samples between those of 8 kHz, 1.5 ms late.
_SPAN: Final = 24
_BETWEEN: Final = np.sinc(np.arange(_SPAN) - _SPAN / 2 + 0.5) * np.kaiser(_SPAN, 6.0)


class _Tap:
    """One reader. Raises OSError when it is gone."""

    def __init__(self, order: StartTap, row: int) -> None:
        self.order = order
        self.row = row
        self.frames = 0
        self.lost = 0
        self._waiting: deque[tuple[int, float, bytes]] = deque()
        self._before: Pcm = np.zeros(_SPAN - 1, dtype=np.int16)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            self._socket.connect(order.path)
        except OSError:
            self._socket.close()
            raise

    def put(self, samples: Pcm, now: float) -> None:
        """Send 20 ms, behind what waits."""
        if self.order.rate != RATE:
            samples = self._doubled(samples)
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

    def _doubled(self, samples: Pcm) -> Pcm:
        """The same sound at 16 kHz."""
        known = np.concatenate([self._before, samples])
        self._before = known[-len(self._before) :]
        wide = np.empty(2 * len(samples))
        wide[::2] = known[_SPAN // 2 - 1 :][: len(samples)]
        wide[1::2] = np.convolve(known, _BETWEEN, "valid")
        return np.clip(np.rint(wide), -32767, 32767).astype(np.int16)

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
        try:
            self._taps[order.tap] = _Tap(order, row)
        except OSError as error:
            return _refused(order, f"{order.path}: {error.strerror or error}")
        return None

    def stop(self, tap: str) -> list[TapEnded]:
        """End a tap; none when it is unknown."""
        found = self._taps.pop(tap, None)
        return [found.end()] if found is not None else []

    def leg_closed(self, row: int) -> list[TapEnded]:
        """End the taps of a leg."""
        gone = [name for name, tap in self._taps.items() if tap.row == row]
        return [event for name in gone for event in self.stop(name)]

    def take(self, frame: Pcm, now: float) -> list[TapEnded]:
        """Give 20 ms of all legs (rows × 160) to the readers; returns the taps whose readers are gone."""
        ended: list[TapEnded] = []
        for name, tap in tuple(self._taps.items()):
            try:
                tap.put(frame[tap.row], now)
            except OSError as error:
                del self._taps[name]
                ended.append(tap.end(f"the reader is gone: {error.strerror}"))
        return ended

    def close(self) -> list[TapEnded]:
        """End all."""
        return [event for name in tuple(self._taps) for event in self.stop(name)]


def _refused(order: StartTap, error: str) -> TapEnded:
    return TapEnded(leg=order.leg, tap=order.tap, seconds=0.0, lost_seconds=0.0, error=error)

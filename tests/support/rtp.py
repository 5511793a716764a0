"""A phone's RTP: one socket pair, a stream paced by the monotonic clock, keys by RFC 4733, an ear."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from tests.support import sources
from tests.support.ear import KEYS, Ear
from tests.support.sdp import Agreed
from tests.support.sip import Address
from tests.support.sources import FRAME, Source
from tests.support.wire import UdpSocket

_HEADER: Final = struct.Struct("!BBHII")
_EVENT: Final = struct.Struct("!BBH")
_TICK: Final = 0.02
_MOST_BEHIND: Final = 50  # frames sent at once after a stall of this process; more are lost
_STALL: Final = 0.06  # later than a far end's buffer makes up for
_END_PACKETS: Final = 3
_VOLUME: Final = 10  # -10 dBm0


@dataclass(slots=True)
class _Key:
    """A key being sent; ``ended`` resolves to the monotonic instant of its first end packet."""

    event: int
    frames: int
    gap_frames: int
    ended: asyncio.Future[float]
    sent: int = 0
    timestamp: int = 0


class RtpStream:
    """The media of one call. Bind with :meth:`open`, let it run with :meth:`connect`."""

    def __init__(self, host: str) -> None:
        self.ear = Ear()
        self.packets_sent = 0
        #: From when until when (monotonic) this process stood still and nothing left in time.
        self.stalls: list[tuple[float, float]] = []
        self._host = host
        self._socket: UdpSocket | None = None
        self._control: UdpSocket | None = None
        self._agreed: Agreed | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._source = sources.silence()
        self._octets = b""
        self._position = 0
        self._keys: deque[_Key] = deque()
        self._next = 0.0
        self._sequence = random.randrange(65536)
        self._timestamp = random.randrange(2**32)
        self._ssrc = random.randrange(2**32)
        self._marker = True
        self.silenced = False  # nothing is sent any more, the socket stays

    @property
    def address(self) -> Address:
        assert self._socket is not None
        return self._socket.address

    def open(self) -> None:
        """Bind an even port and the odd one above it, which takes RTCP and drops it."""
        while True:
            self._socket = UdpSocket(self._host, 0, self._rtp)
            port = self._socket.address[1]
            if port % 2 == 0:
                try:
                    self._control = UdpSocket(self._host, port + 1, lambda data, source, at: None)
                except OSError:
                    pass
                else:
                    return
            self._socket.close()

    def connect(self, agreed: Agreed) -> None:
        """Send to the peer what was agreed; again after a re-INVITE."""
        self._agreed = agreed
        self._octets = self._source.encoded(agreed.codec)
        self.ear.expect(agreed.codec, agreed.payload_type, agreed.dtmf)
        if self._timer is None and self._socket is not None:
            self._next = time.monotonic()
            self._tick()

    def play(self, source: Source) -> None:
        """Say this from the next packet on."""
        self._source = source
        self._position = 0
        if self._agreed is not None:
            self._octets = source.encoded(self._agreed.codec)

    async def press(self, keys: str, *, seconds: float = 0.1, gap: float = 0.1) -> float:
        """Send keys one after the other; returns when the first end packet of the last one left."""
        ended = time.monotonic()
        for key in keys:
            future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            frames = max(1, round(seconds / _TICK))
            pressed = _Key(KEYS.index(key), frames, max(1, round(gap / _TICK)), future)
            self._keys.append(pressed)
            async with asyncio.timeout(seconds + gap + 2):
                ended = await future
        return ended

    def deafen(self) -> None:
        self.silenced = True
        if self._socket is not None:
            self._socket.deafen()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for endpoint in (self._socket, self._control):
            if endpoint is not None:
                endpoint.close()
        self._socket = self._control = None

    def _rtp(self, data: bytes, source: Address, at: float) -> None:
        self.ear.receive(data, at)

    def _tick(self) -> None:
        now = time.monotonic()
        behind = int((now - self._next) / _TICK)
        if now - self._next > _STALL:
            self.stalls.append((self._next, now))
        if behind > _MOST_BEHIND:
            self._skip(behind - _MOST_BEHIND)
        while self._next <= now:
            self._frame()
            self._next += _TICK
        self._timer = asyncio.get_running_loop().call_later(max(0.0, self._next - time.monotonic()), self._tick)

    def _skip(self, frames: int) -> None:
        self._next += frames * _TICK
        self._position += frames * FRAME
        self._timestamp = (self._timestamp + frames * FRAME) % 2**32

    def _frame(self) -> None:
        agreed = self._agreed
        if agreed is not None and not self.silenced:
            if self._keys and agreed.dtmf is not None:
                self._event(agreed, self._keys[0])
            elif agreed.sends:
                self._send(agreed.payload_type, self._timestamp, self._next_octets(), agreed)
        self._timestamp = (self._timestamp + FRAME) % 2**32

    def _event(self, agreed: Agreed, key: _Key) -> None:
        assert agreed.dtmf is not None
        if key.sent == 0:
            key.timestamp = self._timestamp
            self._marker = True
        key.sent += 1
        if key.sent > key.frames + _END_PACKETS - 1:
            self._after_key(agreed, key)
            return
        last = key.sent >= key.frames
        duration = min(key.sent, key.frames) * FRAME
        payload = _EVENT.pack(key.event, (0x80 if last else 0) | _VOLUME, duration)
        if last and not key.ended.done():
            key.ended.set_result(time.monotonic())
        self._send(agreed.dtmf, key.timestamp, payload, agreed)

    def _after_key(self, agreed: Agreed, key: _Key) -> None:
        if agreed.sends:
            self._send(agreed.payload_type, self._timestamp, self._next_octets(), agreed)
        if key.sent >= key.frames + _END_PACKETS - 1 + key.gap_frames:
            self._keys.popleft()

    def _next_octets(self) -> bytes:
        begin = self._position
        self._position += FRAME
        if self._source.loop:
            length = len(self._octets)
            begin %= length
            piece = self._octets[begin : begin + FRAME]
            while len(piece) < FRAME:
                piece += self._octets[: FRAME - len(piece)]
            return piece
        piece = self._octets[begin : begin + FRAME]
        if len(piece) < FRAME and self._agreed is not None:
            piece += sources.silence().encoded(self._agreed.codec)[: FRAME - len(piece)]
        return piece

    def _send(self, payload_type: int, timestamp: int, payload: bytes, agreed: Agreed) -> None:
        if self._socket is None:
            return
        marker = 0x80 if self._marker else 0
        self._marker = False
        header = _HEADER.pack(0x80, marker | payload_type, self._sequence, timestamp, self._ssrc)
        self._sequence = (self._sequence + 1) % 65536
        self.packets_sent += 1
        self._socket.send(header + payload, agreed.remote)

"""DAHDI's device files without a kernel: two cards whose spans are joined by a cable."""

from __future__ import annotations

import asyncio
import os
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.isdn.dahdi import D_SLOT, EVENT_WAITS, GET_EVENT, SET_BUFFERS, SPAN_STATUS, SPECIFY
from gateway.isdn.line import OCTETS

_SPAN_BYTES, _ALARMS_AT = 314, 64


@dataclass
class Channel:
    """One open file. A byte in ``pipe`` stands for what can be read, so that the loop sees it."""

    descriptor: int
    pipe: int
    number: int = 0
    size: int = 0
    waiting: deque[bytes] = field(default_factory=deque)
    events: deque[int] = field(default_factory=deque)


class FakeCard:
    """The files of one card. ``far`` is the card at the other end of the cable."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.far: FakeCard | None = None
        self.alarms = 0
        self.requests: list[tuple[int, int]] = []  # slot, request
        self._open: dict[int, Channel] = {}

    def open(self) -> int:
        reading, writing = os.pipe()
        self._open[reading] = Channel(reading, writing)
        return reading

    def close(self, descriptor: int) -> None:
        os.close(self._open.pop(descriptor).pipe)
        os.close(descriptor)

    def read(self, descriptor: int, most: int) -> bytes:
        channel = self._open[descriptor]
        if channel.events:
            raise OSError(EVENT_WAITS, "an event waits")
        if not channel.waiting:
            raise BlockingIOError(11, "nothing")
        os.read(descriptor, 1)
        return channel.waiting.popleft()[:most]

    def write(self, descriptor: int, data: bytes) -> None:
        slot = self._open[descriptor].number - self.first + 1
        if slot == D_SLOT and self.far is not None and not self.alarms:
            self.far.deliver(slot, data[:-2] + b"\xab\xcd")  # what the card's HDLC makes of it
        elif slot != D_SLOT:
            self.said[slot] = data

    def control(self, descriptor: int, request: int, argument: bytes) -> bytes:
        channel = self._open[descriptor]
        if request == SPECIFY:
            (channel.number,) = struct.unpack("=i", argument)
        elif request == SET_BUFFERS:
            channel.size = struct.unpack("=6i", argument)[3]
        elif request == GET_EVENT:
            os.read(descriptor, 1)
            return struct.pack("=i", channel.events.popleft())
        elif request == SPAN_STATUS:
            status = bytearray(_SPAN_BYTES)
            struct.pack_into("=i", status, _ALARMS_AT, self.alarms)
            return bytes(status)
        self.requests.append((channel.number - self.first + 1, request))
        return argument

    # --- the cable ----------------------------------------------------------------------------------------

    said: dict[int, bytes]

    def deliver(self, slot: int, data: bytes) -> None:
        """Data came for a channel."""
        for channel in self._channels(slot):
            channel.waiting.append(data)
            os.write(channel.pipe, b".")

    def happen(self, slot: int, event: int) -> None:
        """An event of the card."""
        for channel in self._channels(slot):
            channel.events.append(event)
            os.write(channel.pipe, b".")

    def sizes(self) -> dict[int, int]:
        """Of the buffers, by slot."""
        return {channel.number - self.first + 1: channel.size for channel in self._open.values()}

    def _channels(self, slot: int) -> Iterator[Channel]:
        return (channel for channel in self._open.values() if channel.number == self.first + slot - 1)


@asynccontextmanager
async def cable(near: FakeCard, far: FakeCard) -> Any:
    """Join two cards; both have 20 ms each 20 ms."""
    near.far, far.far = far, near
    near.said, far.said = {}, {}

    async def clock() -> None:
        while True:
            for one, other in ((near, far), (far, near)):
                for slot in sorted(number for number in one.sizes() if number != D_SLOT):
                    one.deliver(slot, other.said.get(slot, b"\xd5" * OCTETS))
            await asyncio.sleep(0.02)

    work = asyncio.ensure_future(clock())
    try:
        yield
    finally:
        work.cancel()

"""A time server (NTP) whose clock is as wrong as it is told to be."""

from __future__ import annotations

import asyncio
import struct
import time
from typing import Any, Self

from ccplatform.operations.timekeeping import stamp

_PACKET = struct.Struct("!BBbbII4sQQQQ")


def answer_to(question: bytes, *, at: float, stratum: int = 2, head: int = 0x24) -> bytes:
    """What a server says whose clock shows ``at`` (seconds since 1970)."""
    cookie = _PACKET.unpack(question)[-1]
    return _PACKET.pack(head, stratum, 6, -20, 0, 0, b"TEST", 0, cookie, stamp(at), stamp(at))


class TimeServer(asyncio.DatagramProtocol):
    """On ``port`` of 127.0.0.1 (0: a free one).

    ``ahead`` are seconds before this machine's clock; when it is ``silent`` it answers nothing.
    """

    def __init__(self, *, port: int = 0) -> None:
        self._port = port
        self.ahead = 0.0
        self.silent = False
        self.asked = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", self._port)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    @property
    def name(self) -> str:
        """As the settings name it."""
        host, port = self._transport.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """A question came."""
        self.asked += 1
        if not self.silent:
            self._transport.sendto(answer_to(data, at=time.time() + self.ahead), addr)

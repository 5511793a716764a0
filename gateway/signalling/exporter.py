"""Messages to a capture server (Homer) by UDP: as many as go, and none is waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import structlog

from ccplatform.kernel.clock import Clock, sleep
from gateway.signalling.hep import hep_packet
from gateway.signalling.message import TracedMessage
from gateway.signalling.settings import HepSettings

#: Messages that wait to be sent; what is above is dropped and counted.
MAX_WAITING: Final = 10_000
#: Packets sent before other work gets its turn.
BURST: Final = 100
#: Pause after the server's name could not be looked up, seconds.
RETRY_SECONDS: Final = 30.0

_log = structlog.get_logger("hep")


class _Errors(asyncio.DatagramProtocol):
    def __init__(self, owner: HepExporter) -> None:
        self._owner = owner

    def error_received(self, exc: Exception) -> None:
        self._owner.errors += 1  # ICMP: nobody listens there, for now


class HepExporter:
    """Give it messages by :meth:`put`, and keep :meth:`run` running."""

    def __init__(self, settings: HepSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._waiting: deque[TracedMessage] = deque()
        self._due = asyncio.Event()
        self.sent = 0
        self.dropped = 0
        self.errors = 0

    def put(self, message: TracedMessage) -> None:
        """Send it soon."""
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append(message)
        self._due.set()

    async def run(self) -> None:
        """Send for ever; run by the task supervisor."""
        transport = await self._connected()
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                while self._waiting:
                    for _ in range(min(BURST, len(self._waiting))):
                        self._send(transport, self._waiting.popleft())
                    await asyncio.sleep(0)
        finally:
            transport.close()

    async def _connected(self) -> asyncio.DatagramTransport:
        loop, target = asyncio.get_running_loop(), (self._settings.host, self._settings.port)
        while True:
            try:
                transport, _ = await loop.create_datagram_endpoint(lambda: _Errors(self), remote_addr=target)
            except OSError as error:
                _log.warning("capture server not found", host=target[0], port=target[1], reason=str(error))
                await sleep(self._clock, RETRY_SECONDS)
            else:
                return transport

    def _send(self, transport: asyncio.DatagramTransport, message: TracedMessage) -> None:
        packet = hep_packet(
            message,
            capture_id=self._settings.capture_id,
            password=self._settings.password.get_secret_value(),
            correlation=message.contact or "",
        )
        transport.sendto(packet)
        self.sent += 1

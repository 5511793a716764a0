"""SIP over TCP: connections, accepted and made, bounded in number, idle time and unsent bytes."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final, Protocol, cast

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import SipParseError
from gateway.sip.flows import Flow
from gateway.sip.message import SipMessage
from gateway.sip.parser import StreamFramer

#: How long making a connection may take, seconds.
CONNECT_SECONDS: Final = 5.0
#: Unsent bytes after which a peer that does not read is cut off.
MAX_UNSENT_BYTES: Final = 1024 * 1024
#: Seconds in which a new connection must bring its first whole message.
FIRST_MESSAGE_SECONDS: Final = 60.0
#: Messages kept for a connection that is being made.
MAX_WAITING: Final = 64


class FlowUser(Protocol):
    """Who hears what comes out of the transports."""

    def received(self, message: SipMessage, flow: Flow) -> None:
        """A well-formed message."""

    def malformed(self, error: SipParseError, flow: Flow) -> None:
        """Something that is no SIP message."""

    def flow_lost(self, flow: Flow) -> None:
        """A connection is gone or could not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Most connections, most of one address, and seconds without a message until one is closed."""

    connections: int = 2_000
    per_source: int = 100
    idle_seconds: float = 3700.0


class _Connection(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, owner: TcpConnections) -> None:
        self._owner = owner
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self.flow: Flow | None = None
        self.heard_at = 0.0
        self.has_spoken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # By its type only: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self.flow = self._owner.admit(self, self._transport)
        if self.flow is None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.flow is None:
            return
        try:
            messages = self._framer.feed(data)
        except SipParseError as error:
            self._owner.user.malformed(error, self.flow)
            self.close()
            return
        if self._framer.pings:
            self._framer.pings = 0
            self.write(b"\r\n")
        for message in messages:
            self.heard_at = self._owner.now()
            self.has_spoken = True
            if isinstance(message, SipParseError):
                self._owner.user.malformed(message, self.flow)
            else:
                self._owner.user.received(message, self.flow)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.flow is not None:
            self._owner.lost(self.flow)

    def write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            transport.abort()
            return
        transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class TcpConnections:
    """All TCP connections of the node."""

    def __init__(self, *, user: FlowUser, clock: Clock, tasks: TaskSupervisor, limits: ConnectionLimits) -> None:
        self.user = user
        self.refused = 0
        self._clock = clock
        self._tasks = tasks
        self._limits = limits
        self._connections: dict[int, _Connection] = {}
        self._by_address: dict[tuple[str, int], int] = {}
        self._sources: Counter[str] = Counter()
        self._waiting: dict[tuple[str, int], list[bytes]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._connections)

    def protocol(self) -> _Connection:
        """The protocol factory of listener and outgoing connections."""
        return _Connection(self)

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.now()

    def admit(self, connection: _Connection, transport: asyncio.Transport) -> Flow | None:
        """Number a new connection; None when there are too many."""
        peer = transport.get_extra_info("peername")
        if peer is None:
            return None
        host, port = str(peer[0]), int(peer[1])
        if len(self._connections) >= self._limits.connections or self._sources[host] >= self._limits.per_source:
            self.refused += 1
            return None
        self._serial += 1
        self._connections[self._serial] = connection
        self._by_address[host, port] = self._serial
        self._sources[host] += 1
        connection.heard_at = self.now()
        return Flow("TCP", host, port, self._serial)

    def lost(self, flow: Flow) -> None:
        """A connection closed."""
        assert flow.connection is not None
        self._connections.pop(flow.connection, None)
        if self._by_address.get((flow.host, flow.port)) == flow.connection:
            del self._by_address[flow.host, flow.port]
        self._sources[flow.host] -= 1
        if self._sources[flow.host] <= 0:
            del self._sources[flow.host]
        self.user.flow_lost(flow)

    def send(self, data: bytes, flow: Flow) -> None:
        """Send over the flow's connection, or over one to its address, made when there is none."""
        number = flow.connection if flow.connection is not None else self._by_address.get((flow.host, flow.port))
        connection = self._connections.get(number) if number is not None else None
        if connection is not None:
            connection.write(data)
        elif flow.connection is not None:
            self._clock.call_at(self.now(), lambda: self.user.flow_lost(flow))
        else:
            self._send_later(data, flow)

    def _send_later(self, data: bytes, flow: Flow) -> None:
        waiting = self._waiting.get((flow.host, flow.port))
        if waiting is not None:
            if len(waiting) < MAX_WAITING:
                waiting.append(data)
            return
        self._waiting[flow.host, flow.port] = [data]
        self._tasks.run_once(f"sip tcp connect {flow.address()}", self._connect(flow))

    async def _connect(self, flow: Flow) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(self.protocol, flow.host, flow.port)
        except OSError:  # includes TimeoutError
            self._waiting.pop((flow.host, flow.port), None)
            self.user.flow_lost(flow)
            return
        for data in self._waiting.pop((flow.host, flow.port), []):
            connection.write(data)

    def close_idle(self) -> None:
        """Close connections that said nothing for too long, or nothing whole at all."""
        now, idle = self.now(), self._limits.idle_seconds
        for connection in list(self._connections.values()):
            allowed = idle if connection.has_spoken else min(idle, FIRST_MESSAGE_SECONDS)
            if now - connection.heard_at > allowed:
                connection.close()

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._connections.values()):
            connection.close()

"""SIP over connections (TCP, TLS, WebSocket), accepted and made; bounded in number, idle time and unsent bytes."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, cast

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import SipParseError
from gateway.sip.flows import Flow
from gateway.sip.message import SipMessage
from gateway.sip.parser import StreamFramer
from gateway.sip.tls import TlsContexts
from gateway.sip.websocket import WebSocketFramer

#: How long making a connection may take, seconds.
CONNECT_SECONDS: Final = 5.0
#: Unsent bytes after which a peer that does not read is cut off.
MAX_UNSENT_BYTES: Final = 1024 * 1024
#: Seconds in which a new connection must bring its first whole message.
FIRST_MESSAGE_SECONDS: Final = 60.0
#: Messages kept for a connection that is being made.
MAX_WAITING: Final = 64

_Peer: TypeAlias = tuple[str, str, int, str]


class FlowUser(Protocol):
    """Who hears what comes out of the transports."""

    def received(self, message: SipMessage, flow: Flow) -> None:
        """A well-formed message."""

    def malformed(self, error: SipParseError, flow: Flow) -> None:
        """Something that is no SIP message."""

    def flow_lost(self, flow: Flow) -> None:
        """A connection is gone or could not be made."""


class Framer(Protocol):
    """Cuts the bytes of one connection into messages; sans-IO."""

    @property
    def ended(self) -> bool:
        """Whether the connection has to be closed."""

    def feed(self, data: bytes) -> list[SipMessage | SipParseError]:
        """Take bytes; raises :class:`SipParseError` when the connection is useless."""

    def wrap(self, data: bytes) -> bytes:
        """A message as it goes out."""

    def outgoing(self) -> bytes:
        """What has to be sent beside messages."""


_FRAMERS: Final[Mapping[str, Callable[[], Framer]]] = {
    "TCP": StreamFramer,
    "TLS": StreamFramer,
    "WS": WebSocketFramer,
    "WSS": WebSocketFramer,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Most connections, most of one address, and seconds without a message until one is closed."""

    connections: int = 2_000
    per_source: int = 100
    idle_seconds: float = 3700.0


class Connection(asyncio.Protocol):
    """One connection. ``flow`` is its number once it is let in, None when it is not or is over."""

    def __init__(self, owner: Connections, kind: str, *, name: str = "") -> None:
        self.kind = kind
        self.flow: Flow | None = None
        self.heard_at = 0.0
        self.has_spoken = False
        self.name = name
        self._owner = owner
        self._framer = _FRAMERS[kind]()
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None  # while the peer shakes hands

    def shakes_hands(self, over: socket.socket) -> None:
        """The peer is to prove itself by TLS first; :meth:`connection_made` or :meth:`connection_lost` follows."""
        self._socket = over

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there, and secure if it has to be."""
        # By its type only: uvloop's transports are no subclasses of asyncio's.
        self._transport, self._socket = cast(asyncio.Transport, transport), None
        if self.flow is None:
            peer = transport.get_extra_info("peername")
            self.flow = self._owner.admit(self, peer[0], peer[1]) if peer is not None else None
        if self.flow is None:
            self._transport.abort()
        else:
            self._owner.opened(self.flow)

    def data_received(self, data: bytes) -> None:
        """Bytes came: tell the whole messages."""
        if self.flow is None:
            return
        try:
            messages = self._framer.feed(data)
        except SipParseError as error:
            self._owner.user.malformed(error, self.flow)
            self.close()
            return
        kept_alive = self._framer.outgoing()
        if kept_alive:
            self._put(kept_alive)
        if messages or (kept_alive and self.has_spoken):
            self.heard_at = self._owner.now()
        for message in messages:
            self.has_spoken = True
            if isinstance(message, SipParseError):
                self._owner.user.malformed(message, self.flow)
            else:
                self._owner.user.received(message, self.flow)
        if self._framer.ended:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, told once."""
        flow, self.flow = self.flow, None
        if flow is not None:
            self._owner.lost(flow)

    def write(self, data: bytes) -> None:
        """Send a message."""
        self._put(self._framer.wrap(data))

    def close(self) -> None:
        """Close it, however far it has come."""
        if self._transport is not None:
            self._transport.close()
        elif self._socket is not None:
            with suppress(OSError):  # the peer was faster
                self._socket.shutdown(socket.SHUT_RDWR)

    def _put(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            transport.abort()
            return
        transport.write(data)


class Connections:
    """All connections of the node; those that shake hands count. ``tls`` is for those that we make over TLS;
    without it there are none."""

    def __init__(
        self,
        *,
        user: FlowUser,
        clock: Clock,
        tasks: TaskSupervisor,
        limits: ConnectionLimits,
        tls: TlsContexts | None = None,
    ) -> None:
        self.user = user
        self.refused = 0
        self._clock = clock
        self._tasks = tasks
        self._limits = limits
        self._tls = tls
        self._connections: dict[int, Connection] = {}
        self._by_peer: dict[_Peer, int] = {}
        self._sources: Counter[str] = Counter()
        self._waiting: dict[_Peer, list[bytes]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._connections)

    def accepting(self, kind: str) -> Callable[[], asyncio.Protocol]:
        """The protocol factory of the listener of a transport."""
        return lambda: Connection(self, kind)

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.now()

    def admit(self, connection: Connection, host: str, port: int) -> Flow | None:
        """Number a new connection; None when there are too many."""
        if len(self._connections) >= self._limits.connections or self._sources[host] >= self._limits.per_source:
            self.refused += 1
            return None
        self._serial += 1
        self._connections[self._serial] = connection
        self._sources[host] += 1
        connection.heard_at = self.now()
        return Flow(connection.kind, host, port, self._serial, connection.name)

    def opened(self, flow: Flow) -> None:
        """A connection that was admitted can be sent over."""
        assert flow.connection is not None
        self._by_peer[_peer(flow)] = flow.connection

    def lost(self, flow: Flow) -> None:
        """A connection closed."""
        assert flow.connection is not None
        self._connections.pop(flow.connection, None)
        if self._by_peer.get(_peer(flow)) == flow.connection:
            del self._by_peer[_peer(flow)]
        self._sources[flow.host] -= 1
        if self._sources[flow.host] <= 0:
            del self._sources[flow.host]
        self.user.flow_lost(flow)

    def send(self, data: bytes, flow: Flow) -> None:
        """Send over the flow's connection, or over one to its address, made when there is none. Nobody can be
        called by WebSocket: those connections come in."""
        number = flow.connection if flow.connection is not None else self._by_peer.get(_peer(flow))
        connection = self._connections.get(number) if number is not None else None
        if connection is not None:
            connection.write(data)
        elif flow.connection is not None or not self._can_call(flow.transport):
            self._clock.call_at(self.now(), lambda: self.user.flow_lost(flow))
        else:
            self._send_later(data, flow)

    def _can_call(self, transport: str) -> bool:
        return transport == "TCP" or (transport == "TLS" and self._tls is not None)

    def _send_later(self, data: bytes, flow: Flow) -> None:
        waiting = self._waiting.get(_peer(flow))
        if waiting is not None:
            if len(waiting) < MAX_WAITING:
                waiting.append(data)
            return
        self._waiting[_peer(flow)] = [data]
        self._tasks.run_once(f"sip {flow.transport.lower()} connect {flow.address()}", self._connect(flow))

    async def _connect(self, flow: Flow) -> None:
        secure = self._tls if flow.transport == "TLS" else None
        tls, name = (secure.client, flow.name or flow.host) if secure is not None else (None, None)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(
                    lambda: Connection(self, flow.transport, name=flow.name),
                    flow.host,
                    flow.port,
                    ssl=tls,
                    server_hostname=name,
                )
        except OSError:  # includes TimeoutError and what TLS refuses
            self._waiting.pop(_peer(flow), None)
            self.user.flow_lost(flow)
            return
        for data in self._waiting.pop(_peer(flow), []):
            connection.write(data)

    def close_idle(self) -> None:
        """Close connections that said nothing for too long, or nothing whole at all."""
        now, idle = self.now(), self._limits.idle_seconds
        for connection in list(self._connections.values()):
            allowed = idle if connection.has_spoken else min(idle, FIRST_MESSAGE_SECONDS)
            if now - connection.heard_at > allowed:
                connection.close()

    def close(self, kind: str | None = None) -> None:
        """Close every connection, or those of one transport."""
        for connection in list(self._connections.values()):
            if kind is None or connection.kind == kind:
                connection.close()


def _peer(flow: Flow) -> _Peer:
    return flow.transport, flow.host, flow.port, flow.name

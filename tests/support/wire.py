"""Sockets of the tests' peers: UDP with the kernel's arrival times, TCP with SIP framing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable
from typing import Final, Protocol

from tests.support.sip import Address, Message, parse, take_message

_SO_TIMESTAMPNS: Final = 35  # Linux; the socket module does not name it
_TIMESPEC: Final = struct.Struct("@ll")


class UdpSocket:
    """A bound UDP socket on the running loop. ``receive(data, source, at)`` gets what arrives, with the monotonic
    instant at which the kernel took it: a busy test process does not make its peer look slow.
    """

    def __init__(self, host: str, port: int, receive: Callable[[bytes, Address, float], None]) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        try:
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._read)

    @property
    def address(self) -> Address:
        host, port = self._socket.getsockname()
        return host, port

    def send(self, data: bytes, to: Address) -> None:
        with contextlib.suppress(BlockingIOError):
            self._socket.sendto(data, to)

    def deafen(self) -> None:
        """Stay bound, but read no more: to the peer, the network is gone."""
        self._loop.remove_reader(self._socket)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        offset = time.monotonic() - time.time()
        for _ in range(64):
            try:
                data, ancillary, _, source = self._socket.recvmsg(65535, 64)
            except OSError:
                return
            at = time.monotonic()
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack(value)
                    at = min(seconds + nanoseconds / 1e9 + offset, at)
            self._receive(data, source, at)
            if self._socket.fileno() < 0:
                return


class Channel(Protocol):
    """Where a SIP message goes, and where answers to one that came in go."""

    @property
    def reliable(self) -> bool: ...

    def send(self, message: Message) -> None: ...


Deliver = Callable[[Message, Channel, float], None]


class UdpChannel:
    """A peer's address on our one UDP socket."""

    reliable = False

    def __init__(self, udp: UdpSocket, address: Address) -> None:
        self._udp = udp
        self.address = address

    def send(self, message: Message) -> None:
        self._udp.send(message.encode(), self.address)


class TcpChannel(asyncio.Protocol):
    """A TCP connection that carries SIP."""

    reliable = True

    def __init__(self, deliver: Deliver, opened: Callable[[TcpChannel], None]) -> None:
        self._deliver = deliver
        self._opened = opened
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._opened(self)

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        self._buffer += data
        while (message := take_message(self._buffer)) is not None:
            self._deliver(message, self, at)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True

    def send(self, message: Message) -> None:
        if self._transport is not None and not self.closed:
            self._transport.write(message.encode())

    def deafen(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class SipSockets:
    """One address on which a peer speaks SIP, over UDP or over TCP."""

    def __init__(self, transport: str, deliver: Deliver) -> None:
        self.transport = transport
        self._deliver = deliver
        self._udp: UdpSocket | None = None
        self._server: asyncio.Server | None = None
        self._connections: list[TcpChannel] = []
        self._by_address: dict[Address, TcpChannel] = {}
        self.address: Address = ("", 0)
        self.muted = False

    async def open(self, host: str, port: int) -> None:
        if self.transport == "udp":
            self._udp = UdpSocket(host, port, self._datagram)
            self.address = self._udp.address
            return
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_connection, host, port)
        bound = self._server.sockets[0].getsockname()
        self.address = (bound[0], bound[1])

    async def channel(self, address: Address) -> Channel:
        """The way to an address; over TCP a connection, the one that is there or a new one."""
        if self._udp is not None:
            return UdpChannel(self._udp, address)
        known = self._by_address.get(address)
        if known is None or known.closed:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(5):
                _, known = await loop.create_connection(self._new_connection, *address)
            self._by_address[address] = known
        return known

    def beside(self, channel: Channel, address: Address) -> Channel:
        """The way to ``address`` in a dialog that uses ``channel``: over TCP, the same connection."""
        return UdpChannel(self._udp, address) if self._udp is not None else channel

    def deafen(self) -> None:
        """Stop hearing and (by ``muted``) saying anything, and leave every socket open."""
        self.muted = True
        if self._udp is not None:
            self._udp.deafen()
        for connection in self._connections:
            connection.deafen()

    async def close(self) -> None:
        if self._udp is not None:
            self._udp.close()
        for connection in self._connections:
            connection.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.sleep(0)  # aborted connections report their end in the next turn of the loop

    def _new_connection(self) -> TcpChannel:
        return TcpChannel(self._deliver, self._connections.append)

    def _datagram(self, data: bytes, source: Address, at: float) -> None:
        if len(data) <= 4 or self._udp is None:  # keep-alives
            return
        try:
            message = parse(data)
        except ValueError:
            return
        self._deliver(message, UdpChannel(self._udp, source), at)

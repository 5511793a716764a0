"""The sockets of SIP: UDP and TCP on one port, TLS and WebSocket on ports of their own."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Final, cast

from ccplatform.kernel.clock import Clock, TimerHandle
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import PortInUse, SipParseError
from gateway.sip.connections import ConnectionLimits, Connections, FlowUser
from gateway.sip.flows import SECURE, Flow
from gateway.sip.handshakes import SecureListener
from gateway.sip.keep_alive import binding_response, is_stun
from gateway.sip.load import waiting_messages
from gateway.sip.message import SipMessage
from gateway.sip.parser import parse_message
from gateway.sip.rates import SourceCounts, SourceRates
from gateway.sip.tls import TlsContexts, TlsFiles

_RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
_SWEEP_SECONDS: Final = 30.0
_ATTEMPTS_FOR_FREE_PORT: Final = 20
#: STUN keep-alives that one address gets answered: phones send one in half a minute, and many share a NAT.
KEEP_ALIVES_PER_SECOND: Final = 50.0
KEEP_ALIVE_BURST: Final = 200.0
#: Connections that may wait to be accepted.
BACKLOG: Final = 512


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, owner: SipTransports) -> None:
        self._owner = owner
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._owner.datagram(data, addr[0], addr[1])

    def error_received(self, exc: Exception) -> None:
        self._owner.send_errors += 1  # ICMP: nobody listens there; the transaction times out.


class _Guarded:
    """Keeps a bug above from closing a connection or a socket: the step is reported and dropped."""

    def __init__(self, user: FlowUser, tasks: TaskSupervisor, malformed: SourceCounts) -> None:
        self._user = user
        self._guard = tasks.guarded("sip")
        self._malformed = malformed

    def received(self, message: SipMessage, flow: Flow) -> None:
        self._guard(lambda: self._user.received(message, flow))

    def malformed(self, error: SipParseError, flow: Flow) -> None:
        self._malformed.add(flow.host)
        self._guard(lambda: self._user.malformed(error, flow))

    def flow_lost(self, flow: Flow) -> None:
        self._guard(lambda: self._user.flow_lost(flow))


class SipTransports:
    """UDP and TCP on ``bind_ip``:``port``, WebSocket on ``ws_port`` (None: none), with ``tls`` TLS on ``tls_port``
    and the WebSocket secure; port 0 is a free one, the same for UDP and TCP.

    ``answers`` looks at each datagram before it is read: its answer, empty for none, or None to read it.
    Malformed input is counted by source in :attr:`malformed`; what the user does about it is his business.
    """

    def __init__(
        self,
        *,
        bind_ip: str,
        port: int,
        clock: Clock,
        tasks: TaskSupervisor,
        limits: ConnectionLimits,
        ws_port: int | None = None,
        tls_port: int = 0,
        tls: TlsFiles | None = None,
        answers: Callable[[bytes, Flow], bytes | None] = lambda data, flow: None,
    ) -> None:
        self.bind_ip = bind_ip
        self._answers = answers
        self.malformed = SourceCounts()
        self.send_errors = 0
        self.ports = {"UDP": port, "TCP": port}
        if tls is not None:
            self.ports["TLS"] = tls_port
        if ws_port is not None:
            self.ports["WS" if tls is None else "WSS"] = ws_port
        self._tls = tls
        self._clock = clock
        self._keep_alives = SourceRates(per_second=KEEP_ALIVES_PER_SECOND, burst=KEEP_ALIVE_BURST)
        self._tasks = tasks
        self._limits = limits
        self._user: FlowUser | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._datagrams: _Datagrams | None = None
        self._connected: Connections | None = None
        self._servers: dict[str, asyncio.Server] = {}
        self._secure: dict[str, SecureListener] = {}
        self._contexts: TlsContexts | None = None
        self._sweep: TimerHandle | None = None
        self._early: list[tuple[bytes, Flow]] | None = []  # to be sent once there are sockets

    async def open(self, user: FlowUser) -> None:
        """Listen; raises :class:`PortInUse` that names transport, address and port, or :class:`BadCertificate`."""
        self._contexts = TlsContexts(self._tls) if self._tls is not None else None
        self._user = _Guarded(user, self._tasks, self.malformed)
        self._connected = Connections(
            user=self._user, clock=self._clock, tasks=self._tasks, limits=self._limits, tls=self._contexts
        )
        for kind, bound in self._bind().items():
            await self._listen(kind, bound)
        self._sweep_later()
        early, self._early = self._early or [], None
        for data, flow in early:
            self.send(data, flow)

    async def _listen(self, kind: str, bound: socket.socket) -> None:
        assert self._connected is not None
        loop = asyncio.get_running_loop()
        if kind == "UDP":
            self._udp, self._datagrams = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=bound)
        elif kind in SECURE and self._contexts is not None:
            self._secure[kind] = SecureListener(
                kind=kind, listener=bound, contexts=self._contexts, owner=self._connected, tasks=self._tasks
            )
            self._secure[kind].open()
        else:
            accepting = self._connected.accepting(kind)
            self._servers[kind] = await loop.create_server(accepting, sock=bound, backlog=BACKLOG)

    async def reset(self, transport: str) -> None:
        """Close a listener with its connections and listen anew on the same port; what goes out by UDP meanwhile
        is lost. Raises :class:`PortInUse` when somebody else took the port; it may be reset again then."""
        if transport == "UDP" and self._udp is not None and self._datagrams is not None:
            self._udp.abort()
            await self._datagrams.closed
        if (secure := self._secure.pop(transport, None)) is not None:
            await secure.close()
        if (server := self._servers.pop(transport, None)) is not None:
            server.close()
        if self._connected is not None:
            self._connected.close(transport)
        await self._listen(transport, self._socket(transport, self.ports[transport]))

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._sweep is not None:
            self._sweep.cancel()
        for secure in self._secure.values():
            await secure.close()
        if self._udp is not None:
            self._udp.close()
        for server in self._servers.values():
            server.close()
        if self._connected is not None:
            self._connected.close()

    def refresh_certificates(self) -> None:
        """Take changed TLS files; looked at every half minute as well."""
        if self._contexts is not None:
            self._contexts.refresh()

    @property
    def waiting(self) -> int:
        """Messages that came over UDP and are not read yet, about."""
        udp = self._udp.get_extra_info("socket") if self._udp is not None else None
        return waiting_messages(udp) if udp is not None else 0

    @property
    def connections(self) -> int:
        """Connections open now."""
        return len(self._connected) if self._connected is not None else 0

    def send(self, data: bytes, flow: Flow) -> None:
        """Send a message, once there are sockets; failures come as ``flow_lost``."""
        if self._early is not None:
            self._early.append((data, flow))
        elif (":" in flow.host) != (":" in self.bind_ip):  # IPv6 peers of an IPv4 socket, or the other way round
            self._clock.call_at(self._clock.now(), lambda: self._user.flow_lost(flow) if self._user else None)
        elif flow.transport == "UDP":
            if self._udp is not None and not self._udp.is_closing():
                self._udp.sendto(data, (flow.host, flow.port))
        elif self._connected is not None:
            self._connected.send(data, flow)

    def datagram(self, data: bytes, host: str, port: int) -> None:
        """A UDP datagram came."""
        if self._user is None or not data.strip(b"\r\n\0"):
            return  # A keep-alive (RFC 5626 section 3.5.1 and what phones send).
        if is_stun(data):
            self._keep_alive(data, host, port)
            return
        flow = Flow("UDP", host, port)
        answer = self._answers(data, flow)
        if answer is not None:
            if answer:
                self.send(answer, flow)
            return
        try:
            message = parse_message(data)
        except SipParseError as error:
            self._user.malformed(error, flow)
            return
        self._user.received(message, flow)

    def _keep_alive(self, data: bytes, host: str, port: int) -> None:
        answer = binding_response(data, host, port)
        if answer is None or not self._keep_alives.allows(host, self._clock.now()):
            self.malformed.add(host)
        elif self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(answer, (host, port))

    # --- sockets ------------------------------------------------------------------------------------------

    def _bind(self) -> dict[str, socket.socket]:
        """All sockets, or none."""
        made: dict[str, socket.socket] = {}
        try:
            made["TCP"], made["UDP"] = self._bind_pair(self.ports["TCP"])
            for kind in self.ports.keys() - made.keys():
                made[kind] = self._socket(kind, self.ports[kind])
        except PortInUse:
            for listener in made.values():
                listener.close()
            raise
        self.ports = {kind: cast(int, made[kind].getsockname()[1]) for kind in self.ports}
        return made

    def _bind_pair(self, port: int) -> tuple[socket.socket, socket.socket]:
        """TCP and UDP on one port; a free port of TCP may be taken for UDP, then another is tried."""
        for attempt in range(_ATTEMPTS_FOR_FREE_PORT):
            tcp = self._socket("TCP", port)
            try:
                return tcp, self._socket("UDP", cast(int, tcp.getsockname()[1]))
            except PortInUse:
                tcp.close()
                if port or attempt == _ATTEMPTS_FOR_FREE_PORT - 1:
                    raise
        raise PortInUse("UDP", self.bind_ip, port, "no port is free")

    def _socket(self, transport: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ipaddress.ip_address(self.bind_ip).version == 6 else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM)
        made.setblocking(False)
        if transport == "UDP":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((self.bind_ip, port))
            if transport != "UDP":
                made.listen(BACKLOG)
        except OSError as error:
            made.close()
            raise PortInUse(transport, self.bind_ip, port, error.strerror or str(error)) from error
        return made

    def _sweep_later(self) -> None:
        def sweep() -> None:
            if self._connected is not None:
                self._connected.close_idle()
            self.refresh_certificates()
            self._sweep_later()

        self._sweep = self._clock.call_at(self._clock.now() + _SWEEP_SECONDS, sweep)

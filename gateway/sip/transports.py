"""The sockets of SIP: UDP and TCP on one port, TLS and WebSocket on ports of their own, at one address or at one
of each version of IP. A message goes out by the socket of its peer's version."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias, cast

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

_Place: TypeAlias = tuple[str, str]  # a transport at one of our addresses


@lru_cache(maxsize=4096)
def _udp_flow(host: str, port: int) -> Flow:
    return Flow("UDP", host, port)


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
    """UDP and TCP on ``port`` of each of ``hosts``, WebSocket on ``ws_port`` (None: none), with ``tls`` TLS on
    ``tls_port`` and the WebSocket secure; port 0 is a free one, the same for UDP and TCP and for all hosts.

    ``answers`` looks at each datagram before it is read: its answer, empty for none, or None to read it.
    Malformed input is counted by source in :attr:`malformed`; what the user does about it is his business.
    """

    def __init__(
        self,
        *,
        hosts: Sequence[str],
        port: int,
        clock: Clock,
        tasks: TaskSupervisor,
        limits: ConnectionLimits,
        ws_port: int | None = None,
        tls_port: int = 0,
        tls: TlsFiles | None = None,
        answers: Callable[[bytes, Flow], bytes | None] = lambda data, flow: None,
    ) -> None:
        self.hosts = tuple(hosts)
        self._answers = answers
        self.malformed = SourceCounts()
        self.send_errors = 0
        self.ports = {"TCP": port, "UDP": port}  # TCP finds the free one
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
        self._udp: dict[bool, tuple[asyncio.DatagramTransport, _Datagrams]] = {}  # by whether it is of IPv6
        self._connected: Connections | None = None
        self._servers: dict[_Place, asyncio.Server] = {}
        self._secure: dict[_Place, SecureListener] = {}
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
        for place, bound in self._bind().items():
            await self._listen(place, bound)
        self._sweep_later()
        early, self._early = self._early or [], None
        for data, flow in early:
            self.send(data, flow)

    async def _listen(self, place: _Place, bound: socket.socket) -> None:
        assert self._connected is not None
        loop, (kind, host) = asyncio.get_running_loop(), place
        if kind == "UDP":
            made = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=bound)
            self._udp[":" in host] = made
        elif kind in SECURE and self._contexts is not None:
            self._secure[place] = SecureListener(
                kind=kind, listener=bound, contexts=self._contexts, owner=self._connected, tasks=self._tasks
            )
            self._secure[place].open()
        else:
            accepting = self._connected.accepting(kind)
            self._servers[place] = await loop.create_server(accepting, sock=bound, backlog=BACKLOG)

    async def reset(self, transport: str) -> None:
        """Close a listener with its connections and listen anew on the same port; what goes out by UDP meanwhile
        is lost. Raises :class:`PortInUse` when somebody else took the port; it may be reset again then."""
        places = [(transport, host) for host in self.hosts]
        for place in places:
            await self._close(place)
        if self._connected is not None:
            self._connected.close(transport)
        for place in places:
            await self._listen(place, self._socket(*place, self.ports[transport]))

    async def _close(self, place: _Place) -> None:
        kind, host = place
        if kind == "UDP" and (":" in host) in self._udp:
            udp, datagrams = self._udp[":" in host]
            udp.abort()
            await datagrams.closed
        if (secure := self._secure.pop(place, None)) is not None:
            await secure.close()
        if (server := self._servers.pop(place, None)) is not None:
            server.close()

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._sweep is not None:
            self._sweep.cancel()
        for secure in self._secure.values():
            await secure.close()
        for udp, _ in self._udp.values():
            udp.close()
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
        sockets = (udp.get_extra_info("socket") for udp, _ in self._udp.values())
        return sum(waiting_messages(udp) for udp in sockets if udp is not None)

    @property
    def connections(self) -> int:
        """Connections open now."""
        return len(self._connected) if self._connected is not None else 0

    def send(self, data: bytes, flow: Flow) -> None:
        """Send a message, once there are sockets; failures come as ``flow_lost``."""
        if self._early is not None:
            self._early.append((data, flow))
        elif (":" in flow.host) not in self._udp:  # no socket is of its version of IP
            self._clock.call_at(self._clock.now(), lambda: self._user.flow_lost(flow) if self._user else None)
        elif flow.transport == "UDP":
            self._send_datagram(data, flow.host, flow.port)
        elif self._connected is not None:
            self._connected.send(data, flow)

    def _send_datagram(self, data: bytes, host: str, port: int) -> None:
        udp, _ = self._udp[":" in host]
        if not udp.is_closing():
            udp.sendto(data, (host, port))

    def datagram(self, data: bytes, host: str, port: int) -> None:
        """A UDP datagram came."""
        if self._user is None or not data.strip(b"\r\n\0"):
            return  # A keep-alive (RFC 5626 section 3.5.1 and what phones send).
        if is_stun(data):
            self._keep_alive(data, host, port)
            return
        flow = _udp_flow(host, port)
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
        else:
            self._send_datagram(answer, host, port)

    # --- sockets ------------------------------------------------------------------------------------------

    def _bind(self) -> dict[_Place, socket.socket]:
        """All sockets, or none. A port that is free at one address may be taken at another: then it is tried again
        with others, unless the ports are named."""
        for attempt in range(_ATTEMPTS_FOR_FREE_PORT):
            made: dict[_Place, socket.socket] = {}
            ports = dict(self.ports)
            try:
                for kind, host in [(kind, host) for kind in self.ports for host in self.hosts]:
                    port = ports["TCP"] if kind == "UDP" else ports[kind]
                    made[kind, host] = bound = self._socket(kind, host, port)
                    ports[kind] = cast(int, bound.getsockname()[1])
            except PortInUse as error:
                for listener in made.values():
                    listener.close()
                if error.port in self.ports.values() or attempt == _ATTEMPTS_FOR_FREE_PORT - 1:
                    raise
            else:
                self.ports = ports
                return made
        raise AssertionError("the last attempt returns or raises")

    def _socket(self, transport: str, host: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM)
        made.setblocking(False)
        if len(self.hosts) > 1 and family == socket.AF_INET6:  # peers of IPv4 are the other's
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if transport == "UDP":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
            if transport != "UDP":
                made.listen(BACKLOG)
        except OSError as error:
            made.close()
            raise PortInUse(transport, host, port, error.strerror or str(error)) from error
        return made

    def _sweep_later(self) -> None:
        def sweep() -> None:
            if self._connected is not None:
                self._connected.close_idle()
            self.refresh_certificates()
            self._sweep_later()

        self._sweep = self._clock.call_at(self._clock.now() + _SWEEP_SECONDS, sweep)

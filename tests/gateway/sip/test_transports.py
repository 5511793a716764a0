"""Real sockets: UDP and TCP on loopback, and what strangers do to them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvloop

from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import PortInUse, SipParseError
from gateway.sip.connections import ConnectionLimits
from gateway.sip.flows import Flow
from gateway.sip.message import SipMessage
from gateway.sip.transports import SipTransports

OPTIONS = (
    "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1:9;rport;branch=z9hG4bK{number}\r\n"
    "From: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:b@127.0.0.1>\r\nCall-ID: {number}@x\r\nCSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n"
)


class Ear:
    """Remembers what comes out of the transports; tests wait on its queue."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, object, Flow]] = asyncio.Queue()

    def received(self, message: SipMessage, flow: Flow) -> None:
        self.heard.put_nowait(("message", message, flow))

    def malformed(self, error: SipParseError, flow: Flow) -> None:
        self.heard.put_nowait(("malformed", error, flow))

    def flow_lost(self, flow: Flow) -> None:
        self.heard.put_nowait(("lost", None, flow))

    async def next(self, kind: str) -> Flow:
        while True:
            what, _, flow = await self.heard.get()
            if what == kind:
                return flow


def transports(
    limits: ConnectionLimits | None = None, port: int = 0, hosts: tuple[str, ...] = ("127.0.0.1",)
) -> SipTransports:
    clock = SystemClock()
    return SipTransports(
        hosts=hosts,
        port=port,
        clock=clock,
        tasks=TaskSupervisor(clock),
        limits=limits or ConnectionLimits(),
    )


@pytest.fixture
async def ear() -> Ear:
    return Ear()


@pytest.fixture
async def opened(ear: Ear) -> AsyncIterator[SipTransports]:
    made = transports()
    await made.open(ear)
    yield made
    await made.close()


async def test_datagrams_come_in_and_answers_go_back(opened: SipTransports, ear: Ear) -> None:
    await exchange_datagrams(opened, ear)


async def exchange_datagrams(opened: SipTransports, ear: Ear, host: str = "127.0.0.1") -> None:
    heard = opened.malformed.total
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((host, 0))
        options = OPTIONS.format(transport="UDP", number=1).encode()
        for data in (b"\r\n\r\n", b"\0\0\0\0", b"", b"garbage", options):
            peer.sendto(data, (host, opened.ports["UDP"]))
        assert (await ear.next("malformed")).host == host
        flow = await ear.next("message")
        assert flow.port == peer.getsockname()[1]
        opened.send(b"hello", flow)
        assert await asyncio.to_thread(peer.recv, 100) == b"hello"
    assert opened.malformed.total == heard + 1
    assert opened.malformed.of(host) > 0


async def test_streams_come_in_and_answers_go_back_over_them(opened: SipTransports, ear: Ear) -> None:
    await exchange_over_a_stream(opened, ear)


async def exchange_over_a_stream(opened: SipTransports, ear: Ear, host: str = "127.0.0.1") -> None:
    reader, writer = await asyncio.open_connection(host, opened.ports["UDP"])
    text = OPTIONS.format(transport="TCP", number=1).encode()
    writer.write(b"\r\n\r\n" + text[:50])
    writer.write(text[50:] + text)
    first, second = await ear.next("message"), await ear.next("message")
    assert first == second
    assert first.connection is not None
    opened.send(b"hello", first)
    assert await reader.readexactly(7) == b"\r\nhello"
    opened.send(b"again", first.without_connection())
    assert await reader.readexactly(5) == b"again"
    writer.close()
    assert await ear.next("lost") == first
    assert opened.connections == 0


def test_streams_work_on_the_loop_that_control_runs_on() -> None:
    async def story() -> None:
        made, ear = transports(), Ear()
        await made.open(ear)
        reader, writer = await asyncio.open_connection("127.0.0.1", made.ports["UDP"])
        writer.write(OPTIONS.format(transport="TCP", number=1).encode())
        made.send(b"hello", await ear.next("message"))
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        await ear.next("lost")
        await made.close()

    uvloop.run(story())


def test_all_that_works_on_uvloop_too() -> None:
    # Control runs on uvloop, whose transports are types of their own.
    async def exchange() -> None:
        ear, made = Ear(), transports()
        await made.open(ear)
        await exchange_datagrams(made, ear)
        await exchange_over_a_stream(made, ear)
        made.send(b"x", Flow("UDP", "::1", 9))
        assert (await ear.next("lost")).host == "::1"
        await made.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(exchange())


def test_a_listener_is_opened_anew_and_its_connections_are_closed() -> None:
    async def story() -> None:
        ear, made = Ear(), transports()
        await made.open(ear)
        reader, writer = await asyncio.open_connection("127.0.0.1", made.ports["TCP"])
        writer.write(OPTIONS.format(transport="TCP", number=1).encode())
        await ear.next("message")
        before = dict(made.ports)
        for transport in ("UDP", "TCP"):
            await made.reset(transport)
        assert await reader.read() == b""
        assert made.ports == before
        writer.close()
        await ear.next("lost")
        await exchange_datagrams(made, ear)
        await exchange_over_a_stream(made, ear)
        await made.close()

    for loop_factory in (uvloop.new_event_loop, asyncio.new_event_loop):
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(story())


async def test_one_port_serves_both_versions_of_ip(ear: Ear) -> None:
    made = transports(hosts=("127.0.0.1", "::1"))
    await made.open(ear)
    for _ in range(2):
        for host in made.hosts:
            await exchange_datagrams(made, ear, host)
            await exchange_over_a_stream(made, ear, host)
        await made.reset("UDP")
        await made.reset("TCP")
    await made.close()


async def test_a_port_that_is_taken_at_one_address_is_none(ear: Ear) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as thief:
        thief.bind(("::1", 0))
        made = transports(port=thief.getsockname()[1], hosts=("127.0.0.1", "::1"))
        with pytest.raises(PortInUse, match="::1"):
            await made.open(ear)
        again = transports(port=made.ports["TCP"])
        await again.open(ear)  # the sockets at the other address were given back
        await again.close()


async def test_a_port_that_somebody_took_is_said_and_can_be_had_later(opened: SipTransports, ear: Ear) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        taken = opened.reset("UDP")
        port, opened.ports["UDP"] = opened.ports["UDP"], 0
        thief.bind(("127.0.0.1", 0))
        opened.ports["UDP"] = thief.getsockname()[1]
        with pytest.raises(PortInUse):
            await taken
    opened.ports["UDP"] = port
    await opened.reset("UDP")
    await exchange_datagrams(opened, ear)


async def test_a_stream_that_cannot_be_cut_is_closed(opened: SipTransports, ear: Ear) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", opened.ports["UDP"])
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await reader.read() == b""
    await ear.next("malformed")
    assert opened.malformed.total == 1
    writer.close()


async def test_a_connection_is_made_when_there_is_none(opened: SipTransports, ear: Ear) -> None:
    far_ear = Ear()
    far = transports()
    await far.open(far_ear)
    text = OPTIONS.format(transport="TCP", number=1).encode()
    for _ in range(3):
        opened.send(text, Flow("TCP", "127.0.0.1", far.ports["UDP"]))
    flows = [await far_ear.next("message") for _ in range(3)]
    assert len(set(flows)) == 1
    await far.close()
    await ear.next("lost")


async def test_a_peer_that_is_not_there_is_a_lost_flow(opened: SipTransports, ear: Ear) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        flow = Flow("TCP", "127.0.0.1", unused.getsockname()[1])
        opened.send(b"x", flow)
        assert await ear.next("lost") == flow
    gone = Flow("TCP", "127.0.0.1", 9, 12345)
    opened.send(b"x", gone)
    assert await ear.next("lost") == gone
    sixth = Flow("UDP", "::1", 9)
    opened.send(b"x", sixth)
    assert await ear.next("lost") == sixth


async def test_connections_are_bounded_by_source(ear: Ear) -> None:
    made = transports(ConnectionLimits(per_source=1))
    await made.open(ear)
    first = await asyncio.open_connection("127.0.0.1", made.ports["UDP"])
    first[1].write(OPTIONS.format(transport="TCP", number=1).encode())
    await ear.next("message")
    reader, writer = await asyncio.open_connection("127.0.0.1", made.ports["UDP"])
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    first[1].close()
    await ear.next("lost")
    await made.close()


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
async def test_a_used_port_names_itself(kind: socket.SocketKind, ear: Ear) -> None:
    with socket.socket(socket.AF_INET, kind) as owner:
        owner.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            owner.listen()
        port = owner.getsockname()[1]
        name = "TCP" if kind is socket.SOCK_STREAM else "UDP"
        with pytest.raises(PortInUse, match=rf"SIP over {name} cannot listen on 127\.0\.0\.1:{port}: .*in use"):
            await transports(port=port).open(ear)

"""TLS, WebSocket and secure WebSocket on real sockets, with peers of Python's ssl and of `websockets`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
import websockets
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from ccplatform.contracts.facts import SeatRegistered, SeatUnregistered
from ccplatform.contracts.legs import LegEnded, SeatTarget
from ccplatform.contracts.words import ReleaseCause, SeatId
from ccplatform.kernel.clock import SystemClock, VirtualClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.errors import BadCertificate, SipParseError
from gateway.sip.connections import ConnectionLimits
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import MAX_MESSAGE_BYTES, parse_message
from gateway.sip.responses import response_to
from gateway.sip.settings import SipSettings
from gateway.sip.tls import TlsFiles
from gateway.sip.transports import SipTransports
from gateway.sip.websocket import WebSocketFramer
from tests.gateway.sip.centre import Centre, seat
from tests.gateway.sip.certificates import self_signed
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer
from tests.gateway.sip.test_loopback import Waiting
from tests.gateway.sip.test_transports import OPTIONS, Ear

SIP = [Subprotocol("sip")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A certificate of 127.0.0.1 that has signed itself."""
    return self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def believing(files: TlsFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=files.certificate)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def opened(
    stack: AsyncExitStack, *, tls: TlsFiles | None = None, ws: bool = False
) -> tuple[SipTransports, Ear]:
    clock, ear = SystemClock(), Ear()
    made = SipTransports(
        hosts=("127.0.0.1",),
        port=0,
        ws_port=0 if ws else None,
        tls=tls,
        clock=clock,
        tasks=TaskSupervisor(clock),
        limits=ConnectionLimits(),
    )
    await made.open(ear)
    stack.push_async_callback(made.close)
    return made, ear


def options(transport: str, number: int) -> str:
    return OPTIONS.format(transport=transport, number=number)


async def test_a_phone_talks_over_tls(stack: AsyncExitStack, files: TlsFiles) -> None:
    made, ear = await opened(stack, tls=files)
    reader, writer = await asyncio.open_connection("127.0.0.1", made.ports["TLS"], ssl=believing(files))
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
    writer.write(options("TLS", 1).encode())
    flow = await ear.next("message")
    assert (flow.transport, flow.reliable) == ("TLS", True)
    made.send(b"SIP/2.0 200 OK\r\n\r\n", flow)
    assert await reader.readline() == b"SIP/2.0 200 OK\r\n"
    writer.close()
    assert await ear.next("lost") == flow


async def test_tls_before_1_2_is_refused(stack: AsyncExitStack, files: TlsFiles) -> None:
    made, _ = await opened(stack, tls=files)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", made.ports["TLS"], ssl=old)


async def test_two_nodes_talk_over_tls_by_one_connection(stack: AsyncExitStack, files: TlsFiles) -> None:
    (caller, _), (called, heard) = await opened(stack, tls=files), await opened(stack, tls=files)
    target = Flow("TLS", "127.0.0.1", called.ports["TLS"])
    for number in (1, 2, 3):
        caller.send(options("TLS", number).encode(), target)
    flows = {await heard.next("message") for _ in range(3)}
    assert (len(flows), caller.connections, called.connections) == (1, 1, 1)


async def test_a_peer_whose_certificate_nobody_signed_is_not_called(
    stack: AsyncExitStack, files: TlsFiles
) -> None:
    trusting_others = TlsFiles(certificate=files.certificate, key=files.key)
    (caller, ear), (called, _) = await opened(stack, tls=trusting_others), await opened(stack, tls=files)
    target = Flow("TLS", "127.0.0.1", called.ports["TLS"])
    caller.send(options("TLS", 1).encode(), target)
    assert await ear.next("lost") == target


async def test_a_certificate_that_is_none_is_named(stack: AsyncExitStack, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nonsense")
    with pytest.raises(BadCertificate, match=r"x\.pem"):
        await opened(stack, tls=TlsFiles(certificate=str(tmp_path / "x.pem"), key=str(tmp_path / "x.pem")))


@pytest.mark.parametrize("secure", [False, True])
async def test_a_browser_talks_over_websocket(stack: AsyncExitStack, files: TlsFiles, secure: bool) -> None:
    made, ear = await opened(stack, tls=files if secure else None, ws=True)
    kind = "WSS" if secure else "WS"
    context = believing(files) if secure else None
    url = f"{kind.lower()}://127.0.0.1:{made.ports[kind]}/"
    async with websockets.connect(url, subprotocols=SIP, ssl=context) as browser:
        assert browser.subprotocol == "sip"
        await browser.send(options(kind, 1))
        flow = await ear.next("message")
        assert (flow.transport, flow.reliable) == (kind, True)
        made.send(b"SIP/2.0 200 OK\r\n\r\n", flow)
        made.send("SIP/2.0 200 gro\u00df\r\n\r\n".encode("latin-1"), flow)
        assert await browser.recv() == "SIP/2.0 200 OK\r\n\r\n"
        assert await browser.recv() == b"SIP/2.0 200 gro\xdf\r\n\r\n"
        await browser.send("\r\n\r\n")
        assert await browser.recv() == "\r\n"
        await browser.send(["OPTIONS sip:x SIP/2.0\r\n", "not a header\r\n\r\n"])  # in two fragments
        await ear.next("malformed")
        await (await browser.ping())
    assert await ear.next("lost") == flow


async def test_a_websocket_that_is_not_for_sip_is_refused(stack: AsyncExitStack) -> None:
    made, _ = await opened(stack, ws=True)
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(f"ws://127.0.0.1:{made.ports['WS']}/", subprotocols=[Subprotocol("chat")])
    assert caught.value.response.status_code == 400


async def test_nobody_is_called_over_websocket(stack: AsyncExitStack) -> None:
    made, ear = await opened(stack, ws=True)
    target = Flow("WS", "127.0.0.1", 9)
    made.send(b"x", target)
    assert await ear.next("lost") == target


# --- the framer by itself ---------------------------------------------------------------------------------


def shaken() -> tuple[WebSocketFramer, ClientProtocol]:
    """A framer and a client after the handshake."""
    framer, client = WebSocketFramer(), ClientProtocol(parse_uri("ws://x/"), subprotocols=SIP)
    client.send_request(client.connect())
    framer.feed(b"".join(client.data_to_send()))
    client.receive_data(framer.outgoing())
    (answer,) = client.events_received()
    assert isinstance(answer, Response)
    assert answer.status_code == 101
    return framer, client


@given(st.lists(st.integers(1, 60), max_size=20))
def test_however_the_bytes_are_cut_messages_are_whole(cuts: list[int]) -> None:
    framer, client = shaken()
    for number in range(3):
        client.send_text(options("WS", number).encode())
    data, heard = b"".join(client.data_to_send()), []
    for cut in [*cuts, len(data)]:
        heard += framer.feed(data[:cut])
        data = data[cut:]
    assert [message.call_id for message in heard if isinstance(message, SipRequest)] == ["0@x", "1@x", "2@x"]


@given(st.binary(max_size=200))
def test_no_bytes_harm_the_framer(data: bytes) -> None:
    framer, _ = shaken()
    for candidate in (framer, WebSocketFramer()):
        with suppress(SipParseError):
            candidate.feed(data)
        candidate.outgoing()
        candidate.wrap(b"x")


def test_a_message_beyond_the_limit_closes_the_connection() -> None:
    framer, client = shaken()
    client.send_text(b"x" * (MAX_MESSAGE_BYTES + 1))
    assert framer.feed(b"".join(client.data_to_send())) == []
    assert framer.ended
    assert framer.outgoing()


# --- a browser's phone ------------------------------------------------------------------------------------


async def test_a_browsers_phone_registers_and_is_called_over_its_websocket() -> None:
    settings = SipSettings(port=0, ws_port=0)
    centre = Centre("127.0.0.1", SystemClock(), None, seats=[seat(1)], settings=settings)
    await centre.open()
    waiting = Waiting(centre)
    port = centre.access.sip.ports["WS"]
    peer = RawPeer(Network(VirtualClock()), "b7k2.invalid", "127.0.0.1", user="8001")
    to, uri = "<sip:8001@127.0.0.1>", "sip:127.0.0.1"
    async with websockets.connect(f"ws://127.0.0.1:{port}/", subprotocols=SIP) as browser:

        async def ask(data: bytes) -> SipResponse:
            await browser.send(data.decode().replace("SIP/2.0/UDP", "SIP/2.0/WS"))
            answer = parse_message(await browser.recv(decode=False))
            assert isinstance(answer, SipResponse)
            return answer

        challenge = await ask(peer.request("REGISTER", uri=uri, to=to))
        answer = await ask(peer.with_credentials("REGISTER", challenge, "secret", uri=uri, to=to))
        assert answer.status == 200
        await waiting.next(SeatRegistered)
        centre.dial(SeatTarget(seat=SeatId("seat-01")))
        invite = parse_message(await browser.recv(decode=False))
        assert isinstance(invite, SipRequest)
        assert invite.uri_text.startswith("sip:8001@b7k2.invalid")
        assert invite.via.transport == "WS"
        assert invite.addresses("contact")[0].uri.transport == "WS"
        await browser.send(response_to(invite, 486, to_tag="browser").encode())
        assert (await browser.recv(decode=False)).startswith(b"ACK sip:8001@b7k2.invalid")
        await waiting.next(LegEnded)
        assert centre.ended() == [(ReleaseCause.BUSY, True)]
    gone = await waiting.next(SeatUnregistered)
    assert isinstance(gone, SeatUnregistered)
    assert gone.reason == "connection_lost"
    await centre.access.close()
    await centre.tasks.close()
    assert centre.crashes == []

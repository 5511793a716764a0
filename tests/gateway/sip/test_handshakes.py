"""Peers that never shake hands by TLS, certificates that change, and peers that are called by name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import uvloop

from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.sip import handshakes
from gateway.sip.connections import ConnectionLimits
from gateway.sip.flows import Flow
from gateway.sip.tls import TlsContexts, TlsFiles
from gateway.sip.transports import SipTransports
from tests.gateway.sip.certificates import self_signed
from tests.gateway.sip.test_transports import OPTIONS, Ear

HUNDREDS = 400


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    return self_signed(tmp_path, "127.0.0.1")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def opened(stack: AsyncExitStack, files: TlsFiles, limits: ConnectionLimits) -> tuple[SipTransports, Ear]:
    clock, ear = SystemClock(), Ear()
    tasks = TaskSupervisor(clock, on_crash=lambda name, error: pytest.fail(f"{name}: {error!r}"))
    made = SipTransports(
        hosts=("127.0.0.1",), port=0, ws_port=0, tls=files, clock=clock, tasks=tasks, limits=limits
    )
    await made.open(ear)
    stack.push_async_callback(tasks.close)
    stack.push_async_callback(made.close)
    return made, ear


def believing(files: TlsFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=files.certificate)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handshakes, "HANDSHAKE_SECONDS", seconds)
        yield


async def silent(stack: AsyncExitStack, port: int) -> asyncio.StreamReader:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stack.callback(writer.close)
    return reader


async def is_closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("kind", ["TLS", "WSS"])
async def test_peers_that_never_shake_hands_are_counted_from_the_first_packet(
    stack: AsyncExitStack, files: TlsFiles, kind: str
) -> None:
    made, _ = await opened(stack, files, ConnectionLimits(connections=1000, per_source=20))
    peers = [await silent(stack, made.ports[kind]) for _ in range(HUNDREDS)]
    turned_away = [asyncio.ensure_future(is_closed(peer)) for peer in peers[20:]]
    assert all(await asyncio.gather(*turned_away))
    assert made.connections == 20


async def test_the_limit_of_all_counts_them_too(stack: AsyncExitStack, files: TlsFiles) -> None:
    made, _ = await opened(stack, files, ConnectionLimits(connections=3, per_source=20))
    peers = [await silent(stack, made.ports["TLS"]) for _ in range(4)]
    assert await is_closed(peers[3])
    plain = await silent(stack, made.ports["TCP"])
    assert await is_closed(plain)


async def out_of_patience() -> None:
    async with AsyncExitStack() as stack:
        files = self_signed(Path(stack.enter_context(TemporaryDirectory())), "127.0.0.1")
        made, ear = await opened(stack, files, ConnectionLimits())
        stack.enter_context(patience(0.1))
        first, second = await silent(stack, made.ports["TLS"]), await silent(stack, made.ports["TLS"])
        lost = {await ear.next("lost"), await ear.next("lost")}
        assert {flow.transport for flow in lost} == {"TLS"}
        assert len(lost) == 2
        assert await is_closed(first)
        assert await is_closed(second)
        assert made.connections == 0
        stack.enter_context(patience(5.0))
        reader, writer = await asyncio.open_connection("127.0.0.1", made.ports["TLS"], ssl=believing(files))
        writer.write(OPTIONS.format(transport="TLS", number=1).encode())
        made.send(b"hello", await ear.next("message"))
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        await ear.next("lost")
        assert ear.heard.empty()


async def test_who_takes_too_long_is_lost_once_and_others_are_served() -> None:
    await out_of_patience()


def test_the_same_on_the_loop_that_control_runs_on() -> None:
    uvloop.run(out_of_patience())


@pytest.mark.parametrize("says", [b"REGISTER sip:x SIP/2.0\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""])
async def test_what_is_no_handshake_is_lost_once_and_answered_nothing_in_clear(
    stack: AsyncExitStack, files: TlsFiles, says: bytes
) -> None:
    made, ear = await opened(stack, files, ConnectionLimits())
    reader, writer = await asyncio.open_connection("127.0.0.1", made.ports["TLS"])
    writer.write(says)
    if not says:
        writer.close()
    assert (await ear.next("lost")).transport == "TLS"
    if says:
        try:
            answer = await reader.read()
        except ConnectionError:
            answer = b""
        assert not answer.startswith(b"SIP")
        writer.close()
    assert (made.connections, ear.heard.empty()) == (0, True)


async def test_closing_ends_those_that_shake_hands(stack: AsyncExitStack, files: TlsFiles) -> None:
    made, ear = await opened(stack, files, ConnectionLimits(connections=1))
    peer, refused = await silent(stack, made.ports["TLS"]), await silent(stack, made.ports["TLS"])
    assert await is_closed(refused)
    assert made.connections == 1
    await made.close()
    assert await is_closed(peer)
    assert (await ear.next("lost")).transport == "TLS"
    assert made.connections == 0


# --- certificates that change -----------------------------------------------------------------------------


def test_a_new_certificate_is_taken_as_soon_as_it_is_there(files: TlsFiles, tmp_path: Path) -> None:
    contexts = TlsContexts(files)
    server, client = contexts.server, contexts.client
    assert not contexts.refresh()
    assert contexts.server is server
    self_signed(tmp_path, "127.0.0.1")
    assert contexts.refresh()
    assert contexts.server is not server
    assert contexts.client is not client


def test_an_unusable_new_certificate_leaves_the_old_one(files: TlsFiles) -> None:
    contexts = TlsContexts(files)
    server = contexts.server
    Path(files.certificate).write_text("nonsense")
    assert not contexts.refresh()
    assert contexts.server is server
    Path(files.key).unlink()
    assert not contexts.refresh()


async def test_a_connection_after_the_change_gets_the_new_certificate(
    stack: AsyncExitStack, files: TlsFiles, tmp_path: Path
) -> None:
    made, ear = await opened(stack, files, ConnectionLimits())

    async def serial() -> object:
        _, writer = await asyncio.open_connection("127.0.0.1", made.ports["TLS"], ssl=believing(files))
        shown = writer.get_extra_info("peercert")["serialNumber"]
        writer.close()
        await ear.next("lost")
        return shown

    before = await serial()
    self_signed(tmp_path, "127.0.0.1")
    made.refresh_certificates()
    assert await serial() != before


# --- peers that are called by name ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shows", "asked", "called"),
    [
        ("sip.example.com", "sip.example.com", True),
        ("sip.example.com", "sip.example.org", False),
        ("sip.example.com", "", False),
        ("127.0.0.1", "", True),
    ],
)
async def test_a_peer_that_is_called_must_show_its_name(
    stack: AsyncExitStack, tmp_path: Path, shows: str, asked: str, called: bool
) -> None:
    files = self_signed(tmp_path, shows)
    caller, ear = await opened(stack, files, ConnectionLimits())
    other, heard = await opened(stack, files, ConnectionLimits())
    target = Flow("TLS", "127.0.0.1", other.ports["TLS"], name=asked)
    caller.send(OPTIONS.format(transport="TLS", number=1).encode(), target)
    hears: Callable[[], Awaitable[Flow]] = (
        (lambda: heard.next("message")) if called else (lambda: ear.next("lost"))
    )
    flow = await hears()
    assert called or flow == target


async def test_a_connection_that_was_proved_for_one_name_is_not_used_for_another(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    files = self_signed(tmp_path, "sip.example.com")
    caller, ear = await opened(stack, files, ConnectionLimits())
    other, heard = await opened(stack, files, ConnectionLimits())
    proved = Flow("TLS", "127.0.0.1", other.ports["TLS"], name="sip.example.com")
    caller.send(OPTIONS.format(transport="TLS", number=1).encode(), proved)
    await heard.next("message")
    foreign = Flow("TLS", "127.0.0.1", other.ports["TLS"], name="sip.example.org")
    caller.send(OPTIONS.format(transport="TLS", number=2).encode(), foreign)
    assert await ear.next("lost") == foreign


def test_the_name_of_a_flow_survives_a_restart() -> None:
    flow = Flow("TLS", "192.0.2.1", 5061, 7, "sip.example.com")
    assert Flow.restore(flow.snapshot()) == flow.without_connection()

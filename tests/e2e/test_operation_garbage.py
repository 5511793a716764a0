"""What strangers send to the open ports: it is answered or dropped, and the centre goes on as before."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from tests.e2e.centre import CALLER_HZ, Centre
from tests.e2e.rig import centre_of
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.milestone import PATIENCE
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess

ROLES = ("control", "media", "web")
#: How much a process may grow by all the garbage of a test.
GROWTH_BYTES = 48 * 2**20


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    with PlatformProcess(tmp_path_factory.mktemp("g")) as started:
        yield started


@pytest.fixture
async def struck(
    exposed: PlatformProcess, callers: Iterator[int], phone: MakePhone
) -> AsyncIterator[tuple[Centre, int]]:
    """The centre and the RTP port of a call that is up; at the end the call still hears itself, nothing died or
    grew, and no error of our own was seen."""
    async with centre_of(exposed, callers) as centre:
        # What came before may have restricted new calls, as it should.
        await centre.eventually(
            centre.metrics, lambda page: bool(re.search(r"^cc_overload_level 0(\.0)?$", page, re.M))
        )
        caller = await phone(centre.new_caller(), source=sources.tone(CALLER_HZ))
        call = await caller.dial(centre.number("95002"))
        await call.heard(tone=CALLER_HZ)
        pids = {role: exposed.pids(role) for role in ROLES}
        sizes = {role: exposed.rss_bytes(role) for role in ROLES}
        yield centre, rtp_port_of(call)
        await call.heard(tone=CALLER_HZ, since=time.monotonic())
        await call.hang_up()
        assert {role: exposed.pids(role) for role in ROLES} == pids, exposed.tail()
        grown = {role: exposed.rss_bytes(role) - sizes[role] for role in ROLES}
        assert max(grown.values()) < GROWTH_BYTES, grown
        unexpected = [line for line in exposed.lines if line.get("event") == "unexpected error"]
        assert not unexpected
        assert not [line for line in exposed.lines if "Traceback" in str(line)]
        await centre.nothing_left()


def rtp_port_of(call: PhoneCall) -> int:
    """Where the platform told the phone to send its audio."""
    bodies = [message.body for message in call.phone.node.received if message.status == 200 and message.body]
    found = re.search(rb"m=audio (\d+) ", bodies[-1])
    assert found is not None
    return int(found[1])


def noise(seed: int, count: int, longest: int) -> Iterator[bytes]:
    """Reproducible garbage."""
    chance = random.Random(seed)
    for _ in range(count):
        yield chance.randbytes(chance.randint(1, longest))


def broken_sip(seed: int, count: int) -> Iterator[bytes]:
    """INVITEs with something wrong somewhere."""
    chance = random.Random(seed)
    for number in range(count):
        text = (
            f"INVITE sip:95002@127.0.0.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{number}\r\n"
            f"From: <sip:a@127.0.0.1>;tag={number}\r\nTo: <sip:95002@127.0.0.1>\r\n"
            f"Call-ID: {number}@x\r\nCSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1>\r\n"
            f"Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
        ).encode()
        data = bytearray(text)
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 40)]
                case _:
                    data[at:at] = chance.randbytes(chance.randint(1, 40))
        yield bytes(data)


async def test_garbage_on_sip_over_udp(struck: tuple[Centre, int]) -> None:
    centre, _ = struck
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number, data in enumerate((*noise(1, 1000, 2000), *broken_sip(2, 2000), b"\r\n" * 1000, b"x" * 65000)):
            stranger.sendto(data, centre.sip)
            if number % 50 == 0:
                await asyncio.sleep(0.005)  # slower than the loopback, so that what is sent also arrives
        stranger.sendto(b"OPTIONS sip:x SIP/2.0\r\nContent-Length: zero\r\n\r\n", centre.sip)
    async with httpx.AsyncClient(base_url=centre.platform.http, timeout=PATIENCE) as client:
        assert (await client.get("/readyz")).status_code == 200


async def test_garbage_on_sip_over_tcp(struck: tuple[Centre, int]) -> None:
    centre, _ = struck
    openings = [
        *noise(3, 40, 5000),
        *broken_sip(4, 40),
        b"INVITE sip:95002@127.0.0.1 SIP/2.0\r\nContent-Length: 999999999999\r\n\r\n",
        b"A: " + b"x" * 2_000_000,  # one header without an end
        b"A: b\r\n" * 200_000,  # headers without an end
        b"",
    ]

    async def speak(data: bytes) -> None:
        reader, writer = await asyncio.open_connection(*centre.sip)
        try:
            writer.write(data)
            await writer.drain()
            async with asyncio.timeout(1.0):
                await reader.read()
        except (TimeoutError, ConnectionError):
            pass  # kept waiting for more, or cut off
        finally:
            writer.transport.abort()

    await asyncio.gather(*(speak(data) for data in openings))


async def test_garbage_on_rtp_ports(struck: tuple[Centre, int]) -> None:
    centre, port = struck
    first, last = centre.platform.rtp_ports
    chance = random.Random(5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number, data in enumerate(noise(6, 4000, 1400)):
            target = (port, port + 1, chance.randint(first, last))[number % 3]
            header = b"\x80" + bytes([chance.choice((0, 8, 101, 77))]) if number % 2 else b""
            stranger.sendto(header + data, ("127.0.0.1", target))
            if number % 50 == 0:
                await asyncio.sleep(0.005)


async def test_bad_requests_are_answered_with_problems(struck: tuple[Centre, int]) -> None:
    centre, _ = struck
    login = "auth/login"
    deep = "[" * 5000 + "]" * 5000
    many = b'{"username": "' + b"a" * 900_000 + b'", "password": "b"}'
    as_json = {"Content-Type": "application/json"}
    for content, headers, expected in (
        (b"{", as_json, 422),
        (b"[]", as_json, 422),
        (b"\xff\xfe", as_json, 422),
        (deep.encode(), as_json, 400),
        (many, as_json, 422),
        (b'{"username": "a", "password": "b", "more": 1}', as_json, 422),
        (b'{"username": "a"}', {"Content-Type": "text/plain"}, 422),
        (b"username=a&password=b", {"Content-Type": "application/x-www-form-urlencoded"}, 422),
        (b"x" * (1 << 20) + b"x", as_json, 413),
    ):
        answer = await centre.ask("POST", login, content=content, headers=headers)
        assert answer.status_code == expected, (content[:40], answer.status_code, answer.text[:200])
        assert answer.headers["content-type"] == "application/problem+json", content[:40]

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    try:
        answer = await centre.ask("POST", login, content=endless(), headers=as_json)
        assert answer.status_code == 413
    except (httpx.WriteError, httpx.ReadError):
        pass  # cut off while it was still sending
    for path, status in (("nothing/here", 404), ("contacts/not-a-uuid", 422), ("contacts?cursor=%00", 400)):
        answer = await centre.ask("GET", path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
    assert (await centre.ask("DELETE", "contacts")).status_code == 405


async def test_connections_that_say_nothing_whole_are_closed(struck: tuple[Centre, int]) -> None:
    centre, _ = struck
    port = centre.platform.http_port

    async def until_closed(*pieces: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            async with asyncio.timeout(30):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()

    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    answers = await asyncio.gather(
        until_closed(),
        until_closed(b"GET / HT"),
        until_closed(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /hea"),
        until_closed(head + b"Content-Length: 100\r\n\r\n{"),
        until_closed(b"\x16\x03\x01" + b"\0" * 500),
        until_closed(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n"),
        *(until_closed(data) for data in noise(7, 20, 3000)),
    )
    statuses = [re.findall(rb"HTTP/1.1 (\d+)", answer) for answer in answers]
    assert statuses[:6] == [[], [], [b"200"], [b"408"], [b"400"], [b"400"]]
    assert b"application/problem+json" in answers[3]


async def last_word(sock: ClientConnection, *messages: str | bytes) -> int:
    """Send and listen until the server closes the socket; its close code."""
    try:
        for message in messages:
            await sock.send(message)
        async with asyncio.timeout(10):
            while True:
                await sock.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else 1006


async def test_garbage_on_the_event_socket(struck: tuple[Centre, int]) -> None:
    centre, _ = struck
    url = f"ws://127.0.0.1:{centre.platform.http_port}/api/v1/events"
    token = await centre.ask("POST", "auth/login", json={"username": "sup1", "password": "demo-sup1"})
    good = json.dumps({"type": "authenticate", "token": token.json()["access_token"]})
    for message in ("{", "[]", b"\0\1", "x" * 200_000, '{"type": "authenticate", "token": "cct_x"}', good[:-2]):
        async with connect(url) as sock:
            assert await last_word(sock, message) != 1000, message[:40]
    async with connect(url) as sock:
        assert await last_word(sock) != 1000  # nothing said in time
    async with connect(url) as sock:
        assert await last_word(sock, *[good] * 1000) != 1000  # a flood after a good beginning
    with pytest.raises(InvalidStatus):
        await connect(url, origin=Origin("http://evil.example"))

"""The HTTP server itself: slow connections, too many connections, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send

from ccplatform.app import server as module
from ccplatform.app.errors import CannotStart
from ccplatform.app.server import build_server
from ccplatform.app.settings import HttpSettings
from ccplatform.app.sockets import listen_tcp
from tests.support.milestone import until

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serving(**settings: int) -> AsyncIterator[int]:
    listener = listen_tcp("127.0.0.1", 0, "test")
    server = build_server(application, HttpSettings.model_validate(settings))
    task = asyncio.ensure_future(server._serve(sockets=[listener]))
    await until(lambda: server.started, lambda: "the server has started")
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


async def until_closed(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("said", "answers"), [(b"", 0), (b"GET / HT", 0), (GET + b"GET /", 1), (GET + GET + b"GET / HTTP/1.1\r\n", 2)]
)
async def test_a_connection_without_a_whole_head_is_closed(
    monkeypatch: pytest.MonkeyPatch, said: bytes, answers: int
) -> None:
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.1)
    async with serving() as port:
        assert (await until_closed(port, said)).count(b"200 OK") == answers


async def test_an_idle_connection_stays_for_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.05)
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(GET)
            assert await reader.readuntil(b"ok")
            assert await until_closed(port, b"") == b""  # as long as one lasts that said nothing
        writer.close()


async def test_a_websocket_may_be_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.05)
    upgrade = (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(upgrade)
        assert b"101" in await reader.readuntil(b"\r\n\r\n")
        assert await until_closed(port, b"") == b""  # as long as a silent plain one lasts
        assert not reader.at_eof()
        writer.close()


async def test_more_connections_than_allowed_are_refused() -> None:
    async with serving(max_connections=10) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert b"503" in await reader.readline()
        for _, other in (*held, (reader, writer)):
            other.close()


def test_a_used_port_is_named() -> None:
    listener = listen_tcp("127.0.0.1", 0, "pages and REST")
    listener.listen()
    port = listener.getsockname()[1]
    with pytest.raises(CannotStart, match=rf"TCP port {port} on 127.0.0.1 \(pages and REST\) is in use"):
        listen_tcp("127.0.0.1", port, "pages and REST")
    listener.close()

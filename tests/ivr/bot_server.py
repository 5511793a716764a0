"""A voice bot for tests: does what each test wants, and keeps what it was told; and the media engine's tap."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosed

from ivr.tapped import HEADER

RATE = 8000
FRAME = bytes(2 * RATE // 50)


class FakeBot:
    """``says`` is called with each connection, after the start."""

    def __init__(self, says: Callable[[FakeBot], Awaitable[None]] | None = None, *, ready: bool = True) -> None:
        self.starts: list[dict[str, Any]] = []
        self.tokens: list[str | None] = []
        self.told: list[dict[str, Any]] = []
        self.heard = bytearray()
        self.changed = asyncio.Condition()
        self._says = says
        self._ready = ready
        self.connection: ServerConnection | None = None

    async def talk(self, connection: ServerConnection) -> None:
        self.connection = connection
        assert connection.request is not None
        try:
            start = json.loads(await connection.recv())
            await self._note(lambda: self.starts.append(start))
            self.tokens.append(connection.request.headers.get("Authorization"))
            if self._ready:
                await self.say(type="ready")
            if self._says is not None:
                await self._says(self)
            async for message in connection:
                if isinstance(message, bytes):
                    await self._note(lambda message=message: self.heard.extend(message))  # type: ignore[misc]
                else:
                    await self._note(lambda message=message: self.told.append(json.loads(message)))  # type: ignore[misc]
        except ConnectionClosed:
            return

    async def say(self, **message: Any) -> None:
        assert self.connection is not None
        await self.connection.send(json.dumps(message))

    async def sound(self, samples: bytes) -> None:
        assert self.connection is not None
        await self.connection.send(samples)

    async def until(self, fits: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(fits)

    async def _note(self, change: Callable[[], None]) -> None:
        async with self.changed:
            change()
            self.changed.notify_all()


@asynccontextmanager
async def bot_at(path: Path, bot: FakeBot) -> AsyncIterator[FakeBot]:
    """The bot listens at a socket of this machine."""
    async with unix_serve(bot.talk, str(path), compression=None):
        yield bot


@asynccontextmanager
async def bot_on_tcp(bot: FakeBot, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The bot listens on a port, with ``tls`` by the certificate of it; its URL."""
    async with serve(bot.talk, "127.0.0.1", 0, compression=None, ssl=tls) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"{'ws' if tls is None else 'wss'}://127.0.0.1:{port}/talk"


class Tap:
    """The media engine's end: a packet whenever a test says so."""

    def __init__(self, path: str, samples: bytes = FRAME) -> None:
        self.number = 0
        self._samples = samples
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(path)

    def send(self, samples: bytes | None = None, *, at: float | None = None) -> float:
        """A packet: of the tap's own sound, and of now, unless told otherwise."""
        at = time.monotonic() if at is None else at
        self.socket.send(HEADER.pack(self.number, 0, at) + (self._samples if samples is None else samples))
        self.number += 1
        return at

    def close(self) -> None:
        self.socket.close()

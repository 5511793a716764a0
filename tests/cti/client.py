"""A client of the event socket, talking ASGI with the real application; it can stop reading."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

from tests.cti.desk import Desk

Message = MutableMapping[str, Any]


class Page:
    """One WebSocket connection. ``reads`` cleared: what the server sends gets stuck on the way."""

    def __init__(self, desk: Desk, *, origin: str | None = "http://centre.test") -> None:
        headers = [(b"host", b"centre.test")]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self._scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/api/v1/events",
            "raw_path": b"/api/v1/events",
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 8080),
            "subprotocols": [],
            "state": {},
            "extensions": {},
        }
        self._desk = desk
        self._to_server: asyncio.Queue[Message] = asyncio.Queue()
        self._from_server: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.reads = asyncio.Event()
        self.reads.set()

    async def __aenter__(self) -> Page:
        self._to_server.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.get_running_loop().create_task(
            self._desk.app(self._scope, self._to_server.get, self._take)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reads.set()
        await self.leave()

    async def _take(self, message: Message) -> None:
        await self.reads.wait()
        self._from_server.put_nowait(message)

    @property
    def silent(self) -> bool:
        """Whether everything that the server did was heard."""
        return self._from_server.empty()

    async def leave(self) -> None:
        """Go away and wait until the server has noticed."""
        assert self._task is not None
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await self._task

    def say(self, message: Any) -> None:
        """Send a message as JSON."""
        self.say_text(json.dumps(message))

    def say_text(self, text: str) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "text": text})

    def say_bytes(self, data: bytes) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "bytes": data})

    async def next(self) -> Message:
        """What the server did next, in ASGI words."""
        return await self._from_server.get()

    async def hear(self) -> dict[str, Any]:
        """The next message of the protocol."""
        message = await self.next()
        assert message["type"] == "websocket.send", message
        heard: dict[str, Any] = json.loads(message["text"])
        return heard

    def heard_all(self) -> list[dict[str, Any]]:
        """Everything that has arrived by now."""
        messages = [self._from_server.get_nowait() for _ in range(self._from_server.qsize())]
        return [json.loads(message["text"]) for message in messages if message["type"] == "websocket.send"]

    async def closing_code(self) -> int:
        """How the server ends the connection; messages before that are skipped."""
        while True:
            message = await self.next()
            if message["type"] == "websocket.close":
                return int(message["code"])

    async def log_in(self, who: str, resume: dict[str, Any] | None = None) -> dict[str, Any]:
        """Accept, authenticate, hear the first message."""
        assert (await self.next())["type"] == "websocket.accept"
        self.say({"type": "authenticate", "token": who} | ({"resume": resume} if resume else {}))
        return await self.hear()

"""The operator's CRM, as the webhook sees it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.milestone import PATIENCE


@dataclass
class Crm:
    """Takes messages at ``/calls``; ``status`` of the n-th answer, counted from 0: 0 is none."""

    status: Callable[[int], int] = field(default=lambda number: 204)
    port: int = 0
    asked: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on this port of the loopback, 0: on one that is free."""
        self._server = await asyncio.start_server(self.serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Take no further requests."""
        if self._server is not None:
            self._server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the requests of one connection."""
        try:
            while line := await reader.readline():
                assert line.startswith(b"POST /calls HTTP/1.1")
                headers: dict[str, str] = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers["content-length"]))
                self.asked.append((headers, body))
                self.came.set()
                status = self.status(len(self.asked) - 1)
                if status == 0:
                    await asyncio.Event().wait()  # never answers
                elsewhere = f"Location: http://127.0.0.1:{self.port}/elsewhere\r\n" if status == 302 else ""
                writer.write(f"HTTP/1.1 {status} X\r\n{elsewhere}Content-Length: 0\r\n\r\n".encode())
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def has(self, count: int) -> list[dict[str, Any]]:
        """The messages, once there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.asked) < count:
                self.came.clear()
                await self.came.wait()
        return [json.loads(body) for _, body in self.asked]

    def signed_by(self, secret: bytes) -> bool:
        """Whether every message so far bears the signature of this secret over its time and body."""
        for headers, body in self.asked:
            at, _, digest = headers["x-ccp-signature"].partition(",v1=")
            signed = f"{at.removeprefix('t=')}.".encode() + body
            if digest != hmac.new(secret, signed, hashlib.sha256).hexdigest():
                return False
        return True

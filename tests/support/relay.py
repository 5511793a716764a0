"""A relay of TCP connections that a test can cut, as a network is cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PIECE = 65_536


class TcpRelay:
    """Connections to ``port`` of the loopback go on to ``target`` until :meth:`cut`, again after :meth:`mend`."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Listen, at the port of before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection, and refuse others."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward, out = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, out}
        self._open |= ends
        try:
            await asyncio.gather(_pass(reader, out), _pass(onward, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
        writer.close()
    except OSError:
        writer.transport.abort()


@asynccontextmanager
async def relay(target: tuple[str, int]) -> AsyncIterator[TcpRelay]:
    """One that is cut at the end."""
    made = TcpRelay(target)
    await made.mend()
    try:
        yield made
    finally:
        await made.cut()

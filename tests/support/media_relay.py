"""A relay of a browser's media that a test can cut, both ways or one, while its signalling goes on.

The page's own session descriptions are rewritten (``media_relay.js``), so that its peer connections send to a port
of the relay. An ICE-lite platform answers wherever packets come from: browser ⇄ relay ⇄ platform.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import BrowserContext

Address = tuple[str, int]

_SCRIPT: Final = Path(__file__).with_suffix(".js")


class MediaRelay:
    """Datagrams go on until :meth:`cut`, again after :meth:`mend`. ``paths``: how many targets were asked for."""

    def __init__(self) -> None:
        self.paths = 0
        self.to_platform = self.to_browser = True
        self._near: dict[Address, asyncio.DatagramTransport] = {}
        self._far: list[asyncio.DatagramTransport] = []

    async def port_for(self, host: str, port: int) -> int:
        """Where what is meant for this target is to be sent to; called by the pages."""
        self.paths += 1
        if (host, port) not in self._near:
            loop = asyncio.get_running_loop()
            near, _ = await loop.create_datagram_endpoint(
                lambda: _Near(self, (host, port)), local_addr=("127.0.0.1", 0)
            )
            self._near[host, port] = near
        taken: int = self._near[host, port].get_extra_info("sockname")[1]
        return taken

    def cut(self, *, to_platform: bool = True, to_browser: bool = True) -> None:
        """Lose everything that goes this way."""
        self.to_platform, self.to_browser = not to_platform, not to_browser

    def mend(self) -> None:
        """As it was."""
        self.to_platform = self.to_browser = True

    async def far_end(self, near: asyncio.DatagramTransport, browser: Address, target: Address) -> _Far:
        """A socket that stands for one address of the browser."""
        loop = asyncio.get_running_loop()
        transport, far = await loop.create_datagram_endpoint(lambda: _Far(self, near, browser), remote_addr=target)
        self._far.append(transport)
        return far

    def close(self) -> None:
        """Drop what is under way."""
        for transport in (*self._near.values(), *self._far):
            transport.abort()


class _Near(asyncio.DatagramProtocol):
    """Where the browser sends to."""

    def __init__(self, relay: MediaRelay, target: Address) -> None:
        self._relay = relay
        self._target = target
        self._ends: dict[Address, asyncio.Future[_Far]] = {}

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        end = self._ends.get(addr)
        if end is None:
            end = self._ends[addr] = asyncio.ensure_future(
                self._relay.far_end(self._transport, addr, self._target)
            )
        if end.done() and self._relay.to_platform:  # the first check is repeated soon
            end.result().send(data)


class _Far(asyncio.DatagramProtocol):
    """Where the platform sends to."""

    def __init__(self, relay: MediaRelay, near: asyncio.DatagramTransport, browser: Address) -> None:
        self._relay = relay
        self._near = near
        self._browser = browser

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, data: bytes) -> None:
        self._transport.sendto(data)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self._relay.to_browser:
            self._near.sendto(data, self._browser)

    def error_received(self, exc: Exception) -> None:
        """Nobody is there any more: lost like any datagram."""


@asynccontextmanager
async def media_relay(context: BrowserContext) -> AsyncIterator[MediaRelay]:
    """One that the context's pages, opened from now on, send their media through."""
    relay = MediaRelay()
    await context.expose_function("relayPort", relay.port_for)
    await context.add_init_script(path=_SCRIPT)
    try:
        yield relay
    finally:
        relay.close()

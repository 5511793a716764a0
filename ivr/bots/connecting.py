"""Connects to bots: only where the configuration says, and only to addresses that they may have (SSRF).

Names are resolved here and the connection goes to the address that was checked (DNS rebinding); redirects, proxies
of the environment and compression are not followed, asked or taken.
"""

from __future__ import annotations

import ssl
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

from ccplatform.kernel.errors import RemoteViolation, Unavailable
from ccplatform.security.addresses import Resolve, may_connect, resolve
from ivr.bots.protocol import MAX_MESSAGE_BYTES, Ready, Start, message_from, text_of
from ivr.bots.wire import BotPlace

#: What a URL begins with that names a socket of a program on this machine, in the directory of our own.
UNIX: Final = "unix:"
#: How often the bot is asked whether it still listens, seconds.
_PING_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 1.0
_PORTS: Final = {"ws": 80, "wss": 443}


class BotAway(Unavailable):
    """The bot cannot be reached."""


class _Direct(connect):
    """Goes where it was told to, and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def connect_to(place: BotPlace, directory: Path, *, resolver: Resolve = resolve) -> ClientConnection:
    """A connection whose opening handshake is done; raises BotAway, OSError or WebSocketException."""
    options: dict[str, Any] = {
        "additional_headers": {"Authorization": f"Bearer {place.secret}"} if place.secret else None,
        "compression": None,
        "proxy": None,
        "open_timeout": None,
        "ping_interval": _PING_SECONDS,
        "ping_timeout": place.slow_seconds,
        "close_timeout": _CLOSE_SECONDS,
        "max_size": MAX_MESSAGE_BYTES,
    }
    if place.url.startswith(UNIX):
        path = str(directory / place.url.removeprefix(UNIX))
        return await _Direct("ws://localhost/", unix=True, path=path, **options)
    url = urlsplit(place.url)
    port, host = url.port or _PORTS[url.scheme], url.hostname or ""
    networks = [ip_network(network) for network in place.networks]
    addresses = [one for one in await resolver(host, port) if may_connect(one, networks)]
    if not addresses:
        raise BotAway(f"{host} has no address that may be connected to")
    if url.scheme == "wss":
        options["ssl"] = ssl.create_default_context(cafile=place.ca_file)
    return await _Direct(place.url, host=addresses[0], port=port, **options)


async def begin_talk(connection: ClientConnection, start: Start) -> None:
    """Say what the talk is about, and wait for the bot to be ready; raises RemoteViolation, WebSocketException."""
    await connection.send(text_of(start))
    answer = await connection.recv()
    if isinstance(answer, bytes) or not isinstance(message_from(answer), Ready):
        raise RemoteViolation("the bot does not say that it is ready")

"""Connections to services that the operator names: only to addresses that they may have (SSRF).

Names are resolved here and the connection goes to the address that was checked, so that no name server can lead
into the operator's own network (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import httpcore

from ccplatform.security.addresses import Resolve, may_connect


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """For httpcore's pools; ``networks`` are the private ones that may be connected to."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network], resolver: Resolve) -> None:
        self._networks = tuple(networks)
        self._resolve = resolver
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's word)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to an address that passed the check; raises httpcore.ConnectError without one."""
        addresses = [one for one in await self._resolve(host, port) if may_connect(one, self._networks)]
        if not addresses:
            raise httpcore.ConnectError(f"{host} has no address that may be connected to")
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait, between attempts of httpcore's own."""
        await self._inner.sleep(seconds)

"""Which addresses a service may have: public ones, and those private ones that the operator lists (SSRF)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

#: From a host and port to addresses.
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

#: IPv6 that leads to any IPv4 address: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380).
_TRANSLATED: Final = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def may_connect(address: str, listed: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether the address, as a resolver gave it, may be connected to."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if any(ip in network for network in listed if network.version == ip.version):
        return True
    if isinstance(ip, IPv6Address) and any(ip in network for network in _TRANSLATED):
        return False
    return ip.is_global and not ip.is_multicast

"""Where peers are: an address and a port as one number, in arrays as three, and as the kernel has them.

The number is the IPv6 address, then 16 bits of port; an IPv4 address is the IPv6 address that it is mapped into
(RFC 4291 section 2.5.5.2). Arrays hold it in :data:`PARTS` of 48 bits, the highest first: of IPv4, the last one is
address and port.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final, TypeAlias

import numpy as np

from gateway.media.audio import Array, Mask

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

NOWHERE: Final = 0
PARTS: Final = 3

_PART_BITS: Final = 48
_PART: Final = (1 << _PART_BITS) - 1
_MAPPED: Final = 0xFFFF  # the part in the middle, of IPv4

#: ``struct sockaddr_in6`` and, in its place, ``struct sockaddr_in``.
SOCKADDR: Final = np.dtype(
    {
        "names": ["family", "port", "ipv4", "ipv6"],
        "formats": ["<u2", ">u2", ">u4", (">u2", (8,))],
        "offsets": [0, 2, 4, 8],
        "itemsize": 28,
    }
)


def address_key(host: str, port: int) -> int:
    """The number of an address and port; raises ValueError for what is no address."""
    return key_of_address(ipaddress.ip_address(host), port)


def key_of_address(address: Address, port: int) -> int:
    """The same of a parsed address."""
    number = int(address) if address.version == 6 else _MAPPED << 32 | int(address)
    return number << 16 | port


def address_of(key: int) -> Address:
    """The address that a number holds; of a mapped one that of IPv4."""
    address = ipaddress.IPv6Address(key >> 16)
    return address.ipv4_mapped or address


def host_and_port(key: int) -> tuple[str, int]:
    """The two as sockets of Python take them."""
    return str(address_of(key)), key & 0xFFFF


def same_host(a: int, b: int) -> bool:
    """Whether two numbers differ in the port at most."""
    return a >> 16 == b >> 16


def is_ipv6(key: int) -> bool:
    """Whether it can be reached by a socket of IPv6, and by no other."""
    return address_of(key).version == 6


def parts_of(key: int) -> tuple[int, int, int]:
    """What arrays hold of a number."""
    return key >> 2 * _PART_BITS, key >> _PART_BITS & _PART, key & _PART


def key_at(keys: Array, index: int) -> int:
    """The number that an array (n × 3) holds at a place."""
    high, middle, low = keys[index].tolist()
    return int(high << 2 * _PART_BITS | middle << _PART_BITS | low)


def same(a: Array, b: Array) -> Mask:
    """Where two arrays (n × 3) hold the same number."""
    equal: Mask = (a[:, 2] == b[:, 2]) & (a[:, 1] == b[:, 1]) & (a[:, 0] == b[:, 0])
    return equal


def sockaddr(key: int) -> Array:
    """A number as the kernel has it, one :data:`SOCKADDR`."""
    name = np.zeros((), dtype=SOCKADDR)
    address = address_of(key)
    name["port"] = key & 0xFFFF
    if address.version == 4:
        name["family"], name["ipv4"] = socket.AF_INET, int(address)
    else:
        name["family"], name["ipv6"] = socket.AF_INET6, np.frombuffer(address.packed, dtype=">u2")
    return name


def keys_of(names: Array) -> Array:
    """The numbers (n × 3) of many :data:`SOCKADDR`."""
    words = names["ipv6"].astype(np.int64)
    keys: Array = np.empty((len(names), PARTS), dtype=np.int64)
    keys[:, 0] = words[:, 0] << 32 | words[:, 1] << 16 | words[:, 2]
    keys[:, 1] = words[:, 3] << 32 | words[:, 4] << 16 | words[:, 5]
    keys[:, 2] = words[:, 6] << 32 | words[:, 7] << 16 | names["port"]
    old = names["family"] == socket.AF_INET
    if old.any():
        keys[old, 0], keys[old, 1] = 0, _MAPPED
        keys[old, 2] = names["ipv4"][old].astype(np.int64) << 16 | names["port"][old]
    return keys

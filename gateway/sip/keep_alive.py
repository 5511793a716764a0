"""STUN on the port of SIP (RFC 5626 sections 3.5.2 and 8): a phone keeps its NAT open and learns of a new address.

Only Binding requests without attributes that must be understood are answered, with XOR-MAPPED-ADDRESS (RFC 8489):
32 bytes (44 with IPv6) for 20, so that nobody is worth attacking by way of us. Pure.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Final

_HEADER: Final = struct.Struct("!HHI12s")
_ATTRIBUTE: Final = struct.Struct("!HHBBH")
_BINDING_REQUEST: Final = 0x0001
_BINDING_SUCCESS: Final = 0x0101
_MAGIC: Final = 0x2112A442
_XOR_MAPPED_ADDRESS: Final = 0x0020


def is_stun(data: bytes) -> bool:
    """Whether a datagram is STUN and no SIP: its first two bits are zero, and its cookie is there."""
    return len(data) >= _HEADER.size and data[0] < 4 and data[4:8] == _MAGIC.to_bytes(4, "big")


def binding_response(data: bytes, host: str, port: int) -> bytes | None:
    """The answer to a keep-alive from an address; None when it is no bare Binding request."""
    kind, length, magic, transaction = _HEADER.unpack_from(data)
    if kind != _BINDING_REQUEST or magic != _MAGIC or length != 0 or len(data) != _HEADER.size:
        return None
    address = ipaddress.ip_address(host).packed
    mask = struct.pack("!I", _MAGIC) + transaction
    hidden = bytes(a ^ b for a, b in zip(address, mask, strict=False))
    family = 1 if len(address) == 4 else 2
    value = _ATTRIBUTE.pack(_XOR_MAPPED_ADDRESS, 4 + len(address), 0, family, port ^ (_MAGIC >> 16)) + hidden
    return _HEADER.pack(_BINDING_SUCCESS, len(value), _MAGIC, transaction) + value

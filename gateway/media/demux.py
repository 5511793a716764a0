"""Which protocol a datagram on a leg's port belongs to (RFC 7983 section 7, RFC 5761 section 4)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from gateway.media.audio import Array, Bytes


class Protocol(IntEnum):
    """What shares the port of a secure leg."""

    UNKNOWN = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4


def _table() -> Array:
    table = np.full(256, Protocol.UNKNOWN, dtype=np.uint8)
    table[0:4] = Protocol.STUN
    table[20:64] = Protocol.DTLS
    table[128:192] = Protocol.RTP
    return table


_BY_FIRST_BYTE: Final = _table()
#: RTCP packet types, seen as the second byte of a packet; RTP with marker never uses payload types 64 to 95.
_FIRST_RTCP: Final = 192
_LAST_RTCP: Final = 223
_RTP_OR_RTCP_BYTES: Final = 2


def protocols(heads: Bytes, length: Array) -> Array:
    """The :class:`Protocol` of packets by their first two bytes, ``heads`` (n, 2), and their length in bytes."""
    kinds: Array = _BY_FIRST_BYTE[heads[:, 0]]
    second = heads[:, 1]
    media = kinds == Protocol.RTP
    kinds = np.where(media & (second >= _FIRST_RTCP) & (second <= _LAST_RTCP), Protocol.RTCP, kinds)
    enough = np.where(media, length >= _RTP_OR_RTCP_BYTES, length > 0)
    return np.where(enough, kinds, Protocol.UNKNOWN)


def protocol(datagram: bytes) -> Protocol:
    """The same for one datagram."""
    head = np.frombuffer(datagram[:2].ljust(2, b"\0"), dtype=np.uint8)
    return Protocol(int(protocols(head[np.newaxis], np.asarray([len(datagram)]))[0]))

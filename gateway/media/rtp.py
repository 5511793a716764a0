"""RTP headers (RFC 3550 section 5.1) of a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.media.audio import Array, Bytes, Mask
from gateway.media.packet_io import MAX_PACKET

HEADER_BYTES: Final = 12
VERSION_2: Final = 0x80

#: A packet as the engine keeps it, the fixed header first.
PACKET: Final = np.dtype(
    [
        ("flags", "u1"),
        ("type", "u1"),
        ("sequence", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
        ("payload", "u1", (MAX_PACKET - HEADER_BYTES,)),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """Parsed headers, one entry per packet; only entries with ``valid`` mean anything.

    ``payload_length`` is in bytes; the payload itself begins at byte 12 of the packet, because :func:`parse`
    moves it there when CSRCs or an extension stand before it.
    """

    valid: Mask
    marker: Mask
    payload_type: Array
    sequence: Array
    timestamp: Array
    ssrc: Array
    payload_length: Array


def parse(packets: Bytes, length: Array, truncated: Mask) -> Headers:
    """Read the headers; packets that are no RTP are left out of ``valid``."""
    fields = packets.view(PACKET).reshape(len(packets))
    flags = fields["flags"]
    valid = (length >= HEADER_BYTES) & ((flags & 0xC0) == VERSION_2) & ~truncated
    payload_length = np.where(valid, length - HEADER_BYTES, 0).astype(np.int32)
    for index in np.flatnonzero(valid & (flags != VERSION_2)).tolist():
        size = _move_payload(packets[index], int(length[index]))
        valid[index] = size is not None
        payload_length[index] = size or 0
    return Headers(
        valid=valid,
        marker=(fields["type"] & 0x80) != 0,
        payload_type=(fields["type"] & 0x7F).astype(np.intp),
        sequence=fields["sequence"].astype(np.int32),
        timestamp=fields["timestamp"].astype(np.uint32),
        ssrc=fields["ssrc"].astype(np.uint32),
        payload_length=payload_length,
    )


def _move_payload(packet: Bytes, length: int) -> int | None:
    """Bring the payload of a packet with CSRCs, extension or padding to byte 12; its length, None if malformed."""
    flags = int(packet[0])
    start = HEADER_BYTES + 4 * (flags & 0x0F)
    if flags & 0x10:
        if start + 4 > length:
            return None
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4].tobytes(), "big")
    if start > length:
        return None
    end = length
    if flags & 0x20:
        padding = int(packet[length - 1])
        end = length - padding
        if padding == 0 or end < start:
            return None
    size = end - start
    packet[HEADER_BYTES : HEADER_BYTES + size] = packet[start:end].copy()
    return size

"""HEP3 (Homer Encapsulation Protocol, version 3): one message as a packet for a capture server. Pure.

Source: github.com/sipcapture/HEP, "HEP3 Network Protocol Specification", revision 36: chunks of vendor 0.
"""

from __future__ import annotations

import struct
from typing import Final

from gateway.signalling.message import TracedMessage
from gateway.signalling.pcap import ends, instant, payload

_FAMILY: Final = {4: 2, 6: 10}
#: Where the addresses of each version stand: chunks of source and target.
_ADDRESSES: Final = {4: (3, 4), 6: (5, 6)}
_PROTOCOL: Final = {"UDP": 17}
_TCP: Final = 6
_SIP: Final = 1
_HEAD: Final = struct.Struct("!HHH")


def hep_packet(message: TracedMessage, *, capture_id: int, password: str, correlation: str = "") -> bytes:
    """The packet; ``correlation`` ties the messages of one contact together."""
    (source, source_port), (target, target_port) = ends(message)
    seconds, microseconds = instant(message.at)
    from_chunk, to_chunk = _ADDRESSES[source.version]
    chunks = [
        _chunk(1, struct.pack("!B", _FAMILY[source.version])),
        _chunk(2, struct.pack("!B", _PROTOCOL.get(message.transport, _TCP))),
        _chunk(from_chunk, source.packed),
        _chunk(to_chunk, target.packed),
        _chunk(7, struct.pack("!H", source_port)),
        _chunk(8, struct.pack("!H", target_port)),
        _chunk(9, struct.pack("!I", seconds)),
        _chunk(10, struct.pack("!I", microseconds)),
        _chunk(11, struct.pack("!B", _SIP)),
        _chunk(12, struct.pack("!I", capture_id)),
    ]
    if password:
        chunks.append(_chunk(14, password.encode()))
    if correlation:
        chunks.append(_chunk(17, correlation.encode()))
    room = 65_507 - 6 - 6 - sum(map(len, chunks))
    chunks.append(_chunk(15, payload(message)[:room]))
    body = b"".join(chunks)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


def _chunk(kind: int, data: bytes) -> bytes:
    return _HEAD.pack(0, kind, _HEAD.size + len(data)) + data

"""Messages as a capture file (pcap, LINKTYPE_ETHERNET) for Wireshark and its like. Pure.

Every message is one UDP datagram from its sender to its receiver at its time, whatever carried it: over TLS and
WebSocket nothing else could be read, and the headers of TCP are not kept.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from datetime import datetime
from typing import Final, TypeAlias

from gateway.signalling.message import TracedMessage
from gateway.signalling.selection import host_and_port
from gateway.sip.masking import sendable

#: What the file is called by HTTP.
MEDIA_TYPE: Final = "application/vnd.tcpdump.pcap"
#: Longest payload of a UDP datagram over IPv4 (RFC 768, RFC 791); what is longer is cut.
MAX_PAYLOAD_BYTES: Final = 65_507

_LINKTYPE_ETHERNET: Final = 1
_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_UDP: Final = 17
_HOPS: Final = 64

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def capture(messages: Iterable[TracedMessage]) -> bytes:
    """A capture file of these messages, in their order."""
    out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, _LINKTYPE_ETHERNET))
    for message in messages:
        frame = _frame(message)
        seconds, microseconds = instant(message.at)
        out += struct.pack("<IIII", seconds, microseconds, len(frame), len(frame)) + frame
    return bytes(out)


def instant(at: datetime) -> tuple[int, int]:
    """Seconds since 1970, and microseconds."""
    return int(at.timestamp()), at.microsecond


def ends(message: TracedMessage) -> tuple[tuple[Address, int], tuple[Address, int]]:
    """Sender and receiver; both of one IP version (an IPv4 address beside an IPv6 one is a mapped one)."""
    pair = [_end(message.local), _end(message.remote)]
    if pair[0][0].version != pair[1][0].version:
        pair = [(_mapped(address), port) for address, port in pair]
    first, second = pair if message.outgoing else reversed(pair)
    return first, second


def payload(message: TracedMessage) -> bytes:
    """The message's bytes, as long as its Content-Length says."""
    return sendable(message.text)[:MAX_PAYLOAD_BYTES]


def _end(address: str) -> tuple[Address, int]:
    host, port = host_and_port(address)
    return ipaddress.ip_address(host), port


def _mapped(address: Address) -> ipaddress.IPv6Address:
    if address.version == 6:
        return address
    return ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)


def _frame(message: TracedMessage) -> bytes:
    (source, source_port), (target, target_port) = ends(message)
    data = payload(message)
    length = 8 + len(data)
    pseudo = source.packed + target.packed + struct.pack("!II", length, _UDP)
    udp = struct.pack("!HHHH", source_port, target_port, length, 0) + data
    check = _checksum(pseudo + udp) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", check) + data
    if source.version == 4:
        kind = _IPV4
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, _HOPS, _UDP, 0) + source.packed + target.packed
        head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    else:
        kind = _IPV6
        head = struct.pack("!IHBB", 6 << 28, length, _UDP, _HOPS) + source.packed + target.packed
    return _station(target) + _station(source) + struct.pack("!H", kind) + head + udp


def _station(address: Address) -> bytes:
    """A locally administered Ethernet address of its own for each host."""
    return b"\x02\0" + address.packed[-4:]


def _checksum(data: bytes) -> int:
    """RFC 1071: the sum of 16-bit words in one's complement is the value modulo 65535 (a zero is 65535)."""
    value = int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF
    return 0xFFFF - value

"""Datagrams as tshark sees them: a capture file made of what a test received, read by a program of others."""

from __future__ import annotations

import ipaddress
import json
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_RAW_IP = 101  # LINKTYPE_RAW

Address = tuple[str, int]


def write(path: Path, datagrams: Iterable[tuple[Address, Address, bytes]]) -> None:
    """A capture file of UDP datagrams: from, to, payload; a millisecond apart."""
    out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _RAW_IP))
    for number, (source, target, data) in enumerate(datagrams):
        addresses = ipaddress.ip_address(source[0]).packed + ipaddress.ip_address(target[0]).packed
        head = struct.pack("!HHH", source[1], target[1], 8 + len(data))
        udp = head + struct.pack("!H", _checksum(addresses, head + bytes(2) + data)) + data
        if len(addresses) == 8:
            packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses + udp
        else:
            packet = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + addresses + udp
        out += struct.pack("<IIII", 1, 1000 * number, len(packet), len(packet)) + packet
    path.write_bytes(out)


def _checksum(addresses: bytes, udp: bytes) -> int:
    """Of UDP over IPv6 (RFC 8200 section 8.1); over IPv4 none is needed."""
    if len(addresses) == 8:
        return 0
    summed = addresses + struct.pack("!II", len(udp), 17) + udp + bytes(len(udp) % 2)
    total = sum(int.from_bytes(summed[at : at + 2], "big") for at in range(0, len(summed), 2))
    return 0xFFFF - total % 0xFFFF or 0xFFFF


def read(path: Path, *options: str) -> list[dict[str, Any]]:
    """Every packet as tshark dissects it: a dictionary of layers."""
    command = ["tshark", "-n", "-r", str(path), "-T", "json", "--no-duplicate-keys", *options]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def complaints(layers: Any) -> list[str]:
    """What tshark finds malformed or wrong (expert information of severity warning and above) in a packet."""
    found: list[str] = []
    if isinstance(layers, dict):
        for name, value in layers.items():
            if name == "_ws.malformed":
                found.append(str(value))
            elif name == "_ws.expert" and int(value.get("_ws.expert.severity", 0)) >= 0x00600000:
                found.append(str(value.get("_ws.expert.message")))
            else:
                found += complaints(value)
    elif isinstance(layers, list):
        found = [text for value in layers for text in complaints(value)]
    return found

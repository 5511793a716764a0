"""Datagrams as tshark sees them: a capture file made of what a test received, read by a program of others."""

from __future__ import annotations

import ipaddress
import json
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_RAW_IPV4 = 101  # LINKTYPE_RAW

Address = tuple[str, int]


def write(path: Path, datagrams: Iterable[tuple[Address, Address, bytes]]) -> None:
    """A capture file of UDP datagrams: from, to, payload; a millisecond apart."""
    out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _RAW_IPV4))
    for number, (source, target, data) in enumerate(datagrams):
        udp = struct.pack("!HHHH", source[1], target[1], 8 + len(data), 0) + data
        addresses = ipaddress.IPv4Address(source[0]).packed + ipaddress.IPv4Address(target[0]).packed
        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses + udp
        out += struct.pack("<IIII", 1, 1000 * number, len(packet), len(packet)) + packet
    path.write_bytes(out)


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

"""The D channel's trace: frames in words, and as a capture file that tshark reads (LINKTYPE_LAPD). Pure.

Capture files: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html>; LINKTYPE_LAPD 203 is a raw LAPD
frame from its address on, without flags and check sequence.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Final

from gateway.isdn import causes
from gateway.isdn.span_calls import TracedFrame

_FILE: Final = struct.Struct("<IHHiIII")
_RECORD: Final = struct.Struct("<IIII")
_MAGIC_NANOSECONDS: Final = 0xA1B23C4D
_LAPD: Final = 203
_SNAP: Final = 65_535

#: Q.931 table 4-2.
_MESSAGES: Final = {
    0x01: "ALERTING",
    0x02: "CALL PROCEEDING",
    0x03: "PROGRESS",
    0x05: "SETUP",
    0x07: "CONNECT",
    0x0D: "SETUP ACKNOWLEDGE",
    0x0F: "CONNECT ACKNOWLEDGE",
    0x24: "HOLD",
    0x28: "HOLD ACKNOWLEDGE",
    0x30: "HOLD REJECT",
    0x31: "RETRIEVE",
    0x33: "RETRIEVE ACKNOWLEDGE",
    0x37: "RETRIEVE REJECT",
    0x45: "DISCONNECT",
    0x46: "RESTART",
    0x4D: "RELEASE",
    0x4E: "RESTART ACKNOWLEDGE",
    0x5A: "RELEASE COMPLETE",
    0x62: "FACILITY",
    0x6E: "NOTIFY",
    0x75: "STATUS ENQUIRY",
    0x7B: "INFORMATION",
    0x7D: "STATUS",
}
_UNNUMBERED: Final = {0x6F: "SABME", 0x0F: "DM", 0x03: "UI", 0x43: "DISC", 0x63: "UA", 0x87: "FRMR", 0xAF: "XID"}
_SUPERVISORY: Final = {0x01: "RR", 0x05: "RNR", 0x09: "REJ"}
_CAUSE, _CHANNEL, _CALLING, _CALLED = 0x08, 0x18, 0x6C, 0x70
_Q931: Final = 0x08


def capture(frames: Iterable[TracedFrame]) -> bytes:
    """A capture file with times in nanoseconds."""
    parts = [_FILE.pack(_MAGIC_NANOSECONDS, 2, 4, 0, 0, _SNAP, _LAPD)]
    for frame in frames:
        seconds = int(frame.at.timestamp())
        parts.append(_RECORD.pack(seconds, frame.at.microsecond * 1000, len(frame.data), len(frame.data)))
        parts.append(frame.data)
    return b"".join(parts)


def explained(frame: TracedFrame) -> dict[str, Any]:
    """A frame in words: ``name`` of its message (or of the frame), call reference, details."""
    told: dict[str, Any] = {
        "at": frame.at.isoformat(),
        "sent": frame.sent,
        "name": "malformed",
        "reference": None,
        "octets": frame.data.hex(),
    }
    data = frame.data
    if len(data) < 3:
        return told
    control = data[2]
    if control & 1:
        if control & 3 == 3:
            told["name"] = _UNNUMBERED.get(control & ~0x10, "unnumbered")
        else:
            told["name"] = _SUPERVISORY.get(control, "supervisory")
        return told
    told["name"] = "I"
    return told | _message(data[4:])


def _message(data: bytes) -> dict[str, Any]:
    if len(data) < 3 or data[0] != _Q931:
        return {}
    length = data[1] & 0x0F
    if len(data) < 3 + length:
        return {}
    reference = int.from_bytes(data[2 : 2 + length], "big")
    mask = (1 << (8 * length - 1)) - 1 if length else 0
    told: dict[str, Any] = {
        "name": _MESSAGES.get(data[2 + length], f"message {data[2 + length]:#04x}"),
        "reference": reference & mask,
    }
    return told | _elements(data[3 + length :])


def _elements(data: bytes) -> dict[str, Any]:
    """Cause, channel and numbers; what cannot be read is left out."""
    told: dict[str, Any] = {}
    at = 0
    while at < len(data):
        kind = data[at]
        if kind & 0x80:  # one octet, or a shift of the code set
            at += 1
            continue
        if at + 2 > len(data):
            break
        body = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
        if kind == _CAUSE and len(body) >= 2:
            cause = body[-1] & 0x7F if len(body) == 2 else body[1] & 0x7F
            told["cause"] = cause
            told["cause_text"] = causes.text_of(cause) if cause else ""
        elif kind == _CHANNEL and len(body) >= 3:
            told["channel"] = body[-1] & 0x7F
        elif kind == _CALLED and body:
            told["called"] = _digits(body)
        elif kind == _CALLING and body:
            told["caller"] = _digits(body)
    return told


def _digits(body: bytes) -> str:
    """After the octets of type, plan and presentation, the last of which has bit 8 set."""
    begin = next((number + 1 for number, octet in enumerate(body) if octet & 0x80), len(body))
    return "".join(chr(octet & 0x7F) for octet in body[begin:] if 0x20 < octet & 0x7F < 0x7F)

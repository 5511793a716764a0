"""A glance at the bytes of a new INVITE: enough to refuse it, for a fraction of what reading it costs. Pure.

Only the usual form is understood: one line a header, full or compact names, a top Via with an empty ``rport``. Of
anything else the glance says nothing, and the INVITE is read in full.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: The head of one that can be glanced at; a longer one is read in full.
_MAX_HEAD_BYTES: Final = 4096
_REQUEST: Final = re.compile(rb"INVITE sips?:([^:@;?> %\r]*)@[^ \r]+ SIP/2\.0\r\n")
_NAMES: Final = rb"(via|v|from|f|to|t|call-id|i|cseq)"
_LINE: Final = re.compile(rb"^" + _NAMES + rb"[ \t]*:[ \t]*([^\r\n]*)\r$", re.IGNORECASE | re.MULTILINE)
_USER: Final = re.compile(rb"sips?:([^@:;?>%\r]*)@", re.IGNORECASE)
_RPORT: Final = re.compile(rb";[ \t]*rport(?=[;,]|$)", re.IGNORECASE)
_FULL: Final = {b"v": b"via", b"f": b"from", b"t": b"to", b"i": b"call-id"}


@dataclass(frozen=True, slots=True)
class Glance:
    """What was seen of an INVITE outside any dialog; header values as they stand."""

    dialled: str
    caller: str
    call_id: str
    vias: tuple[bytes, ...]
    from_: bytes
    to: bytes
    cseq: bytes

    def refusal(self, host: str, port: int, *, tag: str, retry_after_seconds: int) -> bytes:
        """A stateless 503 for the source ``host``:``port`` (RFC 3261 section 8.2.7, rport of RFC 3581)."""
        source = f";received={host};rport={port}".encode()
        top = _RPORT.sub(source, self.vias[0], count=1)
        lines = [
            b"SIP/2.0 503 Service Unavailable",
            *(b"Via: " + via for via in (top, *self.vias[1:])),
            b"From: " + self.from_,
            b"To: " + self.to + f";tag={tag}".encode(),
            b"Call-ID: " + self.call_id.encode(),
            b"CSeq: " + self.cseq,
            b'Reason: Q.850;cause=42;text="Switching equipment congestion"',
            f"Retry-After: {retry_after_seconds}".encode(),
            b"Content-Length: 0\r\n\r\n",
        ]
        return b"\r\n".join(lines)


def glance(data: bytes) -> Glance | None:
    """Look at a datagram; None when it is no new INVITE, or not of the usual form."""
    request = _REQUEST.match(data)
    if request is None or not request[1].isascii():
        return None
    end = data.find(b"\r\n\r\n", request.end() - 2, _MAX_HEAD_BYTES)
    if end < 0:
        return None
    head = data[request.end() : end + 2]
    if b"\r\n " in head or b"\r\n\t" in head or not head.isascii() or b"\0" in head:
        return None
    found: dict[bytes, list[bytes]] = {}
    for name, value in _LINE.findall(head):
        lower = name.lower()
        found.setdefault(_FULL.get(lower, lower), []).append(value)
    return _glance(request[1], found)


def _glance(dialled: bytes, found: dict[bytes, list[bytes]]) -> Glance | None:
    vias = found.pop(b"via", [])
    if len(found) != 4 or any(len(values) != 1 for values in found.values()):
        return None
    from_, to, call_id, cseq = (found[key][0] for key in (b"from", b"to", b"call-id", b"cseq"))
    top = vias[0].partition(b",")[0] if vias else b""
    caller = _USER.search(from_)
    if caller is None or not _RPORT.search(top) or b'"' in top or b";tag=" in to.lower().replace(b" ", b""):
        return None
    return Glance(
        dialled.decode(), caller[1].decode(), call_id.strip().decode(), tuple(vias), from_, to.rstrip(), cseq
    )

"""Messages for the tests of the trace."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from ccplatform.contracts.words import ContactId
from gateway.signalling.message import TracedMessage, traced_message
from gateway.sip.masking import masked

BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LOCAL = "192.0.2.1:5060"


def request(
    method: str = "INVITE",
    *,
    caller: str = "13800000001",
    called: str = "95000",
    call_id: str = "a@b",
    extra: str = "",
    body: str = "",
) -> bytes:
    return (
        f"{method} sip:{called}@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1\r\n"
        f'From: "sip:x@y" <sip:{caller}@192.0.2.4>;tag=a1\r\nTo: <sip:{called}@192.0.2.1>\r\n'
        f"Call-ID: {call_id}\r\n"
        f"CSeq: 7 {method}\r\nMax-Forwards: 70\r\n{extra}Content-Length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()


def response(
    status: int = 200, method: str = "INVITE", *, caller: str = "13800000001", called: str = "95000"
) -> bytes:
    return (
        f"SIP/2.0 {status} Word\r\nVia: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1\r\n"
        f"f: <sip:{caller}@192.0.2.4>;tag=a1\r\nt: <sip:{called}@192.0.2.1>;tag=b\r\ni: a@b\r\n"
        f"CSeq: 7 {method}\r\nl: 0\r\n\r\n"
    ).encode()


def message(data: bytes | None = None, number: int = 1, **changed: Any) -> TracedMessage:
    fields: dict[str, Any] = {
        "at": BEGIN + timedelta(seconds=number),
        "outgoing": False,
        "transport": "UDP",
        "local": LOCAL,
        "remote": "192.0.2.4:5060",
        "contact": None,
    }
    return traced_message(masked(request() if data is None else data), number=number, **fields | changed)


def row(
    data: bytes, *, at: float = 0.0, outgoing: bool = False, contact: str = "", remote: str = "192.0.2.4:5060"
) -> list[Any]:
    """A message as it comes over the link."""
    return [at, outgoing, "UDP", LOCAL, remote, contact, base64.b64encode(data).decode()]


CONTACT = ContactId("0198b0c0-0000-7000-8000-000000000001")

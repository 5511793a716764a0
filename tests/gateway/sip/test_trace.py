"""The trace: bounded before a contact owns it, masked always."""

from __future__ import annotations

import pytest

from ccplatform.contracts.words import ContactId, LegId
from gateway.sip.parser import parse_message
from gateway.sip.trace import MAX_MESSAGES, Seen, SignallingTrace

OWNER = (ContactId("contact"), LegId("leg"))


def message(call_id: str = "a@b", method: str = "INVITE", extra: str = "", body: str = "") -> bytes:
    return (
        f"{method} sip:95000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1\r\n"
        f"From: <sip:8001@192.0.2.4>;tag=a1\r\nTo: <sip:95000@192.0.2.1>\r\nCall-ID: {call_id}\r\n"
        f"CSeq: 7 {method}\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def see(trace: SignallingTrace, data: bytes) -> object:
    return trace.seen(Seen(parse_message(data), data, "UDP", "192.0.2.1:5060", "192.0.2.4:5060", False), 0.0)


def test_messages_wait_for_their_contact_and_are_facts_from_then_on() -> None:
    trace = SignallingTrace()
    assert see(trace, message()) is None
    assert len(trace.adopt("a@b", *OWNER)) == 1
    assert see(trace, message()) is not None
    trace.forget("a@b")
    assert see(trace, message()) is None


def test_what_waits_is_bounded_in_number_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = SignallingTrace()
    for _ in range(MAX_MESSAGES + 10):
        see(trace, message())
    assert len(trace.adopt("a@b", *OWNER)) == MAX_MESSAGES
    monkeypatch.setattr("gateway.sip.trace.MAX_WAITING_BYTES", 10_000)
    for number in range(100):
        see(trace, message(f"{number}@b", body="x" * 500))
    kept = [number for number in range(100) if trace.adopt(f"{number}@b", *OWNER)]
    assert kept == list(range(100 - len(kept), 100))
    assert 0 < len(kept) < 10


def test_registrations_and_probes_are_not_traced() -> None:
    trace = SignallingTrace()
    see(trace, message(method="REGISTER"))
    see(trace, message(method="OPTIONS"))
    assert trace.adopt("a@b", *OWNER) == []

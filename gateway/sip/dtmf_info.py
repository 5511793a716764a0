"""DTMF in SIP INFO: application/dtmf-relay and application/dtmf."""

from __future__ import annotations

from typing import Final

from gateway.errors import SipParseError
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.responses import response_to

#: Content types whose bodies carry digits.
DTMF_TYPES: Final = ("application/dtmf-relay", "application/dtmf")
_DIGITS: Final = {str(n): str(n) for n in range(10)} | {
    "*": "*", "#": "#", "10": "*", "11": "#", "A": "A", "B": "B", "C": "C", "D": "D",
}  # fmt: skip


def digit_of(content_type: str, body: bytes) -> str:
    """The digit of an INFO body; raises :class:`SipParseError` when there is none."""
    text = body[:200].decode("ascii", "replace")
    if content_type == "application/dtmf-relay":
        for line in text.splitlines():
            name, equals, value = line.partition("=")
            if equals and name.strip().lower() == "signal":
                text = value
                break
        else:
            raise SipParseError("no Signal line", "INFO body")
    digit = _DIGITS.get(text.strip().upper())
    if digit is None:
        raise SipParseError("no DTMF digit", "INFO body")
    return digit


def answer_to_info(request: SipRequest, to_tag: str) -> tuple[SipResponse, str | None]:
    """The response to an INFO, with the digit that it brought; an empty one asks whether we are there."""
    if not request.body:
        return response_to(request, 200), None
    if request.content_type not in DTMF_TYPES:
        refusal = response_to(request, 415, to_tag=to_tag)
        refusal.headers.put("accept", ", ".join(DTMF_TYPES))
        return refusal, None
    try:
        return response_to(request, 200), digit_of(request.content_type, request.body)
    except SipParseError:
        return response_to(request, 400, to_tag=to_tag), None

"""DTMF in SIP INFO: application/dtmf-relay and application/dtmf."""

from __future__ import annotations

from typing import Final

from gateway.errors import SipParseError

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

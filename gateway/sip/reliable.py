"""Reliable provisional responses (RFC 3262), both sides. Pure.

Ours carry no session description, so an INVITE may be answered before they are acknowledged (section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.errors import SipParseError
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.syntax import parse_number
from gateway.sip.transactions import TimerValues

_FIRST: Final = 1


@dataclass(slots=True)
class ReliableRinging:
    """A 180 that is repeated until its PRACK comes."""

    response: SipResponse
    interval: float
    repeat_at: float
    give_up_at: float

    @classmethod
    def made(cls, response: SipResponse, timers: TimerValues, now: float) -> ReliableRinging:
        """Make a provisional response reliable."""
        response.headers.put("require", "100rel")
        response.headers.put("rseq", str(_FIRST))
        return cls(response, timers.t1, now + timers.t1, now + 64 * timers.t1)

    def next_deadline(self) -> float:
        """When it is to be repeated or given up."""
        return min(self.repeat_at, self.give_up_at)

    def repeats(self, now: float) -> bool:
        """Whether to send it again now; the pause doubles (section 3)."""
        if now < self.repeat_at:
            return False
        self.interval *= 2
        self.repeat_at = now + self.interval
        return True

    def acknowledged_by(self, prack: SipRequest) -> bool:
        """Whether this PRACK is for it."""
        return rack_of(prack) == (_FIRST, str(self.response.cseq))


def wants_reliable(invite: SipRequest) -> bool:
    """Whether the caller insists."""
    return "100rel" in invite.headers.tokens("require")


def rack_of(prack: SipRequest) -> tuple[int, str]:
    """RSeq number and CSeq of a RAck header; raises :class:`SipParseError`."""
    parts = (prack.headers.first("rack") or "").split()
    if len(parts) != 3:
        raise SipParseError("not a response number, a CSeq number and a method", "RAck")
    return parse_number(parts[0], "RAck"), f"{parse_number(parts[1], 'RAck')} {parts[2]}"


def sequence_of(response: SipResponse) -> int | None:
    """The RSeq of a provisional response that must be acknowledged, else None."""
    if not 100 < response.status < 200 or "100rel" not in response.headers.tokens("require"):
        return None
    return response.number("rseq")

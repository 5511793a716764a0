"""A 2xx to an INVITE, repeated by us until its ACK comes (RFC 3261 section 13.3.1.4)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.transaction_layer import ServerKey
from gateway.sip.transactions import TimerValues


@dataclass(slots=True)
class Unacknowledged:
    """``offered``: it carries our offer, so that its ACK must carry the answer."""

    transaction: ServerKey
    response: SipResponse
    sequence: int
    offered: bool
    interval: float
    repeat_at: float
    give_up_at: float

    @classmethod
    def sent(
        cls, key: ServerKey, invite: SipRequest, response: SipResponse, timers: TimerValues, now: float
    ) -> Unacknowledged:
        """It goes out now."""
        t1 = timers.t1
        return cls(key, response, invite.cseq.number, not invite.body, t1, now + t1, now + 64 * t1)

    def next_deadline(self) -> float:
        """When it is to be repeated or given up."""
        return min(self.repeat_at, self.give_up_at)

    def repeats(self, now: float, longest: float) -> bool:
        """Whether to send it again now; the pause doubles up to ``longest``."""
        if now < self.repeat_at:
            return False
        self.interval = min(self.interval * 2, longest)
        self.repeat_at = now + self.interval
        return True

"""Voice quality of all legs over two hours: one-way delay, loss per direction, MOS (R10.3.1.3, R10.3.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ccplatform.contracts.facts import LegMeasured, MediaMoved
from metrics.contacts import Contacts
from metrics.emodel import mos
from metrics.model import HOURLY, TWO_HOURS, Observation, Observed, Stamp, microseconds
from metrics.windows import SlidingSums

#: One-way delay that a call should stay below (R10.3.1.3).
DELAY_LIMIT_US: Final = 400_000
#: Loss that a direction should stay below (R10.3.1.3).
LOSS_LIMIT: Final = 0.05


class Condition(StrEnum):
    """The network conditions of R10.3.1.4, told from what was measured on the leg."""

    GOOD = "good"
    POOR = "poor"
    BAD = "bad"


#: Loss (0…1), jitter and delay (seconds) from which the network is poor, and bad.
_POOR: Final = (0.01, 0.020, 0.100)
_BAD: Final = (0.05, 0.060, 0.400)


def condition_of(loss: float, jitter: float, delay: float) -> Condition:
    """The worst condition that one of the three reaches."""
    measured = (loss, jitter, delay)
    for condition, limits in ((Condition.BAD, _BAD), (Condition.POOR, _POOR)):
        if any(value >= limit for value, limit in zip(measured, limits, strict=True)):
            return condition
    return Condition.GOOD


@dataclass(frozen=True, slots=True)
class VoiceSums:
    """What a window measured; *in* is towards the centre, *out* towards the far end."""

    calls: int
    quick_calls: int  # below the delay limit
    legs: int
    clean_legs: int  # below the loss limit in both directions
    expected_in: int
    lost_in: int
    sent_out: int
    lost_out: int

    @property
    def worse_loss(self) -> float | None:
        """The loss of the worse direction."""
        losses = [
            lost / packets
            for lost, packets in ((self.lost_in, self.expected_in), (self.lost_out, self.sent_out))
            if packets
        ]
        return max(losses, default=None)


class Voice:
    """Sums of measured legs over windows of up to two hours."""

    def __init__(self, *, contacts: Contacts) -> None:
        self._contacts = contacts
        self._delays = SlidingSums(HOURLY, 2)
        self._packets = SlidingSums(HOURLY, 6)

    def measured(self, fact: LegMeasured, stamp: Stamp, out: list[Observation]) -> None:
        """A leg ended and was measured."""
        expected = fact.packets_received + fact.packets_lost
        loss_in = fact.packets_lost / expected if expected else 0.0
        if fact.delay_seconds is not None:
            self._count_delay(fact.contact, microseconds(fact.delay_seconds), stamp.second)
            out.append(Observed("cc_voice_delay_seconds", fact.delay_seconds))
        if not expected and not fact.packets_sent:
            return
        reported = fact.remote_packets_lost is not None and fact.packets_sent > 0
        sent = fact.packets_sent if reported else 0
        lost_out = min(fact.remote_packets_lost or 0, sent) if reported else 0
        clean = loss_in < LOSS_LIMIT and (not sent or lost_out / sent < LOSS_LIMIT)
        self._packets.add(stamp.second, 1, int(clean), expected, fact.packets_lost, sent, lost_out)
        if expected:
            _observe(fact, loss_in, out)

    def moved(self, fact: MediaMoved, stamp: Stamp, out: list[Observation]) -> None:
        """A leg's sound goes on through another media worker."""
        out.append(Observed("cc_media_gap_seconds", fact.gap_seconds))

    def sums(self, now: int, window: int = TWO_HOURS) -> VoiceSums:
        """The window (of `model.HOURLY`) before ``now``."""
        calls, quick = self._delays.totals(now, window)
        return VoiceSums(calls, quick, *self._packets.totals(now, window))

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {"delays": self._delays.snapshot(), "packets": self._packets.snapshot()}

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        self._delays.restore(data["delays"])
        self._packets.restore(data["packets"])

    def _count_delay(self, name: str, delay_us: int, second: int) -> None:
        """One sample a call, its worst leg; a leg whose contact is not known any more counts by itself."""
        contact = self._contacts.get(name)
        if contact is not None:
            if contact.delay_us >= 0:
                if delay_us <= contact.delay_us:
                    return
                self._delays.add(contact.delay_second, -1, -int(contact.delay_us < DELAY_LIMIT_US))
                second = contact.delay_second
            contact.delay_second, contact.delay_us = second, delay_us
        self._delays.add(second, 1, int(delay_us < DELAY_LIMIT_US))


def _observe(fact: LegMeasured, loss: float, out: list[Observation]) -> None:
    delay = fact.delay_seconds or 0.0
    heard = fact.packets_received - fact.packets_discarded
    unheard = 1.0 - heard / (fact.packets_received + fact.packets_lost)
    score = fact.mos if fact.mos is not None else mos(unheard, delay, fact.burst_ratio)
    condition = condition_of(loss, fact.jitter_seconds, delay)
    out.append(Observed("cc_rtp_loss_ratio", loss))
    out.append(Observed("cc_rtp_jitter_seconds", fact.jitter_seconds))
    out.append(Observed("cc_voice_mos", score, (condition.value,)))

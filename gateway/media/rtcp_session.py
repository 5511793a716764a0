"""The RTCP exchange of one leg: what we report, and what the peer reports about us."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.media.audio import FRAME
from gateway.media.reception import Reception
from gateway.media.rtcp import Report, ReportBlock, SenderInfo, build, middle, ntp_time
from gateway.media.sending import Sender

_UNITS: Final = 65536
_LONGEST_ROUND_TRIP: Final = 10.0


@dataclass(slots=True, kw_only=True)
class RtcpSession:
    """``wall_offset`` added to monotonic time gives the time of the NTP stamps: it is fixed at the start of the
    worker, so that setting the system's clock disturbs no round-trip time.
    """

    row: int
    cname: str
    wall_offset: float
    round_trip_seconds: float | None = None
    remote_lost: int | None = None
    remote_loss_share: float = 0.0  # of what we sent between the last two reports
    _last_report: int = 0
    _last_report_at: float = 0.0
    _expected_before: int = field(default=0)
    _received_before: int = field(default=0)

    def report(self, reception: Reception, sender: Sender, now: float, goodbye: bool = False) -> bytes:
        """The compound packet that is due now."""
        row = self.row
        sent = int(sender.packets_sent[row])
        info = None
        if sent:
            info = SenderInfo(
                ntp=ntp_time(now + self.wall_offset),
                rtp_timestamp=int(sender.clock[row]),
                packets=sent,
                octets=sent * FRAME,
            )
        block = self._block(reception, now) if reception.started[row] else None
        return build(int(sender.ssrc[row]), self.cname, info, block, goodbye)

    def take(self, reports: list[Report], own_ssrc: int, now: float) -> None:
        """Learn from a parsed packet of the peer; blocks about other streams are passed over."""
        for report in reports:
            if report.sender is not None:
                self._last_report, self._last_report_at = middle(report.sender.ntp), now
            for block in report.blocks:
                if block.ssrc == own_ssrc:
                    self._learn(block, now)

    def _learn(self, block: ReportBlock, now: float) -> None:
        self.remote_lost = max(0, block.lost)
        self.remote_loss_share = block.fraction_lost / 256
        if block.last_report == 0:
            return
        arrived = middle(ntp_time(now + self.wall_offset))
        units = (arrived - block.last_report - block.delay) & 0xFFFFFFFF
        if units <= _LONGEST_ROUND_TRIP * _UNITS:
            self.round_trip_seconds = units / _UNITS

    def _block(self, reception: Reception, now: float) -> ReportBlock:
        row = self.row
        highest = int(reception.highest[row]) - 0x10000
        received = int(reception.received[row])
        expected = received + reception.lost(row)
        interval = expected - self._expected_before
        missing = max(0, interval - (received - self._received_before))
        self._expected_before, self._received_before = expected, received
        delay = round((now - self._last_report_at) * _UNITS) if self._last_report else 0
        return ReportBlock(
            ssrc=int(reception.ssrc[row]),
            fraction_lost=min(255, missing * 256 // interval) if interval > 0 else 0,
            lost=expected - received,
            highest=highest & 0xFFFFFFFF,
            jitter=min(int(reception.jitter[row]), 0xFFFFFFFF),
            last_report=self._last_report,
            delay=min(delay, 0xFFFFFFFF),
        )

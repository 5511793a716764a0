"""The RTCP exchange of one leg: where its reports go, and what the peer reports about us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.media.addresses import NOWHERE
from gateway.media.rtcp import Report, ReportBlock, middle, ntp_time
from gateway.media.rtcp_reports import RtcpReports

_UNITS: Final = 65536
_LONGEST_ROUND_TRIP: Final = 10.0


@dataclass(slots=True, kw_only=True)
class RtcpSession:
    """``to`` is where the reports go, nowhere as long as that is not known."""

    row: int
    reports: RtcpReports
    to: int = NOWHERE
    round_trip_seconds: float | None = None
    remote_lost: int | None = None
    remote_loss_share: float = 0.0  # of what we sent between the last two reports

    def aim(self, to: int) -> None:
        """Send reports to an address from now on, or nowhere."""
        if to != self.to:
            self.to = to
            self.reports.aim(self.row, to)

    def take(self, reports: list[Report], own_ssrc: int, now: float, wall: float) -> None:
        """Learn from a parsed packet of the peer; blocks about other streams are passed over.

        ``wall`` is the time of the NTP stamps at ``now``.
        """
        for report in reports:
            if report.sender is not None:
                self.reports.last_report[self.row] = middle(report.sender.ntp)
                self.reports.last_report_at[self.row] = now
            for block in report.blocks:
                if block.ssrc == own_ssrc:
                    self._learn(block, wall)

    def _learn(self, block: ReportBlock, wall: float) -> None:
        self.remote_lost = max(0, block.lost)
        self.remote_loss_share = block.fraction_lost / 256
        if block.last_report == 0:
            return
        arrived = middle(ntp_time(wall))
        units = (arrived - block.last_report - block.delay) & 0xFFFFFFFF
        if units <= _LONGEST_ROUND_TRIP * _UNITS:
            self.round_trip_seconds = units / _UNITS

"""What the far end says it got of what we sent: its RTCP reports (RFC 3550 section 6.4). Pure."""

from __future__ import annotations

from gateway.media.errors import BadRtcp
from gateway.media.rtcp import MAX_RTCP, ReportBlock, parse


class Receipts:
    """Of the stream ``ssrc`` that began with the packet numbered ``first``. The last report counts; one of packets
    that were never sent, and garbage, do not."""

    def __init__(self, *, ssrc: int, first: int) -> None:
        self.expected = 0  # packets up to the last one that is reported of
        self.lost = 0  # of them
        self._ssrc = ssrc
        self._first = first

    def packet(self, data: bytes, sent: int) -> None:
        """Take a compound packet that came after ``sent`` packets had left."""
        if len(data) > MAX_RTCP:
            return
        try:
            reports = parse(data)
        except BadRtcp:
            return
        for report in reports:
            for block in report.blocks:
                if block.ssrc == self._ssrc:
                    self._take(block, sent)

    def _take(self, block: ReportBlock, sent: int) -> None:
        expected = (block.highest - self._first & 0xFFFFFFFF) + 1
        if expected <= sent:
            self.expected, self.lost = expected, min(max(0, block.lost), expected)

"""The RTCP sockets of all legs: reports every five seconds, and what comes back."""

from __future__ import annotations

import select
from contextlib import suppress
from typing import Final

import numpy as np

from gateway.media.addresses import NOWHERE, address_key, host_and_port, same_host
from gateway.media.audio import Rows
from gateway.media.errors import BadRtcp, BadSrtp
from gateway.media.legs import Leg, LegBook
from gateway.media.parts import Parts
from gateway.media.rtcp import MAX_RTCP, goodbye, parse

#: A leg reports once in so many ticks (RFC 3550 section 6.2: five seconds); rows spread the work over them.
_INTERVAL_TICKS: Final = 250
_MAX_PER_TICK: Final = 8


class RtcpExchange:
    """Sends and takes RTCP. Only the host that a leg's RTP comes from is listened to.

    ``wall_offset`` added to monotonic time gives the time of the NTP stamps: it is fixed at the start of the
    worker, so that setting the system's clock disturbs no round-trip time.
    """

    def __init__(self, parts: Parts, legs: LegBook, wall_offset: float) -> None:
        self._parts = parts
        self._legs = legs
        self._wall_offset = wall_offset
        self._poll = select.epoll()
        self._row_of: dict[int, int] = {}
        self._ticks = 0
        self.malformed = 0
        self.strangers = 0

    def add(self, leg: Leg) -> None:
        """Read a leg's socket from now on."""
        fd = leg.ports.rtcp.fileno()
        self._poll.register(fd, select.EPOLLIN)
        self._row_of[fd] = leg.row
        self._parts.reports.begin(leg.row, fd)

    def remove(self, leg: Leg, now: float) -> None:
        """Say goodbye and read it no more."""
        if leg.rtcp.to != NOWHERE:
            self._write([leg], now)
            self._send(leg, goodbye(int(self._parts.sender.ssrc[leg.row])))
        fd = leg.ports.rtcp.fileno()
        del self._row_of[fd]
        self._poll.unregister(fd)

    def close(self) -> None:
        """Free the poll object."""
        self._poll.close()

    def tick(self, now: float) -> None:
        """Take what has arrived; send the reports that are due."""
        for fd, _ in self._poll.poll(0, max(1, len(self._row_of))):
            self._read(self._legs.by_row[self._row_of[fd]], now)
        self._ticks += 1
        turn = range(self._ticks % _INTERVAL_TICKS, self._parts.table.high, _INTERVAL_TICKS)
        legs = [self._legs.by_row[row] for row in turn if row in self._legs.by_row]
        due = [leg for leg in legs if leg.rtcp.to != NOWHERE]
        if due:
            self._write(due, now)
            plain = [leg for leg in due if leg.security is None and not leg.rtcp_mux]
            self._parts.reports.send(_rows(plain))
            for leg in due if len(plain) < len(due) else ():
                if leg.security is not None or leg.rtcp_mux:
                    self._send(leg)

    def _write(self, legs: list[Leg], now: float) -> None:
        self._parts.reports.write(_rows(legs), now, now + self._wall_offset)

    def _send(self, leg: Leg, more: bytes = b"") -> None:
        """Send what was written of a leg, and ``more`` with it."""
        packet = self._parts.reports.packet(leg.row) + more
        if leg.security is not None:
            if leg.security.session is None:
                return
            packet = leg.security.session.protect_rtcp(packet)
        port = leg.ports.rtp if leg.rtcp_mux else leg.ports.rtcp
        with suppress(OSError):  # lost like any datagram
            port.sendto(packet, host_and_port(leg.rtcp.to))

    def _read(self, leg: Leg, now: float) -> None:
        for _ in range(_MAX_PER_TICK):
            try:
                data, (host, source_port, *_) = leg.ports.rtcp.recvfrom(MAX_RTCP)
            except OSError:
                return
            self.take(leg, data, address_key(host, source_port), now)

    def take(self, leg: Leg, data: bytes, source: int, now: float) -> None:
        """Take a packet that came for the leg, on the port of RTCP or, multiplexed, on that of RTP."""
        if leg.security is None and not same_host(source, self._parts.sources.source_of(leg.row)):
            self.strangers += 1
            return
        try:
            reports = parse(data if leg.security is None else leg.security.unprotect_rtcp(data))
        except (BadRtcp, BadSrtp):
            self.malformed += 1
            return
        if not leg.rtcp_mux:
            leg.rtcp.aim(source)
        leg.rtcp.take(reports, int(self._parts.sender.ssrc[leg.row]), now, now + self._wall_offset)
        self._parts.wide.expect_loss(leg.row, leg.rtcp.remote_loss_share)
        self._parts.sources.last_heard[leg.row] = now


def _rows(legs: list[Leg]) -> Rows:
    return np.array([leg.row for leg in legs], dtype=np.intp)

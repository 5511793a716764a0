"""The RTCP sockets of all legs: reports every five seconds, and what comes back."""

from __future__ import annotations

import select
from contextlib import suppress
from typing import Final

from gateway.media.addresses import address_key, host_and_port, same_host
from gateway.media.errors import BadRtcp, BadSrtp
from gateway.media.legs import Leg, LegBook
from gateway.media.parts import Parts
from gateway.media.rtcp import MAX_RTCP, parse

#: A leg reports once in so many ticks (RFC 3550 section 6.2: five seconds); rows spread the work over them.
_INTERVAL_TICKS: Final = 250
_MAX_PER_TICK: Final = 8


class RtcpExchange:
    """Sends and takes RTCP. Only the host that a leg's RTP comes from is listened to."""

    def __init__(self, parts: Parts, legs: LegBook) -> None:
        self._parts = parts
        self._legs = legs
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

    def remove(self, leg: Leg, now: float) -> None:
        """Say goodbye and read it no more."""
        self._send(leg, now, goodbye=True)
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
        for row in range(self._ticks % _INTERVAL_TICKS, self._parts.table.high, _INTERVAL_TICKS):
            leg = self._legs.by_row.get(row)
            if leg is not None:
                self._send(leg, now)

    def _send(self, leg: Leg, now: float, goodbye: bool = False) -> None:
        if leg.rtcp_to is None:
            return
        packet = leg.rtcp.report(self._parts.reception, self._parts.sender, now, goodbye)
        if leg.security is not None:
            if leg.security.session is None:
                return
            packet = leg.security.session.protect_rtcp(packet)
        port = leg.ports.rtp if leg.rtcp_mux else leg.ports.rtcp
        with suppress(OSError):  # lost like any datagram
            port.sendto(packet, leg.rtcp_to)

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
            leg.rtcp_to = host_and_port(source)
        leg.rtcp.take(reports, int(self._parts.sender.ssrc[leg.row]), now)
        self._parts.wide.expect_loss(leg.row, leg.rtcp.remote_loss_share)
        self._parts.sources.last_heard[leg.row] = now

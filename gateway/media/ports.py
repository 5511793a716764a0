"""UDP port pairs for legs: RTP on an even port, RTCP on the next (RFC 3550 section 11)."""

from __future__ import annotations

import errno
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.media.errors import CannotOpenLeg
from gateway.media.packet_io import stamp_arrivals

#: Bytes that wait in the kernel per RTP socket: some 60 packets, more would be too late anyway.
_RECEIVE_BUFFER: Final = 48 * 1024
#: Ports tried for one leg: whoever holds more of them in a row must not hold up the tick.
_TRIES: Final = 64
#: Share of the free ports that may be reserved for legs to come; who asks for one at once gets it.
_SPARE: Final = 0.25
#: ip(7): packets are not to be fragmented anyway; said like this, the kernel need not find an identification for
#: each, which is 4 % of sending it.
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE = 10, 23, 3
_EXPEDITED: Final = 0xB8  # forwarding (RFC 3246)


@dataclass(frozen=True, slots=True)
class PortPair:
    """The two sockets of a leg, bound and non-blocking."""

    port: int
    rtp: socket.socket
    rtcp: socket.socket

    @property
    def ipv6(self) -> bool:
        """Whether they are of IPv6."""
        return self.rtp.family == socket.AF_INET6

    def close(self) -> None:
        """Close both."""
        self.rtp.close()
        self.rtcp.close()


class PortAllocator:
    """Hands out the ports of a range in turn, so that a freed one rests as long as possible. ``bind_ip`` and
    ``bind_ip6`` are where they are bound; a family without address has none."""

    def __init__(self, ports: range, *, bind_ip: str = "", bind_ip6: str = "") -> None:
        self._free = deque(ports)
        self._range = f"{ports[0]}-{ports[-1] + 1}" if ports else "(an empty range)"
        self._hosts = {False: bind_ip, True: bind_ip6}
        self._reserved: dict[int, PortPair] = {}

    def open(self, *, ipv6: bool = False) -> PortPair:
        """Bind a free pair; ports that another program uses are passed over for now."""
        return self._open(_TRIES, ipv6)

    def _open(self, tries: int, ipv6: bool) -> PortPair:
        host = self._hosts[ipv6]
        if not host:
            raise CannotOpenLeg(f"no address of {'IPv6' if ipv6 else 'IPv4'} is set for media")
        for _ in range(min(tries, len(self._free))):
            port = self._free.popleft()
            try:
                return _bind(host, port, ipv6)
            except OSError as error:
                self._free.append(port)
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise CannotOpenLeg(f"cannot bind {host} port {port}: {error.strerror}") from error
        raise CannotOpenLeg(f"no RTP port is free on {host} among {self._range}")

    def reserve(self, count: int, *, ipv6: bool = False) -> list[int]:
        """Bind so many pairs ahead, but at most a share of those that are free; their ports, for :meth:`take`."""
        ports: list[int] = []
        count = min(count, int(len(self._free) * _SPARE))
        with suppress(CannotOpenLeg):
            while len(ports) < count:
                pair = self.open(ipv6=ipv6)
                self._reserved[pair.port] = pair
                ports.append(pair.port)
        return ports

    def take(self, port: int) -> PortPair:
        """The pair that was reserved at a port."""
        pair = self._reserved.pop(port, None)
        if pair is None:
            raise CannotOpenLeg(f"port {port} was not reserved")
        return pair

    def let_go(self) -> None:
        """Give back what is reserved and was not taken."""
        while self._reserved:
            self.give_back(self._reserved.popitem()[1])

    def check(self) -> None:
        """Raise CannotOpenLeg if not even one pair of each family can be bound now."""
        for ipv6, host in self._hosts.items():
            if host:
                self.give_back(self._open(len(self._free), ipv6))

    def give_back(self, pair: PortPair) -> None:
        """Close the sockets; the port goes to the end of the row."""
        pair.close()
        self._free.append(pair.port)


def _bind(host: str, port: int, ipv6: bool) -> PortPair:
    opened: list[socket.socket] = []
    try:
        for number in (port, port + 1):
            family = socket.AF_INET6 if ipv6 else socket.AF_INET
            udp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            opened.append(udp)
            if ipv6:
                udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            udp.bind((host, number))
    except OSError:
        for udp in opened:
            udp.close()
        raise
    rtp, rtcp = opened
    rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    with suppress(OSError):  # only wishes
        if ipv6:
            rtp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED)
            rtp.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE)
        else:
            rtp.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
            rtp.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_PROBE)
    stamp_arrivals(rtp)
    return PortPair(port, rtp, rtcp)

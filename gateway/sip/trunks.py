"""Trunks: the lines to the network, which of them a request came in on, and their channels in use."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from ccplatform.contracts.words import TrunkId
from gateway.errors import BadTrunk, UnknownTrunk
from gateway.sip.flows import TRANSPORTS, Flow

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_CHANNELS: Final = 100_000


class TrunkDirection(StrEnum):
    """Which way calls may go on a trunk, seen from the centre."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """One trunk. ``peers`` are the networks that its calls come from, ``host`` and ``port`` where ours go (an IP
    address; None: it takes no calls). ``capacity`` is its number of channels, both ways together."""

    id: TrunkId
    peers: tuple[str, ...] = ()
    host: str | None = None
    port: int = 5060
    transport: str = "UDP"
    capacity: int = 30
    direction: TrunkDirection = TrunkDirection.BOTH

    def networks(self) -> tuple[Network, ...]:
        """``peers``, parsed."""
        return tuple(ipaddress.ip_network(peer, strict=False) for peer in self.peers)

    def flow(self) -> Flow | None:
        """Where calls to the trunk go."""
        return Flow(self.transport, self.host, self.port) if self.host else None

    def check(self) -> None:
        """Raise :class:`BadTrunk` with the reason when the definition makes no sense."""
        for peer in self.peers:
            try:
                ipaddress.ip_network(peer, strict=False)
            except ValueError as error:
                raise BadTrunk(f"trunk {self.id}: peer {peer!r} is not a network: {error}") from error
        try:
            ipaddress.ip_address(self.host or "127.0.0.1")
        except ValueError as error:
            raise BadTrunk(
                f"trunk {self.id}: host {self.host!r} is not an IP address; names are not looked up yet"
            ) from error
        if self.transport not in TRANSPORTS:
            raise BadTrunk(f"trunk {self.id}: transport {self.transport!r} is none of {', '.join(TRANSPORTS)}")
        if not 0 < self.port < 65536 or not 0 < self.capacity <= MAX_CHANNELS:
            raise BadTrunk(f"trunk {self.id}: port or capacity out of range")
        if self.direction is not TrunkDirection.IN and self.host is None:
            raise BadTrunk(f"trunk {self.id}: direction {self.direction} needs a host")


@lru_cache(maxsize=4096)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(host)


class TrunkDirectory:
    """The configured trunks, in memory. One whose peer address and port match wins over networks; of networks the
    longest prefix wins."""

    def __init__(self, trunks: Iterable[Trunk] = ()) -> None:
        self.replace(trunks)

    def replace(self, trunks: Iterable[Trunk]) -> None:
        """Take another set of trunks; calls in progress are not touched."""
        self._trunks = {trunk.id: trunk for trunk in trunks}
        networks = [(network, trunk) for trunk in self._trunks.values() for network in trunk.networks()]
        self._networks = sorted(networks, key=lambda item: -item[0].prefixlen)
        self._peers = {
            (trunk.host, trunk.port): trunk for trunk in self._trunks.values() if trunk.host is not None
        }

    def get(self, trunk: TrunkId) -> Trunk:
        """The trunk of that id; raises :class:`UnknownTrunk`."""
        found = self._trunks.get(trunk)
        if found is None:
            raise UnknownTrunk(f"no trunk {trunk!r}")
        return found

    def all(self) -> tuple[Trunk, ...]:
        """Every trunk."""
        return tuple(self._trunks.values())

    def of_source(self, flow: Flow) -> Trunk | None:
        """The trunk that a request from this address belongs to."""
        peer = self._peers.get((flow.host, flow.port))
        if peer is not None:
            return peer
        address = _address(flow.host)
        return next((trunk for network, trunk in self._networks if address in network), None)


class TrunkChannels:
    """Counts the channels in use, for capacity and Erlangs. ``changed(trunk, in_use, capacity)`` hears of each
    change."""

    def __init__(self, directory: TrunkDirectory, changed: Callable[[TrunkId, int, int], None]) -> None:
        self._directory = directory
        self._changed = changed
        self._in_use: dict[TrunkId, int] = {}

    def in_use(self, trunk: TrunkId) -> int:
        """Channels in use."""
        return self._in_use.get(trunk, 0)

    def free(self, trunk: Trunk) -> bool:
        """Whether one more call fits."""
        return self.in_use(trunk.id) < trunk.capacity

    def seize(self, trunk: Trunk) -> None:
        """Take a channel; whoever seizes looks first whether one is free (a restored call may exceed)."""
        self._set(trunk.id, self.in_use(trunk.id) + 1, trunk.capacity)

    def release(self, trunk: TrunkId) -> None:
        """Give a channel back."""
        known = {found.id: found.capacity for found in self._directory.all()}
        self._set(trunk, max(0, self.in_use(trunk) - 1), known.get(trunk, 0))

    def _set(self, trunk: TrunkId, in_use: int, capacity: int) -> None:
        self._in_use[trunk] = in_use
        self._changed(trunk, in_use, capacity)

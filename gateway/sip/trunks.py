"""The configured trunks, which of them a request came in on, and their channels in use."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from ccplatform.contracts.words import TrunkId
from gateway.errors import UnknownTrunk
from gateway.sip.digest_client import DigestClient
from gateway.sip.flows import Flow
from gateway.sip.trunk import Trunk, TrunkProof


@lru_cache(maxsize=4096)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(host)


class TrunkDirectory:
    """The configured trunks, in memory. One whose peer address and port match wins over networks; of networks the
    longest prefix wins. ``random_bytes`` makes the client nonces of their accounts."""

    def __init__(self, trunks: Iterable[Trunk] = (), *, random_bytes: Callable[[int], bytes] = bytes) -> None:
        self._random_bytes = random_bytes
        self._clients: dict[TrunkId, DigestClient] = {}
        self._learned: dict[TrunkId, tuple[Flow, ...]] = {}
        self.replace(trunks)

    def replace(self, trunks: Iterable[Trunk]) -> None:
        """Take another set of trunks; calls in progress are not touched."""
        self._trunks = {trunk.id: trunk for trunk in trunks}
        networks = [(network, trunk) for trunk in self._trunks.values() for network in trunk.networks()]
        self._networks = sorted(networks, key=lambda item: -item[0].prefixlen)
        self._accounts = {
            trunk.credentials.user: trunk
            for trunk in self._trunks.values()
            if trunk.credentials is not None and trunk.proof is not TrunkProof.IP
        }
        self._clients = {trunk.id: client for trunk in self._trunks.values() if (client := self._client(trunk))}
        self._index()

    def learn(self, trunk: TrunkId, flows: Iterable[Flow]) -> None:
        """The servers of a trunk have these addresses now: what comes from them is the trunk's."""
        self._learned[trunk] = tuple(flows)
        self._index()

    def _index(self) -> None:
        """Sources by address and port, and of servers that have a name or a registration of ours by address alone:
        these may call over connections of their own."""
        self._learned = {trunk: flows for trunk, flows in self._learned.items() if trunk in self._trunks}
        self._peers: dict[tuple[str, int], Trunk] = {}
        self._hosts: dict[str, Trunk] = {}
        for trunk in self._trunks.values():
            given = (flow for server in trunk.servers() if (flow := server.flow()) is not None)
            for flow in (*given, *self._learned.get(trunk.id, ())):
                self._peers.setdefault((flow.host, flow.port), trunk)
                if flow.name or trunk.registration is not None:
                    self._hosts.setdefault(flow.host, trunk)

    def _client(self, trunk: Trunk) -> DigestClient | None:
        if trunk.credentials is None:
            return None
        known = self._clients.get(trunk.id)
        if known is not None and known.credentials == trunk.credentials:
            return known
        return DigestClient(trunk.credentials, random_bytes=self._random_bytes)

    def get(self, trunk: TrunkId) -> Trunk:
        """The trunk of that id; raises :class:`UnknownTrunk`."""
        found = self._trunks.get(trunk)
        if found is None:
            raise UnknownTrunk(f"no trunk {trunk!r}")
        return found

    def capacity(self, trunk: TrunkId) -> int:
        """The channels of a trunk, 0 when there is none of that id any more."""
        found = self._trunks.get(trunk)
        return found.capacity if found is not None else 0

    def all(self) -> tuple[Trunk, ...]:
        """Every trunk."""
        return tuple(self._trunks.values())

    def client(self, trunk: TrunkId | None) -> DigestClient | None:
        """Who answers the trunk's challenges; None when it has no account."""
        return self._clients.get(trunk) if trunk is not None else None

    def of_account(self, user: str) -> Trunk | None:
        """The trunk whose calls are proven by this account."""
        return self._accounts.get(user)

    @property
    def takes_accounts(self) -> bool:
        """Whether a stranger may turn out to be a trunk by its account alone."""
        return any(trunk.proof is TrunkProof.DIGEST for trunk in self._accounts.values())

    def of_source(self, flow: Flow) -> Trunk | None:
        """The trunk that a request from this address belongs to."""
        peer = self._peers.get((flow.host, flow.port))
        if peer is not None:
            return peer
        address = _address(flow.host)
        found = next((trunk for network, trunk in self._networks if address in network), None)
        return found if found is not None else self._hosts.get(flow.host)


@dataclass(slots=True)
class _Used:
    incoming: int = 0
    outgoing: int = 0


class TrunkChannels:
    """Counts the channels in use, for capacity and Erlangs. ``changed(trunk, in_use, capacity)`` hears of each
    change."""

    def __init__(self, directory: TrunkDirectory, changed: Callable[[TrunkId, int, int], None]) -> None:
        self._directory = directory
        self._changed = changed
        self._used: dict[TrunkId, _Used] = {}

    def in_use(self, trunk: TrunkId) -> int:
        """Channels in use, both ways."""
        incoming, outgoing = self.by_way(trunk)
        return incoming + outgoing

    def by_way(self, trunk: TrunkId) -> tuple[int, int]:
        """Channels in use by calls that came in, and by ours."""
        used = self._used.get(trunk)
        return (used.incoming, used.outgoing) if used is not None else (0, 0)

    def free(self, trunk: Trunk, *, incoming: bool) -> bool:
        """Whether one more call fits."""
        one_way = trunk.capacity_in if incoming else trunk.capacity_out
        used = self.by_way(trunk.id)
        return sum(used) < trunk.capacity and (one_way is None or used[0 if incoming else 1] < one_way)

    def seize(self, trunk: Trunk, *, incoming: bool) -> None:
        """Take a channel; whoever seizes looks first whether one is free (a restored call may exceed)."""
        self._change(trunk.id, 1, trunk.capacity, incoming)

    def release(self, trunk: TrunkId, *, incoming: bool) -> None:
        """Give a channel back."""
        self._change(trunk, -1, self._directory.capacity(trunk), incoming)

    def _change(self, trunk: TrunkId, by: int, capacity: int, incoming: bool) -> None:
        used = self._used.setdefault(trunk, _Used())
        if incoming:
            used.incoming = max(0, used.incoming + by)
        else:
            used.outgoing = max(0, used.outgoing + by)
        self._changed(trunk, used.incoming + used.outgoing, capacity)

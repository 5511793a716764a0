"""Link legs: where a bridge, a recording or a room spans two workers, each gets a leg that stands for the other.

A *pair* link carries what one leg says to the worker of another leg, and back. A *room* link carries the sum of
a room's own legs to another worker with legs in that room, and back. The link leg has the same id on both sides,
made of what it joins, so that a restarted control finds it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from ccplatform.contracts.media import JoinRoom
from ccplatform.contracts.words import LegId
from gateway.media.protocol import CloseLink, Command, OpenLink

Send: TypeAlias = Callable[[int, Command], None]


@dataclass(frozen=True, slots=True)
class _Pair:
    a: LegId
    b: LegId
    worker_a: int
    worker_b: int


class Spans:
    """All link legs. ``sockets`` are the workers' by index, ``send`` gives a command to one."""

    def __init__(self, *, sockets: Sequence[str], send: Send) -> None:
        self._sockets = sockets
        self._send = send
        self._pairs: dict[LegId, _Pair] = {}
        self._links_of: defaultdict[LegId, set[LegId]] = defaultdict(set)
        self._rooms: dict[str, frozenset[int]] = {}

    def __len__(self) -> int:
        return len(self._pairs) + sum(len(list(combinations(ends, 2))) for ends in self._rooms.values())

    # --- pairs --------------------------------------------------------------------------------------------

    def pair(self, a: LegId, worker_a: int, b: LegId, worker_b: int) -> LegId:
        """The link between two legs: on the worker of each it says what the other says."""
        link = LegId("link:" + "+".join(sorted((a, b))))
        if link not in self._pairs:
            self._pairs[link] = _Pair(a, b, worker_a, worker_b)
            self._links_of[a].add(link)
            self._links_of[b].add(link)
            self._send(worker_a, OpenLink(link=link, leg=a, peer=self._sockets[worker_b]))
            self._send(worker_b, OpenLink(link=link, leg=b, peer=self._sockets[worker_a]))
        return link

    def far_ends(self, leg: LegId) -> list[tuple[LegId, int]]:
        """The links that stand for a leg, each with the worker on which it does."""
        pairs = [(link, self._pairs[link]) for link in sorted(self._links_of.get(leg, ()))]
        return [(link, pair.worker_b if pair.a == leg else pair.worker_a) for link, pair in pairs]

    def prune(self, leg: LegId, joined: Callable[[LegId, LegId], bool]) -> None:
        """Close the links of a leg that nothing needs any more."""
        for link in tuple(self._links_of.get(leg, ())):
            pair = self._pairs[link]
            if not joined(pair.a, pair.b):
                self._drop(link)

    # --- rooms --------------------------------------------------------------------------------------------

    def seat(self, room: str, workers: Iterable[int]) -> None:
        """A room has legs on these workers now: a link between every two of them, and no other."""
        before, after = self._rooms.pop(room, frozenset()), frozenset(workers)
        if len(after) > 1:
            self._rooms[room] = after
        else:
            after = frozenset()
        there, wanted = (set(combinations(sorted(ends), 2)) for ends in (before, after))
        for ends in sorted(there - wanted):
            for worker in ends:
                self._send(worker, CloseLink(link=_room_link(room, ends)))
        for one, other in sorted(wanted - there):
            for worker, far in ((one, other), (other, one)):
                link = _room_link(room, (one, other))
                self._send(worker, OpenLink(link=link, leg=None, peer=self._sockets[far]))
                self._send(worker, JoinRoom(leg=link, room=room))

    def rooms(self) -> list[str]:
        """The rooms that span workers."""
        return list(self._rooms)

    # --- workers ------------------------------------------------------------------------------------------

    def worker_lost(self, worker: int) -> None:
        """Every pair link to that worker is cut; rooms are seated anew by who knows them."""
        for link, pair in tuple(self._pairs.items()):
            if worker in (pair.worker_a, pair.worker_b):
                self._drop(link)

    def close_others(self, worker: int, reported: Iterable[LegId]) -> None:
        """Close those of the links that a worker has which nobody knows."""
        known = {link for link, pair in self._pairs.items() if worker in (pair.worker_a, pair.worker_b)}
        for room, workers in self._rooms.items():
            known |= {_room_link(room, ends) for ends in combinations(sorted(workers), 2) if worker in ends}
        for link in reported:
            if link not in known:
                self._send(worker, CloseLink(link=link))

    def _drop(self, link: LegId) -> None:
        pair = self._pairs.pop(link)
        for leg in (pair.a, pair.b):
            self._links_of[leg].discard(link)
            if not self._links_of[leg]:
                del self._links_of[leg]
        for worker in (pair.worker_a, pair.worker_b):
            self._send(worker, CloseLink(link=link))


def _room_link(room: str, ends: tuple[int, int]) -> LegId:
    return LegId(f"link:{ends[0]}-{ends[1]}:{room}")

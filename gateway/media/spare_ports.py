"""Ports that workers reserved ahead, so that a leg has its address without a question and an answer.

A worker answers between two ticks: for an INVITE that waits for its own address that is some milliseconds, and a
wake-up of both processes. A pure store: its ``ask`` sends a :class:`~gateway.media.protocol.ReservePorts`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from gateway.media.port import LocalAudio

#: Addresses held of each worker: those of two hundred calls a second for a tick that comes three times late.
STOCK: Final = 32
#: With fewer than these, more are asked for.
LOW: Final = 16

#: A worker, and whether the addresses are of IPv6.
_Shelf: TypeAlias = tuple[int, bool]


class SparePorts:
    """``ask(worker, count, ipv6)`` asks a worker for so many; :meth:`reserved` takes its answer. Addresses of IPv6
    are asked for from the first one on that is wanted."""

    def __init__(self, ask: Callable[[int, int, bool], None]) -> None:
        self._ask = ask
        self._stock: dict[_Shelf, deque[LocalAudio]] = {}
        self._asked: set[_Shelf] = set()

    def came(self, worker: int) -> None:
        """A worker answers; what an earlier connection reserved it has forgotten."""
        for ipv6 in (False, True):
            self._stock[worker, ipv6] = deque()
            self._asked.discard((worker, ipv6))
        self._fill((worker, False))

    def gone(self, worker: int) -> None:
        """Nobody can be asked."""
        for ipv6 in (False, True):
            self._stock.pop((worker, ipv6), None)
            self._asked.discard((worker, ipv6))

    def reserved(self, worker: int, spare: Iterable[LocalAudio], *, ipv6: bool = False) -> None:
        """The worker's answer; fewer than asked for when it has no more."""
        self._asked.discard((worker, ipv6))
        if (worker, ipv6) in self._stock:
            self._stock[worker, ipv6].extend(spare)

    def take(self, worker: int, *, ipv6: bool = False) -> LocalAudio | None:
        """An address to use, None when none is there now."""
        stock = self._stock.get((worker, ipv6))
        if stock is None:
            return None
        spare = stock.popleft() if stock else None
        self._fill((worker, ipv6))
        return spare

    def refused(self, worker: int) -> None:
        """The worker could not make a leg at such an address, and has let go of the others: ask, then open."""
        for ipv6 in (False, True):
            if (worker, ipv6) in self._stock:
                self._stock[worker, ipv6].clear()

    def _fill(self, shelf: _Shelf) -> None:
        left = len(self._stock[shelf])
        if left < LOW and shelf not in self._asked:
            self._asked.add(shelf)
            worker, ipv6 = shelf
            self._ask(worker, STOCK - left, ipv6)

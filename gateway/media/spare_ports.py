"""Ports that workers reserved ahead, so that a leg has its address without a question and an answer.

A worker answers between two ticks: for an INVITE that waits for its own address that is some milliseconds, and a
wake-up of both processes. A pure store: :attr:`ask` sends a :class:`~gateway.media.protocol.ReservePorts`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from gateway.media.port import LocalAudio

#: Addresses held of each worker: those of two hundred calls a second for a tick that comes three times late.
STOCK: Final = 32
#: With fewer than these, more are asked for.
LOW: Final = 16


class SparePorts:
    """``ask(worker, count)`` asks a worker for so many; :meth:`reserved` takes its answer."""

    def __init__(self, ask: Callable[[int, int], None]) -> None:
        self._ask = ask
        self._stock: dict[int, deque[LocalAudio]] = {}
        self._asked: set[int] = set()

    def came(self, worker: int) -> None:
        """A worker answers; what an earlier connection reserved it has forgotten."""
        self._stock[worker] = deque()
        self._asked.discard(worker)
        self._fill(worker)

    def gone(self, worker: int) -> None:
        """Nobody can be asked."""
        self._stock.pop(worker, None)
        self._asked.discard(worker)

    def reserved(self, worker: int, spare: Iterable[LocalAudio]) -> None:
        """The worker's answer; fewer than asked for when it has no more."""
        self._asked.discard(worker)
        if worker in self._stock:
            self._stock[worker].extend(spare)

    def take(self, worker: int) -> LocalAudio | None:
        """An address to use, None when none is there now."""
        stock = self._stock.get(worker)
        if stock is None:
            return None
        spare = stock.popleft() if stock else None
        self._fill(worker)
        return spare

    def refused(self, worker: int) -> None:
        """The worker could not make a leg at such an address, and has let go of the others: ask, then open."""
        stock = self._stock.get(worker)
        if stock is not None:
            stock.clear()

    def _fill(self, worker: int) -> None:
        left = len(self._stock[worker])
        if left < LOW and worker not in self._asked:
            self._asked.add(worker)
            self._ask(worker, STOCK - left)

"""A priority queue whose items can lie in several such queues and leave all of them at once.

An item carries ``place``, a number that is drawn anew each time it lines up and 0 while it does not. An entry
whose number differs from its item's is stale and thrown away when it comes to the front, so that leaving costs
one assignment, however many queues the item is in. Lining up costs O(log n); so does the first place, amortised.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

#: Entries kept before stale ones are looked for.
_SMALL = 64


class Placed(Protocol):
    """Something that can line up."""

    place: int


T = TypeVar("T", bound=Placed)

#: Key (what the order goes by), place, item. Places are unique, so two entries never compare their items.
Entry: TypeAlias = tuple[tuple[Any, ...], int, T]


class Order(Generic[T]):
    """Items by ascending key."""

    __slots__ = ("_heap", "_limit")

    def __init__(self) -> None:
        self._heap: list[Entry[T]] = []
        self._limit = _SMALL

    def add(self, key: tuple[Any, ...], item: T) -> None:
        """Line up an item that has drawn its place."""
        heappush(self._heap, (key, item.place, item))
        if len(self._heap) > self._limit:
            self._sweep()

    def first(self) -> Entry[T] | None:
        """The entry in front, left where it is; None when nobody is in line."""
        heap = self._heap
        while heap:
            entry = heap[0]
            if entry[2].place == entry[1]:
                return entry
            heappop(heap)
        return None

    def __len__(self) -> int:
        """Entries held, stale ones included (at most twice the live ones, and a few)."""
        return len(self._heap)

    def _sweep(self) -> None:
        self._heap = [entry for entry in self._heap if entry[2].place == entry[1]]
        heapify(self._heap)
        self._limit = 2 * len(self._heap) + _SMALL

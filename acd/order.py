"""A priority queue whose items can lie in several such queues and leave all of them at once.

An item carries ``place``, a number that is drawn anew each time it lines up and 0 while it does not. An entry
whose number differs from its item's is stale and thrown away when it comes to the front, so that leaving costs
one assignment, however many queues the item is in.

Entries that come in ascending order (who became idle last is last in line) lie in a run, to which one is added
and from which one is taken in constant time; the others in a heap, in O(log n), amortised.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush, merge
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

#: Entries kept before stale ones are looked for.
_SMALL = 64


class Placed(Protocol):
    """Something that can line up."""

    place: int


T = TypeVar("T", bound=Placed)

#: Key (what the order goes by), tie (an id), place, item. Places are unique: items are never compared.
Entry: TypeAlias = tuple[Any, str, int, T]


class Order(Generic[T]):
    """Items by ascending key, then by ascending tie."""

    __slots__ = ("_heap", "_limit", "_run")

    def __init__(self) -> None:
        self._run: deque[Entry[T]] = deque()
        self._heap: list[Entry[T]] = []
        self._limit = _SMALL

    def add(self, key: Any, tie: str, item: T) -> None:
        """Line up an item that has drawn its place. All keys of an order are of one comparable kind."""
        entry = (key, tie, item.place, item)
        run = self._run
        if not run or run[-1] < entry:
            run.append(entry)
        else:
            heappush(self._heap, entry)
        if len(run) + len(self._heap) > self._limit:
            self._sweep()

    def front(self) -> Entry[T] | None:
        """The entry in front, left where it is; None when nobody is in line."""
        run, heap, top = self._run, self._heap, None
        while heap:
            top = heap[0]
            if top[3].place == top[2]:
                break
            heappop(heap)
            top = None
        while run:
            first = run[0]
            if first[3].place == first[2]:
                return first if top is None or first < top else top
            run.popleft()
        return top

    def first(self) -> T | None:
        """The item in front, left where it is; None when nobody is in line."""
        entry = self.front()
        return None if entry is None else entry[3]

    def __len__(self) -> int:
        """Entries held, stale ones included (at most twice the live ones, and a few)."""
        return len(self._run) + len(self._heap)

    def _sweep(self) -> None:
        run = [entry for entry in self._run if entry[3].place == entry[2]]
        heap = [entry for entry in self._heap if entry[3].place == entry[2]]
        if len(heap) * 8 < len(run):
            heapify(heap)
            self._run, self._heap = deque(run), heap
        else:
            heap.sort()
            self._run, self._heap = deque(merge(run, heap)), []
        self._limit = 2 * len(self) + _SMALL

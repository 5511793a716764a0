"""Row numbers of legs, and arrays that grow with them.

Every part of the engine keeps its per-leg state in arrays with one row per leg. :class:`RowTable` hands rows
out (the lowest free one, so that the used rows stay together) and lets every part grow.
"""

from __future__ import annotations

import heapq
from typing import Protocol

import numpy as np

from gateway.media.audio import Array
from gateway.media.errors import CannotOpenLeg

_FIRST_CAPACITY = 64


class RowPart(Protocol):
    """Something that keeps one row per leg."""

    def grow(self, capacity: int) -> None:
        """Make room for that many rows, keeping what is there; called first with the initial capacity."""

    def clear(self, row: int) -> None:
        """Put a row into its initial state; called before a row is handed out."""


class RowTable:
    """The free list. ``high`` is one more than the highest row in use: the tick works on ``[:high]``."""

    def __init__(self, limit: int) -> None:
        self.high = 0
        self.capacity = min(_FIRST_CAPACITY, limit)
        self._limit = limit
        self._free = list(range(self.capacity))
        self._used: set[int] = set()
        self._parts: list[RowPart] = []

    def attach(self, part: RowPart) -> None:
        """Let a part grow and be cleared with the table; before the first row is taken."""
        self._parts.append(part)
        part.grow(self.capacity)

    @property
    def left(self) -> int:
        """Rows that can still be taken."""
        return self._limit - len(self._used)

    def take(self) -> int:
        """A cleared row; raises CannotOpenLeg at the limit."""
        if not self._free:
            self._grow()
        row = heapq.heappop(self._free)
        for part in self._parts:
            part.clear(row)
        self._used.add(row)
        self.high = max(self.high, row + 1)
        return row

    def give_back(self, row: int) -> None:
        """Free a row and clear it, so that the tick may still pass over it."""
        self._used.remove(row)
        for part in self._parts:
            part.clear(row)
        heapq.heappush(self._free, row)
        if row + 1 == self.high:
            self.high = max(self._used, default=-1) + 1

    def _grow(self) -> None:
        capacity = min(2 * self.capacity, self._limit)
        if capacity == self.capacity:
            raise CannotOpenLeg(f"this worker takes no more than {self._limit} legs")
        for part in self._parts:
            part.grow(capacity)
        self._free.extend(range(self.capacity, capacity))
        heapq.heapify(self._free)
        self.capacity = capacity


class RowArrays:
    """Arrays with one row per leg, made by :meth:`row_array` and grown together."""

    def __init__(self) -> None:
        self._blank: dict[str, tuple[Array, object]] = {}
        self._gone: dict[str, int] = {}

    def row_array(self, name: str, dtype: object, blank: object = 0, shape: tuple[int, ...] = ()) -> None:
        """Declare the attribute ``name``; a cleared row is filled with ``blank``."""
        template: Array = np.empty((0, *shape), dtype=dtype)  # type: ignore[call-overload]
        self._blank[name] = (template, blank)
        setattr(self, name, template)

    def row_counter(self, name: str) -> None:
        """Declare an attribute that counts; :meth:`total` knows what rows had counted that are gone."""
        self.row_array(name, np.int64)
        self._gone[name] = 0

    def total(self, name: str) -> int:
        """What all legs counted since the start."""
        return self._gone[name] + int(getattr(self, name).sum())

    def grow(self, capacity: int) -> None:
        """See :class:`RowPart`."""
        for name, (template, blank) in self._blank.items():
            old: Array = getattr(self, name)
            new: Array = np.empty((capacity, *template.shape[1:]), dtype=template.dtype)
            new[: len(old)] = old
            new[len(old) :] = blank
            setattr(self, name, new)

    def clear(self, row: int) -> None:
        """See :class:`RowPart`."""
        for name in self._gone:
            self._gone[name] += int(getattr(self, name)[row])
        for name, (_, blank) in self._blank.items():
            getattr(self, name)[row] = blank

"""Sliding windows: exact to the second, at constant cost per event, in whole numbers so that sums never drift.

A window of W seconds that ends at second E holds the seconds E − W + 1 … E. Its end is the newest second it was
told of and never moves back: when somebody sets the clock back, facts fall into their own (earlier) seconds, and
none is lost or counted twice. Reading at a later instant looks, and changes nothing; the state of a window
depends on its facts alone, so that a rebuild from the journal gives the same state.
"""

from __future__ import annotations

from collections import deque
from typing import Any


class SlidingSums:
    """Sums of several quantities over the last ``widths`` seconds (one window, or some that end together), each
    fact counted in its own second.

    Adding costs a constant (amortised: a second's bucket is made once, and leaves each window once). A late fact
    is counted where it belongs: in the windows that its second has not left yet. Amounts may be negative, to take
    back what was counted before.
    """

    __slots__ = ("_buckets", "_end", "_fields", "_totals", "_widest")

    def __init__(self, widths: int | tuple[int, ...], fields: int) -> None:
        widths = (widths,) if isinstance(widths, int) else widths
        self._widest = max(widths)
        self._fields = fields
        self._end: int | None = None
        self._buckets: dict[int, list[int]] = {}
        self._totals = {width: [0] * fields for width in sorted(widths)}

    @property
    def end(self) -> int | None:
        """The newest second seen."""
        return self._end

    def add(self, second: int, *amounts: int) -> bool:
        """Count ``amounts`` (one per quantity) at ``second``; False when that second is too old."""
        if self._end is None:
            self._end = second
        elif second > self._end:
            self._advance(second)
        elif second <= self._end - self._widest:
            return False
        bucket = self._buckets.get(second)
        if bucket is None:
            bucket = self._buckets[second] = [0] * self._fields
        for index, amount in enumerate(amounts):
            bucket[index] += amount
        age = self._end - second
        for width, totals in self._totals.items():
            if age < width:
                for index, amount in enumerate(amounts):
                    totals[index] += amount
        return True

    def totals(self, now: int, width: int | None = None) -> tuple[int, ...]:
        """The sums of a window (the widest by default) that ends at ``now``, or at the newest fact when that is
        later."""
        width = self._widest if width is None else width
        if self._end is None or now <= self._end:
            return tuple(self._totals[width])
        totals = list(self._totals[width])
        for second in self._leaving(now, width):
            for index, amount in enumerate(self._buckets[second]):
                totals[index] -= amount
        return tuple(totals)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {"end": self._end, "buckets": [[second, *sums] for second, sums in sorted(self._buckets.items())]}

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        self._end = data["end"]
        self._buckets = {second: list(sums) for second, *sums in data["buckets"]}
        for width in self._totals:
            inside = [sums for second, sums in self._buckets.items() if second > data["end"] - width]
            self._totals[width] = [sum(column) for column in zip(*inside, strict=True)] or [0] * self._fields

    def _advance(self, end: int) -> None:
        for width, totals in self._totals.items():
            for second in self._leaving(end, width):
                for index, amount in enumerate(self._buckets[second]):
                    totals[index] -= amount
        for second in self._leaving(end, self._widest):
            del self._buckets[second]
        self._end = end

    def _leaving(self, end: int, width: int) -> list[int]:
        """Seconds with facts that are in the present window, and not in the one which ends at ``end``."""
        assert self._end is not None
        first, last = self._end - width + 1, end - width
        if last - first >= len(self._buckets):
            return [second for second in self._buckets if first <= second <= last]
        return [second for second in range(first, last + 1) if second in self._buckets]


class SlidingLevel:
    """Time-weighted load of a resource over the last ``width``: ∫ level / ∫ capacity.

    It knows durations only (whole microseconds), never the time of day: setting the clock changes no load
    (R10.6.d). Time before the first known level is not part of the mean.
    """

    __slots__ = ("_current", "_held", "_segments", "_width")

    def __init__(self, width_us: int) -> None:
        self._width = width_us
        self._segments: deque[tuple[int, int, int]] = deque()  # duration, level, capacity
        self._held = (0, 0, 0)  # sums: duration, level × duration, capacity × duration
        self._current: tuple[int, int] | None = None

    @property
    def current(self) -> tuple[int, int] | None:
        """The present level and capacity."""
        return self._current

    def change(self, elapsed_us: int, level: int, capacity: int) -> None:
        """The level before held for ``elapsed_us``; from here on it is ``level`` of ``capacity``."""
        if self._current is not None and elapsed_us > 0:
            held_level, held_capacity = self._current
            duration = min(elapsed_us, self._width)
            self._segments.append((duration, held_level, held_capacity))
            self._held = _plus(self._held, duration, held_level, held_capacity)
            self._trim()
        self._current = (level, capacity)

    def integrals(self, elapsed_us: int) -> tuple[int, int]:
        """∫ level and ∫ capacity of the window that ends ``elapsed_us`` after the last change, in unit·µs."""
        if self._current is None:
            return 0, 0
        open_us = min(max(elapsed_us, 0), self._width)
        held = _plus(self._held, open_us, *self._current)
        excess = held[0] - self._width
        for duration, level, capacity in self._segments:
            if excess <= 0:
                break
            held = _plus(held, -min(duration, excess), level, capacity)
            excess -= duration
        return held[1], held[2]

    def load(self, elapsed_us: int) -> float | None:
        """Mean load per unit of capacity (Erlang per channel), or None when nothing is known."""
        level, capacity = self.integrals(elapsed_us)
        return level / capacity if capacity else None

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {
            "current": list(self._current) if self._current else None,
            "segments": [list(segment) for segment in self._segments],
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        current = data["current"]
        self._current = (current[0], current[1]) if current else None
        self._segments = deque((duration, level, capacity) for duration, level, capacity in data["segments"])
        self._held = (0, 0, 0)
        for segment in self._segments:
            self._held = _plus(self._held, *segment)

    def _trim(self) -> None:
        excess = self._held[0] - self._width
        while excess > 0:
            duration, level, capacity = self._segments.popleft()
            cut = min(duration, excess)
            self._held = _plus(self._held, -cut, level, capacity)
            if cut < duration:
                self._segments.appendleft((duration - cut, level, capacity))
            excess -= cut


def _plus(sums: tuple[int, int, int], duration: int, level: int, capacity: int) -> tuple[int, int, int]:
    return sums[0] + duration, sums[1] + level * duration, sums[2] + capacity * duration

"""How often a stranger may do something: token buckets by source, bounded in number."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

#: Sources that are remembered; the one unheard for longest makes room.
MAX_SOURCES: Final = 4096


class SourceRates:
    """Allows each source ``burst`` events at once and ``per_second`` later on."""

    def __init__(self, *, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, source: str, now: float) -> bool:
        """Take one event of a source; False when it was too fast."""
        tokens, since = self._buckets.pop(source, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._per_second)
        allowed = tokens >= 1.0
        self._buckets[source] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        return allowed


class SourceCounts:
    """Counts events by source, bounded; what was evicted stays in :attr:`total`."""

    def __init__(self) -> None:
        self.total = 0
        self._counts: OrderedDict[str, int] = OrderedDict()

    def add(self, source: str) -> int:
        """Count one event; returns how many that source has made."""
        self.total += 1
        count = self._counts.pop(source, 0) + 1
        self._counts[source] = count
        if len(self._counts) > MAX_SOURCES:
            self._counts.popitem(last=False)
        return count

    def of(self, source: str) -> int:
        """Events of one source."""
        return self._counts.get(source, 0)

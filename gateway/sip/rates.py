"""How often a stranger may do something: token buckets by source, bounded in number."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from ccplatform.kernel.rates import TokenBucket

#: Sources that are remembered; the one unheard for longest makes room.
MAX_SOURCES: Final = 4096


class SourceRates:
    """Allows each source ``burst`` events at once and ``per_second`` later on."""

    def __init__(self, *, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def allows(self, source: str, now: float) -> bool:
        """Take one event of a source; False when it was too fast."""
        bucket = self._buckets.pop(source, None) or TokenBucket(rate=self._per_second, burst=self._burst)
        self._buckets[source] = bucket
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        return bucket.take(now)


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

"""A bound on how often something may happen."""

from __future__ import annotations


class TokenBucket:
    """Lets ``rate`` events pass a second in the long run, ``burst`` at once; the caller tells the time."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = self._tokens = burst
        self._at = 0.0  # any time will do: it is full

    def take(self, now: float) -> bool:
        """Whether one more may pass; ``now`` in monotonic seconds."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

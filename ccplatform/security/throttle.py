"""Slowing down guessing: a pure core that counts wrong attempts per key and says how long to wait.

A key is a user name or a network address. After ``free`` wrong attempts the key waits ``first_wait`` seconds,
then twice as long after each further one, up to ``longest_wait``. A right attempt, or a quiet time of
``longest_wait`` after the last wait, forgets the key. Memory is bounded: the key quiet for longest goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Count:
    wrong: int
    last: float  # monotonic


class Throttle:
    """Counts wrong attempts; instants are monotonic seconds."""

    def __init__(self, *, free: int, first_wait: float, longest_wait: float, remembered: int) -> None:
        self._free = free
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._remembered = remembered
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def wait(self, key: str, now: float) -> float:
        """Seconds until an attempt of ``key`` is looked at; 0 at once."""
        count = self._counts.get(key)
        if count is None:
            return 0.0
        due = count.last + self._wait_after(count.wrong)
        if now > due + self._longest_wait:
            del self._counts[key]
        return max(0.0, due - now)

    def failed(self, key: str, now: float) -> None:
        """An attempt was wrong."""
        self.wait(key, now)  # forgets what is old
        count = self._counts.setdefault(key, _Count(0, now))
        count.wrong += 1
        count.last = now
        self._counts.move_to_end(key)
        if len(self._counts) > self._remembered:
            self._counts.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """An attempt was right: start anew."""
        self._counts.pop(key, None)

    def forgive(self, key: str) -> None:
        """One attempt counted as wrong was right after all; the others stand."""
        count = self._counts.get(key)
        if count is not None:
            count.wrong -= 1
            if count.wrong <= 0:
                del self._counts[key]

    def _wait_after(self, wrong: int) -> float:
        if wrong < self._free:
            return 0.0
        doublings = min(wrong - self._free, 40)
        return min(self._longest_wait, self._first_wait * 2.0**doublings)

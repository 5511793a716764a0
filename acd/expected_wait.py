"""How long will I wait? An estimate per position, learned from how fast a queue empties.

While somebody waits, each departure (answered or given up: both bring the next one forward) ends a *gap* that
began with the departure before, or with the arrival that ended an empty queue. The mean of the recent gaps is
the queue's pace; who is at position *p* waits about *p* gaps. Idle times of an empty queue teach nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

#: Departures remembered, and how many it takes before anything is said.
MEMORY, ENOUGH = 30, 3


class DeparturePace:
    """The pace of one queue. Instants are monotonic seconds."""

    __slots__ = ("_began", "_gaps", "_sum")

    def __init__(self, gaps: Sequence[float] = (), began: float | None = None) -> None:
        self._gaps = deque(gaps, MEMORY)
        self._sum = sum(self._gaps)
        self._began = began

    @property
    def gaps(self) -> tuple[float, ...]:
        """The gaps remembered, seconds, oldest first."""
        return tuple(self._gaps)

    @property
    def began(self) -> float | None:
        """When the present gap began; None while nobody waits."""
        return self._began

    def waiting_began(self, now: float) -> None:
        """The first contact came into the empty queue."""
        self._began = now

    def departed(self, now: float, left: int) -> None:
        """A contact left the queue, and ``left`` still wait."""
        if self._began is not None:
            if len(self._gaps) == MEMORY:
                self._sum -= self._gaps[0]
            gap = max(0.0, now - self._began)
            self._gaps.append(gap)
            self._sum += gap
        self._began = now if left else None

    def estimate(self, position: int) -> float | None:
        """Seconds that position ``position`` (from 1) will wait from now; None without enough departures."""
        if len(self._gaps) < ENOUGH:
            return None
        return max(0.0, position * self._sum / len(self._gaps))

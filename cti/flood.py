"""A bound on how often one client may send."""

from __future__ import annotations

from ccplatform.kernel.clock import Clock
from cti.errors import CloseCode, SocketViolation


class FloodGate:
    """A token bucket: ``rate`` messages a second in the long run, twice that (at least 2) at once."""

    def __init__(self, *, rate: float, clock: Clock) -> None:
        self._rate = rate
        self._size = max(2.0, 2 * rate)
        self._left = self._size
        self._clock = clock
        self._at = clock.now()

    def pass_one(self) -> None:
        """Let one message through; raises :class:`SocketViolation` (FLOOD) when there are too many."""
        now = self._clock.now()
        self._left = min(self._size, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            raise SocketViolation(CloseCode.FLOOD, "too many messages")
        self._left -= 1

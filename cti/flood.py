"""A bound on how often one client may send."""

from __future__ import annotations

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.rates import TokenBucket
from cti.errors import CloseCode, SocketViolation


class FloodGate:
    """A token bucket: ``rate`` messages a second in the long run, twice that (at least 2) at once."""

    def __init__(self, *, rate: float, clock: Clock) -> None:
        self._bucket = TokenBucket(rate=rate, burst=max(2.0, 2 * rate))
        self._clock = clock

    def pass_one(self) -> None:
        """Let one message through; raises :class:`SocketViolation` (FLOOD) when there are too many."""
        if not self._bucket.take(self._clock.now()):
            raise SocketViolation(CloseCode.FLOOD, "too many messages")

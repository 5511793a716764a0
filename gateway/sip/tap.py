"""Every SIP message as it passes, for those who watch (R10.4.d).

Whoever searches, draws and exports signalling does it in another process: here a message is one entry of a list
that is handed over ten times a second. Nothing is kept, and nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from ccplatform.kernel.clock import Clock, TimerHandle
from gateway.sip.trace import Seen

#: How long messages wait for others, seconds.
PAUSE_SECONDS: Final = 0.1
#: Bytes that may wait; what is above is dropped and counted.
MAX_WAITING_BYTES: Final = 4 * 1024 * 1024

#: Monotonic seconds, whether we sent it, transport, our address, the peer's, contact or '', the bytes.
TappedRow: TypeAlias = tuple[float, bool, str, str, str, str, bytes]


class SignallingTap:
    """Hands messages to ``deliver`` in batches; None: nobody watches."""

    def __init__(self, clock: Clock) -> None:
        self.deliver: Callable[[list[TappedRow]], None] | None = None
        self.dropped = 0
        self._clock = clock
        self._rows: list[TappedRow] = []
        self._bytes = 0
        self._timer: TimerHandle | None = None

    def seen(self, seen: Seen, now: float, contact: str) -> None:
        """A message came, or goes."""
        if self.deliver is None:
            return
        data = seen.data
        if self._bytes + len(data) > MAX_WAITING_BYTES:
            self.dropped += 1
            return
        self._rows.append((now, seen.outgoing, seen.transport, seen.local, seen.remote, contact, data))
        self._bytes += len(data)
        if self._timer is None:
            self._timer = self._clock.call_at(now + PAUSE_SECONDS, self._hand_over)

    def close(self) -> None:
        """Hand over what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._hand_over()

    def _hand_over(self) -> None:
        rows, self._rows, self._bytes, self._timer = self._rows, [], 0, None
        if self.deliver is not None and rows:
            self.deliver(rows)

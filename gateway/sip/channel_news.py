"""How many channels of each trunk are in use, told as facts: a change at once, those that follow it together."""

from __future__ import annotations

from typing import Final

from ccplatform.contracts.facts import TrunkChannelsChanged
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import TrunkId
from ccplatform.kernel.clock import Clock, TimerHandle

#: The facts of one trunk come at least this long after one another, seconds. A call seizes and frees; at a hundred
#: calls a second a fact for each would be more than all that Erlangs are made of (R10.3.1.1).
GATHER_SECONDS: Final = 0.1


class ChannelNews:
    """Hears of every change (:meth:`changed`) and records what came of them."""

    def __init__(self, *, clock: Clock, facts: Facts) -> None:
        self._clock = clock
        self._facts = facts
        self._told: dict[TrunkId, tuple[int, int]] = {}
        self._changed: dict[TrunkId, tuple[int, int]] = {}
        self._timers: dict[TrunkId, TimerHandle] = {}

    def changed(self, trunk: TrunkId, in_use: int, capacity: int) -> None:
        """So many of a trunk's channels are in use now."""
        self._changed[trunk] = (in_use, capacity)
        if trunk not in self._timers:
            self._tell(trunk)

    def close(self) -> None:
        """Tell nothing any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._changed.clear()

    def _tell(self, trunk: TrunkId) -> None:
        self._timers.pop(trunk, None)
        now = self._changed.pop(trunk, None)
        if now is None or now == self._told.get(trunk):
            return
        self._told[trunk] = now
        self._timers[trunk] = self._clock.call_at(self._clock.now() + GATHER_SECONDS, lambda: self._tell(trunk))
        in_use, capacity = now
        self._facts.record(TrunkChannelsChanged(trunk=trunk, in_use=in_use, capacity=capacity))

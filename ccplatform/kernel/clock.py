"""Time, injected.

Intervals are monotonic seconds (``float``), stamps are aware UTC datetimes; both come from one :class:`Clock`,
so that setting the system's time changes no duration (R10.6.d). On Linux the monotonic clock is shared by all
processes of a machine, so instants may be compared between the control and media processes of one node.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol


class TimerHandle(Protocol):
    """A timer that can be cancelled."""

    def cancel(self) -> None:
        """Make sure the callback does not run; harmless after it ran."""


class Clock(Protocol):
    """Where the platform reads time and sets timers."""

    def now(self) -> float:
        """Monotonic seconds."""

    def wall(self) -> datetime:
        """Aware UTC wall-clock time."""

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        """Run ``callback`` once when :meth:`now` reaches ``when`` (soon, if that has passed)."""


async def sleep(clock: Clock, seconds: float) -> None:
    """Pause the task for ``seconds`` of ``clock``; for periodic work, never to wait for a state."""
    over = asyncio.get_running_loop().create_future()
    timer = clock.call_at(clock.now() + seconds, lambda: None if over.done() else over.set_result(None))
    try:
        await over
    finally:
        timer.cancel()


#: uvloop counts in whole milliseconds, from the instant at which the loop's present turn began: without this a
#: timer goes off before its time, finds nothing to do and is set again, several times for each that is needed.
_NEVER_EARLY_SECONDS = 0.0015


class SystemClock:
    """The machine's clocks; timers run on the running asyncio loop. ``now`` is CLOCK_MONOTONIC, ``wall`` UTC."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(partial(datetime.now, UTC))

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        """Schedule on the running loop; never early, up to two milliseconds late."""
        delay = when - time.monotonic()
        later = delay + _NEVER_EARLY_SECONDS if delay > 0.0 else 0.0
        return asyncio.get_running_loop().call_later(later, callback)


class _VirtualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """A clock that moves only when told to; tests run thousands of seconds in no time."""

    def __init__(self, start: float = 1000.0, wall: datetime | None = None) -> None:
        self._now = start
        self._wall = wall or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self._timers: list[tuple[float, int, _VirtualTimer]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Monotonic seconds."""
        return self._now

    def wall(self) -> datetime:
        """Wall time; moves with :meth:`advance` and jumps with :meth:`set_wall`."""
        return self._wall

    def set_wall(self, wall: datetime) -> None:
        """Let somebody set the system's clock; monotonic time is not touched."""
        self._wall = wall

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        """Schedule; runs inside :meth:`advance`."""
        timer = _VirtualTimer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move time forward and run, in order, every timer that falls due on the way."""
        target = self._now + seconds
        while self._timers and self._timers[0][0] <= target:
            when, _, timer = heapq.heappop(self._timers)
            self._move_to(max(when, self._now))
            if timer.callback is not None:
                callback, timer.callback = timer.callback, None
                callback()
        self._move_to(target)

    def _move_to(self, instant: float) -> None:
        self._wall += timedelta(seconds=instant - self._now)
        self._now = instant

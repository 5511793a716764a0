"""How long ticks take and how many came too late."""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.audio import TICK_SECONDS, Floats

_KEPT: Final = 1024
#: Most ticks that are made up for: no receiver holds back less than the 40 ms by which their packets are late.
_MOST_LATE: Final = 2
_SMOOTHING: Final = 1 / 16


class TickTimes:
    """Durations of the ticks since the last :meth:`summary` (the newest 1,024 at most), seconds."""

    def __init__(self) -> None:
        self.ticks = 0
        self.overruns = 0
        self._durations: Floats = np.zeros(_KEPT, dtype=np.float32)
        self._count = 0
        self._usual_seconds = 0.0

    def affordable(self, missed: int) -> int:
        """How many of the ticks that were missed can be made up for: no more than one tick has time for besides
        its own work, so that a worker with too much to do skips them and gets no more to do."""
        fit = int(TICK_SECONDS / max(self._usual_seconds, 1e-6)) - 1
        return max(0, min(missed, _MOST_LATE, fit))

    def note(self, seconds: float, missed: int, late: int) -> None:
        """A tick took ``seconds``; ``missed`` before it were not done in time, ``late`` of them with it."""
        self._usual_seconds += (seconds / (1 + late) - self._usual_seconds) * _SMOOTHING
        self._durations[self._count % _KEPT] = seconds
        self._count += 1
        self.ticks += 1
        self.overruns += missed

    def summary(self) -> tuple[float, float, float]:
        """Median, 99th percentile and maximum since the last call."""
        recent = np.sort(self._durations[: min(self._count, _KEPT)])
        self._count = 0
        if not len(recent):
            return 0.0, 0.0, 0.0
        last = len(recent) - 1  # np.percentile would load numpy.ma, which takes as long as some ticks
        median, high = np.interp((0.5 * last, 0.99 * last), np.arange(len(recent)), recent)
        return float(median), float(high), float(recent[last])

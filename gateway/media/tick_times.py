"""How long ticks take and how many came too late."""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.audio import Floats

_KEPT: Final = 1024


class TickTimes:
    """Durations of the ticks since the last :meth:`summary` (the newest 1,024 at most), seconds."""

    def __init__(self) -> None:
        self.ticks = 0
        self.overruns = 0
        self._durations: Floats = np.zeros(_KEPT, dtype=np.float32)
        self._count = 0

    def note(self, seconds: float, skipped: int) -> None:
        """A tick took ``seconds``; ``skipped`` ticks before it were left out."""
        self._durations[self._count % _KEPT] = seconds
        self._count += 1
        self.ticks += 1
        self.overruns += skipped

    def summary(self) -> tuple[float, float, float]:
        """Median, 99th percentile and maximum since the last call."""
        recent = self._durations[: min(self._count, _KEPT)]
        self._count = 0
        if not len(recent):
            return 0.0, 0.0, 0.0
        median, high = np.percentile(recent, (50, 99))
        return float(median), float(high), float(recent.max())

"""The networks of R10.3.1.4: which packets are lost, and how long the others take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Independent random loss, a delay uniform in ``delay_ms`` ± ``jitter_ms``; packets may be reordered."""

    name: str
    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0

    def fates(self, generator: np.random.Generator, count: int) -> NDArray[np.float64]:
        """Seconds that each of ``count`` packets takes; infinite for those that are lost."""
        delay = generator.uniform(self.delay_ms - self.jitter_ms, self.delay_ms + self.jitter_ms, count) / 1000
        return np.where(generator.random(count) < self.loss, np.inf, delay)


GOOD: Final = Network(name="good")
POOR: Final = Network(name="poor", loss=0.01, delay_ms=100, jitter_ms=20)
BAD: Final = Network(name="bad", loss=0.05, delay_ms=400, jitter_ms=60)
NETWORKS: Final = (GOOD, POOR, BAD)


def network_of(name: str) -> Network:
    """One of them by its name; raises KeyError."""
    return {network.name: network for network in NETWORKS}[name]

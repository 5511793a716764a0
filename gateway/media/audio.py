"""The numbers that the whole engine shares: sample rate, frame, levels."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Samples per second of everything inside the engine.
RATE: Final = 8000
#: Samples of one tick (20 ms).
FRAME: Final = 160
#: Samples of a block, the grain of the jitter buffer (10 ms).
BLOCK: Final = 80
#: Seconds of one tick.
TICK_SECONDS: Final = FRAME / RATE

#: Marks a sample that has not arrived: G.711 never yields it.
ABSENT: Final = np.int16(-32768)

#: Peak of a sine of 0 dBm0 in 16-bit samples: full scale is +3.14 dBm0 (ITU-T G.711, A-law).
PEAK_0_DBM0: Final = 32768 / 10 ** (3.14 / 20)
#: Smallest sample magnitude that counts as audible: the peak of a sine of -50 dBm0.
AUDIBLE: Final = round(PEAK_0_DBM0 * 10 ** (-50 / 20))
#: RMS level of the loudest background noise (-40 dBm0): what never gets quieter than this has no pauses.
LOUDEST_BACKGROUND: Final = PEAK_0_DBM0 / 2**0.5 * 10 ** (-40 / 20)

Pcm: TypeAlias = NDArray[np.int16]
Floats: TypeAlias = NDArray[np.float32]
Rows: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.uint8]
Array: TypeAlias = NDArray[Any]


def peak_of(level_dbm0: float) -> float:
    """Peak of a sine of that level, in 16-bit samples."""
    return float(PEAK_0_DBM0 * 10 ** (level_dbm0 / 20))

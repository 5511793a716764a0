"""Waveform similarity: the period of a voice, and going on with a signal by repeating it.

Arrays are float32, one signal per row. Lags reach from 2.5 ms (400 Hz) to 15 ms (66 Hz): the pitch range of ITU-T
G.711 Appendix I, widened upwards for the voices of women and children. Signals without a pitch are continued by
what resembles them most.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.audio import Array, Floats
from gateway.media.hot_path import HotPath

#: Shortest and longest lag and the length of what is compared, in units of 1/8000 s.
SHORTEST: Final = 20
LONGEST: Final = 120
TEMPLATE: Final = 80


def period(hot_path: HotPath, past: Floats, scale: int, template: int = TEMPLATE) -> Array:
    """The lag, in samples, at which the end of each row resembles what came before it most.

    ``scale`` is the sampling rate in units of 8 kHz; ``past`` has at least (template + LONGEST) · scale samples.
    """
    size, longest = template * scale, LONGEST * scale
    end = past.shape[1]
    before = past[:, end - size - longest : end - SHORTEST * scale]
    return np.asarray(longest - np.argmax(hot_path.similarity(before, past[:, end - size :]), axis=1))


def extend(past: Floats, lag: Array, first: Array, count: int, periods: int = 1) -> Floats:
    """Samples ``first``… (one number per row, 0 is the one after ``past``) of ``past`` repeated for ever.

    What is repeated are the last ``periods`` periods; their last quarter period fades into what came before them,
    so that the repetition has no seam.
    """
    cycle = (lag * periods)[:, np.newaxis]
    place = (first[:, np.newaxis] + np.arange(count)) % cycle
    index = past.shape[1] - cycle + place
    quarter = np.maximum(lag // 4, 1)[:, np.newaxis]
    fade = np.clip((place - (cycle - quarter) + 1) / (quarter + 1), 0, 1).astype(np.float32)
    straight = np.take_along_axis(past, index, axis=1)
    before = np.take_along_axis(past, np.maximum(index - cycle, 0), axis=1)  # clipped only where fade is 0
    return np.asarray(straight + (before - straight) * fade)

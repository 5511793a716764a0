"""How alike what was heard is to what was said: delay by correlation, quality by PESQ (ITU-T P.862). Pure."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from gateway.media.audio import RATE, Pcm

#: Longest way that is looked for, seconds.
LONGEST_WAY: Final = 2.5
_TAIL: Final = RATE // 2
#: Normalised correlation from which on what came back is what was said.
_ALIKE: Final = 0.3


def raw_of_lqo(lqo: float) -> float:
    """The raw P.862 score of a MOS-LQO (ITU-T P.862.1, inverted)."""
    return float((4.6607 - math.log(4 / (lqo - 0.999) - 1)) / 1.4945)


def pesq_available() -> bool:
    """Whether scores can be computed: the package ``pesq``, an extra with terms of its own, is installed."""
    try:
        import pesq  # noqa: F401
    except ImportError:
        return False
    return True


def raw_score(said: Pcm, heard: Pcm) -> float | None:
    """Raw P.862 of what was heard against what was said, both at 8 kHz; None where nothing is in it."""
    from pesq import NoUtterancesError, pesq

    try:
        return raw_of_lqo(pesq(RATE, said, heard, "nb"))
    except NoUtterancesError:
        return None


def way_of(said: Pcm, heard: Pcm) -> float | None:
    """Seconds by which ``heard`` is later than ``said``, None: it is other sound. By the peak of the
    cross-correlation, which is normalised by the energy of both."""
    size = 1 << (len(said) + len(heard)).bit_length()
    spectrum = np.fft.rfft(heard.astype(np.float64), size) * np.conj(np.fft.rfft(said.astype(np.float64), size))
    match = np.fft.irfft(spectrum, size)[: len(heard)]
    lag = int(np.argmax(match))
    part = heard[lag : lag + len(said)].astype(np.float64)
    energy = float(np.sqrt((part**2).sum() * (said[: len(part)].astype(np.float64) ** 2).sum()))
    if energy == 0.0 or match[lag] / energy < _ALIKE:
        return None
    return lag / RATE


def scored(said: Pcm, heard: Pcm, round_trip: float) -> float | None:
    """Raw P.862 of what came back after ``round_trip`` seconds."""
    begin = round(round_trip * RATE)
    return raw_score(said, heard[begin : begin + len(said) + _TAIL])

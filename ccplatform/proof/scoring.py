"""How alike what was heard is to what was said: delay by correlation, quality by PESQ (ITU-T P.862). Pure."""

from __future__ import annotations

import math
import statistics
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.media.audio import RATE, Pcm

#: Longest way that is looked for, seconds.
LONGEST_WAY: Final = 2.5
_TAIL: Final = RATE // 2
#: What is looked for at a time, samples; what is quieter than this share of the mean power (or of the loudest
#: sound) counts as silence.
_PIECE: Final = 2 * RATE // 5
_QUIET: Final = 0.05
#: Normalised correlation from which on a piece is what was said, and how far ways of pieces may part, samples:
#: chance finds likenesses anywhere.
_ALIKE: Final = 0.6
_APART: Final = RATE // 4


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
    """Seconds by which ``heard`` is later than ``said``, None: it is other sound.

    Each piece of what was said is looked for by itself, by normalised cross-correlation, and the median of their
    ways is told: a jitter buffer that changes its delay, or a gap, moves some pieces and not what was heard.
    """
    pieces, sound = _pieces(said), heard.astype(np.float64)
    spectrum = np.fft.rfft(sound, 1 << (len(sound) + _PIECE).bit_length())
    ways = [lag for at, piece in pieces if (lag := _place_of(piece, sound, spectrum, at)) is not None]
    if not ways:
        return None
    middle = statistics.median_low(ways)
    together = [way for way in ways if abs(way - middle) <= _APART]
    if 2 * len(together) < len(pieces):
        return None
    return statistics.median_low(together) / RATE


def _pieces(said: Pcm) -> list[tuple[int, NDArray[np.float64]]]:
    """Where something is said, and what: pieces that are not much quieter than the whole."""
    size = min(_PIECE, len(said))
    cut = [(at, said[at : at + size].astype(np.float64)) for at in range(0, len(said) - size + 1, size or 1)]
    powers = [float(np.mean(piece**2)) if size else 0.0 for _, piece in cut]
    least = max(_QUIET * float(np.mean(powers)), 1.0) if powers else 0.0
    return [one for one, power in zip(cut, powers, strict=True) if power >= least]


def _place_of(
    piece: NDArray[np.float64], sound: NDArray[np.float64], spectrum: NDArray[np.complex128], at: int
) -> int | None:
    """How many samples later than ``at`` a piece is heard in a sound of this spectrum, None: nowhere."""
    if len(sound) < at + len(piece):
        return None
    size = 2 * (len(spectrum) - 1)
    product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(sound**2)))
    energy = sums[len(piece) :] - sums[: -len(piece)]
    loudest = float(energy.max())
    if loudest <= 0.0:
        return None
    # What is much quieter than the rest is compared as if it were not: silence is like everything.
    norm = np.sqrt(np.maximum(energy, _QUIET * loudest) * float((piece**2).sum()))
    alike = (product[: len(energy)] / norm)[at:]
    later = int(np.argmax(alike))
    return later if alike[later] >= _ALIKE else None


def scored(said: Pcm, heard: Pcm, round_trip: float) -> float | None:
    """Raw P.862 of what came back after ``round_trip`` seconds."""
    begin = round(round_trip * RATE)
    return raw_score(said, heard[begin : begin + len(said) + _TAIL])

"""Changing the delay of a leg without a listener noticing: a little sound is played twice, or left out.

In a pause, or in noise that never ends, any length will do, unless it is a tone; elsewhere it is a whole number of
periods, found by correlation, and only where the waveform repeats itself well. Both times 10 ms are cross-faded:
tones keep their phase, however quiet, and nothing clicks.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.audio import AUDIBLE, LOUDEST_BACKGROUND, RATE, Array, Floats, Rows
from gateway.media.hot_path import HotPath, StretchRules
from gateway.media.pitch import LONGEST, SHORTEST, TEMPLATE

_MOST: Final = 32  # legs changed in one tick; the others follow in the next ones
#: Correlation that is asked of a sound before some is added or taken out; less where much is to be changed, and to
#: take some out of a pause.
_GROW_ALIKE, _SHRINK_ALIKE = 0.6, 0.97
_GROW_HASTE, _SHRINK_HASTE = 0.3, 0.7
_MUCH: Final = 480  # samples of 1/8000 s
#: Sound up to this multiple of the background is a pause.
_PAUSE: Final = 2.0
#: Correlation that is given up for each sample less by which growth exceeds what is wanted, since that delay is
#: for nothing; nothing is so much more alike that more than wanted is taken out.
_EXCESS, _FORBIDDEN = 0.005, 2.0
#: Correlation from which a pause is a quiet tone, whose phase is heard (the last of a voice is not so long), and
#: from which what never gets quiet is anything but noise.
_REPEATS, _NOISE = 0.95, 0.5
#: Peak to peak, samples: what varies less has no phase that anybody hears.
_FLAT: Final = AUDIBLE / 2


class Stretcher:
    """Works on rings of samples; ``rate`` is their sampling rate."""

    def __init__(self, hot_path: HotPath, rate: int) -> None:
        self._hot_path = hot_path
        self._scale = rate // RATE
        self._rules = stretch_rules(self._scale)
        self._turn = 0
        size = TEMPLATE * self._scale
        self._rise: Floats = ((np.arange(size, dtype=np.float32) + 0.5) / size).astype(np.float32)

    def apply(self, ring: Array, rows: Rows, head: int, end: Array, wanted: Array, background: Array) -> Array:
        """Insert (``wanted`` > 0) or remove samples right after ``head`` where it does not show.

        ``end`` is where each leg's sound ends, ``background`` the RMS level of its pauses. Returns how many
        samples were inserted into each row, negative where some were removed: all later sound lies that much
        later.
        """
        added = np.zeros(len(rows), dtype=np.int64)
        able = np.flatnonzero(end - head >= TEMPLATE * self._scale)
        if len(able) > _MOST:
            self._turn += _MOST
            able = np.roll(able, -(self._turn % len(able)))[:_MOST]
        if len(able):
            added[able] = self._hot_path.lengths(
                ring, rows[able], head, wanted[able], background[able], self._rules
            )
            changed = able[added[able] != 0]
            if len(changed):
                self._move(ring, rows[changed], head, end[changed], added[changed])
        return added

    def _move(self, ring: Array, rows: Rows, head: int, end: Array, added: Array) -> None:
        size = len(self._rise)
        places = head + np.arange(max(int((end - head + added).max()), int((end - head).max()), size))
        owner, modulus = rows[:, np.newaxis], ring.shape[1]
        moved = ring[owner, (places - added[:, np.newaxis]) % modulus]
        before = ring[owner, places[:size] % modulus].astype(np.float32)
        joint = before + (moved[:, :size] - before) * self._rise
        moved[:, :size] = np.rint(joint)
        ring[owner, places % modulus] = moved


def stretch_rules(scale: int) -> StretchRules:
    """The rules at so many times 8 kHz."""
    return StretchRules(
        shortest=SHORTEST * scale,
        longest=LONGEST * scale,
        size=TEMPLATE * scale,
        much=_MUCH * scale,
        scale=scale,
        excess=_EXCESS,
        forbidden=_FORBIDDEN,
        grow_alike=_GROW_ALIKE,
        shrink_alike=_SHRINK_ALIKE,
        grow_haste=_GROW_HASTE,
        shrink_haste=_SHRINK_HASTE,
        repeats=_REPEATS,
        noise=_NOISE,
        pause=_PAUSE,
        quietest=AUDIBLE / 2,
        loudest=LOUDEST_BACKGROUND,
        flat=_FLAT,
    )

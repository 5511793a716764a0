"""One press, one key: what came by several ways is told once.

A phone may tell the same press by telephone-events, by tones in the audio and by SIP INFO. Each way tells every
press at most once and in order, so a key that another way told within :data:`SAME_PRESS_SECONDS` is the same
press, unless this way has told that one too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: How far apart the same press may be told by two ways: tones are known at their end, INFO may come late.
SAME_PRESS_SECONDS: Final = 1.0


class Way(StrEnum):
    """How a key came."""

    EVENTS = "telephone-event"
    TONES = "in-band"
    SIGNALLING = "INFO"


@dataclass(slots=True)
class _Press:
    digit: str
    at: float
    ways: set[Way]


class KeyMerger:
    """The recent presses of one leg."""

    def __init__(self) -> None:
        self._presses: deque[_Press] = deque()

    def is_new(self, digit: str, way: Way, at: float) -> bool:
        """Take a key note that came at ``at``; False when another way has told this press already."""
        while self._presses and at - self._presses[0].at > SAME_PRESS_SECONDS:
            self._presses.popleft()
        for press in self._presses:
            if press.digit == digit and way not in press.ways:
                press.ways.add(way)
                return False
        self._presses.append(_Press(digit, at, {way}))
        return True

"""What each requirement of 10.3 measured over the last two hours: the line beside its value.

A ring of values at full steps of five minutes. It is told of every fact's second before the fold takes it, so that
a rebuild from the journal gives the line that was there before. Nothing is guessed: a step without data has none.
"""

from __future__ import annotations

from collections import deque
from typing import Final, TypeAlias

from metrics.compliance import rows
from metrics.definitions import REQUIREMENTS
from metrics.fold import Fold

#: Seconds between two values.
STEP_SECONDS: Final = 300
#: Values kept: two hours of them.
POINTS: Final = 24

#: A value for each requirement, in the order of the standard; None: no data.
Values: TypeAlias = tuple[float | None, ...]


class History:
    """The ring of one fold."""

    def __init__(self) -> None:
        self._points: deque[Values] = deque(maxlen=POINTS)
        self._next: int | None = None

    def before(self, second: int, fold: Fold) -> None:
        """Something happened at ``second`` (since the epoch) that ``fold`` has not taken yet: keep what was
        measured at the steps until then. A clock that was set back keeps nothing twice."""
        if self._next is None:
            self._next = _following(second)
        elif second >= self._next:
            self._points.extend(self._missing(second, fold))
            self._next = _following(second)

    def lines(self, fold: Fold, now: int) -> dict[str, list[float | None]]:
        """The values of each requirement until ``now``, oldest first; at most :data:`POINTS`."""
        points = [*self._points, *self._missing(now, fold)][-POINTS:]
        return {
            definition.id: [values[place] for values in points] for place, definition in enumerate(REQUIREMENTS)
        }

    def _missing(self, until: int, fold: Fold) -> list[Values]:
        """Measured at the end of each step that is over; nothing happened in the later ones of them."""
        if self._next is None or until < self._next:
            return []
        first = max(self._next, _following(until) - POINTS * STEP_SECONDS)
        return [
            tuple(row.measurement.value for row in rows(fold, end - 1))
            for end in range(first, until + 1, STEP_SECONDS)
        ]


def _following(second: int) -> int:
    return (second // STEP_SECONDS + 1) * STEP_SECONDS

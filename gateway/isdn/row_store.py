"""Rows of 20 ms between two clocks: the media worker's, by which they come, and the line's, by which they go.

Where the clocks differ a row is left out or a silent one put in, and counted: a slip of ours. Rows that wait for
no purpose, since a burst came or the line is slower, are left out one by one: the delay does not grow.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from gateway.isdn.line import SILENCE

#: Rows that wait before the first is taken, and the most that may wait.
FIRST_ROWS, MOST_ROWS = 2, 5
#: So many stay behind after each take when nothing is late.
_SPARE: Final = FIRST_ROWS - 1
#: When more than that stayed behind for so many takes (10 s), one of them is left out.
_LOOKED_AT: Final = 500


class RowStore:
    """``lost``: silent rows that were put in once something was said; ``dropped``: rows that were left out."""

    def __init__(self) -> None:
        self.lost = self.dropped = 0
        self._rows: deque[bytes] = deque()
        self._saying = self._said = False
        self._least = MOST_ROWS
        self._takes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, row: bytes) -> None:
        """A row came."""
        self._rows.append(row)
        if len(self._rows) > MOST_ROWS:
            self._leave_one_out()

    def take(self) -> bytes:
        """The next row, or silence."""
        if not self._rows or (not self._saying and len(self._rows) < FIRST_ROWS):
            self._saying = False
            self.lost += self._said
            self._look_anew()
            return SILENCE
        self._saying = self._said = True
        row = self._rows.popleft()
        self._least = min(self._least, len(self._rows))
        self._takes += 1
        if self._takes == _LOOKED_AT:
            if self._least > _SPARE:
                self._leave_one_out()
            self._look_anew()
        return row

    def _leave_one_out(self) -> None:
        self._rows.popleft()
        self.dropped += 1

    def _look_anew(self) -> None:
        self._least, self._takes = MOST_ROWS, 0

"""Loop-back of bearer channels (R10.4.a): one end sends back what it hears, the other sends a known pattern and
counts what comes back wrong."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Final

from gateway.isdn.line import OCTETS

#: Rows of a test: a second; and how late the first of them may come back.
TEST_ROWS: Final = 50
MOST_DELAY_ROWS: Final = 25
_ROW_BITS: Final = 8 * OCTETS
#: What a loop keeps of a burst.
_MOST_HELD_ROWS: Final = 10


@dataclass(frozen=True, slots=True)
class LoopResult:
    """``errors`` of ``bits`` came back wrong, the first ``delay_rows`` of 20 ms late; ``looped``: they came back
    at all. ``lost_rows`` did not: slips on the way, whose bits are in neither number."""

    looped: bool
    bits: int
    errors: int
    delay_rows: int
    lost_rows: int


class Loop:
    """The near end of a loop: says what it hears."""

    def __init__(self) -> None:
        self._rows: deque[bytes] = deque(maxlen=_MOST_HELD_ROWS)

    def hear(self, row: bytes) -> None:
        """20 ms came."""
        self._rows.append(row)

    def say(self) -> bytes:
        """The same."""
        return self._rows.popleft() if self._rows else b""


class LoopTest:
    """Who tests a loop: says a pattern, and keeps what comes back."""

    def __init__(self, seed: int = 1) -> None:
        source = random.Random(seed)
        self._pattern = [source.randbytes(OCTETS) for _ in range(TEST_ROWS)]
        self._said = 0
        self._heard: list[bytes] = []

    @property
    def over(self) -> bool:
        """Whether all that can come back has come."""
        return len(self._heard) >= TEST_ROWS + MOST_DELAY_ROWS

    def hear(self, row: bytes) -> None:
        """20 ms came."""
        if self._said and not self.over:
            self._heard.append(row)

    def say(self) -> bytes:
        """The next 20 ms of the pattern; then nothing."""
        self._said += 1
        return self._pattern[self._said - 1] if self._said <= TEST_ROWS else b""

    def result(self) -> LoopResult:
        """Each row is looked for behind the one found before. Half of all bits are equal by chance, so one that is
        wrong in a quarter did not come back; a loop brings half of them."""
        errors, found, first, at = 0, 0, 0, 0
        for number, row in enumerate(self._pattern):
            sent = int.from_bytes(row, "big")
            for place in range(at, min(len(self._heard), number + MOST_DELAY_ROWS + 1)):
                wrong = (sent ^ int.from_bytes(self._heard[place], "big")).bit_count()
                if wrong < _ROW_BITS // 4:
                    first = first if found else place - number
                    errors, found, at = errors + wrong, found + 1, place + 1
                    break
        if found < TEST_ROWS // 2:
            return LoopResult(False, 0, 0, 0, TEST_ROWS)
        return LoopResult(True, found * _ROW_BITS, errors, first, TEST_ROWS - found)

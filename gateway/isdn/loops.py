"""Loop-back of bearer channels (R10.4.a): one end sends back what it hears, the other sends a known pattern and
counts what comes back wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from gateway.isdn.line import OCTETS

#: Rows of a test: a second; and how late the first of them may come back.
TEST_ROWS: Final = 50
MOST_DELAY_ROWS: Final = 25


@dataclass(frozen=True, slots=True)
class LoopResult:
    """``errors`` of ``bits`` came back wrong, ``delay_rows`` of 20 ms late; ``looped``: they came back at all."""

    looped: bool
    bits: int
    errors: int
    delay_rows: int


class Loop:
    """The near end of a loop: says what it hears."""

    def __init__(self) -> None:
        self._row = b""

    def hear(self, row: bytes) -> None:
        """20 ms came."""
        self._row = row

    def say(self) -> bytes:
        """The same."""
        row, self._row = self._row, b""
        return row


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
        """At the delay that fits best. Half of all bits are equal by chance: then there is no loop."""
        counts = [self._wrong(delay) for delay in range(len(self._heard) - TEST_ROWS + 1)]
        bits = 8 * OCTETS * TEST_ROWS
        if not counts or min(counts) > bits // 4:
            return LoopResult(False, bits, bits, 0)
        return LoopResult(True, bits, min(counts), counts.index(min(counts)))

    def _wrong(self, delay: int) -> int:
        heard = int.from_bytes(b"".join(self._heard[delay : delay + TEST_ROWS]), "big")
        return (heard ^ int.from_bytes(b"".join(self._pattern), "big")).bit_count()

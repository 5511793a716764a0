"""UUID version 7 (RFC 9562 section 5.7): unique without coordination, sortable by time."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import Final

from ccplatform.kernel.clock import Clock

#: Ids whose random part is asked of the system at once.
_POOL: Final = 256
#: Hexadecimal digits of a random part: three to begin a count, the last sixteen of the id.
_DIGITS: Final = 19
#: The two highest bits of the last part say the variant, 10.
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class Ids:
    """Makes UUIDv7 strings; ids made by one instance are strictly increasing.

    ``random_bytes`` returns that many random bytes and is injected in tests for reproducible ids.
    """

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._last_ms = -1
        self._sequence = 0
        self._head = ""
        self._pool: list[tuple[int, str]] = []

    def new(self, at: datetime | None = None) -> str:
        """A new id in canonical text form; ``at`` is the wall time, for whoever knows it already."""
        if not self._pool:
            self._fill()
        start, tail = self._pool.pop()
        ms = int((at or self._clock.wall()).timestamp() * 1000)
        if ms > self._last_ms:
            self._begin(ms, start)
        elif self._sequence == 0xFFF:
            self._begin(self._last_ms + 1, 0)
        else:
            self._sequence += 1
        return f"{self._head}{self._sequence:03x}-{tail}"

    def _fill(self) -> None:
        """Random parts of many ids, written out ahead: every fact has an id, and uuid.UUID takes several times as
        long."""
        digits = self._random_bytes(_POOL * (_DIGITS + 1) // 2).hex()
        for at in range(0, _POOL * _DIGITS, _DIGITS):
            start, tail = digits[at : at + 3], digits[at + 3 : at + _DIGITS]
            # 11 of 12 bits, so that there is room to count on.
            self._pool.append((int(start, 16) >> 1, f"{_VARIANT[tail[0]]}{tail[1:4]}-{tail[4:]}"))

    def _begin(self, ms: int, sequence: int) -> None:
        self._last_ms, self._sequence = ms, sequence
        head = f"{ms & 0xFFFF_FFFF_FFFF:012x}"
        self._head = f"{head[:8]}-{head[8:]}-7"

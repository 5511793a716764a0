"""UUID version 7 (RFC 9562 section 5.7): unique without coordination, sortable by time."""

from __future__ import annotations

import os
from collections.abc import Callable

from ccplatform.kernel.clock import Clock

#: Random bytes that are asked of the system at once.
_POOL_BYTES = 4096


class _SystemBits:
    """Random bits of the system, taken from it in larger pieces: every fact has an id."""

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def __call__(self, count: int) -> int:
        size = (count + 7) // 8
        if self._at + size > len(self._pool):
            self._pool, self._at = os.urandom(_POOL_BYTES), 0
        begin, self._at = self._at, self._at + size
        return int.from_bytes(self._pool[begin : self._at], "big") >> (size * 8 - count)


class Ids:
    """Makes UUIDv7 strings; ids made by one instance are strictly increasing.

    ``random_bits`` returns that many random bits and is injected in tests for reproducible ids.
    """

    def __init__(self, clock: Clock, random_bits: Callable[[int], int] | None = None) -> None:
        self._clock = clock
        self._random_bits = random_bits or _SystemBits()
        self._last_ms = -1
        self._sequence = 0

    def new(self) -> str:
        """A new id in canonical text form."""
        ms = int(self._clock.wall().timestamp() * 1000)
        if ms > self._last_ms:
            self._last_ms = ms
            self._sequence = self._random_bits(11)
        else:
            self._sequence += 1
            if self._sequence > 0xFFF:
                self._last_ms += 1
                self._sequence = 0
        # Written out here: uuid.UUID takes several times as long, and every fact has an id.
        head = f"{self._last_ms & 0xFFFF_FFFF_FFFF:012x}"
        tail = f"{0b10 << 62 | self._random_bits(62):016x}"
        return f"{head[:8]}-{head[8:]}-7{self._sequence:03x}-{tail[:4]}-{tail[4:]}"

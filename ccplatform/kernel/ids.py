"""UUID version 7 (RFC 9562 section 5.7): unique without coordination, sortable by time."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable

from ccplatform.kernel.clock import Clock


class Ids:
    """Makes UUIDv7 strings; ids made by one instance are strictly increasing.

    ``random_bits`` returns that many random bits and is injected in tests for reproducible ids.
    """

    def __init__(self, clock: Clock, random_bits: Callable[[int], int] = secrets.randbits) -> None:
        self._clock = clock
        self._random_bits = random_bits
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
        value = (self._last_ms & 0xFFFF_FFFF_FFFF) << 80
        value |= 0x7 << 76 | self._sequence << 64
        value |= 0b10 << 62 | self._random_bits(62)
        return str(uuid.UUID(int=value))

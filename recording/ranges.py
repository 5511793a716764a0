"""Byte ranges of HTTP (RFC 9110 section 14): one range or the whole, read piece by piece in a thread."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from recording.errors import RangeNotSatisfiable
from recording.sealed import Sound

#: Bytes read at once: eight seconds of a recording at 8 kHz.
PIECE_BYTES = 256 * 1024

_ONE = re.compile(r"bytes=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1


def wanted_span(header: str | None, size: int) -> Span | None:
    """The bytes that a Range header asks of a file of ``size`` bytes; None: no range, send the whole.

    What is no range in bytes is ignored, as section 14.2 demands. Raises :class:`RangeNotSatisfiable` for
    bytes that are not there and for several ranges at once, which no player of audio needs.
    """
    if header is None or not header.startswith("bytes="):
        return None
    if "," in header:
        raise RangeNotSatisfiable("ask for one range at a time", size)
    parts = _ONE.fullmatch(header)
    if parts is None or parts.groups() == ("", ""):
        return None
    first, last = parts.groups()
    if not first:
        span = Span(max(0, size - int(last)), size - 1)
    else:
        if last and int(last) < int(first):
            return None
        span = Span(int(first), min(int(last), size - 1) if last else size - 1)
    if span.length <= 0:
        raise RangeNotSatisfiable(f"the recording has {size} bytes", size)
    return span


async def pieces(sound: Sound, span: Span) -> AsyncIterator[bytes]:
    """The bytes of a span; stops early if there is less than was told. The file is open no longer than that."""
    try:
        at, left = span.first, span.length
        while left:
            data = await asyncio.to_thread(sound.read, at, min(left, PIECE_BYTES))
            if not data:
                return
            at, left = at + len(data), left - len(data)
            yield data
    finally:
        sound.close()

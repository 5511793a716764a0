"""Reading a WAV while it comes in, as speech servers send it: its length may not be known yet."""

from __future__ import annotations

import struct
from typing import Final

from ccplatform.kernel.errors import RemoteViolation

#: What may come before the samples, and how much sound is taken, bytes.
MAX_HEAD_BYTES: Final = 4096
MAX_SOUND_BYTES: Final = 16 * 2**20

_RATES: Final = range(4000, 192_001)
_FORMAT: Final = struct.Struct("<HHIIHH")
_CHUNK: Final = struct.Struct("<4sI")
_PCM: Final = 1
_UNKNOWN_LENGTHS: Final = (0, 0x7FFFFFFF, 0xFFFFFFFF)


class WavStream:
    """One channel of 16-bit PCM (RIFF WAVE). ``rate`` is 0 until it is known."""

    def __init__(self) -> None:
        self.rate = 0
        self._head = bytearray()
        self._left: int | None = None  # of the samples; None: to the end
        self._in_sound = False
        self._taken = 0
        self._odd = b""  # half a sample

    @property
    def whole(self) -> bool:
        """Whether all that was promised came."""
        return self._in_sound and not self._left

    def feed(self, data: bytes) -> bytes:
        """The samples in the next piece; raises RemoteViolation for what is no such WAV, or too long."""
        if not self._in_sound:
            self._head += data
            data = self._read_head()
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self._taken += len(data)
        if self._taken > MAX_SOUND_BYTES:
            raise RemoteViolation(f"more than {MAX_SOUND_BYTES} bytes of sound")
        data = self._odd + data
        whole = len(data) - len(data) % 2
        self._odd = data[whole:]
        return data[:whole]

    def _read_head(self) -> bytes:
        """Pass over the chunks before the samples; what of the samples is there already."""
        head = bytes(self._head)
        if len(head) >= 12 and (head[:4], head[8:12]) != (b"RIFF", b"WAVE"):
            raise RemoteViolation("the answer is no WAV")
        at = 12
        while len(head) >= at + _CHUNK.size:
            name, size = _CHUNK.unpack_from(head, at)
            at += _CHUNK.size
            if name == b"data":
                return self._begin_sound(size, head[at:])
            if len(head) < at + size:
                break
            if name == b"fmt ":
                self._read_format(head[at : at + size])
            at += size + size % 2
        if len(head) > MAX_HEAD_BYTES:
            raise RemoteViolation(f"no samples within {MAX_HEAD_BYTES} bytes")
        return b""

    def _begin_sound(self, size: int, data: bytes) -> bytes:
        if not self.rate:
            raise RemoteViolation("the WAV does not say its format before its samples")
        self._in_sound = True
        self._left = None if size in _UNKNOWN_LENGTHS else size
        self._head.clear()
        return data

    def _read_format(self, data: bytes) -> None:
        if len(data) < _FORMAT.size:
            raise RemoteViolation("the format of the WAV is too short")
        coding, channels, rate, _, _, bits = _FORMAT.unpack_from(data)
        if (coding, channels, bits) != (_PCM, 1, 16) or rate not in _RATES:
            form = f"coding {coding}, {channels} channels, {bits} bits, {rate} Hz"
            raise RemoteViolation(f"a WAV of {form} is not taken")
        self.rate = rate

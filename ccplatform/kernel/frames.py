"""Framing of messages on a stream socket between our own processes: 4-byte big-endian length, then JSON."""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from ccplatform.kernel.errors import RemoteViolation

#: Largest frame either side accepts, bytes; a snapshot of a big centre fits.
MAX_FRAME_BYTES = 64 * 1024 * 1024

_LENGTH = struct.Struct("!I")
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()


class BadFrame(RemoteViolation):
    """The peer sent a frame that is too large or not JSON."""


def encode_frame(message: Any) -> bytes:
    """One message, ready to be written to the socket."""
    return frame_of(_ENCODER.encode(message))


def frame_of(body: bytes) -> bytes:
    """A message that is JSON already."""
    return _LENGTH.pack(len(body)) + body


class FrameDecoder:
    """Cuts a byte stream into messages, without IO."""

    def __init__(self, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._buffer = bytearray()
        self._max_bytes = max_bytes

    def feed(self, data: bytes) -> list[Any]:
        """Take received bytes; return the messages that are complete now."""
        self._buffer += data
        messages: list[Any] = []
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            if length > self._max_bytes:
                raise BadFrame(f"frame of {length} bytes, the limit is {self._max_bytes}")
            end = start + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            try:
                messages.append(_DECODER.decode(memoryview(self._buffer)[start + _LENGTH.size : end]))
            except msgspec.DecodeError as error:
                raise BadFrame(f"frame is not JSON: {error}") from error
            start = end
        if start:
            del self._buffer[:start]
        return messages

"""The espeak-ng engine in a process of its own: ``python -m ivr.speech.espeak_process``.

This script alone loads the GPL library, and it needs nothing of the platform: the pipe is the licence border, and
a crash of the library ends this process only. Frames on stdin and stdout: 4-byte big-endian length, then the body.
A request is JSON ``{"text", "voice", "rate", "pitch", "volume"}``. The answer is JSON, ``{"error": reason}`` or
``{"rate": hertz}`` and then, as they are made, frames of 16-bit native-endian samples, the last of them empty.
The process ends when stdin does.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import espeakng_loader

#: Longest request that is read, bytes; longest speech that is made, seconds.
MAX_REQUEST_BYTES = 65_536
MAX_SECONDS = 120

_LENGTH = struct.Struct("!I")
_CHUNK_MS = 100
_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_PARAMETER_RATE, _PARAMETER_VOLUME, _PARAMETER_PITCH = 1, 2, 3

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The library, set up for synchronous synthesis into memory (speak_lib.h)."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        # the library keeps the data path in a short fixed buffer: give it a relative one
        os.chdir(Path(espeakng_loader.get_data_path()).parent)
        self.rate: int = self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, _CHUNK_MS, b".", _DONT_EXIT)
        if self.rate <= 0:
            raise OSError(f"espeak_Initialize returned {self.rate}")
        self._emit: Callable[[bytes], None] = _drop
        self._made = 0  # bytes of the present text
        self._callback = _CALLBACK(self._take)  # must live as long as the library uses it
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(
        self, emit: Callable[[bytes], None], *, text: str, voice: str, rate: int, pitch: int, volume: int
    ) -> None:
        """Give the samples of a text to ``emit`` as they are made; raises ValueError when the library refuses
        something."""
        self._check("voice", self._library.espeak_SetVoiceByName(voice.encode()))
        for parameter, value in (
            (_PARAMETER_RATE, rate),
            (_PARAMETER_VOLUME, volume),
            (_PARAMETER_PITCH, pitch),
        ):
            self._check("parameter", self._library.espeak_SetParameter(parameter, int(value), 0))
        self._emit, self._made = emit, 0
        data = text.encode() + b"\0"
        size = ctypes.c_size_t(len(data))
        self._check(
            "text",
            self._library.espeak_Synth(data, size, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None),
        )
        self._check("end of text", self._library.espeak_Synchronize())

    def _take(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._made += count * 2
            self._emit(ctypes.string_at(samples, count * 2))
        return int(self._made > MAX_SECONDS * self.rate * 2)  # 1 stops the synthesis

    @staticmethod
    def _check(what: str, code: int) -> None:
        if code != 0:
            raise ValueError(f"espeak refused the {what} (code {code})")


def read_frame(stream: BinaryIO) -> bytes | None:
    """One body, None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_REQUEST_BYTES:
        raise ValueError(f"a request of {length} bytes is too long")
    return stream.read(length)


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Send one body."""
    stream.write(_LENGTH.pack(len(body)) + body)


def _drop(_sound: bytes) -> None:
    pass


def answer(espeak: Espeak, body: bytes, stream: BinaryIO) -> None:
    """Write the frames that answer a request."""
    begun = False

    def send(sound: bytes) -> None:
        nonlocal begun
        if not begun:
            write_frame(stream, json.dumps({"rate": espeak.rate}).encode())
        begun = True
        write_frame(stream, sound)
        stream.flush()

    try:
        espeak.speak(send, **json.loads(body))
    except (ValueError, TypeError) as error:
        if begun:
            raise  # the end of this process tells that the sound is not whole
        write_frame(stream, json.dumps({"error": str(error)}).encode())
    else:
        send(b"")
    stream.flush()


def main() -> None:
    """Answer requests until stdin ends; whatever the library prints goes to stderr, not into the frames."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    espeak = Espeak()
    while (body := read_frame(sys.stdin.buffer)) is not None:
        answer(espeak, body, replies)


if __name__ == "__main__":
    main()

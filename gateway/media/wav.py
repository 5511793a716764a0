"""A stereo WAV file that grows and is readable at every moment (RIFF/WAVE, 16-bit PCM, 8 kHz)."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final

from gateway.media.audio import RATE

HEADER_BYTES: Final = 44
#: Bytes of one sample of both channels.
SAMPLE_BYTES: Final = 4
#: What the 32-bit sizes of the header can say: some 37 hours.
MAX_DATA_BYTES: Final = 0xFFFFFFFF - HEADER_BYTES - SAMPLE_BYTES


def header(data_bytes: int) -> bytes:
    """The header of a file with that much audio."""
    riff = struct.pack("<4sI4s", b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, RATE, RATE * SAMPLE_BYTES, SAMPLE_BYTES, 16)
    return riff + form + struct.pack("<4sI", b"data", data_bytes)


class WavFile:
    """The file at ``path``, new, for the owner only; its directory is made when missing. Raises OSError."""

    def __init__(self, path: str) -> None:
        self.data_bytes = 0
        _make_directories(Path(path).parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        try:
            os.pwrite(self._fd, header(0), 0)
        except OSError:
            os.close(self._fd)
            raise

    def append(self, data: bytes) -> None:
        """Add audio, then say so in the header: whoever reads, reads whole samples."""
        if self.data_bytes + len(data) > MAX_DATA_BYTES:
            raise OSError(f"a WAV file holds no more than {MAX_DATA_BYTES} bytes")
        written = 0
        while written < len(data):
            written += os.pwrite(self._fd, data[written:], HEADER_BYTES + self.data_bytes + written)
        self.data_bytes += len(data)
        os.pwrite(self._fd, header(self.data_bytes), 0)

    def close(self) -> None:
        """Cut off what a failed write may have left, and close."""
        try:
            os.ftruncate(self._fd, HEADER_BYTES + self.data_bytes)
        finally:
            os.close(self._fd)


def _make_directories(directory: Path) -> None:
    for missing in reversed([folder for folder in (directory, *directory.parents) if not folder.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)

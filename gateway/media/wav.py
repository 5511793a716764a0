"""A stereo WAV file that grows and is readable at every moment (RIFF/WAVE, 16-bit PCM)."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final

from ccplatform.contracts.media import RecordingClosed, StartRecording
from gateway.media.audio import RATE

HEADER_BYTES: Final = 44
#: Bytes of one sample of both channels.
SAMPLE_BYTES: Final = 4
#: What the 32-bit sizes of the header can say: some 37 hours at 8 kHz, half of it at 16 kHz.
MAX_DATA_BYTES: Final = 0xFFFFFFFF - HEADER_BYTES - SAMPLE_BYTES


def header(data_bytes: int, rate: int = RATE) -> bytes:
    """The header of a file with that much audio of ``rate`` samples a second."""
    riff = struct.pack("<4sI4s", b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, rate, rate * SAMPLE_BYTES, SAMPLE_BYTES, 16)
    return riff + form + struct.pack("<4sI", b"data", data_bytes)


class WavFile:
    """The file at ``path``, for the owner only; its directory is made when missing. Raises OSError.

    It must be new, unless ``at_seconds`` are given: then it goes on there, after ``missing_seconds`` of silence in
    place of what was never written.
    """

    def __init__(self, path: str, at_seconds: float = 0.0, rate: int = RATE) -> None:
        self.rate = rate
        self.data_bytes = 0
        self.missing_seconds = 0.0
        _make_directories(Path(path).parent)
        new = os.O_EXCL if not at_seconds else 0
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | new, 0o600)
        try:
            self._go_on(round(at_seconds * rate) * SAMPLE_BYTES)
        except OSError:
            os.close(self._fd)
            raise

    def _go_on(self, due_bytes: int) -> None:
        """Begin, or begin again where ``due_bytes`` of audio should be."""
        there = max(0, os.fstat(self._fd).st_size - HEADER_BYTES) // SAMPLE_BYTES * SAMPLE_BYTES
        self.data_bytes = min(max(there, due_bytes), MAX_DATA_BYTES)
        self.missing_seconds = (self.data_bytes - there) / SAMPLE_BYTES / self.rate
        os.ftruncate(self._fd, HEADER_BYTES + self.data_bytes)
        self._tell_size()

    def append(self, data: bytes) -> None:
        """Add audio, then say so in the header: whoever reads, reads whole samples."""
        if self.data_bytes + len(data) > MAX_DATA_BYTES:
            raise OSError(f"a WAV file holds no more than {MAX_DATA_BYTES} bytes")
        written = 0
        while written < len(data):
            written += os.pwrite(self._fd, data[written:], HEADER_BYTES + self.data_bytes + written)
        self.data_bytes += len(data)
        self._tell_size()

    def close(self) -> None:
        """Cut off what a failed write may have left, and close."""
        try:
            os.ftruncate(self._fd, HEADER_BYTES + self.data_bytes)
        finally:
            os.close(self._fd)

    def _tell_size(self) -> None:
        os.pwrite(self._fd, header(self.data_bytes, self.rate), 0)


def cut_recording(order: StartRecording) -> RecordingClosed:
    """The end of a recording that no worker writes any more: what is on the disk is complete up to its last
    half second."""
    try:
        size = os.stat(order.path).st_size
    except OSError:
        size = 0
    seconds = max(0, size - HEADER_BYTES) / SAMPLE_BYTES / (order.rate or RATE)
    return RecordingClosed(
        call=order.call,
        recording=order.recording,
        seconds=seconds,
        size_bytes=size,
        error="the media worker or a leg was gone",
    )


def _make_directories(directory: Path) -> None:
    for missing in reversed([folder for folder in (directory, *directory.parents) if not folder.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)

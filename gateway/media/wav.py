"""A stereo WAV file that grows and is readable at every moment (RIFF/WAVE, 16-bit PCM)."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from ccplatform.contracts.media import RecordingClosed, StartRecording
from gateway.media.audio import RATE

HEADER_BYTES: Final = 44
#: Bytes of one sample of both channels.
SAMPLE_BYTES: Final = 4
#: What the 32-bit sizes of the header can say: some 37 hours at 8 kHz, half of it at 16 kHz.
MAX_DATA_BYTES: Final = 0xFFFFFFFF - HEADER_BYTES - SAMPLE_BYTES


#: Writes parts whole into files at their places, and gives 0 or the error number of each.
PartsWriter: TypeAlias = Callable[[Sequence[int], Sequence[bytes], Sequence[int]], list[int]]

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")


def header(data_bytes: int, rate: int = RATE) -> bytes:
    """The header of a file with that much audio of ``rate`` samples a second."""
    form = (b"fmt ", 16, 1, 2, rate, rate * SAMPLE_BYTES, SAMPLE_BYTES, 16)
    return _HEADER.pack(b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE", *form, b"data", data_bytes)


def write_parts(fds: Sequence[int], parts: Sequence[bytes], places: Sequence[int]) -> list[int]:
    """See :data:`PartsWriter`."""
    return [_write(fd, part, place) for fd, part, place in zip(fds, parts, places, strict=True)]


def _write(fd: int, part: bytes, place: int) -> int:
    written = 0
    try:
        while written < len(part):
            written += os.pwrite(fd, part[written:], place + written)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


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
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | new, 0o600)
        try:
            self._go_on(round(at_seconds * rate) * SAMPLE_BYTES)
        except OSError:
            os.close(self.fd)
            raise

    def _go_on(self, due_bytes: int) -> None:
        """Begin, or begin again where ``due_bytes`` of audio should be."""
        there = max(0, os.fstat(self.fd).st_size - HEADER_BYTES) // SAMPLE_BYTES * SAMPLE_BYTES
        self.data_bytes = min(max(there, due_bytes), MAX_DATA_BYTES)
        self.missing_seconds = (self.data_bytes - there) / SAMPLE_BYTES / self.rate
        os.ftruncate(self.fd, HEADER_BYTES + self.data_bytes)
        self._tell_size()

    def append(self, data: bytes) -> None:
        """Add audio; raises OSError."""
        (failed,) = append([(self, data)])
        if failed:
            raise OSError(failed, os.strerror(failed))

    def close(self) -> None:
        """Cut off what a failed write may have left, and close."""
        try:
            os.ftruncate(self.fd, HEADER_BYTES + self.data_bytes)
        finally:
            os.close(self.fd)

    def _tell_size(self) -> None:
        os.pwrite(self.fd, header(self.data_bytes, self.rate), 0)


def append(parts: Sequence[tuple[WavFile, bytes]], write: PartsWriter = write_parts) -> list[int]:
    """Add audio to files, none of them twice, then say so in their headers: whoever reads, reads whole samples.

    Returns 0 or the error number of each.
    """
    places = [HEADER_BYTES + file.data_bytes for file, _ in parts]
    failed = write([file.fd for file, _ in parts], [data for _, data in parts], places)
    grown = []
    for place, (file, data) in enumerate(parts):
        if file.data_bytes + len(data) > MAX_DATA_BYTES:
            failed[place] = errno.EFBIG
        elif not failed[place]:
            file.data_bytes += len(data)
            grown.append(place)
    files = [parts[place][0] for place in grown]
    told = write([file.fd for file in files], [header(f.data_bytes, f.rate) for f in files], [0] * len(files))
    for place, error in zip(grown, told, strict=True):
        failed[place] = error
    return failed


def cut_recording(order: StartRecording) -> RecordingClosed:
    """The end of a recording that no worker writes any more: what is on the disk is complete up to its last
    second."""
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

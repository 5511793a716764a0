"""WAV files: the header of what is played, and the files of before sound was sealed, mended where they were cut.

Of a file that was cut the sizes in the header are wrong; the samples are there all the same. RIFF: *Multimedia
Programming Interface and Data Specifications 1.0*, 1991.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from recording.errors import BadWave

#: Bytes of the header that :func:`wave_header` makes.
WAVE_BYTES = 44

_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")

#: The header must be over within so many bytes.
MAX_HEADER_BYTES = 64 * 1024
#: A RIFF size is 32 bits; longer files carry this there.
MAX_RIFF_BYTES = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Where the samples are; ``frame_bytes`` is one sample of every channel."""

    data_at: int
    declared_bytes: int
    actual_bytes: int
    frame_bytes: int
    frames_per_second: int

    @property
    def seconds(self) -> float:
        """Length by the samples that are really there."""
        return self.actual_bytes // self.frame_bytes / self.frames_per_second

    @property
    def whole(self) -> bool:
        """Whether the header tells the truth."""
        return self.declared_bytes == self.actual_bytes and self.actual_bytes % self.frame_bytes == 0


def wave_header(data_bytes: int, rate: int) -> bytes:
    """The header of a stereo file of 16-bit samples with that many bytes of them."""
    form = _FORMAT.pack(1, 2, rate, rate * 4, 4, 16)
    riff = _RIFF.pack(b"RIFF", WAVE_BYTES - 8 + data_bytes, b"WAVE")
    return riff + _CHUNK.pack(b"fmt ", len(form)) + form + _CHUNK.pack(b"data", data_bytes)


def read_wave(path: Path) -> Wave:
    """Look at a file's header; raises :class:`BadWave`, OSError."""
    with path.open("rb") as file:
        return _read(file)


def mend_wave(path: Path) -> Wave:
    """Make the header true and drop a half-written frame at the end; raises :class:`BadWave`, OSError."""
    with path.open("r+b") as file:
        wave = _read(file)
        if wave.whole:
            return wave
        kept = wave.actual_bytes - wave.actual_bytes % wave.frame_bytes
        file.truncate(wave.data_at + kept)
        file.seek(4)
        file.write(struct.pack("<I", min(wave.data_at + kept - 8, MAX_RIFF_BYTES)))
        file.seek(wave.data_at - 4)
        file.write(struct.pack("<I", min(kept, MAX_RIFF_BYTES)))
        file.flush()
        os.fsync(file.fileno())
    return read_wave(path)


def _read(file: BinaryIO) -> Wave:
    size = os.fstat(file.fileno()).st_size
    head = file.read(_RIFF.size)
    if len(head) < _RIFF.size or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise BadWave("no RIFF WAVE header")
    form: tuple[int, ...] | None = None
    while file.tell() < MAX_HEADER_BYTES:
        chunk = file.read(_CHUNK.size)
        if len(chunk) < _CHUNK.size:
            raise BadWave("the file ends before its samples")
        name, length = _CHUNK.unpack(chunk)
        if name == b"data":
            if form is None:
                raise BadWave("samples without a format")
            return _wave(file.tell(), length, size, form)
        if name == b"fmt ":
            body = file.read(_FORMAT.size)
            if length < _FORMAT.size or len(body) < _FORMAT.size:
                raise BadWave("the format chunk is too short")
            form = _FORMAT.unpack(body)
            file.seek(length - _FORMAT.size + length % 2, os.SEEK_CUR)
        else:
            file.seek(length + length % 2, os.SEEK_CUR)
    raise BadWave(f"no samples within {MAX_HEADER_BYTES} bytes")


def _wave(data_at: int, declared: int, size: int, form: tuple[int, ...]) -> Wave:
    _, channels, rate, _, frame_bytes, bits = form
    if not (channels and rate and frame_bytes and bits):
        raise BadWave("the format chunk says nothing of use")
    actual = size - data_at
    if declared < actual < declared + frame_bytes and declared % frame_bytes == 0 and declared:
        actual = declared  # a pad byte
    return Wave(
        data_at=data_at,
        declared_bytes=declared,
        actual_bytes=actual,
        frame_bytes=frame_bytes,
        frames_per_second=rate,
    )

"""A recording that grows chunk by chunk, each sealed (:mod:`ccplatform.security.sealed_sound`) and then written.

What is on the disk is complete up to the last whole chunk at every moment, and nobody reads it without its key.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from ccplatform.contracts.media import RecordingClosed, Seal, StartRecording
from ccplatform.contracts.words import RecordingId
from ccplatform.security import sealed_sound
from ccplatform.security.errors import BadSeal
from ccplatform.security.sealed_sound import (
    FRONT_BYTES,
    HEADER_BYTES,
    MAX_SAMPLES,
    SAMPLE_BYTES,
    TAG_BYTES,
    Chunk,
    Description,
    Kind,
    Sealer,
    fronts,
    hash_of,
    read_header,
)
from gateway.media.audio import RATE

#: Why a recording ended that no worker writes any more.
CUT: Final = "the media worker or a leg was gone"

#: Writes parts whole into files at their places, and gives 0 or the error number of each.
PartsWriter: TypeAlias = Callable[[Sequence[int], Sequence[bytes], Sequence[int]], list[int]]


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


class SealedFile:
    """The file at ``path``, for the owner only; its directory is made when missing. Raises OSError, BadSeal.

    It must be new, unless ``at_seconds`` are given: then it goes on there, after ``missing_seconds`` that were
    never written.
    """

    def __init__(
        self, path: str, recording: RecordingId, seal: Seal, at_seconds: float = 0.0, rate: int = RATE
    ) -> None:
        self.missing_samples = 0
        self.root = ""
        _make_directories(Path(path).parent)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self.fd = os.open(path, flags | (0 if at_seconds else os.O_EXCL), 0o600)
        try:
            self._begin(recording, seal, rate)
            due = min(round(at_seconds * self.rate), MAX_SAMPLES)
            if due > self.samples:
                self._miss(due - self.samples)
        except (OSError, BadSeal):
            os.close(self.fd)
            raise

    @property
    def samples(self) -> int:
        """Samples of each channel so far."""
        return self._sealer.samples

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self.samples / self.rate

    @property
    def missing_seconds(self) -> float:
        """How much of it was never written."""
        return self.missing_samples / self.rate

    def sound(self, data: bytes) -> Chunk:
        """Seal the next samples, both channels interleaved; :meth:`accept` what was written of them."""
        return self._sealer.sound(data, len(data) // SAMPLE_BYTES)

    def accept(self, chunk: Chunk) -> None:
        """The chunk stands at the end of the file."""
        self._sealer.accept(chunk)
        self.size += len(chunk.data)

    def close(self, pauses: tuple[tuple[float, float], ...] = (), error: str = "") -> None:
        """Cut off what a failed write may have left, write the closing chunk and close; raises OSError."""
        try:
            os.ftruncate(self.fd, self.size)
            self._append(self._sealer.closing(pauses, error))
            self.root = self._sealer.before.hex()
        finally:
            os.close(self.fd)

    def _begin(self, recording: RecordingId, seal: Seal, rate: int) -> None:
        there = os.fstat(self.fd).st_size
        if there < HEADER_BYTES:
            self.rate, self.size = rate, HEADER_BYTES
            description = Description(recording=recording, rate=rate)
            self._put(sealed_sound.header(description, seal.wrapped), 0)
            self._sealer = Sealer(seal.key, description)
            return
        description, _ = read_header(os.pread(self.fd, HEADER_BYTES, 0))
        self.rate, self.size = description.rate, HEADER_BYTES
        self._sealer = self._go_on(seal, description, there)
        os.ftruncate(self.fd, self.size)

    def _go_on(self, seal: Seal, description: Description, there: int) -> Sealer:
        """Behind the last whole chunk that the key opens; a torn one after it is written over."""
        opener = sealed_sound.Seal(seal.key, description)
        whole = [front for front in fronts(self._read_at, there) if front.kind is not Kind.CLOSING]
        while whole:
            last = whole[-1]
            body = self._read_at(last.place + FRONT_BYTES, last.length)
            try:
                opener.open(last, body)
            except BadSeal:
                whole.pop()
                continue
            self.size = last.end
            self.missing_samples = sum(front.samples for front in whole if front.kind is Kind.MISSING)
            samples = sum(front.samples for front in whole)
            return Sealer(
                seal.key, description, number=last.number + 1, samples=samples, before=hash_of(last, body)
            )
        return Sealer(seal.key, description)

    def _miss(self, samples: int) -> None:
        self._append(self._sealer.missing(samples))
        self.missing_samples += samples

    def _append(self, chunk: Chunk) -> None:
        self._put(chunk.data, self.size)
        self.accept(chunk)

    def _put(self, data: bytes, place: int) -> None:
        failed = _write(self.fd, data, place)
        if failed:
            raise OSError(failed, os.strerror(failed))

    def _read_at(self, place: int, length: int) -> bytes:
        return os.pread(self.fd, length, place)


def append(parts: Sequence[tuple[SealedFile, bytes]], write: PartsWriter = write_parts) -> list[int]:
    """Seal and add audio to files, none of them twice. Returns 0 or the error number of each."""
    chunks = [file.sound(data) for file, data in parts]
    failed = write(
        [file.fd for file, _ in parts], [chunk.data for chunk in chunks], [file.size for file, _ in parts]
    )
    for (file, _), chunk, error in zip(parts, chunks, failed, strict=True):
        if not error:
            file.accept(chunk)
    return failed


def cut_recording(order: StartRecording) -> RecordingClosed:
    """The end of a recording that no worker writes any more: about so long as its file is large.

    How much of it is whole, the recorder finds out.
    """
    try:
        size = os.stat(order.path).st_size
    except OSError:
        size = 0
    second = (order.rate or RATE) * SAMPLE_BYTES + FRONT_BYTES + TAG_BYTES
    seconds = max(0, size - HEADER_BYTES) / second
    return RecordingClosed(call=order.call, recording=order.recording, seconds=seconds, size_bytes=size, error=CUT)


def _make_directories(directory: Path) -> None:
    for missing in reversed([folder for folder in (directory, *directory.parents) if not folder.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)

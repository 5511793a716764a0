"""Reading recordings: any part of the sound, as the bytes of a WAV file, without opening more than that part.

What was recorded before sound was sealed is read as the WAV file that it is.
"""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import soundfile

from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.errors import BadSeal
from ccplatform.security.key_ring import KeyRing
from ccplatform.security.sealed_sound import (
    FRONT_BYTES,
    HEADER_BYTES,
    SAMPLE_BYTES,
    Closing,
    Coding,
    Front,
    Kind,
    Seal,
    Sealer,
    fronts,
    hash_of,
    read_header,
)
from recording.errors import RecordingGone
from recording.files import RecordingFiles, open_file
from recording.stores.model import StoreAway
from recording.wave import WAVE_BYTES, wave_header


class Sound(Protocol):
    """The sound of a recording as the bytes of a WAV file. Blocks: use it in a thread. Raises BadSeal, OSError."""

    @property
    def size(self) -> int:
        """Bytes of the WAV file."""

    def read(self, first: int, length: int) -> bytes:
        """So many bytes from there on, fewer at the end."""

    def close(self) -> None:
        """Let go of the file."""


class PlainSound:
    """A WAV file of before sound was sealed."""

    def __init__(self, path: Path) -> None:
        self._fd = open_file(path)
        self.size = os.fstat(self._fd).st_size

    def read(self, first: int, length: int) -> bytes:
        """See :class:`Sound`."""
        return os.pread(self._fd, length, first)

    def close(self) -> None:
        """See :class:`Sound`."""
        os.close(self._fd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the readable fronts of a file tell."""

    chunks: tuple[Front, ...]
    closing: Front | None
    starts: tuple[int, ...] = field(repr=False)  # the first sample of each chunk, and the end

    @property
    def samples(self) -> int:
        """Of each channel."""
        return self.starts[-1]

    @property
    def missing(self) -> int:
        """Samples that were never written."""
        return sum(front.samples for front in self.chunks if front.kind is Kind.MISSING)


class SealedBytes(Protocol):
    """The bytes of a sealed file, wherever they are. Blocks. Raises OSError."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def fronts(self) -> tuple[Front, ...] | None:
        """Where its chunks are, if that is told apart from them; None: walk through it."""

    def read_at(self, place: int, length: int) -> bytes:
        """So many from a place on, fewer at the end."""

    def expect(self, end: int) -> None:
        """What is read from now on goes up to there: one request may fetch it."""

    def close(self) -> None:
        """Let go of them."""


class LocalFile:
    """In the directory that recordings are written into."""

    fronts: tuple[Front, ...] | None = None

    def __init__(self, path: Path) -> None:
        self._fd = open_file(path)

    @property
    def size(self) -> int:
        """See :class:`SealedBytes`."""
        return os.fstat(self._fd).st_size

    def read_at(self, place: int, length: int) -> bytes:
        """See :class:`SealedBytes`."""
        return os.pread(self._fd, length, place)

    def expect(self, end: int) -> None:
        """See :class:`SealedBytes`; the system reads ahead."""

    def close(self) -> None:
        """See :class:`SealedBytes`."""
        os.close(self._fd)


class SealedFileReader:
    """A sealed file and the key that opens it. Raises OSError, BadSeal, VaultClosed."""

    def __init__(self, file: SealedBytes, keys: KeyRing) -> None:
        self._file = file
        self.read_at = file.read_at  # bytes as they are kept
        self.expect = file.expect
        with ExitStack() as opened:
            opened.callback(file.close)
            self.description, self.wrapped = read_header(self.read_at(0, HEADER_BYTES))
            self.key = keys.unwrap(self.wrapped, self.description.recording)
            self.seal = Seal(self.key, self.description)
            self.contents = contents_of(self)
            opened.pop_all()

    def __enter__(self) -> SealedFileReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def size_bytes(self) -> int:
        """Bytes as they are kept."""
        return self._file.size

    def fronts(self) -> Iterator[Front]:
        """Its chunks, one after the other."""
        told = self._file.fronts
        return fronts(self.read_at, self.size_bytes) if told is None else iter(told)

    def body(self, front: Front) -> bytes:
        """What follows the front of a chunk, sealed."""
        return self.read_at(front.place + FRONT_BYTES, front.length)

    def samples(self, front: Front) -> bytes:
        """The samples of a chunk, both channels interleaved, silence where they are missing."""
        if front.kind is Kind.MISSING:
            return bytes(front.samples * SAMPLE_BYTES)
        plain = self.seal.open(front, self.body(front))
        if self.description.coding is not Coding.PCM:
            plain = soundfile.read(io.BytesIO(plain), dtype="int16", always_2d=True)[0].astype("<i2").tobytes()
        if len(plain) != front.samples * SAMPLE_BYTES:
            raise BadSeal(f"chunk {front.number} has not the {front.samples} samples that it tells of")
        return plain

    def closing(self) -> Closing | None:
        """How it ends; None: it was never closed."""
        front = self.contents.closing
        return None if front is None else self.seal.close_of(front, self.body(front))

    @property
    def root(self) -> bytes:
        """The hash that stands for the whole file, b'' when it was never closed."""
        front = self.contents.closing
        return b"" if front is None else hash_of(front, self.body(front))


class SealedSound:
    """A sealed recording as a WAV file that is nowhere."""

    def __init__(self, file: SealedFileReader) -> None:
        self._file = file
        self._data_bytes = file.contents.samples * SAMPLE_BYTES
        self._header = wave_header(self._data_bytes, file.description.rate)
        self._last: tuple[int, bytes] | None = None

    @property
    def size(self) -> int:
        """See :class:`Sound`."""
        return WAVE_BYTES + self._data_bytes

    def read(self, first: int, length: int) -> bytes:
        """See :class:`Sound`."""
        end = min(first + length, self.size)
        parts = [self._header[first:end]] if first < WAVE_BYTES else []
        at, starts = max(first, WAVE_BYTES) - WAVE_BYTES, self._file.contents.starts
        end -= WAVE_BYTES
        number = bisect_right(starts, at // SAMPLE_BYTES) - 1
        if at < end:
            self._file.expect(self._file.contents.chunks[bisect_right(starts, (end - 1) // SAMPLE_BYTES) - 1].end)
        while at < end:
            begins = starts[number] * SAMPLE_BYTES
            samples = self._samples(number)
            part = samples[at - begins : end - begins]
            parts.append(part)
            at, number = at + len(part), number + 1
        return b"".join(parts)

    def close(self) -> None:
        """See :class:`Sound`."""
        self._file.close()

    def _samples(self, number: int) -> bytes:
        if self._last is None or self._last[0] != number:  # pieces end within a chunk: the next begins in it
            self._last = number, self._file.samples(self._file.contents.chunks[number])
        return self._last[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """What was found in a file that nobody closed, and its root now that it is."""

    seconds: float
    missing_seconds: float
    size_bytes: int
    root: str
    pauses: tuple[tuple[float, float], ...] = ()


class Elsewhere(Protocol):
    """Where recordings are that are not in the directory any more."""

    def open(self, recording: RecordingId) -> SealedFileReader:
        """Its sealed file; raises OSError, BadSeal, VaultClosed."""


class Sounds:
    """The sound of the recordings in a directory, or, where they left it, ``elsewhere``."""

    def __init__(self, *, files: RecordingFiles, keys: KeyRing, elsewhere: Elsewhere | None = None) -> None:
        self.files = files
        self.keys = keys
        self._elsewhere = elsewhere

    def open(self, recording: RecordingId) -> Sound:
        """Its sound; raises RecordingGone, Unavailable when the store that has it is away."""
        path = self.files.path_of(recording)
        try:
            if not path.exists() and self.files.plain_path_of(recording).exists():
                return PlainSound(self.files.plain_path_of(recording))
            return SealedSound(self._anywhere(recording))
        except StoreAway as error:
            raise Unavailable(error.strerror or str(error)) from error
        except OSError as error:
            raise RecordingGone(recording, error.strerror or "missing") from error
        except BadSeal as error:
            raise RecordingGone(recording, str(error)) from error

    def reader(self, recording: RecordingId) -> SealedFileReader:
        """Its sealed file in the directory; raises OSError, BadSeal, VaultClosed."""
        reader = SealedFileReader(LocalFile(self.files.path_of(recording)), self.keys)
        if reader.description.recording != recording:
            reader.close()
            raise BadSeal(f"in its place is the file of {reader.description.recording}")
        return reader

    def key_of(self, recording: RecordingId) -> bytes:
        """The key that opens its file; raises OSError, BadSeal, VaultClosed."""
        descriptor = open_file(self.files.path_of(recording))
        try:
            _, wrapped = read_header(os.pread(descriptor, HEADER_BYTES, 0))
        finally:
            os.close(descriptor)
        return self.keys.unwrap(wrapped, recording)

    def close_torn(self, recording: RecordingId, reason: str) -> Torn:
        """Close a file that its writer did not, after its last whole chunk; raises OSError, BadSeal, VaultClosed.

        A file that is closed already is left as it is.
        """
        with self.reader(recording) as reader:
            contents = reader.contents
            closing = reader.closing()
            root = reader.root or self._close(reader, self.files.path_of(recording), reason)
            return Torn(
                seconds=contents.samples / reader.description.rate,
                missing_seconds=contents.missing / reader.description.rate,
                size_bytes=self.files.path_of(recording).stat().st_size,
                root=root.hex(),
                pauses=closing.pauses if closing is not None else (),
            )

    def _anywhere(self, recording: RecordingId) -> SealedFileReader:
        try:
            return self.reader(recording)
        except FileNotFoundError:
            if self._elsewhere is None:
                raise
        reader = self._elsewhere.open(recording)
        if reader.description.recording != recording:
            reader.close()
            raise BadSeal(f"in its place is the file of {reader.description.recording}")
        return reader

    def _close(self, reader: SealedFileReader, path: Path, reason: str) -> bytes:
        chunks = list(reader.contents.chunks)
        end, before = HEADER_BYTES, b""
        if chunks:
            end, before = chunks[-1].end, hash_of(chunks[-1], reader.body(chunks[-1]))
        sealer = Sealer(
            reader.key, reader.description, number=len(chunks), samples=reader.contents.samples, before=before
        )
        chunk = sealer.closing(error=reason)
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.ftruncate(descriptor, end)
            os.pwrite(descriptor, chunk.data, end)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sealer.accept(chunk)
        return sealer.before


def contents_of(file: SealedFileReader) -> Contents:
    """Walk the fronts of a file; of one that was not closed, the last chunk counts only if it opens."""
    whole = list(file.fronts())
    closing = whole.pop() if whole and whole[-1].kind is Kind.CLOSING else None
    while closing is None and whole and not _opens(file, whole[-1]):
        whole.pop()
    starts = [0]
    for front in whole:
        starts.append(starts[-1] + front.samples)
    return Contents(chunks=tuple(whole), closing=closing, starts=tuple(starts))


def _opens(file: SealedFileReader, front: Front) -> bool:
    try:
        file.seal.open(front, file.body(front))
    except BadSeal:
        return False
    return True

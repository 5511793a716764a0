"""How recordings rest: smaller (FLAC, or Opus at choice), sealed anew under a key of their own.

A new file is made beside the old one, read again and compared before it takes its place; its description names the
root of what it was made from. Files of before sound was sealed are sealed the same way, every sample as it is. All
of it blocks: use a thread.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from ccplatform.contracts.words import RecordingId
from ccplatform.security.errors import BadSeal
from ccplatform.security.sealed_sound import (
    SAMPLE_BYTES,
    Chunk,
    Closing,
    Coding,
    Description,
    Kind,
    Sealer,
    header,
)
from recording.files import open_file
from recording.proof import check_file
from recording.sealed import LocalFile, SealedFileReader, Sounds
from recording.wave import read_wave

#: Sound of a chunk at rest: long enough for FLAC to pay, short enough to be opened for one second of it.
CHUNK_SECONDS: Final = 10

_FORMATS: Final = {Coding.FLAC: ("FLAC", "PCM_16"), Coding.OPUS: ("OGG", "OPUS")}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """A file that waits to take the place of the old one."""

    recording: RecordingId
    draft: Path
    size_bytes: int
    root: str


def make_smaller(sounds: Sounds, recording: RecordingId, coding: Coding, root: str) -> AtRest:
    """A smaller file beside a sealed one whose root is ``root``; raises OSError, BadSeal when that is damaged."""
    with sounds.reader(recording) as reader:
        problem = check_file(reader, root)
        closing = reader.closing()
        if problem or closing is None:
            raise BadSeal(problem or "it is not closed")
        description = Description(
            recording=recording, rate=reader.description.rate, coding=coding, origin=bytes.fromhex(root)
        )
        return _make(sounds, description, _parts_of(reader), closing)


def seal_plain(sounds: Sounds, recording: RecordingId) -> AtRest:
    """A sealed file beside a WAV file of before sound was sealed; raises OSError, BadWave, BadSeal."""
    path = sounds.files.plain_path_of(recording)
    wave = read_wave(path)
    if wave.frame_bytes != SAMPLE_BYTES:
        raise BadSeal(f"its samples have {wave.frame_bytes} bytes, not {SAMPLE_BYTES}")
    with open(path, "rb") as file:
        origin = hashlib.file_digest(file, "sha256").digest()
    description = Description(recording=recording, rate=wave.frames_per_second, origin=origin)
    parts = _parts_of_wave(path, wave.data_at, wave.actual_bytes)
    return _make(sounds, description, parts, Closing(chunks=0, samples=0))


def take_place(sounds: Sounds, made: AtRest) -> None:
    """Let the new file be the recording; an old WAV file goes. Raises OSError."""
    path = sounds.files.path_of(made.recording)
    os.replace(made.draft, path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sounds.files.plain_path_of(made.recording).unlink(missing_ok=True)


def _make(
    sounds: Sounds, description: Description, parts: Iterator[tuple[bytes, int]], closing: Closing
) -> AtRest:
    recording = RecordingId(description.recording)
    draft = sounds.files.path_of(recording).with_suffix(".draft")
    key, wrapped = sounds.keys.make(recording)
    heard = hashlib.sha256()
    sealer = Sealer(key, description)
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(header(description, wrapped))
            for samples, count in parts:
                heard.update(samples or bytes(count * SAMPLE_BYTES))
                file.write(_put(sealer, _chunk(sealer, description, samples, count)))
            file.write(_put(sealer, sealer.closing(closing.pauses, closing.error)))
            file.flush()
            os.fsync(file.fileno())
        _compare(sounds, draft, description, heard.digest(), sealer)
        return AtRest(recording=recording, draft=draft, size_bytes=draft.stat().st_size, root=sealer.before.hex())
    except (OSError, BadSeal, soundfile.SoundFileError):
        draft.unlink(missing_ok=True)
        raise


def _put(sealer: Sealer, chunk: Chunk) -> bytes:
    sealer.accept(chunk)
    return chunk.data


def _chunk(sealer: Sealer, description: Description, samples: bytes, count: int) -> Chunk:
    if not samples:
        return sealer.missing(count)
    if description.coding is Coding.PCM:
        return sealer.sound(samples, count)
    name, subtype = _FORMATS[description.coding]
    coded = io.BytesIO()
    frames = np.frombuffer(samples, "<i2").reshape(-1, 2)
    soundfile.write(coded, frames, description.rate, format=name, subtype=subtype)
    return sealer.sound(coded.getvalue(), count)


def _compare(sounds: Sounds, draft: Path, description: Description, heard: bytes, sealer: Sealer) -> None:
    """Read the new file as a listener would; raises BadSeal if it is not the same."""
    reader = SealedFileReader(LocalFile(draft), sounds.keys)
    with reader:
        problem = check_file(reader, description.origin.hex())
        if problem or reader.root != sealer.before:
            raise BadSeal(problem or "the new file is not what was written")
        again = hashlib.sha256()
        for front in reader.contents.chunks:
            again.update(reader.samples(front))
        if description.coding is not Coding.OPUS and again.digest() != heard:
            raise BadSeal("the new file does not hold the same samples")


def _parts_of(reader: SealedFileReader) -> Iterator[tuple[bytes, int]]:
    """Samples of some seconds together, and what is missing between them (b'' and how many)."""
    most = reader.description.rate * CHUNK_SECONDS * SAMPLE_BYTES
    gathered = bytearray()
    for front in reader.contents.chunks:
        if front.kind is Kind.MISSING:
            if gathered:
                yield bytes(gathered), len(gathered) // SAMPLE_BYTES
                gathered.clear()
            yield b"", front.samples
            continue
        gathered += reader.samples(front)
        while len(gathered) >= most:
            yield bytes(gathered[:most]), most // SAMPLE_BYTES
            del gathered[:most]
    if gathered:
        yield bytes(gathered), len(gathered) // SAMPLE_BYTES


def _parts_of_wave(path: Path, place: int, length: int) -> Iterator[tuple[bytes, int]]:
    descriptor = open_file(path)
    try:
        end = place + length - length % SAMPLE_BYTES
        while place < end:
            part = os.pread(descriptor, min(end - place, 8000 * SAMPLE_BYTES), place)
            if not part:
                return
            yield part, len(part) // SAMPLE_BYTES
            place += len(part)
    finally:
        os.close(descriptor)

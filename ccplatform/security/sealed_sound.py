"""Sound in sealed chunks: a file that nobody can read, change, shorten or put together anew without its key.

::

    file   = header · chunk · chunk · … · closing chunk
    header = description (84 bytes) · wrapped key (428 bytes)
    chunk  = front (60 bytes: length, number, samples, kind, nonce, hash of the chunk before) · ciphertext · tag

AES-256-GCM (NIST SP 800-38D) under a key of that file alone. Authenticated with each chunk are the description and
its front, so that a chunk belongs to one place of one file; the first one names the hash of the description. The
*root* is the SHA-256 of the closing chunk, and stands for the whole file. The wrapped key is outside of all that:
it can be wrapped anew. Fronts are readable: whoever has no key can count samples, and a reader finds any second
without opening what is before it. See docs/decisions/0049-sealed-recordings.md.

Pure: bytes in, bytes out.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ccplatform.security.errors import BadSeal

KEY_BYTES: Final = 32
HEADER_BYTES: Final = 512
#: Bytes of one sample of both channels, 16 bits each.
SAMPLE_BYTES: Final = 4
#: No chunk is larger; ours have a second of sound, or ten.
MAX_CHUNK_BYTES: Final = 4 * 2**20
#: What a WAV header can say of the sound: some 37 hours at 8 kHz, half of it at 16 kHz.
MAX_SAMPLES: Final = (0xFFFFFFFF - 44) // SAMPLE_BYTES - 1

_MAGIC: Final = b"CCPSND01"
_DESCRIPTION: Final = struct.Struct("<8sBB2xI36s32s")
_FRONT: Final = struct.Struct("<IIIB3x12s32s")
FRONT_BYTES: Final = _FRONT.size
TAG_BYTES: Final = 16

#: Gives so many bytes at a place of a file, fewer at its end.
ReadAt: TypeAlias = Callable[[int, int], bytes]


class Coding(IntEnum):
    """What is in the chunks: samples as they are, or a file of that format for each."""

    PCM = 0
    FLAC = 1
    OPUS = 2


class Kind(IntEnum):
    """What a chunk tells."""

    SOUND = 1
    MISSING = 2  # so many samples were never written: the writer was gone
    CLOSING = 3


_KINDS: Final = frozenset(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a file holds; ``origin`` is the root of the file that it was made from, if any."""

    recording: str
    rate: int
    coding: Coding = Coding.PCM
    origin: bytes = bytes(32)

    def encode(self) -> bytes:
        """84 bytes, authenticated with every chunk."""
        name = self.recording.encode()
        if len(name) > 36:
            raise ValueError(f"{self.recording!r} is longer than an id")
        return _DESCRIPTION.pack(_MAGIC, self.coding, 2, self.rate, name, self.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How a file ends: so much is in it. ``pauses``: from when to when it is silent on purpose, seconds."""

    chunks: int
    samples: int
    pauses: tuple[tuple[float, float], ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Front:
    """The readable beginning of the chunk at ``place``; ``raw`` as it stands there."""

    place: int
    length: int
    number: int
    samples: int
    kind: Kind
    nonce: bytes
    before: bytes
    raw: bytes

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.place + FRONT_BYTES + self.length


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk to be written, and how far the file is with it."""

    data: bytes
    samples: int


def header(description: Description, wrapped: bytes) -> bytes:
    """The beginning of a file; ``wrapped`` is its key as the key ring gave it."""
    if len(wrapped) > HEADER_BYTES - _DESCRIPTION.size:
        raise ValueError(f"a wrapped key of {len(wrapped)} bytes does not fit")
    return (description.encode() + wrapped).ljust(HEADER_BYTES, b"\0")


def wrapped_place() -> int:
    """Where the wrapped key stands in a file."""
    return _DESCRIPTION.size


def read_header(data: bytes) -> tuple[Description, bytes]:
    """The description and the wrapped key (with padding) of a file; raises :class:`BadSeal`."""
    if len(data) < HEADER_BYTES or data[:8] != _MAGIC:
        raise BadSeal("no header of a sealed recording")
    _, coding, channels, rate, name, origin = _DESCRIPTION.unpack_from(data)
    try:
        if channels != 2 or not 4000 <= rate <= 192_000:
            raise ValueError(f"{channels} channels at {rate} Hz")
        description = Description(
            recording=name.rstrip(b"\0").decode("ascii"), rate=rate, coding=Coding(coding), origin=origin
        )
    except ValueError as error:
        raise BadSeal(f"the header of a sealed recording says nothing of use: {error}") from error
    if description.encode() != data[: _DESCRIPTION.size]:
        raise BadSeal("the header of a sealed recording was changed")
    return description, data[_DESCRIPTION.size : HEADER_BYTES]


def fronts(read_at: ReadAt, size: int, place: int = HEADER_BYTES) -> Iterator[Front]:
    """The whole chunks of a file of ``size`` bytes, one after the other; ends before one that is torn."""
    number = 0
    while place + FRONT_BYTES + TAG_BYTES <= size:
        front = _front(read_at(place, FRONT_BYTES), place, number)
        if front is None or front.end > size:
            return
        yield front
        number, place = number + 1, front.end


def fronts_of_index(index: bytes) -> Iterator[Front]:
    """The same chunks, from their fronts one after the other without what follows each in the file."""
    place = HEADER_BYTES
    for number in range(len(index) // FRONT_BYTES):
        front = _front(index[number * FRONT_BYTES : (number + 1) * FRONT_BYTES], place, number)
        if front is None:
            return
        yield front
        place = front.end


def _front(raw: bytes, place: int, number: int) -> Front | None:
    if len(raw) < FRONT_BYTES:
        return None
    length, told, samples, kind, nonce, before = _FRONT.unpack(raw)
    if told != number or not TAG_BYTES <= length <= MAX_CHUNK_BYTES or kind not in _KINDS:
        return None
    return Front(place, length, told, samples, Kind(kind), nonce, before, raw)


class Seal:
    """Opens the chunks of one file; raises BadSeal for what does not fit."""

    def __init__(self, key: bytes, description: Description) -> None:
        self._cipher = AESGCM(key)
        self._described = description.encode()
        self.description = description

    @property
    def genesis(self) -> bytes:
        """What the first chunk names as the hash before it."""
        return hashlib.sha256(self._described).digest()

    def open(self, front: Front, body: bytes) -> bytes:
        """What is in a chunk, its ``body`` being what follows the front."""
        try:
            return self._cipher.decrypt(front.nonce, body, self._described + front.raw)
        except InvalidTag:
            raise BadSeal(f"chunk {front.number} at byte {front.place} was changed, or has another key") from None

    def close_of(self, front: Front, body: bytes) -> Closing:
        """What a closing chunk tells."""
        try:
            return msgspec.json.decode(self.open(front, body), type=Closing)
        except msgspec.DecodeError as error:
            raise BadSeal(f"the closing chunk tells nothing: {error}") from error


class Sealer:
    """Makes the chunks of one file, in order: what was written is told with :meth:`accept`.

    To go on with a file, give what is known of its last whole chunk. Nonces are random for each sealer and count
    what it sealed, written or not: none is used twice with a key.
    """

    def __init__(
        self, key: bytes, description: Description, *, number: int = 0, samples: int = 0, before: bytes = b""
    ) -> None:
        self._cipher = AESGCM(key)
        self._described = description.encode()
        self._nonces, self._sealed = secrets.token_bytes(8), 0
        self.number = number
        self.samples = samples
        self.before = before or hashlib.sha256(self._described).digest()

    def sound(self, body: bytes, samples: int) -> Chunk:
        """The next chunk, of so many samples."""
        return self._chunk(Kind.SOUND, body, samples)

    def missing(self, samples: int) -> Chunk:
        """The next chunk, which says that so many were never written."""
        return self._chunk(Kind.MISSING, b"", samples)

    def closing(self, pauses: tuple[tuple[float, float], ...] = (), error: str = "") -> Chunk:
        """The last chunk."""
        told = Closing(chunks=self.number, samples=self.samples, pauses=pauses, error=error)
        return self._chunk(Kind.CLOSING, msgspec.json.encode(told), 0)

    def accept(self, chunk: Chunk) -> None:
        """It was written: the next one follows it."""
        self.before = hashlib.sha256(chunk.data).digest()
        self.number += 1
        self.samples += chunk.samples

    def _chunk(self, kind: Kind, body: bytes, samples: int) -> Chunk:
        nonce = self._nonces + self._sealed.to_bytes(4, "big")
        self._sealed += 1
        front = _FRONT.pack(len(body) + TAG_BYTES, self.number, samples, kind, nonce, self.before)
        return Chunk(front + self._cipher.encrypt(nonce, body, self._described + front), samples)


def hash_of(front: Front, body: bytes) -> bytes:
    """The hash of a chunk, which the next one names; that of the closing one is the root."""
    digest = hashlib.sha256(front.raw)
    digest.update(body)
    return digest.digest()


def samples_of(data: bytes, key: bytes) -> tuple[Description, bytes]:
    """All samples of a whole file of :attr:`Coding.PCM` in memory, silence in place of what is missing.

    What is torn at its end is left out. Raises BadSeal for anything else that does not fit.
    """
    description, _ = read_header(data[:HEADER_BYTES])
    if description.coding is not Coding.PCM:
        raise BadSeal(f"the chunks of {description.recording} are {description.coding.name}, not samples")
    seal, parts = Seal(key, description), []
    for front in fronts(lambda place, length: data[place : place + length], len(data)):
        if front.kind is Kind.SOUND:
            parts.append(seal.open(front, data[front.end - front.length : front.end]))
        elif front.kind is Kind.MISSING:
            parts.append(bytes(front.samples * SAMPLE_BYTES))
        else:
            seal.close_of(front, data[front.end - front.length : front.end])
    return description, b"".join(parts)

"""Sealed recordings in a store: nothing in it is opened, and a second of one is read without fetching the whole.

::

    YYYY/MM/DD/<id>.head   the header of the file (with its wrapped key) and the fronts of all its chunks
    YYYY/MM/DD/<id>.body   everything that follows the header

The head tells where each chunk is: a listener needs one request for it and one for the chunk. Wrapping a key anew
puts another head; removing the head is the deletion. The head comes last and goes first: a body without one is no
copy. All of it blocks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

from ccplatform.contracts.words import RecordingId
from ccplatform.security.errors import BadSeal
from ccplatform.security.key_ring import KeyRing, master_of
from ccplatform.security.sealed_sound import (
    HEADER_BYTES,
    Front,
    fronts_of_index,
    header,
    read_header,
)
from recording.errors import NoRecording
from recording.files import place_of
from recording.proof import check_file
from recording.sealed import SealedFileReader
from recording.stores.model import Store, StoreAway

_HEAD, _BODY = ".head", ".body"
#: The fronts of 37 hours, a second a chunk.
_MAX_HEAD_BYTES: Final = 16 * 2**20
#: What is read at once where nobody said how far he reads: a chunk of ten seconds at least.
_READ_BYTES: Final = 256 * 1024
#: The most that is read at once where he did.
_MOST_BYTES: Final = 2**20
_PART_BYTES: Final = 2**20


class CopiedFile:
    """A sealed file in a store; implements :class:`recording.sealed.SealedBytes`."""

    def __init__(self, store: Store, recording: RecordingId) -> None:
        self._store = store
        self._body = place_of(recording) + _BODY
        self._head = store.read(place_of(recording) + _HEAD, 0, _MAX_HEAD_BYTES)
        self.fronts: tuple[Front, ...] | None = tuple(fronts_of_index(self._head[HEADER_BYTES:]))
        self.size = self.fronts[-1].end if self.fronts else HEADER_BYTES
        self._block = (0, b"")
        self._expected = 0

    def distrust_head(self) -> tuple[Front, ...] | None:
        """Take the body for what it is; returns what the head tells of it."""
        told, self.fronts = self.fronts, None
        self.size = HEADER_BYTES + self._store.size(self._body)
        return told

    def read_at(self, place: int, length: int) -> bytes:
        """See :class:`SealedBytes`."""
        if place < HEADER_BYTES:
            return self._head[place : min(place + length, HEADER_BYTES)]
        begins, block = self._block
        if not begins <= place or place + length > begins + len(block):
            ahead = min(self._expected - place, _MOST_BYTES) if self._expected > place else _READ_BYTES
            most = min(max(length, ahead), self.size - place)
            begins, block = place, self._store.read(self._body, place - HEADER_BYTES, most) if most > 0 else b""
            self._block = begins, block
        return block[place - begins : place - begins + length]

    def expect(self, end: int) -> None:
        """See :class:`SealedBytes`."""
        self._expected = end

    def close(self) -> None:
        """See :class:`SealedBytes`."""


class Copies:
    """The copies in some stores, in the order in which they are asked."""

    def __init__(self, stores: Sequence[Store], keys: KeyRing) -> None:
        self.stores = tuple(stores)
        self._keys = keys

    def open(self, recording: RecordingId) -> SealedFileReader:
        """From the first store that has it; raises FileNotFoundError, StoreAway, BadSeal, VaultClosed."""
        away: StoreAway | None = None
        for store in self.stores:
            try:
                return self.open_in(store, recording)
            except StoreAway as error:
                away = error
            except FileNotFoundError:
                continue
        raise away or FileNotFoundError(2, "it is in no store")

    def open_in(self, store: Store, recording: RecordingId) -> SealedFileReader:
        """From one store; raises as above."""
        return SealedFileReader(CopiedFile(store, recording), self._keys)

    def copy(self, store: Store, reader: SealedFileReader) -> int:
        """Put a closed file there and look whether it arrived; returns its bytes. Raises StoreAway, OSError."""
        contents = reader.contents
        if contents.closing is None:
            raise BadSeal("it is not closed")
        recording = RecordingId(reader.description.recording)
        place, end = place_of(recording), contents.closing.end
        store.remove(place + _HEAD)
        store.put(place + _BODY, _pieces(reader, end))
        head = header(reader.description, reader.wrapped) + b"".join(
            front.raw for front in (*contents.chunks, contents.closing)
        )
        if store.size(place + _BODY) != end - HEADER_BYTES:
            raise StoreAway(store.name, f"{place}{_BODY} has not the {end - HEADER_BYTES} bytes that were sent")
        store.put(place + _HEAD, iter([head]))
        with self.open_in(store, recording) as copied:
            if copied.root != reader.root:
                raise StoreAway(store.name, f"{place} does not end as what was sent")
        return end

    def problem(self, store: Store, recording: RecordingId, root: str, stored_root: str) -> str:
        """Open every chunk of a copy: '' or what is wrong; raises FileNotFoundError, StoreAway, VaultClosed."""
        file = CopiedFile(store, recording)
        told = file.distrust_head()
        try:
            reader = SealedFileReader(file, self._keys)
        except BadSeal as error:
            return str(error)
        with reader:
            problem = check_file(reader, root, stored_root)
            whole = (*reader.contents.chunks, reader.contents.closing)
            return problem or ("" if told == whole else "its head tells of other chunks")

    def remove(self, store: Store, recording: RecordingId) -> None:
        """Delete a copy, its key first; harmless if it is gone. Raises StoreAway."""
        for suffix in (_HEAD, _BODY):
            store.remove(place_of(recording) + suffix)

    def recordings(self, store: Store) -> Iterator[RecordingId]:
        """All that have a head there."""
        for key in store.keys(""):
            name = key.rsplit("/", 1)[-1]
            if name.endswith(_HEAD):
                yield RecordingId(name.removesuffix(_HEAD))

    def wrapped_key(self, store: Store, recording: RecordingId) -> bytes:
        """The wrapped key of a copy; raises BadSeal, StoreAway."""
        return read_header(store.read(place_of(recording) + _HEAD, 0, HEADER_BYTES))[1]

    def rewrap(self, store: Store, recording: RecordingId) -> bool:
        """Wrap its key by the newest master key; False: it was. Raises BadSeal, StoreAway, VaultClosed."""
        key = place_of(recording) + _HEAD
        head = store.read(key, 0, _MAX_HEAD_BYTES)
        description, wrapped = read_header(head[:HEADER_BYTES])
        if description.recording != recording:
            raise NoRecording(recording)
        if master_of(wrapped) == self._keys.current:
            return False
        new = self._keys.wrap(self._keys.unwrap(wrapped, recording), recording)
        store.put(key, iter([header(description, new) + head[HEADER_BYTES:]]))
        return True


def _pieces(reader: SealedFileReader, end: int) -> Iterator[bytes]:
    place = HEADER_BYTES
    while place < end:
        piece = reader.read_at(place, min(_PART_BYTES, end - place))
        if not piece:
            raise OSError(5, os.strerror(5))
        yield piece
        place += len(piece)

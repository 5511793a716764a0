"""The port of stores, and what is told of them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ccplatform.contracts.words import RecordingId


class StoreAway(OSError):
    """A store does not answer, or refuses: try again later."""

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(errno.EIO, f"store {store}: {reason}")


class Store(Protocol):
    """Keeps bytes under keys of the form ``a/b/c``. Blocks: use it in a thread.

    Every call raises FileNotFoundError for a key that is not there and :class:`StoreAway` when it cannot do what
    it is asked.
    """

    @property
    def name(self) -> str:
        """As the settings call it."""

    def put(self, key: str, parts: Iterator[bytes]) -> None:
        """Keep the parts together, whole or not at all, in place of what was there."""

    def read(self, key: str, first: int, length: int) -> bytes:
        """So many bytes from there on, fewer at the end."""

    def size(self, key: str) -> int:
        """Bytes under a key."""

    def remove(self, key: str) -> None:
        """Forget a key; harmless if it is not there."""

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin so, a whole part of the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCopy:
    """A recording that a store should have as its file is now.

    ``root`` is what the worker told, ``stored_root`` that of the file if it is another one.
    """

    recording: RecordingId
    ended_at: datetime
    root: str
    stored_root: str

    @property
    def own_root(self) -> str:
        """The root of the file."""
        return self.stored_root or self.root


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCount:
    """What a store has, and what waits for it, counted up to a limit."""

    name: str
    copies: int
    size_bytes: int
    waiting: int
    oldest: datetime | None
    removing: int

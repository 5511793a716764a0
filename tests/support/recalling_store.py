"""A store of recordings that remembers what was asked of it."""

from __future__ import annotations

from collections.abc import Iterator

from recording.stores.model import Store


class RecallingStore:
    """``asked``: key, first byte and bytes that came, of each reading."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.name = store.name
        self.asked: list[tuple[str, int, int]] = []

    def read(self, key: str, first: int, length: int) -> bytes:
        data = self._store.read(key, first, length)
        self.asked.append((key, first, len(data)))
        return data

    def put(self, key: str, parts: Iterator[bytes]) -> None:
        self._store.put(key, parts)

    def size(self, key: str) -> int:
        return self._store.size(key)

    def remove(self, key: str) -> None:
        self._store.remove(key)

    def keys(self, prefix: str) -> Iterator[str]:
        return self._store.keys(prefix)

"""Bounded names: how many queues and trunks are told apart."""

from __future__ import annotations

from metrics.model import OTHER


class Names:
    """The first ``limit`` names stand for themselves, every further one for ``other``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name to count under."""
        known = self._known.get(name)
        if known is not None:
            return known
        if len(self._known) >= self._limit:
            return OTHER
        self._known[name] = name
        return name

    def maybe(self, name: str | None) -> str | None:
        """The same for a name that may be missing."""
        return None if name is None else self.of(name)

    def snapshot(self) -> list[str]:
        """JSON-able state."""
        return list(self._known)

    def restore(self, data: list[str]) -> None:
        """Take the state of a snapshot."""
        self._known = {name: name for name in data}

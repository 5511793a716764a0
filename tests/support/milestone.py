"""Things that a test waits for: each happens once, at a monotonic instant, or can no longer happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

#: Seconds that a wait lasts at most unless told. They end failed tests only, so a slow machine gets its time.
PATIENCE: Final = 45.0
T = TypeVar("T")


class PeerError(AssertionError):
    """An outside peer did not see what the test expects; the text says what it saw instead."""


class Milestone(Generic[T]):
    """Something that happens at most once. ``story`` tells, for failures, what did happen so far."""

    def __init__(self, what: str, story: Callable[[], str]) -> None:
        self._what = what
        self._story = story
        self._value: T | None = None
        self._failure = ""
        self._changed = asyncio.Event()
        self.at: float | None = None  # monotonic seconds

    @property
    def happened(self) -> bool:
        return self.at is not None

    def reach(self, value: T, at: float | None = None) -> None:
        """It happened; a second time changes nothing."""
        if self.at is None:
            self._value = value
            self.at = time.monotonic() if at is None else at
            self._changed.set()

    def fail(self, reason: str) -> None:
        """It can no longer happen: who waits is told at once."""
        if self.at is None:
            self._failure = reason
            self._changed.set()

    async def wait(self, timeout: float = PATIENCE) -> T:  # noqa: ASYNC109 (the wait's limit is part of every call)
        """Wait until it happened; raises :class:`PeerError` after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            raise PeerError(f"not {self._what} within {timeout:g} s; {self._story()}") from None
        if self.at is None:
            raise PeerError(f"not {self._what}: {self._failure}; {self._story()}")
        return self._value  # type: ignore[return-value]


async def until(condition: Callable[[], bool], what: Callable[[], str], *, limit: float = PATIENCE) -> None:
    """Wait for a state of a foreign program that tells nobody about its changes (a bound port, a written file)."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise PeerError(f"not within {limit:g} s: {what()}")
        await asyncio.sleep(0.02)

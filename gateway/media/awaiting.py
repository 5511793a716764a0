"""Legs that are being opened or closed: who waits for a worker's word, and how long."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from ccplatform.contracts.legs import LegQuality
from ccplatform.contracts.words import LegId
from ccplatform.kernel.clock import Clock, TimerHandle
from gateway.media.port import LocalAudio

Opened: TypeAlias = Callable[[LocalAudio | None], None]
Closed: TypeAlias = Callable[[LegQuality | None], None]


@dataclass(frozen=True, slots=True)
class _Opening:
    opened: Opened
    limit: TimerHandle
    ipv6: bool


class AwaitedLegs:
    """``give_up(leg)`` is called for a leg that no worker opened within ``wait_seconds``."""

    def __init__(self, *, clock: Clock, wait_seconds: float, give_up: Callable[[LegId], None]) -> None:
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._give_up = give_up
        self._opening: dict[LegId, _Opening] = {}
        self._closing: dict[LegId, tuple[int, Closed]] = {}

    @property
    def opening(self) -> Set[LegId]:
        """The legs that are being opened."""
        return self._opening.keys()

    def open(self, leg: LegId, opened: Opened, *, ipv6: bool) -> None:
        """Somebody waits for the address of a leg."""
        limit = self._clock.call_at(self._clock.now() + self._wait_seconds, partial(self._give_up, leg))
        self._opening[leg] = _Opening(opened, limit, ipv6)

    def is_ipv6(self, leg: LegId) -> bool:
        """Whether it is to be an address of IPv6."""
        return self._opening[leg].ipv6

    def opened(self, leg: LegId) -> Opened | None:
        """Nobody waits for a leg any more; returns who did."""
        opening = self._opening.pop(leg, None)
        if opening is None:
            return None
        opening.limit.cancel()
        return opening.opened

    def close(self, leg: LegId, worker: int, closed: Closed) -> None:
        """Somebody waits for what a worker measured on a leg."""
        self._closing[leg] = (worker, closed)

    def closed(self, leg: LegId, quality: LegQuality | None) -> None:
        """The worker's word."""
        closing = self._closing.pop(leg, None)
        if closing is not None:
            closing[1](quality)

    def worker_away(self, worker: int) -> None:
        """A worker will not say any more what it measured."""
        for leg in [leg for leg, (closing, _) in self._closing.items() if closing == worker]:
            self.closed(leg, None)

"""Keeps the stored registrations near the live ones: written behind, patient while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from ccplatform.contracts.words import SeatId
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable
from gateway.sip.registrar import Binding

#: Pause after a failed write, seconds. Changes are kept by seat, so waiting costs no memory.
RETRY_SECONDS: Final = 2.0

_log = structlog.get_logger("gateway")


class RegistrationWriter:
    """Collects changed seats and writes their latest state with ``save``, which may raise Unavailable."""

    def __init__(
        self, *, save: Callable[[Mapping[SeatId, tuple[Binding, ...]]], Awaitable[None]], clock: Clock
    ) -> None:
        self._save = save
        self._clock = clock
        self._changed: dict[SeatId, tuple[Binding, ...]] = {}
        self._wake = asyncio.Event()

    def changed(self, seat: SeatId, bindings: tuple[Binding, ...]) -> None:
        """A seat's contacts are these now."""
        self._changed[seat] = bindings
        self._wake.set()

    async def run(self) -> None:
        """Write for ever; to be kept running."""
        while True:
            await self._wake.wait()
            if not await self.flush():
                await sleep(self._clock, RETRY_SECONDS)

    async def flush(self) -> bool:
        """Write what has changed; False when the database is away (it stays to be written)."""
        self._wake.clear()
        batch, self._changed = self._changed, {}
        if not batch:
            return True
        try:
            await self._save(batch)
        except Unavailable as error:
            _log.warning("registrations not stored yet", error=str(error), seats=len(batch))
            self._changed = {**batch, **self._changed}
            self._wake.set()
            return False
        return True

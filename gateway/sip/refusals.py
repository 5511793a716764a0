"""Calls that overload control refused before they were read, told once a second and source.

Each of them cost some microseconds; a fact for each would cost many times that, and be the overload.
"""

from __future__ import annotations

from typing import Final

from ccplatform.contracts.facts import CallsRefused
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import ReleaseCause, TrunkId
from ccplatform.kernel.clock import Clock, TimerHandle

#: How long refusals are counted before they are told.
PERIOD_SECONDS: Final = 1.0
#: Sources that are told apart in that time; who names a seat may claim any address. The others are told as ''.
MAX_SOURCES: Final = 100


class Refusals:
    """Counts; costs a look into a dictionary."""

    def __init__(self, *, clock: Clock, facts: Facts) -> None:
        self._clock = clock
        self._facts = facts
        self._counted: dict[tuple[str, str], int] = {}
        self._timer: TimerHandle | None = None

    def count(self, trunk: str, source: str) -> None:
        """A call of this trunk ('' of a seat) from this address was refused."""
        key = (trunk, source)
        if key not in self._counted and len(self._counted) >= MAX_SOURCES:
            key = (trunk, "")
        self._counted[key] = self._counted.get(key, 0) + 1
        if self._timer is None:
            self._timer = self._clock.call_at(self._clock.now() + PERIOD_SECONDS, self.tell)

    def tell(self) -> None:
        """Record what was counted so far."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counted, self._counted = self._counted, {}
        for (trunk, source), calls in counted.items():
            self._facts.record(
                CallsRefused(
                    trunk=TrunkId(trunk) if trunk else None,
                    source=source,
                    calls=calls,
                    cause=ReleaseCause.OVERLOAD,
                    sip_status=503,
                )
            )

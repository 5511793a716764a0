"""Joins what is planned today with what agents do: adherence of one agent, and of all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo

from ccplatform.kernel.clock import Clock
from metrics.adherence.attendance import Attendance
from metrics.adherence.model import Adherence, Shift, adherence
from metrics.model import wall_us


class ShiftSource(Protocol):
    """Where shifts are kept."""

    async def between(self, start: datetime, end: datetime, agent: str | None = None) -> list[Shift]:
        """Those that have time in common with this; all, or those of an agent; raises Unavailable."""


class Plans:
    """``zone`` says when days begin; ``attendance`` is the present fold's."""

    def __init__(
        self,
        shifts: ShiftSource,
        *,
        clock: Clock,
        zone: ZoneInfo,
        attendance: Callable[[], Attendance],
    ) -> None:
        self._shifts = shifts
        self._clock = clock
        self._zone = zone
        self._attendance = attendance

    async def of(self, agent: str) -> Adherence:
        """One agent's; raises Unavailable."""
        return (await self._of(agent)).get(agent, Adherence(0, 0, None))

    async def today(self) -> dict[str, Adherence]:
        """Everybody's for whom something is planned today; raises Unavailable."""
        return await self._of(None)

    async def _of(self, agent: str | None) -> dict[str, Adherence]:
        now = self._clock.wall()
        since = datetime.combine(now.astimezone(self._zone).date(), time(), self._zone)
        planned: dict[str, list[Shift]] = defaultdict(list)
        for shift in await self._shifts.between(since, now, agent):
            planned[shift.agent].append(shift)
        known = self._attendance()
        return {name: adherence(shifts, known, wall_us(since), wall_us(now)) for name, shifts in planned.items()}

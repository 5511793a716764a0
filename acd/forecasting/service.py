"""The shell of the forecast, in the web process: sums up quarters that are over, learns, and looks ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from acd.forecasting.forecast import forecasts
from acd.forecasting.model import Limits, QueueForecast, Staff, quarter_of
from acd.forecasting.profile import MEMORY_DAYS, Profile
from acd.forecasting.sentences import sentence_en, sentence_zh
from acd.forecasting.store import QuarterStore
from acd.settings import ForecastSettings
from ccplatform.contracts.words import QueueId
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.storage.errors import DatabaseUnavailable

#: A quarter is summed up so long after its end: its last facts have reached the journal by then.
_SETTLED = timedelta(seconds=10)
_DAY = timedelta(days=1)

_log = structlog.get_logger("forecast")


class Forecasting:
    """Keeps a forecast of every queue; run :meth:`run` under ``TaskSupervisor.keep_running``.

    ``queues`` (id → name) and ``staff`` are asked at each look. ``wait_seconds`` is the target of R10.3.2.d.
    """

    def __init__(
        self,
        *,
        store: QuarterStore,
        clock: Clock,
        zone: ZoneInfo,
        settings: ForecastSettings,
        wait_seconds: float,
        queues: Callable[[], Mapping[QueueId, str]],
        staff: Callable[[], Staff],
    ) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._settings = settings
        self._queues = queues
        self._staff = staff
        self._until: datetime | None = None
        self.profile = Profile(zone)
        self.limits = Limits(wait_seconds=wait_seconds, abandoned=settings.abandoned)
        self.current: Sequence[QueueForecast] = ()

    async def run(self) -> None:
        """Look ahead again and again; without a database by what is known."""
        while True:
            try:
                await self.learn()
            except DatabaseUnavailable:
                _log.info("forecast goes on without the latest quarters")
            await self.look()
            await sleep(self._clock, self._settings.every_seconds)

    async def learn(self) -> None:
        """Sum up the quarters that are over and learn from them, a day at a time."""
        end = quarter_of(self._clock.wall() - _SETTLED)
        if self._until is None:
            await self._recall(end)
        assert self._until is not None
        while self._until < end:
            begin, until = self._until, min(self._until + _DAY, end)
            await self._store.sum_up(begin, until)
            self.profile.add(await self._store.quarters(begin, until))
            self._until = until

    async def look(self) -> None:
        """The forecast anew; other work gets its turn after each queue."""
        found = []
        for forecast in forecasts(
            self.profile,
            queues=self._queues(),
            staff=self._staff(),
            now=self._clock.wall(),
            quarters=self._settings.quarters,
            limits=self.limits,
        ):
            found.append(forecast)
            await asyncio.sleep(0)
        self.current = found

    def sentences(self, forecast: QueueForecast) -> tuple[str, str]:
        """In Chinese and in English."""
        told = (forecast, self.limits, self._zone)
        return sentence_zh(*told), sentence_en(*told)

    def coming(self) -> list[QueueForecast]:
        """Queues that will miss soon, and have somebody signed in."""
        soon = self._clock.wall() + timedelta(hours=self._settings.warn_hours)
        return [
            forecast
            for forecast in self.current
            if forecast.staffed and any(miss.begins < soon for miss in forecast.misses)
        ]

    async def _recall(self, end: datetime) -> None:
        """What earlier processes summed up; the newest quarter may have been summed up too early."""
        first = end - timedelta(days=MEMORY_DAYS)
        await self._store.forget(first - timedelta(days=MEMORY_DAYS))
        newest = await self._store.newest()
        begin = max(first, newest) if newest is not None else first
        while first < begin:
            until = min(first + _DAY, begin)
            self.profile.add(await self._store.quarters(first, until))
            first = until
        self._until = begin

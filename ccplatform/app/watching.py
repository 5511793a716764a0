"""Section 10.3 watched all the time: what its figures, trunks and forecasts ask for becomes alarms of control."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import structlog

from ccplatform.contracts.commands import Answer, ClearAlarm, Command, RaiseAlarm
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable
from ccplatform.operations.board import AlarmBoard
from metrics import saturation
from metrics.service import MetricsService
from metrics.watch import KINDS, Due, changes, due, standing

_log = structlog.get_logger("web")


#: Kind of the alarm of a queue that will miss its target soon.
FORECAST = "wait_forecast"


class Watching:
    """Compares what should be up with what is; run :meth:`run` under ``TaskSupervisor.keep_running``.

    ``coming``: alarms of the kind :data:`FORECAST` that should be up.
    """

    def __init__(
        self,
        *,
        metrics: MetricsService,
        board: AlarmBoard,
        ask: Callable[[Command], Awaitable[Answer]],
        clock: Clock,
        every_seconds: float,
        coming: Callable[[], Iterable[Due]] = tuple,
    ) -> None:
        self._metrics = metrics
        self._board = board
        self._ask = ask
        self._clock = clock
        self._every = every_seconds
        self._coming = coming

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await sleep(self._clock, self._every)
            await self.look()

    async def look(self) -> None:
        """Raise and clear what has to be; nothing while figures are being rebuilt, or without control."""
        if not self._metrics.whole:
            return
        up = {(alarm.kind, alarm.subject) for alarm in self._board.active()}
        wanted = [*due(self._metrics.budgets(standing(up))), *self._metrics.filling(up), *self._coming()]
        raised, cleared = changes(wanted, up, KINDS | {FORECAST, saturation.KIND})
        orders: list[Command] = [ClearAlarm(kind=kind, subject=subject) for kind, subject in cleared]
        orders += [
            RaiseAlarm(kind=alarm.kind, subject=alarm.subject, severity=alarm.severity, text=alarm.text)
            for alarm in raised
        ]
        try:
            for order in orders:
                await self._ask(order)
        except Unavailable as error:
            _log.warning("alarms of the watch not told", reason=str(error))

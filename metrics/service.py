"""The shell of the fold: takes live facts, rebuilds from the journal, answers compliance rows and scrapes.

A rebuild makes a new fold beside the present one, page by page, while live facts go into both the present fold
and a buffer; then the buffer follows (what the journal held already is left out as a repetition) and the new
fold takes over. Nothing waits for a rebuild, and one that fails leaves everything as it was, to be tried again.
When control was restarted, what it told before it was heard again is in the journal: :meth:`begin`, then a load.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from ccplatform.contracts.facts import FactEvent
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import LocalMisuse
from metrics.agents import AgentTimes
from metrics.budgets import Budget, Watched, budgets
from metrics.compliance import ComplianceRow, rows
from metrics.day import Figure, figures
from metrics.fold import Fold
from metrics.history import POINTS, STEP_SECONDS, History
from metrics.model import MICROSECONDS, ONE_DAY, AnswerLimits, wall_us
from metrics.prometheus import Exposition, OverloadHealth, WorkerHealth
from metrics.saturation import filling
from metrics.settings import MetricsSettings
from metrics.text_format import pieces
from metrics.watch import Due

#: How far back a rebuild reads by itself: the longest window of 10.3 at the oldest point of its line, and the day
#: before midnight.
HORIZON = timedelta(seconds=ONE_DAY + POINTS * STEP_SECONDS)

#: Buffered facts applied before other work gets its turn.
_SLICE_EVENTS = 200

#: Scrapes that come closer together than this get the same text, seconds.
_SCRAPE_SECONDS = 1.0

_log = structlog.get_logger("metrics")


class JournalSource(Protocol):
    """Where past facts come from (`ccplatform.storage.journal_reader.JournalReader`)."""

    def since(
        self, at: datetime, *, until: datetime | None = None, types: Sequence[str] = ()
    ) -> AsyncIterator[FactEvent]:
        """Everything told from ``at`` on, oldest first."""


class MetricsService:
    """Holds the live fold.

    ``queues`` and ``trunks`` name the configured ones (bounds of labels); ``service_levels`` gives Y in seconds
    of queues that have their own; ``workers`` tells how the media workers do, ``lines`` how the trunks,
    ``overload`` how calls are restricted, ``alarms`` how many are up (without it: as the facts of the last day
    tell), ``messages`` the new voice messages of each queue. All are asked when needed.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        settings: MetricsSettings,
        zone: ZoneInfo,
        queues: Callable[[], Collection[str]] | None = None,
        trunks: Callable[[], Collection[str]] | None = None,
        agents: Callable[[], Collection[str]] | None = None,
        service_levels: Callable[[], Mapping[str, float]] | None = None,
        workers: Callable[[], Sequence[WorkerHealth]] | None = None,
        lines: Callable[[], Mapping[str, Any]] | None = None,
        overload: Callable[[], OverloadHealth | None] | None = None,
        alarms: Callable[[], Mapping[Severity, int]] | None = None,
        messages: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        self._clock = clock
        self._rules = settings.rules(zone)
        self._settings = settings
        self._service_levels = service_levels
        self._exposition = Exposition(
            queues=queues,
            trunks=trunks,
            agents=agents,
            workers=workers,
            lines=lines,
            overload=overload,
            alarms=alarms,
            messages=messages,
        )
        self._buffer: deque[FactEvent] | None = None
        self._beginnings = 0
        self._loading = False
        self._loaded = False
        self._overrun = False
        self._newest = clock.wall()
        self._scraping = asyncio.Lock()
        self._text: tuple[float, bytes] | None = None
        self.fold = Fold(self._rules)
        self._history = History()

    def apply(self, event: FactEvent) -> None:
        """Take a live fact."""
        self._history.before(_second_of(event), self.fold)
        self._exposition.observe(self.fold.apply(event))
        if self._buffer is not None:
            if len(self._buffer) >= self._settings.live_buffer:
                self._buffer.clear()
                self._overrun = True
            self._buffer.append(event)

    def begin(self) -> None:
        """Keep every fact from now on for the next load; one that is under way starts over."""
        self._beginnings += 1
        self._buffer = deque()
        self._overrun = False

    async def load(self, journal: JournalSource, since: datetime | None = None) -> None:
        """Rebuild from the journal, by default of the last 24 hours; raises DatabaseUnavailable.

        Facts that reach this process later than the journal are taken from the live stream, from :meth:`begin`
        on. When more facts arrive meanwhile than the buffer holds, the journal is read on from where it had come
        to.
        """
        if self._loading:
            raise LocalMisuse("a rebuild of the metrics is under way already")
        if self._buffer is None:
            self.begin()
        self._loading = True
        try:
            self.fold, self._history = await self._rebuilt(journal, since)
            self._buffer, self._loaded = None, True
        finally:
            self._loading = False
        _log.info("metrics rebuilt", facts=self.fold.folded, repeated=self.fold.repeated)

    @property
    def whole(self) -> bool:
        """Whether the fold holds all that happened in its windows: not before, nor during a rebuild."""
        return self._loaded and self._buffer is None

    def budgets(self, up: Mapping[str, Watched] | None = None) -> list[Budget]:
        """The error budgets of section 10.3 now; ``up``: what alarms say already."""
        return budgets(self.fold, self._second(), up)

    def filling(self, up: Collection[tuple[str, str]]) -> list[Due]:
        """The alarms of trunks that near saturation; ``up``: alarms (kind, subject) that are up already."""
        return filling(self.fold.access, self._second(), self._settings.trunk_full_ratio, up)

    def compliance(self) -> list[ComplianceRow]:
        """The rows of section 10.3 now."""
        return rows(self.fold, self._second())

    def lines(self) -> dict[str, list[float | None]]:
        """What each requirement measured over the last two hours (:class:`metrics.history.History`)."""
        return self._history.lines(self.fold, self._second())

    def figures(self) -> list[Figure]:
        """The figures of the day so far (section 3.1)."""
        return figures(self.fold, self._second(), self._limits())

    def day_of(self, agent: str) -> AgentTimes:
        """How an agent's day was spent so far."""
        return self.fold.agents.today_of(agent, self._second())

    def traffic(self, trunk: str) -> dict[str, Any] | None:
        """What a trunk carried in the last two hours (:class:`metrics.access.Traffic`); None: not known."""
        found = self.fold.access.traffic(trunk, self._second())
        return asdict(found) if found is not None else None

    async def scrape(self) -> bytes:
        """The text for Prometheus; made in pieces between other work, at most once a second."""
        async with self._scraping:
            now = self._clock.now()
            if self._text is None or now - self._text[0] >= _SCRAPE_SECONDS:
                samples = self._exposition.collect(self.fold, self._second(), self._limits())
                made = []
                for piece in pieces(samples):
                    made.append(piece)
                    await asyncio.sleep(0)
                self._text = (now, b"".join(made))
            return self._text[1]

    async def _rebuilt(self, journal: JournalSource, since: datetime | None) -> tuple[Fold, History]:
        while True:
            beginning = self._beginnings
            fold, history = Fold(self._rules), History()
            begin = since if since is not None else self._clock.wall() - HORIZON
            while beginning == self._beginnings and not await self._read(journal, fold, history, begin):
                begin = self._newest
            if beginning == self._beginnings:
                return fold, history

    async def _read(self, journal: JournalSource, fold: Fold, history: History, since: datetime) -> bool:
        """Journal, then buffer; False when the buffer was too small and the journal is to be read on."""
        beginning = self._beginnings
        self._overrun, self._newest = False, since
        async for event in journal.since(since, types=fold.fact_types):
            history.before(_second_of(event), fold)
            fold.apply(event)
            self._newest = max(self._newest, event.at)
        buffer, count = self._buffer, 0
        assert buffer is not None
        while buffer and not self._overrun and beginning == self._beginnings:
            event = buffer.popleft()
            history.before(_second_of(event), fold)
            fold.apply(event)
            count += 1
            if count % _SLICE_EVENTS == 0:
                await asyncio.sleep(0)  # what comes in meanwhile joins the buffer
        return not self._overrun

    def _second(self) -> int:
        return wall_us(self._clock.wall()) // MICROSECONDS

    def _limits(self) -> AnswerLimits:
        own = self._service_levels() if self._service_levels is not None else {}
        return AnswerLimits(default_seconds=self._settings.service_level_seconds, by_queue=own)


def _second_of(event: FactEvent) -> int:
    return wall_us(event.at) // MICROSECONDS

"""What the web process knows of control: the link, the live view, the alarms, the figures and control's health.

At each new link everything begins anew: control's snapshot is the live view and the alarms; the figures are
rebuilt from the journal, since what a restarted control process told before it was heard again is there only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import structlog

from ccplatform.app.link_client import LinkClient, Snapshot
from ccplatform.app.link_server import MAX_TAIL_EVENTS
from ccplatform.contracts.commands import Done, GetHealth, RaiseAlarm
from ccplatform.contracts.facts import FactEvent
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.faults import describe
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.operations.board import AlarmBoard, AlarmRow
from ccplatform.operations.store import AlarmStore
from ccplatform.storage.database import Database
from ccplatform.storage.errors import DatabaseUnavailable
from ccplatform.storage.journal_reader import JournalReader
from cti.events import Hub
from gateway.signalling.service import SignallingService
from metrics.service import MetricsService

_log = structlog.get_logger("web")

#: How often control is asked how it is, seconds.
HEALTH_SECONDS = 2.0
#: How long whoever asks for readiness waits for control, seconds.
PATIENCE_SECONDS = 1.0
#: Pause between attempts to reach control, seconds; short, since pages are blind meanwhile.
LINK_PAUSE_SECONDS = 0.1
#: Pause between attempts to read the database while it is away, seconds.
RETRY_SECONDS = 1.0


class Follower(Protocol):
    """Whoever else wants the facts as they come."""

    def apply(self, event: FactEvent) -> None:
        """A fact."""

    def relinked(self) -> None:
        """There is a new link: facts may have been missed."""


class Following:
    """Follows control for as long as the process lives. ``health`` is control's last answer, {} without one."""

    def __init__(
        self,
        *,
        path: Path,
        hub: Hub,
        metrics: MetricsService,
        board: AlarmBoard,
        alarms: AlarmStore,
        journal: JournalReader,
        database: Database,
        clock: Clock,
        tasks: TaskSupervisor,
        signalling: SignallingService,
        followers: Sequence[Follower] = (),
    ) -> None:
        self._hub = hub
        self._metrics = metrics
        self._board = board
        self._alarms = alarms
        self._journal = journal
        self._database = database
        self._clock = clock
        self._tasks = tasks
        self._signalling = signalling
        self._followers = followers
        self._linked = asyncio.Event()
        self._anew = asyncio.Event()
        self._whole = True  # the last snapshot held all that the journal did not
        self._asking: asyncio.Future[None] | None = None
        self.health: dict[str, Any] = {}
        self.informed = asyncio.Event()  # set for good by control's first answer about its health
        self.link = LinkClient(
            path=path,
            on_snapshot=self._link_made,
            on_event=self._event,
            on_lost=self._link_lost,
            on_signalling=signalling.take,
        )

    def start(self) -> None:
        """Link to control and keep up with it."""
        self._tasks.on_crash = self._crashed
        self._tasks.keep_running("control link", self._keep_linked)
        self._tasks.keep_running("health", self._watch_health)
        self._tasks.keep_running("rebuild", self._rebuild)

    async def readiness(self) -> dict[str, Any]:
        """Whether the centre takes calls now, and why not: control is asked each time."""
        answers = True
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._ask_health()
        except TimeoutError:
            answers = False
        takes_calls = answers and self.link.connected and bool(self.health.get("takes_calls"))
        return {
            "ready": takes_calls,
            "control": self.link.connected,
            "database": self._database.available,
            "takes_calls": takes_calls,
            "reason": self._reason(takes_calls, answers),
        }

    def _reason(self, takes_calls: bool, answers: bool) -> str:
        reasons = []
        if not self.link.connected:
            reasons.append("the control process cannot be reached")
        elif not takes_calls:
            told = self.health.get("reason") if answers else ""
            reasons.append(told or "the control process does not answer")
        if not self._database.available:
            reasons.append("PostgreSQL cannot be reached: calls go on, changes are refused")
        return "; ".join(reasons)

    # --- the link -----------------------------------------------------------------------------------------

    async def _keep_linked(self) -> None:
        while True:
            await self.link.run()
            await sleep(self._clock, LINK_PAUSE_SECONDS)

    def _link_made(self, snapshot: Snapshot) -> None:
        self._signalling.linked()
        self._hub.replace(snapshot.live)
        for follower in self._followers:
            follower.relinked()
        self._board.load(
            AlarmRow(
                id=alarm.id,
                kind=alarm.kind,
                subject=alarm.subject,
                severity=alarm.severity,
                text=alarm.text,
                raised_at=alarm.since,
                acknowledged_by=alarm.acknowledged_by,
            )
            for alarm in self._hub.live.alarms.values()
        )
        self._whole = snapshot.whole
        self._metrics.begin()
        for event in snapshot.tail:
            self._metrics.apply(event)
        self._linked.set()
        self._anew.set()

    def _event(self, event: FactEvent) -> None:
        self._hub.publish(event)
        self._metrics.apply(event)
        self._board.apply(event)
        for follower in self._followers:
            follower.apply(event)

    def _link_lost(self) -> None:
        self._linked.clear()
        self.health = {}
        self._hub.unlinked()

    async def _rebuild(self) -> None:
        while True:
            await self._anew.wait()
            self._anew.clear()
            try:
                await self._metrics.load(self._journal)
                self._board.complete(await self._alarms.active())
            except DatabaseUnavailable:
                self._anew.set()
                await sleep(self._clock, RETRY_SECONDS)

    # --- health -------------------------------------------------------------------------------------------

    async def _watch_health(self) -> None:
        while True:
            await self._linked.wait()
            await self._ask_health()
            await sleep(self._clock, HEALTH_SECONDS if self.health else LINK_PAUSE_SECONDS)

    async def _ask_health(self) -> None:
        """Ask control, together with whoever asks at the same time."""
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._health_answer())
        await asyncio.shield(self._asking)

    async def _health_answer(self) -> None:
        try:
            answer = await self.link.ask(GetHealth())
        except Unavailable:
            self.health = {}
            return
        finally:
            self._asking = None
        self.health = answer.result if isinstance(answer, Done) else {}
        self.informed.set()
        if not self._whole and self.health.get("journal_backlog", MAX_TAIL_EVENTS) < MAX_TAIL_EVENTS:
            self.link.renew()

    # --- faults -------------------------------------------------------------------------------------------

    def _crashed(self, name: str, error: Exception) -> None:
        alarm = RaiseAlarm(
            kind="internal_error",
            subject=f"web: {name}",
            severity=Severity.NON_URGENT,
            text=describe(error),
        )
        self._tasks.run_once("alarm", self._tell(alarm))

    async def _tell(self, alarm: RaiseAlarm) -> None:
        try:
            await self.link.ask(alarm)
        except Unavailable as error:
            _log.warning("alarm not told", kind=alarm.kind, reason=str(error))

"""The web process follows control: over a real link, with a journal that may be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ccplatform.app import following as module
from ccplatform.app.following import Following
from ccplatform.app.link_server import LinkServer
from ccplatform.contracts.commands import Answer, Command, Done, GetHealth, RaiseAlarm
from ccplatform.contracts.facts import AlarmAcknowledged, AlarmRaised, CallRefused, Fact, FactEvent
from ccplatform.contracts.words import ReleaseCause, Severity
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.operations.board import AlarmBoard, AlarmRow
from ccplatform.storage.errors import DatabaseUnavailable
from cti.events import Hub
from cti.live import LiveView
from cti.settings import EventSocketSettings
from gateway.signalling.service import SignallingService
from gateway.signalling.settings import SignallingSettings
from metrics.service import MetricsService
from metrics.settings import MetricsSettings
from tests.gateway.signalling.samples import request, row
from tests.support.milestone import until

CLOCK = SystemClock()
ZONE = ZoneInfo("UTC")


class Database:
    available = True


class Journal:
    """What control wrote; may be away."""

    def __init__(self) -> None:
        self.events: list[FactEvent] = []
        self.away = False
        self.read = 0

    async def since(
        self, at: datetime, *, until: datetime | None = None, types: Sequence[str] = ()
    ) -> AsyncIterator[FactEvent]:
        if self.away:
            raise DatabaseUnavailable("away")
        self.read += 1
        for event in tuple(self.events):
            yield event


class Alarms:
    def __init__(self) -> None:
        self.rows: list[AlarmRow] = []

    async def active(self) -> list[AlarmRow]:
        return self.rows


class Control:
    """The control process as far as its link goes."""

    def __init__(self, path: Path, tasks: TaskSupervisor, journal: Journal) -> None:
        self.stream: Stream[Fact] = Stream(CLOCK, Ids(CLOCK), "default")
        self.live = LiveView(zone=ZONE)
        self.pending: list[FactEvent] = []
        self.commands: list[Command] = []
        self.health: dict[str, Any] = {"takes_calls": True, "reason": "", "journal_backlog": 0}
        self.answers = asyncio.Event()
        self.answers.set()
        self.server = LinkServer(
            path=path,
            tasks=tasks,
            execute=self._execute,
            snapshot=self.live.snapshot,
            position=lambda: (self.stream.epoch, self.stream.seq),
            pending=lambda: self.pending,
        )
        self.stream.subscribe(journal.events.append)
        self.stream.subscribe(self.live.apply)
        self.stream.subscribe(self.server.publish)

    async def _execute(self, command: Command) -> Answer:
        self.commands.append(command)
        await self.answers.wait()
        return Done(result=self.health if isinstance(command, GetHealth) else {})


class Web:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.tasks = TaskSupervisor(CLOCK)
        self.journal, self.alarms, self.database = Journal(), Alarms(), Database()
        self.board = AlarmBoard()
        live = LiveView(zone=ZONE)
        self.metrics = MetricsService(clock=CLOCK, settings=MetricsSettings(), zone=ZONE)
        self.signalling = SignallingService(SignallingSettings(), clock=CLOCK)
        self.following = Following(
            path=path,
            hub=Hub(live=live, clock=CLOCK, settings=EventSocketSettings()),
            metrics=self.metrics,
            board=self.board,
            alarms=self.alarms,  # type: ignore[arg-type]
            journal=self.journal,  # type: ignore[arg-type]
            database=self.database,  # type: ignore[arg-type]
            clock=CLOCK,
            tasks=self.tasks,
            signalling=self.signalling,
        )
        self.control = Control(path, self.tasks, self.journal)

    async def new_control(self) -> Control:
        """Control died and is there again."""
        await self.control.server.close()
        await until(lambda: not self.following.link.connected, lambda: "the link is down")
        self.control = Control(self.path, self.tasks, self.journal)
        return self.control

    async def linked(self) -> None:
        await until(lambda: self.following.link.connected, lambda: "linked")

    @property
    def folded(self) -> int:
        """Facts in the figures, each counted once."""
        return self.metrics.fold.folded

    async def counted(self, wanted: int) -> None:
        await until(lambda: self.folded == wanted, lambda: f"{self.folded} of {wanted} counted")


@pytest.fixture
async def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Web]:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(module, "HEALTH_SECONDS", 0.05)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.1)
    made = Web(tmp_path / "control.sock")
    yield made
    await made.control.server.close()
    await made.tasks.close()


def refused() -> CallRefused:
    return CallRefused(trunk=None, dialled="95000", cause=ReleaseCause.UNAVAILABLE, sip_status=503)


def raised(ident: str) -> AlarmRaised:
    return AlarmRaised(alarm=ident, kind="k", subject=ident, severity=Severity.URGENT, text="t")


async def test_before_and_without_control_nothing_is_ready(web: Web) -> None:
    web.following.start()
    state = await web.following.readiness()
    assert (state["ready"], state["control"]) == (False, False)
    assert "control process cannot be reached" in state["reason"]
    await web.control.server.start()
    await web.linked()
    await web.following.informed.wait()
    assert (await web.following.readiness())["ready"]


async def test_readiness_is_asked_anew_and_tells_controls_reason(web: Web) -> None:
    await web.control.server.start()
    web.following.start()
    await web.following.informed.wait()
    web.control.health = {"takes_calls": False, "reason": "draining"}
    while (state := await web.following.readiness())["ready"]:
        pass  # somebody's earlier question was just being answered
    assert (state["ready"], state["reason"]) == (False, "draining")
    web.control.answers.clear()
    state = await web.following.readiness()
    assert (state["ready"], state["reason"]) == (False, "the control process does not answer")


async def test_calls_are_taken_without_database_and_that_is_said(web: Web) -> None:
    await web.control.server.start()
    web.following.start()
    await web.following.informed.wait()
    web.database.available = False
    state = await web.following.readiness()
    assert (state["ready"], state["database"]) == (True, False)
    assert "PostgreSQL" in state["reason"]


async def test_alarms_are_those_that_control_has(web: Web) -> None:
    first = web.control.stream.publish(raised("a1"))
    await web.control.server.start()
    web.following.start()
    await web.linked()
    assert [row.id for row in web.board.active()] == ["a1"]
    web.control.stream.publish(AlarmAcknowledged(alarm="a1", by="tech1"))
    web.control.stream.publish(raised("a2"))
    await until(lambda: len(web.board.active()) == 2, lambda: "both are up")
    known = {row.id: row for row in web.board.active()}["a1"]
    assert known.acknowledged_by == "tech1"
    control = await web.new_control()
    control.live.apply(first)  # it took a1 back from its table; a2 is over
    await control.server.start()
    await web.linked()
    (row,) = web.board.active()
    assert (row.id, row.acknowledged_at) == ("a1", known.acknowledged_at)


async def test_figures_hold_what_was_told_while_nobody_listened(web: Web) -> None:
    for _ in range(3):
        web.control.stream.publish(refused())
    await web.control.server.start()
    web.following.start()
    await web.counted(3)
    control = await web.new_control()
    for _ in range(2):
        control.stream.publish(refused())  # before its link is there
    await control.server.start()
    await web.counted(5)
    control.stream.publish(refused())
    await web.counted(6)


async def test_what_the_journal_does_not_hold_yet_is_counted_once(web: Web) -> None:
    event = web.control.stream.publish(refused())
    web.journal.events.clear()
    web.control.pending = [event]
    await web.control.server.start()
    web.following.start()
    await web.counted(1)
    web.journal.events.append(event)
    await (await web.new_control()).server.start()
    await until(lambda: web.journal.read == 2, lambda: f"read {web.journal.read} times")
    await web.counted(1)


async def test_a_database_that_is_away_delays_the_figures_only(web: Web) -> None:
    web.control.stream.publish(refused())
    web.journal.away = True
    await web.control.server.start()
    web.following.start()
    await web.linked()
    web.control.stream.publish(refused())
    await web.counted(1)
    web.journal.away = False
    await web.counted(2)
    assert web.tasks.crashes == 0


async def test_a_tail_that_was_too_long_is_fetched_later(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccplatform.app.link_server.MAX_TAIL_EVENTS", 1)
    web.control.pending = [web.control.stream.publish(refused()) for _ in range(2)]
    web.journal.events.clear()
    web.control.health = {"takes_calls": True, "journal_backlog": 10_000}
    await web.control.server.start()
    web.following.start()
    await web.following.informed.wait()
    assert web.folded == 0
    web.journal.events, web.control.pending = web.control.pending, []
    web.control.health = {"takes_calls": True, "journal_backlog": 0}
    await web.counted(2)


async def test_an_error_of_its_own_becomes_an_alarm(web: Web) -> None:
    await web.control.server.start()
    web.following.start()
    await web.following.informed.wait()

    async def fail() -> None:
        raise KeyError("oops")

    web.tasks.run_once("broken", fail())
    await until(
        lambda: any(isinstance(command, RaiseAlarm) for command in web.control.commands), lambda: "an alarm came"
    )
    (alarm,) = [command for command in web.control.commands if isinstance(command, RaiseAlarm)]
    assert (alarm.kind, alarm.subject) == ("internal_error", "web: broken")
    assert "KeyError" in alarm.text


async def test_signalling_of_control_is_kept_and_begins_anew_with_it(web: Web) -> None:
    await web.control.server.start()
    web.following.start()
    await until(lambda: bool(web.control.server._watchers), lambda: "the web process watches")
    web.control.server.publish_signalling([row(request(), at=CLOCK.now())])
    await until(lambda: len(web.signalling.memory) == 1, lambda: "a message came")
    await (await web.new_control()).server.start()
    await web.linked()
    assert len(web.signalling.memory) == 0

"""Figures of section 10.3 become alarms of control, and go with their cause."""

from __future__ import annotations

from ccplatform.app.watching import Watching
from ccplatform.contracts.commands import Answer, ClearAlarm, Command, Done, RaiseAlarm
from ccplatform.contracts.facts import AlarmCleared, AlarmRaised
from ccplatform.contracts.words import Severity
from ccplatform.kernel.errors import Unavailable
from ccplatform.operations.board import AlarmBoard
from metrics.service import MetricsService
from tests.metrics.telling import Centre, agent_answered
from tests.metrics.test_service import Journal, service_of

WAIT = "R10.3.2.d"


class Watch:
    """A watch over a centre; control is a list of orders, which the board hears of."""

    def __init__(self) -> None:
        self.centre = Centre()
        self.service: MetricsService = service_of(self.centre)
        self.board = AlarmBoard()
        self.orders: list[Command] = []
        self.away = False
        self.watching = Watching(
            metrics=self.service, board=self.board, ask=self._ask, clock=self.centre.clock, every_seconds=15.0
        )

    async def _ask(self, command: Command) -> Answer:
        if self.away:
            raise Unavailable("control is away")
        self.orders.append(command)
        before = len(self.centre.events)
        match command:
            case RaiseAlarm(kind=kind, subject=subject, severity=severity, text=text):
                name = f"{kind} {subject}"
                self.centre.tell(AlarmRaised(alarm=name, kind=kind, subject=subject, severity=severity, text=text))
            case ClearAlarm(kind=kind, subject=subject):
                name = f"{kind} {subject}"
                self.centre.tell(AlarmCleared(alarm=name, kind=kind, subject=subject, lasted_seconds=1.0))
        for event in self.centre.events[before:]:
            self.board.apply(event)
        return Done(result={})

    def answer_after(self, seconds: float, calls: int) -> None:
        before = len(self.centre.events)
        for _ in range(calls):
            self.centre.tell(agent_answered(self.centre.new_contact(), seconds))
        for event in self.centre.events[before:]:
            self.service.apply(event)

    @property
    def up(self) -> list[tuple[str, str, Severity]]:
        return [(alarm.kind, alarm.subject, alarm.severity) for alarm in self.board.active()]


async def test_a_breach_is_one_alarm_and_clears_when_the_requirement_is_met_again() -> None:
    watch = Watch()
    await watch.service.load(Journal([]))
    watch.answer_after(90.0, 30)
    await watch.watching.look()
    await watch.watching.look()
    assert watch.up == [("requirement_missed", WAIT, Severity.URGENT)]
    assert len(watch.orders) == 1
    watch.answer_after(1.0, 300)
    await watch.watching.look()
    assert watch.up == []


async def test_nothing_is_said_before_the_figures_are_whole() -> None:
    watch = Watch()
    watch.answer_after(90.0, 30)
    await watch.watching.look()
    assert watch.orders == []
    await watch.service.load(Journal(watch.centre.events))
    await watch.watching.look()
    assert len(watch.orders) == 1
    watch.service.begin()  # control was restarted: its journal is about to be read again
    watch.answer_after(1.0, 300)
    await watch.watching.look()
    assert len(watch.orders) == 1


async def test_an_alarm_of_a_watch_before_is_cleared_by_the_next_one() -> None:
    watch = Watch()
    await watch.service.load(Journal([]))
    await watch._ask(RaiseAlarm(kind="budget_low", subject=WAIT, severity=Severity.NON_URGENT, text=""))
    await watch._ask(RaiseAlarm(kind="overload", subject="", severity=Severity.URGENT, text=""))
    await watch.watching.look()
    assert [kind for kind, _, _ in watch.up] == ["overload"]


async def test_without_control_it_is_told_at_the_next_look() -> None:
    watch = Watch()
    await watch.service.load(Journal([]))
    watch.answer_after(90.0, 30)
    watch.away = True
    await watch.watching.look()
    watch.away = False
    await watch.watching.look()
    assert watch.up == [("requirement_missed", WAIT, Severity.URGENT)]


async def test_a_trunk_near_saturation_is_an_alarm_until_it_is_not() -> None:
    watch = Watch()
    await watch.service.load(Journal([]))
    for in_use, up in ((29, [("trunk_filling", "pstn", Severity.NON_URGENT)]), (3, [])):
        before = len(watch.centre.events)
        watch.centre.channels(in_use)
        for event in watch.centre.events[before:]:
            watch.service.apply(event)
        await watch.watching.look()
        assert watch.up == up

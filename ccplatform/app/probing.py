"""The probe's process: a mystery caller on schedule, who tells control what he heard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.resources import files
from typing import TypeAlias

import structlog

from ccplatform.app.link_client import LinkClient
from ccplatform.app.places import Places
from ccplatform.app.settings import Settings, own_host
from ccplatform.app.stopping import StopSignal
from ccplatform.contracts.commands import Answer, ClearAlarm, Command, RaiseAlarm, ReportMysteryCall
from ccplatform.contracts.facts import MysteryCallMade
from ccplatform.contracts.words import MysteryFate, Severity
from ccplatform.kernel.clock import Clock, SystemClock, sleep
from ccplatform.kernel.errors import CannotStart, Unavailable
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.errors import NotReached, WrongPlan
from ccplatform.proof.line import Line
from ccplatform.proof.plan import Plan, parse_plan, read_plan, read_target
from ccplatform.proof.running import address_of, own_address
from ccplatform.proof.visit import Visit, make_visit
from gateway.sip.flows import Flow

Ask: TypeAlias = Callable[[Command], Awaitable[Answer]]

_log = structlog.get_logger("probe")

ALARM = "mystery_call_failed"
_LINK_PAUSE_SECONDS = 1.0
#: A report that control does not take is told again so often, seconds apart; then it is lost, and the log says so.
_REPORT_ATTEMPTS, _REPORT_PAUSE_SECONDS = 60, 5.0


async def run_probe(settings: Settings, places: Places, *, demo: bool, ready: Callable[[], None]) -> None:
    """Make calls until SIGTERM; raises CannotStart when there is nothing to call."""
    clock = SystemClock()
    plan, flow = _aim(settings, demo=demo)
    tasks = TaskSupervisor(clock)
    stop = StopSignal()
    link = LinkClient(
        path=places.control_socket,
        on_snapshot=lambda snapshot: None,
        on_event=lambda event: None,
        on_lost=lambda: None,
    )

    async def keep_linked() -> None:
        await link.run()
        await sleep(clock, _LINK_PAUSE_SECONDS)

    tasks.keep_running("control link", keep_linked)
    line = Line(target=flow, host=own_address(flow), caller=plan.caller, clock=clock, tasks=tasks)
    await line.open()
    probe = Probe(settings=settings, plan=plan, flow=flow, line=line, ask=link.ask, clock=clock)
    tasks.keep_running("mystery calls", probe.run)
    ready()
    await stop.wait()
    line.close()
    await tasks.close()


class Probe:
    """The schedule: a call, its report, a pause."""

    def __init__(self, *, settings: Settings, plan: Plan, flow: Flow, line: Line, ask: Ask, clock: Clock) -> None:
        self._settings = settings.probe
        self._plan = plan
        self._loopback = flow.host in ("127.0.0.1", "::1")
        self._line = line
        self._ask = ask
        self._clock = clock
        self._started = False

    async def run(self) -> None:
        """One call after the next, for ever."""
        if not self._started:
            self._started = True
            await sleep(self._clock, self._settings.first_seconds)
        began = self._clock.now()
        visit = await make_visit(self._line, self._plan.visit, self._clock)
        await self._report(visit)
        await sleep(self._clock, max(0.0, began + self._settings.every_seconds - self._clock.now()))

    async def _report(self, visit: Visit) -> None:
        made = made_of(visit, self._plan.visit.number, loopback=self._loopback)
        if made.fate is MysteryFate.COMPLETED:
            alarm: Command = ClearAlarm(kind=ALARM, subject=made.number)
        else:
            why = f"{made.fate} {made.status or ''} {made.failed_at}".strip()
            text = f"a mystery call to {made.number} was not served: {why}"
            alarm = RaiseAlarm(kind=ALARM, subject=made.number, severity=Severity.URGENT, text=text)
        for order in (ReportMysteryCall(call=made), alarm):
            await self._tell(order)

    async def _tell(self, order: Command) -> None:
        for _ in range(_REPORT_ATTEMPTS):
            with suppress(Unavailable):
                await self._ask(order)
                return
            await sleep(self._clock, _REPORT_PAUSE_SECONDS)
        _log.error("control took no report of a mystery call", order=type(order).__name__)


def made_of(visit: Visit, number: str, *, loopback: bool) -> MysteryCallMade:
    """The fact of a visit."""
    return MysteryCallMade(
        number=number,
        fate=visit.fate,
        loopback=loopback,
        status=visit.status,
        failed_at=visit.failed_at,
        connect_seconds=visit.connect,
        key_seconds=tuple(visit.keys),
        query_seconds=tuple(visit.queries),
        packets_received=visit.received,
        packets_lost=visit.lost,
        lasted_seconds=visit.lasted,
    )


def _aim(settings: Settings, *, demo: bool) -> tuple[Plan, Flow]:
    own = settings.probe
    try:
        if own.plan is not None:
            plan = read_plan(own.plan)
        elif demo:
            plan = parse_plan(files("config").joinpath("acceptance.toml").read_text("utf-8"), "acceptance.toml")
        else:
            raise CannotStart(
                "probe.plan: mystery calls need a plan (docs/packages/proof.md), or every_seconds = 0"
            )
        if own.target:
            number, host, port = read_target(own.target)
            return plan.dialling(number), Flow("UDP", address_of(host), port)
    except (WrongPlan, NotReached) as error:
        raise CannotStart(f"probe: {error}") from error
    return plan, Flow("UDP", own_host(settings), settings.sip.port)

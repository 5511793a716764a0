"""The probe's process: a mystery caller on schedule, who tells control what he heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from types import MappingProxyType
from typing import TypeAlias

import structlog

from ccplatform.app.link_client import LinkClient, Snapshot
from ccplatform.app.places import Places
from ccplatform.app.settings import Settings, own_host
from ccplatform.app.stopping import StopSignal
from ccplatform.contracts.commands import Answer, ClearAlarm, Command, RaiseAlarm, ReportMysteryCall
from ccplatform.contracts.facts import FactEvent, MysteryCallCompared, MysteryCallMade, MysteryCallOrdered
from ccplatform.contracts.words import MysteryFate, Severity
from ccplatform.kernel.clock import Clock, SystemClock, sleep
from ccplatform.kernel.errors import CannotStart, Unavailable
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.agent_visit import make_agent_visit
from ccplatform.proof.errors import NotReached, SeatTaken, WrongPlan
from ccplatform.proof.line import Line
from ccplatform.proof.networks import network_of
from ccplatform.proof.plan import REFERENCE, AgentPlan, Plan, VisitPlan, parse_plan, read_plan, read_target
from ccplatform.proof.port import Lateness
from ccplatform.proof.reconciling import compare
from ccplatform.proof.robots import Robots
from ccplatform.proof.running import address_of, own_address, prompts_of
from ccplatform.proof.verdicts import MOST_LATE
from ccplatform.proof.visit import Visit, make_visit
from ccplatform.proof.witness import Witness
from gateway.media.audio import Pcm
from gateway.sip.flows import Flow

Ask: TypeAlias = Callable[[Command], Awaitable[Answer]]

_log = structlog.get_logger("probe")

ALARM = "mystery_call_failed"
DIFFERS = "self_report_differs"
_LINK_PAUSE_SECONDS = 1.0
#: So many calls in a row that fail are an urgent alarm; fewer may be chance.
URGENT_AFTER = 2
_ORDER_SECONDS = 1.0
#: A report that control does not take is told again so often, seconds apart; then it is lost, and the log says so.
_REPORT_ATTEMPTS, _REPORT_PAUSE_SECONDS = 60, 5.0
#: How long the platform may take to record a call that ended, and how often that is looked at, seconds.
_RECORDED_WITHIN, _LOOK_AGAIN = 5.0, 0.1


async def run_probe(settings: Settings, places: Places, *, demo: bool, ready: Callable[[], None]) -> None:
    """Make calls until SIGTERM; raises CannotStart when there is nothing to call."""
    clock = SystemClock()
    plan, flow = _aim(settings, demo=demo)
    plan, prompts = await _with_prompts(plan)
    tasks = TaskSupervisor(clock)
    stop = StopSignal()
    witness, orders, linked = Witness(), Orders(), asyncio.Event()

    def told(event: FactEvent) -> None:
        witness.take(event.fact)
        if isinstance(event.fact, MysteryCallOrdered):
            orders.take(event.fact)

    def begun(snapshot: Snapshot) -> None:
        witness.lost()
        linked.set()

    link = LinkClient(
        path=places.control_socket,
        on_snapshot=begun,
        on_event=told,
        on_lost=witness.lost,
    )

    async def keep_linked() -> None:
        await link.run()
        await sleep(clock, _LINK_PAUSE_SECONDS)

    tasks.keep_running("control link", keep_linked)
    caller = (*settings.probe.callers, plan.caller)[0]
    line = Line(target=flow, host=own_address(flow), caller=caller, clock=clock, tasks=tasks)
    await line.open()
    robot_line = Line(target=flow, host=own_address(flow), caller=caller, clock=clock, tasks=tasks)
    await robot_line.open()
    robots = Robots(plan.agent.seats, robot_line, clock) if plan.agent is not None else None
    probe = Probe(
        settings=settings,
        plan=plan,
        flow=flow,
        line=line,
        ask=link.ask,
        clock=clock,
        witness=witness,
        orders=orders,
        robots=robots,
        prompts=prompts,
    )
    ready()

    async def begin() -> None:
        await (
            linked.wait()
        )  # control is there when it takes calls; once it was, calls are made without it, and fail
        tasks.keep_running("mystery calls", probe.run)

    tasks.run_once("first mystery call", begin())
    await stop.wait()
    await tasks.close()  # robots sign out over the lines
    line.close()
    robot_line.close()


class Orders:
    """Who wants a mystery call now; one call is for all who asked meanwhile."""

    def __init__(self) -> None:
        self._by: str | None = None

    def take(self, fact: MysteryCallOrdered) -> None:
        """Somebody asks."""
        self._by = fact.by

    def served(self) -> str:
        """Who asked last ('': nobody); the call is made for him."""
        by, self._by = self._by, None
        return by or ""

    async def wait(self, clock: Clock, seconds: float) -> None:
        """Until somebody asks, or until so much time has passed."""
        due = clock.now() + seconds
        while self._by is None and clock.now() < due:
            await sleep(clock, min(_ORDER_SECONDS, due - clock.now()))


class Probe:
    """The schedule: calls, their reports, a pause. ``robots`` answer those for an agent, ``prompts`` are the
    sounds that plans name."""

    def __init__(
        self,
        *,
        settings: Settings,
        plan: Plan,
        flow: Flow,
        line: Line,
        ask: Ask,
        clock: Clock,
        witness: Witness,
        orders: Orders,
        robots: Robots | None = None,
        prompts: Mapping[str, Pcm] = MappingProxyType({}),
    ) -> None:
        self._settings = settings.probe
        self._plan = plan
        self._loopback = flow.host in ("127.0.0.1", "::1")
        self._line = line
        self._ask = ask
        self._clock = clock
        self._witness = witness
        self._orders = orders
        self._robots = robots
        self._prompts = prompts
        self._started = False
        self._staffed: bool | None = None  # of the call that was compared last
        self._failed: dict[str, int] = {}  # by what an alarm is about: calls in a row

    async def run(self) -> None:
        """One call after the next, for ever."""
        if not self._started:
            self._started = True
            await self._orders.wait(self._clock, self._settings.first_seconds)
        began, by = self._clock.now(), self._orders.served()
        await self._visit(self._plan.visit, by)
        if self._plan.prompt is not None:
            await self._visit(self._plan.prompt, by)
        if self._plan.agent is not None and self._robots is not None:
            await self._ask_for_agent(self._plan.agent, self._robots, by)
        await self._orders.wait(self._clock, began + self._settings.every_seconds - self._clock.now())

    async def _visit(self, plan: VisitPlan, by: str) -> None:
        self._line.lateness = Lateness()
        visit = await make_visit(self._line, plan, self._clock, begun=self._witness.expect, prompts=self._prompts)
        await self._tell_of(visit, plan.number, by)

    async def _ask_for_agent(self, plan: AgentPlan, robots: Robots, by: str) -> None:
        """A call that a robot answers (R10.3.2.d), who is at his seat for that long: others may prove something
        with him meanwhile."""
        self._line.lateness = robots.line.lateness = Lateness()
        try:
            await robots.begin()
        except SeatTaken as error:  # it is no failure of the centre
            text = f"no mystery call was made: {error}"
            await self._alarm(ALARM, _for_agent(plan.number), text, Severity.NON_URGENT)
            return
        except NotReached as error:
            visit = Visit(began=self._clock.now(), for_agent=True, fate=MysteryFate.FAILED, failed_at=str(error))
            await self._tell_of(visit, plan.number, by)
            return
        own = self._settings.callers
        callers = (*own[1:], *own, *plan.callers, self._plan.caller)
        try:
            visit = await make_agent_visit(
                self._line,
                robots,
                plan,
                self._prompts[REFERENCE],
                self._clock,
                caller=callers[0],
                network=network_of(plan.network),
                begun=self._witness.expect,
            )
        finally:
            await robots.end()
        await self._tell_of(visit, plan.number, by)

    async def _tell_of(self, visit: Visit, number: str, by: str) -> None:
        late = self._line.lateness.share > MOST_LATE
        made = replace(made_of(visit, number, loopback=self._loopback, late=late), ordered_by=by)
        compared = await self._compared(made) if visit.connected and visit.sip_call_id else None
        if compared is not None:
            made = replace(made, staffed=self._staffed)
        await self._report(made, compared)

    async def _compared(self, made: MysteryCallMade) -> MysteryCallCompared | None:
        """What the platform recorded beside what was heard; None where facts were missed, or where a carrier's
        number was called and the call is not known by our Call-ID."""
        due = self._clock.now() + _RECORDED_WITHIN
        while not self._witness.recorded_whole(made.sip_call_id) and self._clock.now() < due:
            await sleep(self._clock, _LOOK_AGAIN)
        if not self._witness.follows(made.sip_call_id):
            return None
        recorded = self._witness.testimony(made.sip_call_id)
        self._staffed = None if recorded is None else recorded.staffed
        if recorded is None and self._settings.target:
            return None
        return compare(made, recorded, self._settings.most_difference_seconds)

    async def _report(self, made: MysteryCallMade, compared: MysteryCallCompared | None) -> None:
        await self._tell(ReportMysteryCall(call=made, compared=compared))
        why = f"{made.fate} {made.status or ''} {made.failed_at}".strip()
        served = made.fate is MysteryFate.COMPLETED
        subject = _for_agent(made.number) if made.for_agent else made.number
        failed = self._failed[subject] = 0 if served else self._failed.get(subject, 0) + 1
        text = "" if served else f"a mystery call was not served: {why}; {failed} in a row"
        await self._alarm(ALARM, subject, text, Severity.URGENT if failed >= URGENT_AFTER else Severity.NON_URGENT)
        if compared is not None:
            what = ", ".join(compared.differences) if compared.contact else "the call is not recorded at all"
            await self._alarm(DIFFERS, subject, what and f"heard and recorded differ: {what}")

    async def _alarm(self, kind: str, number: str, text: str, severity: Severity = Severity.URGENT) -> None:
        if not text:
            await self._tell(ClearAlarm(kind=kind, subject=number))
        else:
            await self._tell(RaiseAlarm(kind=kind, subject=number, severity=severity, text=f"{number}: {text}"))

    async def _tell(self, order: Command) -> None:
        for _ in range(_REPORT_ATTEMPTS):
            with suppress(Unavailable):
                await self._ask(order)
                return
            await sleep(self._clock, _REPORT_PAUSE_SECONDS)
        _log.error("control took no report of a mystery call", order=type(order).__name__)


def _for_agent(number: str) -> str:
    """What an alarm is about where calls of a number for an agent are meant."""
    return f"{number} (agent)"


def made_of(visit: Visit, number: str, *, loopback: bool, late: bool = False) -> MysteryCallMade:
    """The fact of a visit; the scores of a caller who was ``late`` himself say nothing."""
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
        sip_call_id=visit.sip_call_id,
        prompt_pesq=tuple(score for score in visit.prompts if score is not None and not late),
        for_agent=visit.for_agent,
        agent_wait_seconds=visit.agent_wait,
        seat=visit.seat,
        network=visit.network,
        to_caller_seconds=visit.to_caller_seconds,
        to_caller_pesq=None if late else visit.to_caller_pesq,
        to_agent_seconds=visit.to_agent_seconds,
        to_agent_pesq=None if late else visit.to_agent_pesq,
    )


async def _with_prompts(plan: Plan) -> tuple[Plan, Mapping[str, Pcm]]:
    """The plan with its sounds; where the voice of the platform does not work, without what needs it."""
    try:
        return plan, await prompts_of(plan)
    except WrongPlan as error:
        raise CannotStart(f"probe: {error}") from error
    except Unavailable as error:
        _log.error("no calls for agents and no known prompts: the bundled voice does not speak", why=str(error))
        return plan.model_copy(update={"agent": None, "prompt": None}), {}


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

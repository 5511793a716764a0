"""The acceptance run of section 10.3.1: phases of calls, and what they measured."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.proof.agent_visit import make_agent_visit
from ccplatform.proof.errors import NotReached, WrongPlan
from ccplatform.proof.judge import scored
from ccplatform.proof.networks import GOOD, Network
from ccplatform.proof.plan import Plan
from ccplatform.proof.port import CallerLine, Lateness
from ccplatform.proof.quality import Echoed, echo
from ccplatform.proof.robots import Robots
from ccplatform.proof.visit import Visit, make_visit
from gateway.media.audio import Pcm


class Phase(StrEnum):
    """A part of the run, which can be done alone."""

    IDLE = "idle"  # 0.7 Erl per channel
    BUSY = "busy"  # 0.9 Erl per channel
    QUALITY = "quality"  # speech through three networks
    AGENT = "agent"  # robots at test seats answer: R10.3.2.d


def phase_of(name: str) -> Phase:
    """The phase of a name; raises WrongPlan."""
    try:
        return Phase(name)
    except ValueError:
        raise WrongPlan(f"{name!r} is no phase: {', '.join(Phase)}", where="phase") from None


#: Share of the time that a channel is in use (R10.3.1.1: 0.7 Erl, and 125 % of that).
LOADS: Final = {Phase.IDLE: 0.7, Phase.BUSY: 0.9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How long a run is: seconds of each load phase, echo calls through each network; through the good one twice
    as many, for the share of R10.3.1.3; ``agent_calls`` for an agent, through each network in turn. The first
    calls of a phase's channels come within ``spread_seconds``."""

    name: str
    load_seconds: float
    echo_calls: int
    agent_calls: int = 0
    spread_seconds: float = 20.0


QUICK: Final = Profile(name="quick", load_seconds=120.0, echo_calls=30, agent_calls=6)
FULL: Final = Profile(name="full", load_seconds=7200.0, echo_calls=40, agent_calls=90)
PROFILES: Final = {profile.name: profile for profile in (QUICK, FULL)}
#: Echo calls at a time: few, so that they spoil nobody's timing.
_AT_ONCE: Final = 10


@dataclass(slots=True, kw_only=True)
class PhaseResult:
    """What one phase measured. ``complete``: it was not broken off. ``load`` is the share of the time that the
    channels were in use, None for the quality phase."""

    phase: Phase
    seconds: float = 0.0
    complete: bool = False
    channels: int = 0
    load: float | None = None
    visits: list[Visit] = field(default_factory=list)
    echoes: list[Echoed] = field(default_factory=list)
    unanswered_echoes: int = 0
    agents: list[Visit] = field(default_factory=list)
    late_share: float = 0.0  # of the prober's own ticks
    worst_late: float = 0.0  # seconds


#: Told now and then: the phase, the share of it that is done, calls, failed calls, seconds left.
Progress = Callable[[Phase, float, int, int, float], None]


@dataclass(slots=True, kw_only=True)
class Acceptance:
    """Runs phases; ``results`` grows as calls end, so that what was measured is kept when a run is broken off."""

    plan: Plan
    profile: Profile
    line: CallerLine
    clock: Clock
    speech: Sequence[Pcm]
    progress: Progress
    random: random.Random
    robots: Robots | None = None
    prompts: Mapping[str, Pcm] = field(default_factory=dict)
    keep: Callable[[Sequence[PhaseResult]], None] = lambda _: None  # told when a phase is over
    results: list[PhaseResult] = field(default_factory=list)

    async def run(self, phases: Sequence[Phase]) -> None:
        """Do the phases, one after the other, but those that ``results`` hold complete already."""
        done = {result.phase for result in self.results if result.complete}
        self.results = [result for result in self.results if result.complete]
        for phase in phases:
            if phase in done:
                continue
            result = PhaseResult(phase=phase)
            self.results.append(result)
            self.line.lateness = Lateness()
            begun = self.clock.now()
            try:
                match phase:
                    case Phase.QUALITY:
                        await self._quality(result)
                    case Phase.AGENT:
                        await self._agents(result)
                    case _:
                        await self._load(result, LOADS[phase])
                result.complete = True
            finally:
                result.seconds = self.clock.now() - begun
                result.late_share, result.worst_late = self.line.lateness.share, self.line.lateness.worst
                self.keep(self.results)

    # --- load ---------------------------------------------------------------------------------------------

    async def _load(self, result: PhaseResult, load: float) -> None:
        """A closed loop on each channel: a call, then a pause such that the channel is in use for that share of
        the time. Calls that began within the phase are waited for. The load is that once all have begun."""
        begun = self.clock.now()
        steady = begun + self.profile.spread_seconds
        end = steady + self.profile.load_seconds
        result.channels = self.plan.channels
        try:
            async with asyncio.TaskGroup() as group:
                for channel in range(self.plan.channels):
                    group.create_task(self._channel(result, load, channel, end))
                group.create_task(self._tell(result, begun, end))
        finally:
            until = min(self.clock.now(), end)
            in_use = sum(_within(visit, steady, until) for visit in result.visits)
            result.load = in_use / (self.plan.channels * (until - steady)) if until > steady else 0.0

    async def _channel(self, result: PhaseResult, load: float, channel: int, end: float) -> None:
        spread = self.profile.spread_seconds  # channels are to be out of step
        await sleep(self.clock, (channel + self.random.random()) / self.plan.channels * spread)
        while self.clock.now() < end:
            visit = await make_visit(self.line, self.plan.visit, self.clock, prompts=self.prompts, score=False)
            result.visits.append(visit)
            pause = visit.lasted * (1 - load) / load if visit.connected else _AFTER_FAILURE_SECONDS
            await sleep(self.clock, max(0.0, min(pause, end - self.clock.now())))

    async def _tell(self, result: PhaseResult, begun: float, end: float) -> None:
        while (now := self.clock.now()) < end:
            failed = sum(not visit.connected for visit in result.visits)
            self.progress(result.phase, (now - begun) / (end - begun), len(result.visits), failed, end - now)
            await sleep(self.clock, min(_TELL_SECONDS, end - now))

    # --- quality ------------------------------------------------------------------------------------------

    async def _quality(self, result: PhaseResult) -> None:
        """Echo calls through each network, a few at a time; scored when none goes on, which takes processors."""
        if self.plan.echo is None:
            return
        calls = [
            (network, number)
            for network in self.line.front.networks
            for number in range(self.profile.echo_calls * (2 if network is GOOD else 1))
        ]
        turns = asyncio.Semaphore(_AT_ONCE)
        came: list[tuple[Pcm, Pcm, int]] = []  # said, heard, place among the results
        made, begun = 0, self.clock.now()

        def tell(judged: int = 0) -> None:
            share = (made + result.unanswered_echoes + judged) / (2 * len(calls))
            left = (self.clock.now() - begun) * (1 / share - 1)
            self.progress(result.phase, share, made, result.unanswered_echoes, left)

        async def one(network: Network, number: int) -> None:
            nonlocal made
            async with turns:
                said = self.speech[number % len(self.speech)]
                heard, echoed = await echo(
                    self.line, _number(self.plan), said, network, seed=number + 1, clock=self.clock
                )
            made += 1
            if echoed is None:
                result.unanswered_echoes += 1
            else:
                came.append((said, heard, len(result.echoes)))
                result.echoes.append(echoed)
            tell()

        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(one(*call))
        for number, (said, heard, place) in enumerate(came, 1):
            echoed = result.echoes[place]
            if echoed.round_trip is not None:
                result.echoes[place] = replace(echoed, raw=await scored(said, heard, echoed.round_trip))
            tell(number)

    # --- agents -------------------------------------------------------------------------------------------

    async def _agents(self, result: PhaseResult) -> None:
        """Calls for an agent, as many at a time as there are robots and numbers by which they know them."""
        plan, robots = self.plan.agent, self.robots
        if plan is None or robots is None:
            return
        try:
            await robots.begin(_SEATS_WITHIN)
        except NotReached as error:  # the other phases are worth something without this one
            why, now = str(error), self.clock.now()
            result.agents.append(Visit(began=now, for_agent=True, fate=MysteryFate.FAILED, failed_at=why))
            return
        callers = (plan.callers or (self.plan.caller,))[: robots.seats]
        turns, networks = iter(range(self.profile.agent_calls)), self.line.front.networks
        begun = self.clock.now()

        async def one_after_the_other(caller: str) -> None:
            for turn in turns:
                network, speech = networks[turn % len(networks)], self.speech[turn % len(self.speech)]
                visit = await make_agent_visit(
                    self.line, robots, plan, speech, self.clock, caller=caller, network=network, seed=turn + 1
                )
                result.agents.append(visit)
                done, failed = len(result.agents), sum(not each.served for each in result.agents)
                left = (self.clock.now() - begun) * (self.profile.agent_calls / done - 1)
                self.progress(result.phase, done / self.profile.agent_calls, done, failed, left)
                if done < self.profile.agent_calls:
                    await sleep(self.clock, plan.rest)  # the robot's wrap-up is no customer's wait
                if not visit.served:
                    with suppress(NotReached):  # the next call tells
                        await robots.ready_again()

        try:
            async with asyncio.TaskGroup() as group:
                for caller in callers:
                    group.create_task(one_after_the_other(caller))
        finally:
            await robots.end()


def _within(visit: Visit, begin: float, end: float) -> float:
    """Seconds of a visit between two instants."""
    return max(0.0, min(visit.began + visit.lasted, end) - max(visit.began, begin))


def _number(plan: Plan) -> str:
    assert plan.echo is not None
    return plan.echo.number


#: A channel whose call failed tries again after so long: a centre in trouble is not flooded.
_AFTER_FAILURE_SECONDS: Final = 2.0

#: Test seats that another prober is at are waited for so long: longer than its call takes, and than a registration
#: lasts that nobody took back.
_SEATS_WITHIN: Final = 240.0

_TELL_SECONDS: Final = 1.0

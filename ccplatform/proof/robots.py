"""Robots at test seats: phones of the proof's own that sign in like agents and answer the proof's own calls."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ccplatform.contracts.words import MysteryFate, TrunkId
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.core import EffectRunner
from ccplatform.proof.errors import NotReached, SeatTaken
from ccplatform.proof.line import Line, ProbeCall
from ccplatform.proof.networks import Network
from ccplatform.proof.plan import SeatPlan
from ccplatform.proof.visit import make_visit
from gateway.sip.digest_client import Credentials, DigestClient
from gateway.sip.registering import (
    Begin,
    Registering,
    RegisteringEffect,
    RegisteringEvent,
    RegistrationChanged,
    RegistrationState,
    SendRegister,
    Withdraw,
)
from gateway.sip.trunk import Registration, Trunk
from gateway.sip.uri import host_text

#: Life of a registration that is asked for, and how long it, and its withdrawal, are waited for, seconds.
_REGISTERED_FOR: Final = 120
_REGISTERED_WITHIN: Final = 10.0
_WITHDRAWN_WITHIN: Final = 2.0
_LOOK_SECONDS: Final = 0.05
#: A seat where another phone is may be free so many seconds later.
_TAKEN_PAUSE: Final = 5.0
_MOST_TEXT: Final = 100


class Robot:
    """One test seat: registered with digest, signed in by keys (:class:`SeatPlan`). It begins and ends any number
    of times; a seat at which another phone is registered is left to that."""

    def __init__(self, plan: SeatPlan, line: Line, clock: Clock) -> None:
        self.plan = plan
        self.signed_in = False
        self._line = line
        self._clock = clock
        self._digest = DigestClient(
            Credentials(user=plan.user, password=plan.password), random_bytes=secrets.token_bytes
        )
        self._settled = asyncio.Event()
        target = line.target
        trunk = Trunk(
            id=TrunkId(plan.user),
            host=target.host,
            port=target.port,
            registration=Registration(seconds=_REGISTERED_FOR),
        )
        self._registering = Registering(
            trunk,
            identity=line.identity,
            client=self._digest,
            call_id=f"{secrets.token_hex(12)}@{host_text(line.host)}",
            tag=secrets.token_hex(8),
            flows=lambda _: [target],
            random=lambda: secrets.randbelow(1000) / 1000,
        )
        self._runner: EffectRunner[RegisteringEvent, RegisteringEffect] = EffectRunner(
            self._registering, self._perform, clock, line.tasks.guarded("robot")
        )

    async def begin(self) -> None:
        """Register; raises NotReached with what the registrar says, SeatTaken where another phone is."""
        self._settled.clear()
        self._runner.post(Begin())
        try:
            async with asyncio.timeout(_REGISTERED_WITHIN):
                await self._settled.wait()
        except TimeoutError:
            pass
        if self._registering.state is not RegistrationState.REGISTERED:
            why = self._registering.reason or "no answer"
            self._runner.post(Withdraw())
            raise NotReached(f"the test seat {self.plan.user} cannot register: {why}")
        if self._registering.others:
            other = self._registering.others[0][:_MOST_TEXT]
            await self.end()
            raise SeatTaken(f"the test seat {self.plan.user} is taken: {other} is registered there")

    async def sign_in(self) -> None:
        """Become a ready agent, by keys; raises NotReached, which names the call that failed.

        What is said at the other end is not understood: who was not let in is found out when he gets no call.
        """
        self.signed_in = await self._dial("sign_in")

    async def end(self) -> None:
        """Sign out and withdraw the registration."""
        if self.signed_in:
            self.signed_in = False
            await self._dial("sign_out")
        self._runner.post(Withdraw())
        limit = self._clock.now() + _WITHDRAWN_WITHIN
        while self._registering.asking and self._clock.now() < limit:
            await sleep(self._clock, _LOOK_SECONDS)

    async def _dial(self, what: str) -> bool:
        for step in getattr(self.plan, what):
            visit = await make_visit(self._line, step, self._clock, caller=self.plan.user, digest=self._digest)
            if visit.fate is MysteryFate.REFUSED:
                text = f"{step.number} refused it with {visit.status}"
                raise NotReached(f"the robot at {self.plan.user} cannot {what.replace('_', ' ')}: {text}")
        return True

    def _perform(self, effect: RegisteringEffect) -> None:
        match effect:
            case SendRegister(request=request, flow=flow):
                self._line.ask(request, flow, self._runner.post)
            case RegistrationChanged(state=state):
                if state in (RegistrationState.REGISTERED, RegistrationState.LOST):
                    self._settled.set()


@dataclass(slots=True, eq=False)
class Expected:
    """A call that a robot is to answer: known by its number, ``caller``."""

    caller: str
    network: Network | None = None
    seed: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    call: ProbeCall | None = None  # the robot's side of it
    seat: str = ""


class Robots:
    """All test seats of a plan; they answer what is expected and refuse everything else (480). ``told`` hears why
    they wait, where somebody waits with them."""

    def __init__(
        self, seats: Sequence[SeatPlan], line: Line, clock: Clock, told: Callable[[str], None] = lambda _: None
    ) -> None:
        self.line = line
        self._clock = clock
        self._told = told
        self._robots = [Robot(seat, line, clock) for seat in seats]
        self._expected: list[Expected] = []
        line.answerer = self

    @property
    def seats(self) -> int:
        """How many there are."""
        return len(self._robots)

    async def begin(self, patience: float = 0.0) -> None:
        """Register and sign in, all at once; raises NotReached when not one of them can, SeatTaken when other
        phones are still at their seats after ``patience`` seconds."""
        limit = self._clock.now() + patience
        for attempt in itertools.count():
            try:
                return await self._begin_all()
            except SeatTaken as error:
                if self._clock.now() >= limit:
                    raise
                if not attempt:
                    self._told(f"{error}; it is waited for")
            await sleep(self._clock, _TAKEN_PAUSE)

    async def _begin_all(self) -> None:
        told = await asyncio.gather(*(self._begin(robot) for robot in self._robots), return_exceptions=True)
        failed = [error for error in told if isinstance(error, BaseException)]
        for error in failed:
            if not isinstance(error, NotReached):
                raise error
        if len(failed) == len(self._robots):
            raise next((error for error in failed if isinstance(error, SeatTaken)), failed[0])

    async def ready_again(self) -> None:
        """Sign in anew: after a call that found no robot."""
        await asyncio.gather(*(robot.sign_in() for robot in self._robots if robot.signed_in))

    async def end(self) -> None:
        """Sign out, as far as somebody listens."""
        await asyncio.gather(*(robot.end() for robot in self._robots), return_exceptions=True)

    async def _begin(self, robot: Robot) -> None:
        await robot.begin()
        try:
            await robot.sign_in()
        except NotReached:
            await robot.end()
            raise

    def expect(self, expected: Expected) -> None:
        """A call of ours is about to be made."""
        self._expected.append(expected)

    def forget(self, expected: Expected) -> None:
        """It is over."""
        self._expected.remove(expected)

    # --- what the line asks -------------------------------------------------------------------------------

    def wants(self, user: str, caller: str) -> bool:
        """Whether the phone of ``user`` answers a call of this number."""
        known = any(robot.plan.user == user for robot in self._robots)
        return known and self._match(caller) is not None

    def answers(self, user: str, caller: str, call: ProbeCall) -> None:
        """It does."""
        expected = self._match(caller)
        assert expected is not None
        call.voice.impair(expected.network, expected.seed + 1)
        expected.call, expected.seat = call, user
        expected.answered.set()

    def _match(self, caller: str) -> Expected | None:
        """Who calls, by his number; where it was rewritten on the way, the only one who waits."""
        waiting = [expected for expected in self._expected if expected.call is None]
        same = [expected for expected in waiting if expected.caller == caller]
        if same:
            return same[0]
        return waiting[0] if len(waiting) == 1 else None

"""One mystery call by its script: what was heard when, and whether it went to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.proof.line import Line, ProbeCall, answered
from ccplatform.proof.plan import Hear, Press, Quiet, Sight, Stay, Step, VisitPlan

#: Seconds for the answer of a call; a caller gives up no sooner.
ANSWER_SECONDS: Final = 30.0
#: Seconds for a BYE to be answered.
_GOODBYE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.02


@dataclass(slots=True, kw_only=True)
class Visit:
    """What one call measured, seconds. ``began`` is monotonic, ``status`` the SIP status that refused it."""

    began: float
    sip_call_id: str = ""
    fate: MysteryFate = MysteryFate.COMPLETED
    status: int = 0
    failed_at: str = ""  # the step that did not come about
    connect: float | None = None
    keys: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    lasted: float = 0.0
    received: int = 0
    lost: int = 0

    @property
    def connected(self) -> bool:
        """Answered with audio (R10.3.1.1)."""
        return self.fate in (MysteryFate.COMPLETED, MysteryFate.FAILED)


class _Missed(Exception):
    """A step did not come about."""


async def make_visit(
    line: Line, plan: VisitPlan, clock: Clock, *, begun: Callable[[str], None] = lambda _: None
) -> Visit:
    """Call, do what the plan says, hang up; whatever the centre does, a visit comes back. ``begun`` is told the
    SIP Call-ID before anybody can hear of the call."""
    call = line.call(plan.number)
    begun(call.sip_call_id)
    visit = Visit(began=call.begun_at, sip_call_id=call.sip_call_id)
    try:
        if not await answered(call, ANSWER_SECONDS):
            visit.fate, visit.status = MysteryFate.REFUSED, call.ended.status if call.ended else 408
            return visit
        await _walk(call, plan, visit, clock)
    finally:
        visit.lasted = clock.now() - call.begun_at
        visit.received, visit.lost = call.voice.ear.received, call.voice.ear.lost
        call.hang_up()
        await _gone(call)
        line.leave(call)
    return visit


async def _walk(call: ProbeCall, plan: VisitPlan, visit: Visit, clock: Clock) -> None:
    since = call.begun_at
    heard = False
    for number, step in enumerate(plan.steps, 1):
        try:
            since, heard_now = await _take(step, call, since, visit, clock)
            heard = heard or heard_now
        except _Missed:
            visit.fate = MysteryFate.FAILED if heard else MysteryFate.SILENT
            visit.failed_at = f"step {number}: {step.model_dump_json()}"
            return
    if not heard and call.voice.ear.first_audible(call.begun_at) is None:
        visit.fate = MysteryFate.SILENT


async def _take(step: Step, call: ProbeCall, since: float, visit: Visit, clock: Clock) -> tuple[float, bool]:
    """Do one step; from when on the next one listens, and whether something was heard."""
    match step:
        case Hear():
            at = await _hear(call, since, step.within, clock)
            match step.hear:
                case Sight.GREETING:
                    visit.connect = at - call.begun_at
                case Sight.KEY:
                    visit.keys.append(at - since)
                case Sight.QUERY:
                    visit.queries.append(at - since)
                case Sight.NOTHING:
                    pass
            return at, True
        case Quiet():
            await _quiet(call, step, clock)
            return clock.now(), False
        case Press():
            return await _press(call, step.press, clock), False
        case Stay():
            await _stay(call, step.stay, clock)
            return clock.now(), False


async def _hear(call: ProbeCall, since: float, within: float, clock: Clock) -> float:
    limit = clock.now() + within
    while (at := call.voice.ear.first_audible(since)) is None:
        if call.ended is not None or clock.now() > limit:
            raise _Missed
        await sleep(clock, _POLL_SECONDS)
    return at


async def _quiet(call: ProbeCall, step: Quiet, clock: Clock) -> None:
    limit, begun = clock.now() + step.within, clock.now()
    while True:
        if call.ended is not None or clock.now() > limit:
            raise _Missed
        left = max(begun, call.voice.ear.last_audible_at or begun) + step.quiet - clock.now()
        if left <= 0:
            return
        await sleep(clock, left)


async def _press(call: ProbeCall, keys: str, clock: Clock) -> float:
    mouth = call.voice.mouth
    if mouth is None or not mouth.presses:  # the centre takes no keys by RFC 4733
        raise _Missed
    mouth.press(keys)
    while mouth.pressing:
        if call.ended is not None:
            raise _Missed
        await sleep(clock, _POLL_SECONDS)
    return call.voice.key_ended_at or clock.now()


async def _stay(call: ProbeCall, seconds: float, clock: Clock) -> None:
    until = clock.now() + seconds
    while (left := until - clock.now()) > 0:
        if call.ended is not None:
            raise _Missed
        await sleep(clock, min(left, 0.25))


async def _gone(call: ProbeCall) -> None:
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            while call.ended is None:
                call.changed.clear()
                await call.changed.wait()
    except TimeoutError:
        return

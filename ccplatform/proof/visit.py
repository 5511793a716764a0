"""One mystery call by its script: what was heard when, and whether it went to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.proof.ear import seconds_of
from ccplatform.proof.judge import scored, way_of
from ccplatform.proof.plan import Hear, Press, Quiet, Sight, Stay, Step, VisitPlan
from ccplatform.proof.port import Call, CallerLine, answered
from gateway.media.audio import Pcm
from gateway.sip.digest_client import DigestClient

#: Seconds for the answer of a call; a caller gives up no sooner.
ANSWER_SECONDS: Final = 30.0
#: Seconds for a BYE to be answered.
_GOODBYE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.02
#: How much later than at the first sound a prompt may begin, a tone before it included, and steps of listening.
_PROMPT_SLACK: Final = 3.0
_LISTEN_SECONDS: Final = 0.25
NO_PROMPTS: Final[Mapping[str, Pcm]] = MappingProxyType({})


@dataclass(slots=True, kw_only=True)
class Visit:
    """What one call measured, seconds. ``began`` is monotonic, ``status`` the SIP status that refused it."""

    began: float
    sip_call_id: str = ""
    channel: int = 0  # the time slot of a call over E1
    fate: MysteryFate = MysteryFate.COMPLETED
    status: int = 0
    failed_at: str = ""  # the step that did not come about
    connect: float | None = None
    keys: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    lasted: float = 0.0
    received: int = 0
    lost: int = 0
    reported: int = 0  # packets of ours of which the far end reported, by RTCP
    reported_lost: int = 0  # of them
    prompts: list[float | None] = field(default_factory=list)  # PESQ of those that are known, in their order
    for_agent: bool = False
    agent_wait: float | None = None  # R10.3.2.d
    seat: str = ""  # the SIP user of the test seat that answered
    network: str = ""
    to_caller_seconds: float | None = None
    to_caller_pesq: float | None = None
    to_agent_seconds: float | None = None
    to_agent_pesq: float | None = None

    @property
    def connected(self) -> bool:
        """Answered with audio (R10.3.1.1)."""
        return self.fate in (MysteryFate.COMPLETED, MysteryFate.FAILED)

    @property
    def served(self) -> bool:
        """It got to its end."""
        return self.fate is MysteryFate.COMPLETED


class Missed(Exception):
    """A step did not come about."""


async def make_visit(
    line: CallerLine,
    plan: VisitPlan,
    clock: Clock,
    *,
    begun: Callable[[str], None] = lambda _: None,
    caller: str = "",
    digest: DigestClient | None = None,
    prompts: Mapping[str, Pcm] = NO_PROMPTS,
    score: bool = True,
) -> Visit:
    """Call, do what the plan says, hang up; whatever the centre does, a visit comes back. ``begun`` is told the
    SIP Call-ID before anybody can hear of the call; ``caller`` and ``digest`` are of a seat that calls.
    ``prompts`` are the sounds that steps name."""
    call = line.call(plan.number, caller=caller, digest=digest)
    begun(call.sip_call_id)
    visit = Visit(began=call.begun_at, sip_call_id=call.sip_call_id)
    try:
        if not await answered(call, ANSWER_SECONDS):
            refuse(visit, call)
            return visit
        await walk(call, plan.steps, visit, clock, prompts, score=score)
    finally:
        await finish(call, visit, clock)
    return visit


def refuse(visit: Visit, call: Call) -> None:
    """Note why it was not answered."""
    visit.fate, visit.status = MysteryFate.REFUSED, call.ended.status if call.ended else 408
    visit.failed_at = call.ended.why if call.ended else ""


async def finish(call: Call, visit: Visit, clock: Clock) -> None:
    """Note how long it lasted and what came, and hang up."""
    visit.lasted, visit.channel = clock.now() - call.begun_at, call.channel
    visit.received, visit.lost = call.voice.ear.received, call.voice.ear.lost
    call.hang_up()
    await _gone(call)
    if (told := call.voice.receipts) is not None:
        visit.reported, visit.reported_lost = told.expected, told.lost
    call.leave()


async def walk(
    call: Call,
    steps: Sequence[Step],
    visit: Visit,
    clock: Clock,
    prompts: Mapping[str, Pcm] = NO_PROMPTS,
    *,
    score: bool = True,
) -> float:
    """Do the steps; the visit's fate says how far that went. From when on the next step would listen."""
    since = call.begun_at
    heard = False
    for number, step in enumerate(steps, 1):
        try:
            since, heard_now = await _take(step, call, since, visit, clock, prompts, score=score)
            heard = heard or heard_now
        except Missed:
            visit.fate = MysteryFate.FAILED if heard else MysteryFate.SILENT
            visit.failed_at = f"step {number}: {step.model_dump_json(exclude_defaults=True)}"
            return since
    if not heard and steps and call.voice.ear.first_audible(call.begun_at) is None:
        visit.fate = MysteryFate.SILENT
    return since


async def _take(
    step: Step,
    call: Call,
    since: float,
    visit: Visit,
    clock: Clock,
    prompts: Mapping[str, Pcm],
    *,
    score: bool,
) -> tuple[float, bool]:
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
            if step.prompt in prompts:
                visit.prompts.append(await _recognise(call, prompts[step.prompt], at, clock, score=score))
                return clock.now(), True
            return at, True
        case Quiet():
            await _quiet(call, step, clock)
            return clock.now(), False
        case Press():
            return await _press(call, step.press, clock), False
        case Stay():
            await _stay(call, step.stay, clock)
            return clock.now(), False


async def _hear(call: Call, since: float, within: float, clock: Clock) -> float:
    limit = clock.now() + within
    while (at := call.voice.ear.first_audible(since)) is None:
        if call.ended is not None or clock.now() > limit:
            raise Missed
        await sleep(clock, _POLL_SECONDS)
    return at


async def _recognise(call: Call, prompt: Pcm, begun: float, clock: Clock, *, score: bool) -> float | None:
    """Listen to a prompt to its end; its raw PESQ, None where that cannot be computed. Another one was missed."""
    lasts = seconds_of(prompt) + _PROMPT_SLACK
    while (left := begun + lasts - clock.now()) > 0 and call.ended is None:
        await sleep(clock, min(left, _LISTEN_SECONDS))
    heard = call.voice.ear.sound(begun - _LISTEN_SECONDS, lasts + _LISTEN_SECONDS)
    way = await way_of(prompt, heard)
    if way is None:
        raise Missed
    return await scored(prompt, heard, way) if score else None


async def _quiet(call: Call, step: Quiet, clock: Clock) -> None:
    limit, begun = clock.now() + step.within, clock.now()
    while True:
        if call.ended is not None or clock.now() > limit:
            raise Missed
        left = max(begun, call.voice.ear.last_audible_at or begun) + step.quiet - clock.now()
        if left <= 0:
            return
        await sleep(clock, left)


async def _press(call: Call, keys: str, clock: Clock) -> float:
    if not call.voice.presses:  # the centre takes no keys by RFC 4733
        raise Missed
    call.voice.press(keys)
    while call.voice.pressing:
        if call.ended is not None:
            raise Missed
        await sleep(clock, _POLL_SECONDS)
    return call.voice.key_ended_at or clock.now()


async def _stay(call: Call, seconds: float, clock: Clock) -> None:
    until = clock.now() + seconds
    while (left := until - clock.now()) > 0:
        if call.ended is not None:
            raise Missed
        await sleep(clock, min(left, 0.25))


async def _gone(call: Call) -> None:
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            while call.ended is None:
                call.changed.clear()
                await call.changed.wait()
    except TimeoutError:
        return

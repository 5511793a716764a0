"""One call for an agent: by the menu into the queue, until a robot at a test seat answers; then speech both ways.

The wait (R10.3.2.d) is the caller's: from the end of the key that chose an agent (from the INVITE where none is
pressed) to the robot's answer, as soon as he can be heard: the way of his voice is added, by correlation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ccplatform.contracts.words import MysteryFate
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.proof.ear import seconds_of
from ccplatform.proof.judge import scored, way_of
from ccplatform.proof.networks import GOOD, Network
from ccplatform.proof.plan import AgentPlan
from ccplatform.proof.port import Call, CallerLine, answered
from ccplatform.proof.robots import Expected, Robots
from ccplatform.proof.scoring import LONGEST_WAY
from ccplatform.proof.visit import ANSWER_SECONDS, Missed, Visit, finish, refuse, walk
from gateway.media.audio import Pcm

_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Way:
    """How speech came over in one direction: ``seconds`` from mouth to ear by correlation, None: it did not come;
    ``pesq`` is the raw P.862 score, None where it was not computed."""

    seconds: float | None = None
    pesq: float | None = None


async def make_agent_visit(
    line: CallerLine,
    robots: Robots,
    plan: AgentPlan,
    speech: Pcm,
    clock: Clock,
    *,
    caller: str,
    network: Network = GOOD,
    seed: int = 0,
    begun: Callable[[str], None] = lambda _: None,
) -> Visit:
    """Call, wait for a robot, talk, hang up; whatever the centre does, a visit comes back.

    ``caller`` is the number by which the robots know the call: two at a time may not share it.
    """
    expected = Expected(caller=caller, network=network, seed=seed)
    robots.expect(expected)
    call = line.call(plan.number, caller=caller, network=network, seed=seed)
    begun(call.sip_call_id)
    visit = Visit(began=call.begun_at, sip_call_id=call.sip_call_id, for_agent=True, network=network.name)
    try:
        if not await answered(call, ANSWER_SECONDS):
            refuse(visit, call)
            return visit
        since = await walk(call, plan.steps, visit, clock)
        if visit.fate is MysteryFate.COMPLETED:
            await _talk(call, expected, plan, speech, visit, since, clock)
    finally:
        robots.forget(expected)
        await finish(call, visit, clock)
        if expected.call is not None:
            expected.call.leave()
    return visit


async def _talk(
    call: Call, expected: Expected, plan: AgentPlan, speech: Pcm, visit: Visit, since: float, clock: Clock
) -> None:
    try:
        agent = await _robot_of(call, expected, plan.within, clock)
        visit.seat = expected.seat
        to_caller, to_agent = await _speech_both_ways(call, agent, speech, plan.settle, clock)
    except Missed as missed:
        visit.fate, visit.failed_at = MysteryFate.FAILED, str(missed)
        return
    visit.to_caller_seconds, visit.to_caller_pesq = to_caller.seconds, to_caller.pesq
    visit.to_agent_seconds, visit.to_agent_pesq = to_agent.seconds, to_agent.pesq
    if to_caller.seconds is None or to_agent.seconds is None:
        deaf = "caller" if to_caller.seconds is None else "agent"
        visit.fate, visit.failed_at = MysteryFate.FAILED, f"the {deaf} did not hear the other's speech"
        return
    assert agent.answered_at is not None
    visit.agent_wait = agent.answered_at - since + to_caller.seconds


async def _robot_of(call: Call, expected: Expected, within: float, clock: Clock) -> Call:
    """The robot's side of the call, once he answered and can speak."""
    limit = clock.now() + within
    while (agent := expected.call) is None or not agent.voice.speaks:
        if call.ended is not None:
            raise Missed(f"the centre hung up before an agent answered ({call.ended.status})")
        if clock.now() >= limit:
            raise Missed(f"no agent answered within {within:g} s")
        await sleep(clock, _LOOK_SECONDS)
    return agent


async def _speech_both_ways(call: Call, agent: Call, speech: Pcm, settle: float, clock: Clock) -> tuple[Way, Way]:
    """Both speak at once; to the caller, and to the agent."""
    await sleep(clock, settle)
    for side, name in ((call, "caller"), (agent, "agent")):
        if side.ended is not None:
            cause = "" if side.ended.q850 is None else f" (Q.850 cause {side.ended.q850})"
            raise Missed(f"the {name}'s call ended before a word was said{cause}")
        side.voice.say(speech)
    lasts = seconds_of(speech) + LONGEST_WAY
    await sleep(clock, lasts + 0.1)
    heard = [
        hears.voice.ear.sound(speaks.voice.spoke_at or clock.now(), lasts)
        for speaks, hears in ((agent, call), (call, agent))
    ]
    to_caller, to_agent = [await _way(speech, sound) for sound in heard]
    return to_caller, to_agent


async def _way(said: Pcm, heard: Pcm) -> Way:
    way = await way_of(said, heard)
    return Way(way, None if way is None else await scored(said, heard, way))

"""Runs of the proof: a line to a centre, one visit or the whole of 10.3.1 over it, and what is told of them."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccplatform.contracts.words import MysteryFate, Severity
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.acceptance import PROFILES, Acceptance, Phase, PhaseResult
from ccplatform.proof.e1_line import E1Line
from ccplatform.proof.errors import NotReached, WrongPlan
from ccplatform.proof.line import Line
from ccplatform.proof.page import shown, write
from ccplatform.proof.plan import REFERENCE, SAY, Plan
from ccplatform.proof.port import CallerLine, Front
from ccplatform.proof.report import CALLED, Run, read_results
from ccplatform.proof.robots import Robots
from ccplatform.proof.speech import read_prompt, read_speech
from ccplatform.proof.visit import Visit, make_visit
from gateway.media.audio import Pcm
from gateway.sip.flows import Flow
from ivr.reference import ensure_reference
from ivr.settings import SpeechSettings
from ivr.speech.espeak import EspeakSpeech

_STATUS_WIDTH: Final = 100


def address_of(host: str) -> str:
    """The address of a host; raises WrongPlan for a name that nobody knows."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0])
    except OSError as error:
        raise WrongPlan(f"{host} cannot be looked up: {error.strerror or error}", where="target") from error


def own_address(flow: Flow) -> str:
    """Our address on the way to the centre."""
    family = socket.AF_INET6 if ":" in flow.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as way:
        try:
            way.connect((flow.host, flow.port))
        except OSError as error:
            raise NotReached(f"there is no way to {flow.address()}: {error.strerror or error}") from error
        return str(way.getsockname()[0])


@dataclass(frozen=True, slots=True)
class SpanTarget:
    """A centre behind a span of the switch at ``control``; its test seats register at ``seats``."""

    control: Path
    span: str
    seats: Flow


@asynccontextmanager
async def line_over(target: Flow | SpanTarget, caller: str) -> AsyncIterator[CallerLine]:
    """A line to a centre, by SIP or E1, open within the block; raises NotReached, WrongPlan."""
    if isinstance(target, Flow):
        async with line_to(target, caller) as line:
            yield line
        return
    clock = SystemClock()
    tasks = TaskSupervisor(clock)
    span = E1Line(target.control, target.span, caller=caller, clock=clock, tasks=tasks)
    await span.open()
    try:
        yield span
    finally:
        await tasks.close()


@asynccontextmanager
async def line_to(flow: Flow, caller: str) -> AsyncIterator[Line]:
    """A line to a centre, open within the block; calls come from the number ``caller``."""
    clock = SystemClock()
    tasks = TaskSupervisor(clock)
    line = Line(target=flow, host=own_address(flow), caller=caller, clock=clock, tasks=tasks)
    await line.open()
    try:
        yield line
    finally:
        line.close()
        await tasks.close()


async def probe(plan: Plan, target: Flow | SpanTarget) -> Visit:
    """One mystery call."""
    async with line_over(target, plan.caller) as line:
        return await make_visit(line, plan.visit, SystemClock(), prompts=await prompts_of(plan))


async def prove(
    plan: Plan,
    target: Flow | SpanTarget,
    profile: str,
    phases: Sequence[Phase],
    speech: Sequence[Pcm],
    resume: Path | None = None,
) -> Run:
    """The acceptance run; SIGINT breaks it off, and what was measured is kept. Raises NotReached.

    ``resume`` is a JSON report that is written after each phase; phases that are complete there are not done
    again.
    """
    clock = SystemClock()
    begun = clock.wall()
    seats = target if isinstance(target, Flow) else target.seats
    async with line_over(target, plan.caller) as line, line_to(seats, plan.caller) as phones:
        front = line.front
        aim = f"{front.kind}:{plan.visit.number}@{front.address}"
        earlier = [] if resume is None else read_results(resume, aim, profile, plan)
        _fits(plan, front)

        def run_of(results: Sequence[PhaseResult]) -> Run:
            return Run(
                target=aim,
                profile=profile,
                plan=plan,
                begun=begun,
                ended=clock.wall(),
                front=front,
                results=results,
            )

        await _first_call(line, plan)
        acceptance = Acceptance(
            plan=plan,
            profile=PROFILES[profile],
            line=line,
            clock=clock,
            speech=speech or await own_speech(),
            progress=_show_progress,
            random=random.Random(1),
            robots=Robots(plan.agent.seats, phones, clock, _say) if plan.agent is not None else None,
            prompts=await prompts_of(plan),
            keep=lambda results: None if resume is None else write(run_of(results), resume),
            results=earlier,
        )
        work = asyncio.ensure_future(acceptance.run(phases))
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            print("\nbroken off; what was measured is kept", file=sys.stderr)
    return run_of(acceptance.results)


def _fits(plan: Plan, front: Front) -> None:
    """Raise WrongPlan for more channels than a span has."""
    there = front.environment.get("channels", plan.channels)
    if isinstance(there, int) and plan.channels > there:
        raise WrongPlan(f"channels = {plan.channels}: the span {front.address} has {there}", where="channels")


async def _first_call(line: CallerLine, plan: Plan) -> None:
    """Raise NotReached where a run would only measure that nobody is there."""
    visit = await make_visit(line, plan.visit.model_copy(update={"steps": plan.visit.steps[:1]}), SystemClock())
    if visit.fate is MysteryFate.REFUSED and visit.status in (403, 404, 408, 503):
        why = f"{visit.status} {visit.failed_at}".strip()
        raise NotReached(f"{plan.visit.number} at {line.front.address} does not answer: {why}")


async def own_speech() -> list[Pcm]:
    """The reference speech of an installation (R10.3.1.4), by the bundled voice."""
    voice = EspeakSpeech(settings=SpeechSettings(), clock=SystemClock(), alarms=_NoAlarms())
    with tempfile.TemporaryDirectory() as directory:
        try:
            return read_speech([await ensure_reference(Path(directory), voice)])
        finally:
            await voice.close()


async def prompts_of(plan: Plan) -> dict[str, Pcm]:
    """The sounds that a plan names; raises WrongPlan for one that cannot be read."""
    named = plan.prompts()
    found = {REFERENCE: (await own_speech())[0]} if REFERENCE in named else {}
    spoken = {name: name.removeprefix(SAY) for name in named if name.startswith(SAY)}
    if spoken:
        found |= await _spoken(spoken)
    return found | {name: read_speech([Path(name)])[0] for name in sorted(named - found.keys())}


async def _spoken(texts: Mapping[str, str]) -> dict[str, Pcm]:
    """Texts as the bundled voice says them, which is that of the platform's prompts."""
    voice = EspeakSpeech(settings=SpeechSettings(), clock=SystemClock(), alarms=_NoAlarms())
    sounds = {}
    with tempfile.TemporaryDirectory() as directory:
        try:
            for place, (name, text) in enumerate(sorted(texts.items())):
                language, _, words = text.partition(":")
                path = Path(directory) / f"{place}.wav"
                await voice.synthesize(words, "zh" if language == "zh" else "en", path)
                sounds[name] = read_prompt(path)
        finally:
            await voice.close()
    return sounds


class _NoAlarms:
    """Nobody is there to hear them: the command says itself what is wrong."""

    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        """See Alarms."""

    def clear_alarm(self, kind: str, subject: str) -> None:
        """See Alarms."""


# --- what is told -------------------------------------------------------------------------------------------


def _show_progress(phase: Phase, share: float, calls: int, failed: int, left: float) -> None:
    if sys.stderr.isatty():
        minutes, seconds = divmod(round(left), 60)
        text = f"{phase}: {share:4.0%}, {calls} calls, {failed} failed, {minutes}:{seconds:02d} left"
        print(f"\r{text:<{_STATUS_WIDTH}}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(f"\n{text}", file=sys.stderr, flush=True)


def told_of_visit(visit: Visit) -> str:
    """What one call heard, for people."""
    lines = [f"{visit.fate}" + (f" ({visit.status})" if visit.status else "")]
    if visit.failed_at:
        lines.append(visit.failed_at if visit.status else f"at {visit.failed_at}")
    if visit.connect is not None:
        asked = "SETUP" if visit.channel else "INVITE"
        lines.append(f"{f'{asked} to first voice':<23} {visit.connect * 1000:8.1f} ms   R10.3.1.2  <= 1000 ms")
    for name, times, clause in (
        ("key to answer", visit.keys, "R10.3.1.6  <= 3000 ms"),
        ("last key to result", visit.queries, "R10.3.1.7  <= 8000 ms"),
    ):
        lines += [f"{name:<23} {seconds * 1000:8.1f} ms   {clause}" for seconds in times]
    if visit.channel:
        lines.append(f"rows of channel {visit.channel:<8} {visit.received}; {visit.lasted:.1f} s")
    else:
        lines.append(f"packets from the centre {visit.received} received, {visit.lost} lost; {visit.lasted:.1f} s")
        if visit.reported:
            lines.append(f"packets to the centre   {visit.reported} reported of, {visit.reported_lost} lost")
    return "\n".join(lines)


def told_of_run(run: Run) -> str:
    """A line for each clause."""
    lines = []
    for row in run.rows:
        definition, measured = row.definition, row.measurement
        value = "–" if measured.value is None else shown(measured.value, definition.unit)
        target = f"{definition.comparison} {shown(definition.target or 0.0, definition.unit)}"
        verdict = CALLED[row.verdict][0]
        lines.append(
            f"{definition.id:<16} {definition.title_en:<32} {value:>11} {target:>13} "
            f"{measured.samples:>6} {verdict:<20} {measured.label}"
        )
    return "\n".join(lines)

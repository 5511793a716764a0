"""Run a file of trials: every caller's story, step by step, and where it went otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.document import flows_beside, parse_as, read_flow
from ivr.numbers import without_latin_digits
from ivr.together import parts_of
from ivr.trials.script import Step, Trial, TrialFile
from ivr.trials.stage import Stage
from ivr.trials.stubs import with_stubs

#: Steps that do something; the others expect something.
ACTS: Final = frozenset({"keys", "waits", "listens", "speaks", "says", "bot", "hangs_up", "served", "refused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """How a trial went: ``problem`` is empty when it met everything; ``walk`` are the nodes that it passed."""

    name: str
    problem: str
    walk: tuple[str, ...]


def run_trials(path: Path) -> list[TrialResult]:
    """Every trial of a file; raises :class:`~ivr.errors.FlowError` when it or its flow is wrong."""
    script = parse_as(TrialFile, path)
    flow_path = path.parent / script.flow
    flow = read_flow(flow_path)
    parts = parts_of(flow, flows_beside(flow_path))
    results = []
    for name, trial in script.trials.items():
        world = script.world_of(trial)
        stage = Stage(flow, with_stubs(flow, parts, world), world)
        results.append(TrialResult(name=name, problem=_problem(stage, trial), walk=tuple(stage.walk)))
    return results


def _problem(stage: Stage, trial: Trial) -> str:
    for index, step in enumerate(trial.steps):
        problem = _take(stage, step)
        if problem:
            return f"steps.{index}.{step.word}: {problem}; he is at {stage.node or 'no node'}"
    return ""


def _take(stage: Stage, step: Step) -> str:
    """Do one step; what is otherwise than it says, or nothing."""
    if step.word not in ACTS:
        return _expect(stage, step)
    if stage.outcome is not None:
        return f"the session is over: {stage.outcome}"
    if step.bot is not None and not stage.talking:
        return "no bot talks with him"
    act(stage, step)
    return ""


def act(stage: Stage, step: Step) -> None:
    """Do what the caller, or who has him, does in one of :data:`ACTS`."""
    match step.word:
        case "keys":
            stage.press(step.keys or "")
        case "waits":
            stage.wait(step.waits or 0.0)
        case "listens":
            stage.listen()
        case "speaks":
            stage.speak(step.speaks or 0.0)
        case "says":
            stage.say(step.says or ())
        case "bot":
            assert step.bot is not None
            stage.bot(step.bot)
        case "hangs_up":
            stage.hang_up()
        case "served":
            stage.serve()
        case "refused":
            stage.refuse(step.refused or "")


def _expect(stage: Stage, step: Step) -> str:
    match step.word:
        case "hears":
            return _hears(stage, step.hears or ())
        case "node":
            return _same(step.node, stage.node)
        case "reaches":
            return _same(step.reaches, stage.reached)
        case "ends":
            return _same(step.ends, stage.outcome)
        case "answers":
            return _same(step.answers, stage.answers)
        case _:
            return "; ".join(_differing(stage, step.variables or {}))


def _hears(stage: Stage, parts: tuple[str, ...]) -> str:
    text, at = " ".join(heard.text for heard in stage.heard), 0
    for part in parts:
        found = text.find(_as_spoken(part), at)
        if found < 0:
            return f"{part!r} is not heard (there), but {text!r}"
        at = found + len(part)
    return ""


def _as_spoken(text: str) -> str:
    """Mandarin is spoken without Latin digits."""
    return without_latin_digits(text) if any("\u4e00" <= sign <= "\u9fff" for sign in text) else text


def _same(wanted: object, found: object) -> str:
    return "" if wanted == found else f"{wanted!s} is expected, {found!s} is found"


def _differing(stage: Stage, wanted: dict[str, str]) -> Iterator[str]:
    variables = stage.variables
    for name, value in wanted.items():
        if variables.get(name, "") != value:
            yield f"{name} is {variables.get(name, '')!r}, not {value!r}"

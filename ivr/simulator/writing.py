"""A simulated session as a file of trials: what was done, and what was met, for ``ccplatform flow test``."""

from __future__ import annotations

from typing import Any

from ivr.plain import yaml_of
from ivr.simulator.playing import Session
from ivr.trials.script import Step
from ivr.trials.stage import Stage
from ivr.trials.story import HIDDEN, What

_LONGEST_PART = 1000
_ALWAYS = [{"from": "00:00", "to": "23:59:59.999999"}]


def trial_of(session: Session, steps: list[Step]) -> str:
    """The YAML of a session with these steps; it passes for as long as the flow does the same."""
    written: list[dict[str, Any]] = []
    told = 0

    def watch(stage: Stage, step: Step | None) -> None:
        nonlocal told
        if step is not None:
            written.append(_step(step))
            told = told if step.word in ("listens", "speaks") else 0
        parts = [heard.text[:_LONGEST_PART] for heard in stage.heard[told:] if heard.text]
        told = len(stage.heard)
        if parts:
            written.append({"hears": parts})

    stage = session.play(steps, watch)
    if stage.reached:
        written.append({"reaches": stage.reached})
    if stage.outcome is not None:
        written.append({"ends": str(stage.outcome)})
    elif stage.node:
        written.append({"node": stage.node})
    if stage.answers:
        written.append({"answers": dict(stage.answers)})
    world = session.world
    document = {
        "flow": f"{session.flow.flow}.yaml",
        "at": stage.began_at.isoformat(),
        "given": dict(world.given),
        "calendars": _calendars(session),
        "queries": _queries(session, stage),
        "sub_flows": {name: stub.model_dump(exclude_defaults=True) for name, stub in world.sub_flows.items()},
        "pins": dict(world.pins),
        "recogniser": world.recogniser,
        "bots": world.bots,
        "trials": {"simulated": {"steps": written}},
    }
    return yaml_of({name: value for name, value in document.items() if value or name in ("recogniser", "bots")})


def _step(step: Step) -> dict[str, Any]:
    plain: dict[str, Any] = step.model_dump(mode="json", exclude_unset=True)
    return plain


def _calendars(session: Session) -> dict[str, Any]:
    found: dict[str, Any] = {name: _ALWAYS if opened else [] for name, opened in session.calendars.items()}
    for name, spans in session.world.calendars.items():
        found[name] = [span.model_dump(mode="json", by_alias=True, exclude_unset=True) for span in spans]
    return found


def _queries(session: Session, stage: Stage) -> dict[str, Any]:
    found: dict[str, list[Any]] = {
        name: [one.model_dump(mode="json", exclude_unset=True) for one in answers]
        for name, answers in session.world.queries.items()
    }
    stubbed = set(found)
    asked = [
        one
        for one in (stage.story.happenings if stage.story is not None else ())
        if one.what is What.ASKED and one.name not in stubbed
    ]
    for one, answer in zip(asked, session.answered, strict=False):
        when = {name: value for name, value in one.values.items() if value != HIDDEN}
        learned = {"when": when, **answer.model_dump(mode="json", exclude_defaults=True)}
        if learned not in found.setdefault(one.name, []):
            found[one.name].append(learned)
    return found

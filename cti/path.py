"""The way of a contact through flows, as its agent sees it: nodes, what was keyed in and said there (R10.1.b).

Pure. What is keyed in secretly is not told by the facts, only how long it was (R11.4.3.i), and so not shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ccplatform.contracts.facts import (
    FactEvent,
    FlowEntered,
    FlowNodeEntered,
    KeysEntered,
    QueryAnswered,
    SpeechHeard,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """A node that a caller came to. ``entered``: the keys, or words, that he answered it with, '' for none;
    ``hidden``: how many keys he entered there secretly; ``found``: whether a query there had an answer."""

    at: datetime
    flow: str
    node: str
    kind: str
    entered: str = ""
    hidden: int = 0
    found: bool | None = None


def flow_steps(events: Iterable[FactEvent], most: int) -> list[FlowStep]:
    """The last ``most`` steps of a contact's facts, which come in the order of their telling."""
    steps: list[FlowStep] = []
    flow = ""
    for event in events:
        match event.fact:
            case FlowEntered(flow=name):
                flow = name
            case FlowNodeEntered(flow=name, node=node, kind=kind):
                flow = name or flow
                steps.append(FlowStep(at=event.at, flow=flow, node=node, kind=kind))
            case KeysEntered(node=node, keys=keys, length=length):
                _answer(steps, node, FlowAnswer(entered=keys, hidden=0 if keys else length))
            case SpeechHeard(node=node, understood=True, text=text):
                _answer(steps, node, FlowAnswer(entered=text))
            case QueryAnswered(node=node, ok=ok):
                _answer(steps, node, FlowAnswer(found=ok))
            case _:
                pass
    return steps[-most:]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowAnswer:
    """What happened at a node."""

    entered: str = ""
    hidden: int = 0
    found: bool | None = None


def _answer(steps: list[FlowStep], node: str, answer: FlowAnswer) -> None:
    """At the last step with this node: a query's answer may be told after the next node was reached."""
    for place in range(len(steps) - 1, -1, -1):
        if steps[place].node == node:
            old = steps[place]
            steps[place] = replace(
                old,
                entered=answer.entered or old.entered,
                hidden=answer.hidden or old.hidden,
                found=answer.found if answer.found is not None else old.found,
            )
            return

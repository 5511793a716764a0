"""The IVR: ``python -m bench.ivr [--seconds S]``; CPU time, so that other work on the machine costs little.

* Steps: nodes that the interpreter enters a second, by what they are, with everything that a session emits on the
  way (facts, requests), but nobody to perform it. The mix is a caller of the telephone bank from end to end.
* Expressions: evaluations a second.
* Validation: a document of 1,000 nodes from its text to a checked flow, and its check among the shipped flows.

Whole calls (key or query to the first sample, with speech) are in :mod:`bench.ivr_calls`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench.figures import Figure, conditions, show, single, write_json
from ccplatform.contracts.flows import FlowDigit, FlowPlaybackEnded, PlayPrompt, StartFlow
from ccplatform.contracts.words import ContactId, FlowId
from ivr.document import flow_from, parse_flow, shipped_flows
from ivr.expressions import Expression
from ivr.interpreter import Interpreter
from ivr.model import Flow
from ivr.plan import Plan
from ivr.together import check_together
from ivr.work import Ask, Effect, QueryAnswer, Render, Rendered, RunQuery, SessionEvent

#: Goals of the design: nodes entered a second of one core; seconds for a document of 1,000 nodes.
STEPS_GOAL: Final = 100_000
VALIDATION_GOAL_MS: Final = 1000.0

_CONTACT: Final = ContactId("bench")
_HEAD: Final = {"flow": "bench", "languages": ["en"], "on_error": "end", "variables": {"x": "7", "y": "abc"}}
_KINDS: Final[dict[str, dict[str, Any]]] = {
    "set a value": {"kind": "set", "variable": "y", "value": "abc"},
    "set by an expression": {
        "kind": "set",
        "variable": "y",
        "expression": "text(number(x) * 2)",
        "on_error": "end",
    },
    "branch on a comparison": {"kind": "branch", "cases": [{"when": {"variable": "x", "value": "7"}}]},
    "branch on an expression": {"kind": "branch", "cases": [{"when": "number(x) > 5 and y != ''"}]},
}


def steps_of(node: dict[str, Any], seconds: float) -> float:
    """Nodes a CPU second of a flow of 1,000 such nodes in a row."""
    flow = flow_from({**_HEAD, "start": "n0", "nodes": _row(node)}, "bench")
    plan = Plan(flow)

    def once() -> int:
        session = Interpreter(contact=_CONTACT, plan=plan)
        session.handle(StartFlow(contact=_CONTACT, flow=FlowId("bench")), 0.0)
        return len(flow.nodes)

    return _rate(once, seconds)


def _row(node: dict[str, Any]) -> dict[str, Any]:
    nodes: dict[str, Any] = {}
    for index in range(1000):
        to = f"n{index + 1}" if index < 999 else "end"
        if node["kind"] == "branch":
            nodes[f"n{index}"] = {
                **node,
                "cases": [{**case, "next": to} for case in node["cases"]],
                "otherwise": "end",
            }
        else:
            nodes[f"n{index}"] = {**node, "next": to}
    return {**nodes, "end": {"kind": "hangup"}}


def bank_steps(flows: dict[str, Flow], seconds: float) -> float:
    """Nodes a CPU second of callers who ask the telephone bank for their balance, keys one by one.

    What happens to one caller is written down first, so that only the interpreter is measured.
    """
    bank, parts = Plan(flows["bank"]), {"identify": Plan(flows["identify"])}
    events: list[SessionEvent] = []
    first = Interpreter(contact=_CONTACT, plan=bank, parts=parts)
    _follow(first, StartFlow(contact=_CONTACT, flow=FlowId("bank"), variables={"caller": "1"}), events)
    for at, key in enumerate("21600001"):
        _follow(first, FlowDigit(contact=_CONTACT, digit=key, ended_at=float(at)), events)

    def once() -> int:
        session = Interpreter(contact=_CONTACT, plan=bank, parts=parts)
        for event in events:
            session.handle(event, 1.0)
        return session.steps

    assert first.snapshot(10.0)["node"] == "account_menu"
    assert once() == first.steps
    return _rate(once, seconds)


def _follow(session: Interpreter, event: SessionEvent, events: list[SessionEvent]) -> None:
    """Handle an event and all that follows, every prompt heard out; ``events`` gets them."""
    waiting = [event]
    while waiting:
        events.append(waiting.pop(0))
        for effect in session.handle(events[-1], 1.0):
            waiting += _answers(effect)


def _answers(effect: Effect) -> list[SessionEvent]:
    match effect:
        case Render(ticket=ticket):
            return [Rendered(ticket=ticket, items=())]
        case Ask(request=PlayPrompt(playback=playback)):
            return [FlowPlaybackEnded(contact=_CONTACT, playback=playback, finished=True)]
        case RunQuery(ticket=ticket):
            row = {"name": "张伟", "name_latin": "Zhang Wei", "balance": "128.50"}
            return [QueryAnswer(ticket=ticket, row=row)]
        case _:
            return []


def validation_ms(text: str) -> float:
    """CPU milliseconds from a document's text to a checked flow."""
    began = time.process_time()
    parse_flow(text, "bench")
    return (time.process_time() - began) * 1000


def document(nodes: int, kind: str) -> str:
    """A document of so many nodes, as YAML or JSON: menus that lead on, questions, queries, branches, prompts."""
    made: dict[str, Any] = {"end": {"kind": "hangup"}, "desk": {"kind": "queue", "queue": "q", "on_error": "end"}}
    for index in range(nodes - 2):
        to = f"n{index + 1}" if index < nodes - 3 else "end"
        made[f"n{index}"] = _varied(index, to)
    whole = {**_HEAD, "languages": ["zh", "en"], "start": "n0", "nodes": made}
    if kind == "json":
        return json.dumps(whole, ensure_ascii=False)
    import yaml

    return yaml.safe_dump(whole, allow_unicode=True)


def _varied(index: int, to: str) -> dict[str, Any]:
    prompt = {"zh": f"第{index}项，请按一个键。", "en": f"Item {index}. Please press a key."}
    match index % 5:
        case 0:
            choices = {"1": to, "2": "n0", "0": "desk"}
            return {"kind": "menu", "prompt": prompt, "choices": choices, "fallback": "desk"}
        case 1:
            length = {"min": 1, "max": 6}
            collect = {"kind": "collect", "prompt": prompt, "variable": "y", "length": length, "valid": "luhn(y)"}
            return {**collect, "next": to, "fallback": "desk"}
        case 2:
            results = {"y": "column"}
            return {
                "kind": "query",
                "query": "q",
                "results": results,
                "on_found": to,
                "on_missing": to,
                "on_error": to,
            }
        case 3:
            return {"kind": "branch", "cases": [{"when": "is_number(y)", "next": to}], "otherwise": "desk"}
        case _:
            return {"kind": "say", "prompt": prompt, "next": to}


def _rate(once: Callable[[], int], seconds: float) -> float:
    once()
    done, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        done += once()
    return done / spent


def _evaluations(text: str, seconds: float) -> float:
    expression, variables = Expression(text), {"x": "7", "y": "abc"}

    def once() -> int:
        for _ in range(100):
            expression.value(variables)
        return 100

    return _rate(once, seconds)


def main() -> None:
    """Measure, print, and write a file if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds of each figure")
    parser.add_argument("--json", type=Path, default=None)
    arguments = parser.parse_args()
    facts, flows = conditions(), {flow.flow: flow for flow in shipped_flows()}
    figures: list[Figure] = []
    rates = {"the telephone bank": bank_steps(flows, arguments.seconds)}
    rates |= {name: steps_of(node, arguments.seconds) for name, node in _KINDS.items()}
    for name, rate in rates.items():
        met = "met" if rate >= STEPS_GOAL else "MISSED"
        figures.append(single(f"steps: {name}", rate, "1/s", note=f"goal {STEPS_GOAL} at least: {met}"))
    for text in ("x == '7'", "number(x) > 5 and y != ''", "text(round(number(x) * 1.5, 0))"):
        figures.append(single(f"expression: {text}", _evaluations(text, arguments.seconds), "1/s"))
    for kind in ("yaml", "json"):
        text = document(1000, kind)
        spent = sorted(validation_ms(text) for _ in range(5))[2]
        figures.append(single(f"1,000 nodes, {kind}, text to checked flow", spent, "ms", goal=VALIDATION_GOAL_MS))
    many = {**flows, "bench": parse_flow(document(1000, "json"), "bench")}
    began = time.process_time()
    check_together(many)
    spent = (time.process_time() - began) * 1000
    figures.append(single("… and its check among the shipped flows", spent, "ms", goal=VALIDATION_GOAL_MS))
    show("IVR", figures, facts)
    if arguments.json:
        write_json(arguments.json, figures, facts)


if __name__ == "__main__":
    main()

"""Random flows from the schema, every kind of node wired at random, as far as the checks let them be published.

They come from a seed, not from strategies: drawing whole documents piece by piece takes Hypothesis seconds each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random
from typing import Any

from hypothesis import strategies as st

from ivr.checks import check
from ivr.model import Flow
from ivr.together import check_together

SUB = "sub"
_TEXT = {"en": [{"text": "Hello"}]}
_VALUED = {"en": [{"text": "You have"}, {"number": "x"}]}
_CONDITIONS: list[Any] = [
    "x == ''",
    "number(x) > 2",
    "is_number(x) and number(x) % 2 == 0",
    "length(x + y) < 6",
    {"variable": "y", "op": "filled"},
    {"variable": "x", "op": "greater", "value": "3"},
]
_EXPRESSIONS = ["text(number(x) + 1)", "x + y", "part(y, 1, 2)", "text(1 / number(x))", "'7'"]
_QUESTIONS = [{"name": "a", "prompt": _TEXT}, {"name": "b", "prompt": _TEXT, "scale": 2}]

_Maker = Callable[[Random, Callable[[], str]], dict[str, Any]]


def _choices(rng: Random, to: Callable[[], str], least: int = 1) -> dict[str, str]:
    return {key: to() for key in rng.sample("0123456789*#", rng.randint(least, 4))}


def _asking(rng: Random, to: Callable[[], str]) -> dict[str, Any]:
    return {"retries": rng.randint(0, 2), "timeout": 3.0, "fallback": to(), "on_error": to()}


def _spoken(rng: Random) -> dict[str, Any]:
    return {"prompt": rng.choice([_TEXT, _TEXT, _VALUED]), "barge_in": rng.random() < 0.8}


def _collect(rng: Random, to: Callable[[], str]) -> dict[str, Any]:
    rules: dict[str, Any] = rng.choice(
        [{}, {"secure": True}, {"masks": ["1*", "2?"]}, {"valid": "number(x) > 5 or length(y) > 0"}]
    )
    length, variable = {"min": 1, "max": 3}, rng.choice("xy")
    common = {"prompt": _TEXT, "variable": variable, "length": length, "next": to()}
    return {**common, **rules, **_asking(rng, to)}


KINDS: dict[str, _Maker] = {
    "say": lambda rng, to: {**_spoken(rng), "delivers": rng.random() < 0.5, "next": to(), "on_error": to()},
    "play": lambda rng, to: {
        "sounds": [rng.choice([{"silence": 1.0}, {"message": "last"}, {"tone": {"hertz": [440], "seconds": 1}}])],
        "next": to(),
        "on_error": to(),
    },
    "menu": lambda rng, to: {**_spoken(rng), "choices": _choices(rng, to), **_asking(rng, to)},
    "collect": _collect,
    "survey": lambda rng, to: {"survey": "s", "questions": _QUESTIONS, "next": to(), **_asking(rng, to)},
    "bot": lambda rng, to: {
        "bot": "b",
        "variables": ["x"],
        "results": {"y": "c"},
        "barge_in": rng.random() < 0.8,
        "max_seconds": 60.0,
        "on_transfer": {"people": to()},
        "on_end": to(),
        "on_timeout": to(),
        "on_error": to(),
    },
    "query": lambda rng, to: {
        "query": "q",
        "parameters": {"p": "x"},
        "results": {"y": "c"},
        "on_found": to(),
        "on_missing": to(),
        "on_error": to(),
    },
    "hours": lambda _, to: {"calendar": "office", "on_open": to(), "on_closed": to(), "on_error": to()},
    "branch": lambda rng, to: {
        "cases": [{"when": when, "next": to()} for when in rng.sample(_CONDITIONS, rng.randint(1, 3))],
        "otherwise": to(),
    },
    "set": lambda rng, to: {
        "variable": rng.choice("xy"),
        **rng.choice(
            [{"expression": rng.choice(_EXPRESSIONS), "on_error": to()}, {"copy_of": "y"}, {"value": "3"}]
        ),
        "next": to(),
    },
    "language": lambda _, to: {"language": "en", "next": to()},
    "loop": lambda rng, to: {"times": rng.randint(1, 3), "body": to(), "next": to()},
    "wait": lambda rng, to: {"seconds": rng.choice([0.5, 20.0]), "barge_in": rng.random() < 0.5, "next": to()},
    "sub_flow": lambda _, to: {
        "flow": SUB,
        "parameters": {"p": "x"},
        "results": {"y": "r"},
        "next": to(),
        "on_error": to(),
    },
    "queue": lambda rng, to: {
        "queue": "q",
        "announcements": rng.choice([[], [_TEXT]]),
        "choices": _choices(rng, to, 0),
        "on_error": to(),
    },
    "transfer": lambda rng, to: {rng.choice(["number_of", "agent_of"]): "x", "on_error": to()},
    "call_back": lambda _, to: {"queue": "q", "number_of": "x", "next": to(), "on_error": to()},
    "record": lambda _, to: {
        "mailbox": "queue:q",
        "prompt": _TEXT,
        "next": to(),
        "on_empty": to(),
        "on_error": to(),
    },
    "messages": lambda rng, to: {
        "action": rng.choice(["next", "handled"]),
        "next": to(),
        "on_none": to(),
        "on_error": to(),
    },
    "agent": lambda _, to: {"action": "ready", "next": to(), "on_refused": to(), "on_error": to()},
    "echo": lambda _, __: {},
    "conference": lambda _, to: {"room": "r", "on_error": to()},
    "return": lambda _, __: {},
    "hangup": lambda _, __: {},
}


def document(rng: Random, name: str, kinds: Collection[str] = KINDS) -> dict[str, Any]:
    """Any document of the schema, reachable or not; its inner kinds are likelier than its ends, and ways on than
    ways back, of which the checks leave few."""
    names = [f"n{index}" for index in range(rng.randint(4, 14))]
    here = 0

    def to() -> str:
        return rng.choice(names[here + 1 :] or names) if rng.random() < 0.9 else rng.choice(names)

    def node(index: int) -> dict[str, Any]:
        nonlocal here
        here = index
        kind = rng.choice([kind for kind in kinds if kind != "sub_flow" or name != SUB])
        if kind in ("echo", "conference", "transfer", "hangup", "return") and rng.random() < 0.8:
            kind = rng.choice(["menu", "loop", "say", "branch", "set"])
        return {"kind": kind, **KINDS[kind](rng, to)}

    return {
        "flow": name,
        "languages": ["en"],
        "start": "n0",
        "on_error": rng.choice([None, to()]),
        "shortcuts": {key: to() for key in rng.sample("*#", rng.randint(0, 2))},
        "variables": {"x": "", "y": "5", "p": "", "r": "1", "c": ""},
        "parameters": ["p"],
        "results": ["r"],
        "max_seconds": 600.0,
        "nodes": {node_name: node(index) for index, node_name in enumerate(names)},
    }


def published(seed: int, kinds: Collection[str] = KINDS) -> tuple[Flow, Flow]:
    """A flow that may be published, and the sub-flow that it may run."""
    rng = Random(seed)
    sub = _mended(document(rng, SUB, kinds))
    main = document(rng, "main", kinds)
    while True:
        flow = _mended(main)
        findings = check_together({"main": flow, SUB: sub})
        if not findings:
            return flow, sub
        for finding in findings:
            main["nodes"][finding.path.split(".")[1]] = {"kind": "hangup"}


def _mended(document: dict[str, Any]) -> Flow:
    """The flow without what the checks refuse: unreachable nodes go, ways that turn endlessly end instead."""
    while True:
        flow = Flow.model_validate(document)
        findings = check(flow)
        if not findings:
            return flow
        for path, reason in findings:
            part, name = path.split(".")[:2]
            end = {"kind": "return" if document["flow"] == SUB else "hangup"}
            if part == "shortcuts":
                del document["shortcuts"][name]
            elif reason.startswith("an endless loop"):
                turns_back = reason.split(" → ")[-2].rpartition(" ")[2]
                document["nodes"][turns_back] = end
            elif reason == "no way leads to this node":
                del document["nodes"][name]
            else:
                document["nodes"][name] = end


#: A flow that may be published, with its sub-flow.
PUBLISHED = st.integers(0, 2**32).map(published)

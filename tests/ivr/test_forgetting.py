"""Secrets are dropped as soon as nothing of the flow can read them, and never before (R11.4.3.i)."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.document import parse_flow
from ivr.errors import FlowError
from ivr.forgetting import forgettable
from ivr.interpreter import Interpreter
from ivr.model import Collect, Flow, Node, Return
from ivr.session import Cursor, Frame
from ivr.variables import reads_of
from ivr.work import QueryAnswer, RunQuery
from tests.ivr.random_flows import PUBLISHED, SUB, published
from tests.ivr.scripted import Caller, flow_of
from tests.ivr.test_interpreter_properties import STEPS, take

CARD = """
start: card
nodes:
  card:
    {kind: collect, secure: true, prompt: {en: Card}, variable: card, length: {min: 4, max: 4},
     valid: card != '0000', next: last, fallback: bye, on_error: bye}
  last: {kind: set, variable: last, expression: 'part(card, 3, 2)', next: ask, on_error: bye}
  ask: {kind: query, query: q, parameters: {number: card}, results: {name: n}, on_found: again, on_missing: bye,
        on_error: bye}
  again: {kind: menu, prompt: {en: [{text: Again}, {digits: last}]}, choices: {'1': card, '2': wait, '3': queue},
          fallback: bye, on_error: bye}
  wait: {kind: wait, seconds: 5, next: queue}
  queue: {kind: queue, queue: q, choices: {'1': again}, on_error: number}
  number: {kind: transfer, number: '123', on_error: bye}
  bye: {kind: hangup}
"""


def held(caller: Caller) -> dict[str, str]:
    """Every secret that the session has, its own and those of the flows around it."""
    cursor = caller.session._run.cursor
    places: list[Cursor | Frame] = [cursor, *cursor.frames]
    return {name: place.variables[name] for place in places for name in place.secure if name in place.variables}


def test_a_card_is_gone_when_the_query_that_reads_it_is_asked() -> None:
    caller = Caller(CARD)
    caller.hear_out()
    caller.press("622")
    assert "6226" not in repr(vars(caller.session._run))
    caller.press("6")
    assert caller.work(RunQuery).parameters == {"number": "6226"}
    assert caller.work(RunQuery).secret == {"number"}
    assert "6226" not in repr(caller.works)
    assert held(caller) == {"last": "26"}
    caller.answer(QueryAnswer, row={"n": "Zhang"})
    assert "6226" not in repr(vars(caller.session._run))
    caller.press("1")
    caller.press("9")
    assert held(caller) == {}, "it will be computed anew before it is read"


def test_a_caller_who_is_handed_on_has_only_what_is_read_when_he_comes_back() -> None:
    caller = Caller(CARD)
    caller.hear_out()
    caller.press("6226")
    caller.answer(QueryAnswer, row={"n": "Zhang"})
    caller.press("3")
    assert (caller.node, held(caller)) == ("queue", {"last": "26"})
    caller.refuse()
    assert (caller.node, held(caller)) == ("number", {})


def test_what_is_read_after_a_sub_flow_waits_for_it_and_the_rest_does_not() -> None:
    part = """
    start: ask
    parameters: [number]
    nodes:
      ask: {kind: query, query: q, parameters: {n: number}, on_found: wait, on_missing: wait, on_error: wait}
      wait: {kind: wait, seconds: 5, next: back}
      back: {kind: return}
    """
    flow = """
    start: pin
    nodes:
      pin: {kind: collect, secure: true, prompt: {en: PIN}, variable: pin, length: {max: 4}, next: card,
            fallback: bye, on_error: bye}
      card: {kind: collect, secure: true, prompt: {en: Card}, variable: card, length: {max: 4}, next: part,
             fallback: bye, on_error: bye}
      part: {kind: sub_flow, flow: part, parameters: {number: card}, next: ask, on_error: bye}
      ask: {kind: query, query: q, parameters: {n: pin}, on_found: wait, on_missing: wait, on_error: wait}
      wait: {kind: wait, seconds: 5, next: bye}
      bye: {kind: hangup}
    """
    caller = Caller(flow_of(flow), parts={"part": flow_of(part)})
    caller.hear_out()
    caller.press("1111")
    caller.hear_out()
    caller.press("2222")
    assert caller.work(RunQuery).parameters == {"n": "2222"}
    assert held(caller) == {"pin": "1111"}
    caller.answer(QueryAnswer, row={})
    assert (caller.node, held(caller)) == ("wait", {"pin": "1111"})
    caller.wait(5)
    assert caller.work(RunQuery).parameters == {"n": "1111"}
    caller.answer(QueryAnswer, row={})
    assert (caller.node, held(caller)) == ("wait", {})


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ("{kind: call_back, queue: q, number_of: pin, next: bye, on_error: bye}", "nodes.use.number_of"),
        ("{kind: transfer, number_of: pin, on_error: bye}", "nodes.use.number_of"),
        (
            "{kind: record, prompt: {en: a}, mailbox_of: pin, next: bye, on_empty: bye, on_error: bye}",
            "mailbox_of",
        ),
        ("{kind: set, variable: caller, copy_of: pin, next: bye}", "nodes.use.variable"),
        ("{kind: set, variable: half, expression: 'part(pin, 1, 2)', next: told, on_error: bye}", "variables.0"),
    ],
)
def test_a_flow_that_would_record_a_secret_is_refused(node: str, path: str) -> None:
    told = "told: {kind: bot, bot: b, variables: [half], on_end: bye, on_timeout: bye, on_error: bye}"
    text = f"""flow: test
languages: [en]
start: pin
nodes:
  pin: {{kind: collect, secure: true, prompt: {{en: PIN}}, variable: pin, length: {{max: 4}}, next: use,
         fallback: bye, on_error: bye}}
  use: {node}
  {told if "told" in node else ""}
  bye: {{kind: hangup}}
"""
    with pytest.raises(FlowError) as refused:
        parse_flow(text, "test.yaml")
    (problem,) = refused.value.problems
    assert problem.path.endswith(path)
    assert "secure input" in problem.reason


# --- any flow, any caller ---------------------------------------------------------------------------------


def all_secret(flow: Flow) -> Flow:
    """The flow with every input secure."""
    nodes = {
        name: node.model_copy(update={"secure": True}) if isinstance(node, Collect) else node
        for name, node in flow.nodes.items()
    }
    return flow.model_copy(update={"nodes": nodes})


class Secretive(Caller):
    """All that his session begins with is secret, too."""

    def _new(self) -> Interpreter:
        session = super()._new()
        session._run.cursor.secure = set(self.flow.variables)
        return session


def sessions(flows: tuple[Flow, Flow], kind: type[Caller] = Caller) -> Iterator[Caller]:
    """One that forgets, and one that never does."""
    flow, sub = (all_secret(one) for one in flows)
    yield kind(flow, parts={SUB: sub}, caller="13800000001", seat="seat-01")
    with patch("ivr.plan.forgettable", lambda flow: dict.fromkeys(flow.nodes, frozenset())):
        yield kind(flow, parts={SUB: sub}, caller="13800000001", seat="seat-01")


#: Nodes that set and read, and hardly stop.
COMPUTING = ("collect", "set", "say", "query", "branch", "call_back", "sub_flow", "menu", "loop")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32).map(lambda seed: published(seed, COMPUTING)), STEPS)
def test_forgetting_changes_nothing(flows, steps) -> None:  # type: ignore[no-untyped-def]
    forgets, remembers = sessions(flows, Secretive)
    for step in steps:
        take(forgets, step)
        take(remembers, step)
        assert forgets.facts == remembers.facts
        assert forgets.requests == remembers.requests
        assert forgets.works == remembers.works
        assert forgets.bots == remembers.bots


@settings(max_examples=200, deadline=None)
@given(PUBLISHED, STEPS)
def test_what_is_held_can_still_be_read(flows, steps) -> None:  # type: ignore[no-untyped-def]
    forgets, _ = sessions(flows)
    for step in steps:
        take(forgets, step)
        cursor = forgets.session._run.cursor
        for name, node, secure in (
            (cursor.flow, cursor.node, cursor.secure),
            *((frame.flow, frame.node, frame.secure) for frame in cursor.frames),
        ):
            flow = forgets.parts[name] if name else forgets.flow
            if not forgets.finished:
                assert secure <= readable(flow, node), f"{name}/{node}"


def readable(flow: Flow, begin: str) -> set[str]:
    """What is read at a node or at any that can be reached from it."""
    seen: set[str] = set()
    waiting = [begin]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [target for _, target in flow.ways_of(flow.nodes[name])]
            waiting += [flow.on_error] if flow.on_error else []
    return {variable for name in seen for variable in read(flow, flow.nodes[name])}


def read(flow: Flow, node: Node) -> set[str]:
    return {variable for _, variable in reads_of(node)} | (
        set(flow.results) if isinstance(node, Return) else set()
    )


def test_a_long_flow_is_looked_through_at_once() -> None:
    """Thousands of nodes in a row: neither recursion nor a look at every pair of them."""
    count = 2000
    nodes: dict[str, object] = {
        f"n{index}": {
            "kind": "collect",
            "secure": True,
            "prompt": {"en": "a"},
            "variable": f"v{index % 100}",
            "length": {"max": 4},
            "next": f"n{index + 1}",
            "fallback": "end",
            "on_error": "end",
        }
        for index in range(count)
    }
    nodes[f"n{count}"] = {
        "kind": "agent",
        "action": "sign_in",
        "agent_of": "caller",
        "pin_of": "v0",
        "next": "end",
    }
    nodes[f"n{count}"] |= {"on_refused": "end", "on_error": "end"}  # type: ignore[operator]
    nodes["end"] = {"kind": "hangup"}
    flow = Flow.model_validate({"flow": "long", "languages": ["en"], "start": "n0", "nodes": nodes})
    over = forgettable(flow)
    assert "v0" not in over[f"n{count - 1}"]
    assert "v0" in over["n50"]
    assert over["end"] == {f"v{index}" for index in range(100)}

"""Random flows and random callers: every session ends within its bounds, and goes on from any step's snapshot."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.contracts.facts import Fact, FlowLeft, FlowNodeEntered, KeysEntered, SurveyAnswered
from ccplatform.contracts.flows import FlowFinished
from ivr.document import document_of, flow_from
from ivr.interpreter import MOST_STEPS_AT_ONCE
from ivr.model import Flow
from tests.ivr.random_flows import KINDS, PUBLISHED, SUB, published
from tests.ivr.scripted import Caller
from tests.ivr.test_interpreter_properties import STEPS, fall_silent, take


def caller_of(flows: tuple[Flow, Flow]) -> Caller:
    flow, sub = flows
    return Caller(flow, parts={SUB: sub}, caller="13800000001", seat="seat-01")


@settings(max_examples=150, deadline=None)
@given(PUBLISHED, STEPS, st.sampled_from(["good", "empty", "failed"]))
def test_every_session_ends_by_itself_when_the_caller_falls_silent(flows, steps, answers: str) -> None:  # type: ignore[no-untyped-def]
    """Prompts are heard out, work is answered, no key comes: it ends, or has handed the caller on, in its time."""
    caller = caller_of(flows)
    for step in steps:
        take(caller, step)
    fall_silent(caller, answers, most=3 * MOST_STEPS_AT_ONCE)
    caller.hang_up()
    assert isinstance(caller.requests[-1], FlowFinished)
    assert len(caller.told(FlowLeft)) == 1
    assert caller.told(FlowLeft)[0].cause in ("", "unspeakable_value", "playback_failed", "unavailable")
    assert caller.session.next_deadline() is None


@settings(max_examples=100, deadline=None)
@given(PUBLISHED, STEPS, st.data())
def test_a_session_restarted_at_any_step_goes_on_the_same(flows, steps, data) -> None:  # type: ignore[no-untyped-def]
    at = data.draw(st.integers(0, len(steps)))
    secure = any(getattr(node, "secure", False) for flow in flows for node in flow.nodes.values())
    callers = [caller_of(flows) for _ in range(2)]
    for index, step in enumerate(steps):
        for caller in callers:
            if caller is callers[1] and index == at and not secure and _goes_on(caller):
                caller.restart()
            take(caller, step)
        if callers[0].finished:
            break
    assert _way(callers[0]) == _way(callers[1])
    assert callers[0].finished == callers[1].finished


def _goes_on(caller: Caller) -> bool:
    """Work and messages under way begin anew, with all their time, and so does the prompt before a beep."""
    data = caller.snapshot()
    return data["phase"] not in ("working", "talking", "recording", "saving", "ended") and not data["beeped"]


def _way(caller: Caller) -> list[Fact]:
    return [fact for fact in caller.facts if isinstance(fact, FlowNodeEntered | KeysEntered | SurveyAnswered)]


@settings(max_examples=100, deadline=None)
@given(PUBLISHED, STEPS)
def test_a_snapshot_is_json_and_comes_back_the_same(flows, steps) -> None:  # type: ignore[no-untyped-def]
    caller = caller_of(flows)
    for step in steps:
        take(caller, step)
        if caller.finished:
            return
        data = json.loads(json.dumps(caller.snapshot()))
        again = caller._new()
        again.restore(data, caller.clock.now())
        assert again.snapshot(caller.clock.now()) == data


@settings(max_examples=50, deadline=None)
@given(PUBLISHED)
def test_a_flow_goes_through_its_document_and_back(flows) -> None:  # type: ignore[no-untyped-def]
    for flow in flows:
        assert flow_from(json.loads(json.dumps(document_of(flow))), "again") == flow


def test_random_flows_have_every_kind_of_node() -> None:
    kinds = {node.kind for seed in range(300) for flow in published(seed) for node in flow.nodes.values()}
    assert kinds == set(KINDS)

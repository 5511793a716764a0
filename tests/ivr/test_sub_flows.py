"""Flows in flows: what goes in and out, what is refused before publishing."""

from __future__ import annotations

import json

from ccplatform.contracts.facts import FlowLeft, FlowNodeEntered
from ccplatform.contracts.flows import EnterQueue
from ccplatform.contracts.words import FlowId, FlowOutcome
from ivr.document import parse_flow
from ivr.model import Flow
from ivr.together import MAX_NESTING, check_together, parts_of
from ivr.work import WorkFailed
from tests.ivr.scripted import CONTACT, Caller

MAIN = """
flow: main
languages: [en]
start: who
on_error: end
variables: {account: ''}
nodes:
  who:
    kind: sub_flow
    flow: identify
    parameters: {tries: digits_wanted}
    results: {account: number}
    next: tell
    on_error: lost
  tell: {kind: say, prompt: {en: [{text: Account}, {digits: account}]}, next: round}
  round: {kind: set, variable: digits_wanted, value: '2', next: end}
  lost: {kind: queue, queue: lost, on_error: end}
  end: {kind: hangup}
"""

IDENTIFY = """
flow: identify
languages: [en]
parameters: [tries]
results: [number]
variables: {tries: '3', number: ''}
start: ask
nodes:
  ask:
    kind: collect
    prompt: {en: Number}
    variable: number
    length: {min: 3, max: 3}
    retries: 0
    next: back
    fallback: desk
    on_error: wait
  wait: {kind: say, prompt: {en: Hm}, next: back, on_error: desk}
  desk: {kind: queue, queue: desk, on_error: back}
  back: {kind: return}
"""


def read(text: str) -> Flow:
    return parse_flow(text, "f.yaml")


FLOWS = {flow.flow: flow for flow in (read(MAIN), read(IDENTIFY))}


def caller_of(name: str = "main", *, speaks: bool = True) -> Caller:
    return Caller(FLOWS[name], speaks=speaks, parts=parts_of(FLOWS[name], FLOWS), caller="138")


def test_a_sub_flow_has_variables_of_its_own_and_gives_its_results_back() -> None:
    caller = caller_of()
    assert caller.spoken() == "Number"
    assert caller.snapshot()["variables"] == {"caller": "138", "tries": "", "number": ""}
    caller.press("123")
    assert caller.spoken() == "Account one two three"
    assert caller.snapshot()["variables"] == {"caller": "138", "account": "123"}
    steps = [(fact.flow, fact.node) for fact in caller.told(FlowNodeEntered)]
    assert steps == [("main", "who"), ("identify", "ask"), ("identify", "back"), ("main", "tell")]


def test_the_session_is_the_main_flows_to_its_end() -> None:
    caller = caller_of()
    caller.press("1")
    caller.hang_up()
    assert caller.told(FlowLeft) == [
        FlowLeft(contact=CONTACT, flow=FlowId("main"), outcome=FlowOutcome.ABANDONED, cause="")
    ]


def test_a_restarted_session_goes_on_in_its_sub_flow() -> None:
    caller = caller_of()
    caller.press("1")
    caller.restart()
    assert caller.spoken() == "Number"
    caller.press("23")
    assert caller.spoken() == "Account one two three"


def test_a_flow_that_is_no_part_of_another_ends_at_its_return() -> None:
    caller = caller_of("identify")
    caller.press("123")
    assert caller.finished is not None
    assert caller.finished.outcome is FlowOutcome.COMPLETED


def test_a_prompt_that_fails_without_a_way_inside_takes_that_of_the_outer_flow() -> None:
    silent = read(
        IDENTIFY.replace("    on_error: wait\n", "").replace(", on_error: desk}", "}") + "on_error: wait\n"
    )
    caller = Caller(FLOWS["main"], speaks=False, parts={"identify": silent})
    caller.answer(WorkFailed, reason="tts_unavailable")
    assert caller.node == "wait"
    caller.answer(WorkFailed, reason="tts_unavailable")
    assert caller.asked(EnterQueue)[0].queue == "lost"
    assert caller.snapshot()["flow"] == ""


def test_a_sub_flow_that_is_gone_is_a_fault_with_a_way() -> None:
    caller = Caller(FLOWS["main"])
    assert caller.asked(EnterQueue)[0].queue == "lost"


def test_secrets_stay_secret_in_and_out_of_sub_flows() -> None:
    outer = read(
        """
        flow: outer
        languages: [en]
        start: ask
        on_error: end
        nodes:
          ask:
            kind: collect
            prompt: {en: PIN}
            variable: pin
            secure: true
            length: {min: 4, max: 4}
            next: run
            fallback: end
          run:
            kind: sub_flow
            flow: inner
            parameters: {secret: pin}
            results: {twice: both}
            next: wait
            on_error: end
          wait: {kind: wait, seconds: 9, next: end}
          end: {kind: hangup}
        """
    )
    inner = read(
        """
        flow: inner
        languages: [en]
        parameters: [secret]
        results: [both]
        start: twice
        nodes:
          twice: {kind: set, variable: both, expression: "secret + secret", next: wait, on_error: back}
          wait: {kind: wait, seconds: 9, next: back}
          back: {kind: return}
        """
    )
    caller = Caller(outer, parts={"inner": inner})
    caller.press("4711")
    for flow in ("inner", ""):
        snapshot = caller.snapshot()
        assert (snapshot["node"], snapshot["flow"]) == ("wait", flow)
        assert "4711" not in json.dumps(snapshot)
        caller.wait(9)
    assert caller.finished is not None


# --- before publishing --------------------------------------------------------------------------------------


def findings(*flows: Flow) -> list[str]:
    return [
        f"{finding.flow}: {finding.path}: {finding.reason}"
        for finding in check_together({flow.flow: flow for flow in flows})
    ]


def test_flows_that_fit_one_another_pass() -> None:
    assert findings(*FLOWS.values()) == []


def test_what_does_not_fit_is_named_with_its_path() -> None:
    assert findings(FLOWS["main"]) == ["main: nodes.who.flow: there is no flow 'identify'"]
    other = read(
        IDENTIFY.replace("parameters: [tries]", "parameters: [account]").replace("results: [number]\n", "")
    )
    assert findings(FLOWS["main"], other) == [
        "main: nodes.who.parameters.tries: the flow 'identify' has no such parameter",
        "main: nodes.who.parameters: the parameter 'account' of the flow 'identify' is missing",
        "main: nodes.who.results.account: the flow 'identify' has no result 'number'",
    ]
    mute = read(IDENTIFY.replace("en:", "zh:").replace("[en]", "[zh]"))
    assert findings(FLOWS["main"], mute) == ["main: nodes.who.flow: the flow 'identify' does not speak 'en'"]
    survey = read(MAIN.replace("queue: lost", "queue: lost, after_talk: nowhere"))
    assert findings(survey, FLOWS["identify"]) == ["main: nodes.lost.after_talk: there is no flow 'nowhere'"]


def chain(*names: str, last: str = "{kind: return}") -> list[Flow]:
    """Each runs the next one."""
    flows = []
    for name, runs in zip(names, [*names[1:], ""], strict=True):
        node = f"{{kind: sub_flow, flow: {runs}, next: b, on_error: b}}" if runs else last
        rest = "" if node == "{kind: return}" else "\n  b: {kind: return}"
        flows.append(read(f"flow: {name}\nlanguages: [en]\nstart: a\nnodes:\n  a: {node}{rest}\n"))
    return flows


def test_recursion_is_refused() -> None:
    runs_first = "{kind: sub_flow, flow: f0, next: b, on_error: b}"
    assert findings(*chain("f0", last=runs_first)) == [
        f"f0: nodes.a.flow: sub-flows run in one another without end, or deeper than {MAX_NESTING}"
    ]
    assert len(findings(*chain("f0", "f1", "f2", last=runs_first))) == 3


def test_nesting_is_bounded() -> None:
    names = [f"f{n}" for n in range(MAX_NESTING + 2)]
    assert findings(*chain(*names[:-1])) == []
    assert [finding.split(":")[0] for finding in findings(*chain(*names))] == ["f0"]


ROUND = """
flow: round
languages: [en]
start: run
nodes:
  run: {kind: sub_flow, flow: part, next: run, on_error: end}
  end: {kind: hangup}
"""
PART = """
flow: part
languages: [en]
start: ask
on_error: back
nodes:
  ask: {kind: menu, prompt: {en: Choose}, choices: {1: back}, fallback: {fallback}}
  back: {kind: return}
  end: {kind: hangup}
"""


def test_a_loop_through_a_sub_flow_needs_a_key_on_every_way_through_it() -> None:
    assert findings(read(ROUND), read(PART.replace("{fallback}", "end"))) == []
    unasked = findings(
        read(ROUND), read(PART.replace("{fallback}", "back").replace("  end: {kind: hangup}\n", ""))
    )
    assert unasked == ["round: nodes.run: an endless loop without any key of the caller: run → run"]

"""Trials of flows: the shipped ones, what they refuse, and how a story that goes otherwise is told."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from ivr.document import read_flow
from ivr.drawing import WIDTH, draw
from ivr.errors import FlowError
from ivr.model import Node
from ivr.trials.runner import run_trials

FLOWS = Path("config/flows")
TRIALS = sorted((FLOWS / "trials").iterdir())


@pytest.mark.parametrize("path", TRIALS, ids=lambda path: path.stem)
def test_the_trials_of_the_shipped_flows_pass(path: Path) -> None:
    assert [f"{result.name}: {result.problem}" for result in run_trials(path) if result.problem] == []


def test_the_telephone_bank_has_every_kind_of_node_and_its_trials_pass_nearly_all() -> None:
    flow = read_flow(FLOWS / "bank.yaml")
    parts = [read_flow(FLOWS / f"{name}.yaml") for name in ("identify", "satisfaction")]
    kinds = {node.kind for part in (flow, *parts) for node in part.nodes.values()}
    assert kinds == {get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(Node)[0])}
    passed = {node for result in run_trials(FLOWS / "trials" / "bank.yaml") for node in result.walk}
    untold = {"trouble", "hear_message", "message_done", "refused"}  # faults, and messages that there are not
    assert flow.nodes.keys() - passed == untold


FLOW = """
flow: small
languages: [en]
start: menu
on_error: end
nodes:
  menu: {kind: menu, prompt: {en: Press 1 or 2}, choices: {1: ask, 2: desk}, fallback: end}
  ask:
    kind: query
    query: points
    parameters: {who: caller}
    results: {points: points}
    on_found: tell
    on_missing: end
    on_error: desk
  tell: {kind: say, prompt: {en: [{number: points}]}, next: end}
  desk: {kind: queue, queue: desk, on_error: end}
  end: {kind: hangup}
"""


def problems(tmp_path: Path, steps: str, more: str = "") -> list[str]:
    (tmp_path / "small.yaml").write_text(FLOW, encoding="utf-8")
    trials = tmp_path / "trials.yaml"
    trials.write_text(f"flow: small.yaml\n{more}\ntrials:\n  one:\n    steps: {steps}\n", encoding="utf-8")
    return [result.problem for result in run_trials(trials)]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("[hears: Press 3]", "steps.0.hears: 'Press 3' is not heard (there), but 'Press 1 or 2'; he is at menu"),
        ("[hears: [or, Press]]", "steps.0.hears: 'Press' is not heard (there)"),
        ("[{keys: '2', reaches: queue sales}]", "give exactly one"),
        ("[{keys: '2'}, {reaches: queue sales}]", "steps.1.reaches: queue sales is expected, queue desk is found"),
        ("[node: ask]", "steps.0.node: ask is expected, menu is found"),
        ("[{hangs_up: true}, {keys: '1'}]", "steps.1.keys: the session is over: abandoned"),
        ("[{hangs_up: true}, {ends: completed}]", "completed is expected, abandoned is found"),
        ("[variables: {caller: '7'}]", "steps.0.variables: caller is '', not '7'"),
        ("[answers: {q: 1}]", "{'q': 1} is expected, {} is found"),
        ("[sings: 1]", "steps.0.sings: Extra inputs are not permitted"),
        ("[keys: abc]", "trials.one.steps.0.keys: String should match pattern"),
        ("[]", "trials.one.steps: List should have at least 1 item"),
    ],
)
def test_what_goes_otherwise_or_is_written_wrong_is_told_with_its_place(
    tmp_path: Path, steps: str, problem: str
) -> None:
    try:
        found = problems(tmp_path, steps)
    except FlowError as error:
        found = [str(error)]
    assert problem in found[0]


QUERIES = """
given: {caller: '138'}
queries:
  points:
    - {when: {who: '138'}, row: {points: '20'}, takes: 3}
    - {when: {who: '139'}, fails: true}
    - {when: {who: '110'}}
"""


def test_queries_answer_by_their_parameters_and_in_their_time(tmp_path: Path) -> None:
    steps = "[{keys: '1'}, {node: ask}, {waits: 2.9}, {node: ask}, {waits: 0.2}, {hears: twenty}]"
    assert problems(tmp_path, steps, QUERIES) == [""]
    for caller, step in (("139", "reaches: queue desk"), ("110", "ends: completed"), ("7", "reaches: queue desk")):
        more = QUERIES.replace("caller: '138'", f"caller: '{caller}'")
        assert problems(tmp_path, f"[{{keys: '1'}}, {{{step}}}]", more) == [""]


def test_a_trial_of_a_flow_that_is_wrong_names_the_flows_problems(tmp_path: Path) -> None:
    problems(tmp_path, "[node: menu]")
    (tmp_path / "small.yaml").write_text(FLOW.replace("start: menu", "start: nowhere"), encoding="utf-8")
    with pytest.raises(FlowError, match=r"small\.yaml: start: there is no node 'nowhere'"):
        run_trials(tmp_path / "trials.yaml")


def test_a_flow_is_drawn_with_what_it_says_and_where_it_leads() -> None:
    drawing = draw(read_flow(FLOWS / "bank.yaml")).splitlines()
    assert drawing[0] == "bank: Telephone bank of the demo centre"
    assert "▶ welcome  play  sounds=[…, …]" in drawing
    assert "├─ if not is_number(caller) or length(caller) < 3 ↓ ask_number" in drawing
    assert "├─ * ↺ menu" in drawing
    assert "●" in "".join(drawing)
    assert max(len(line) for line in drawing) <= WIDTH
    for name in read_flow(FLOWS / "bank.yaml").nodes:
        assert sum(line.split()[1:2] == [name] and line[0] in "▶●" for line in drawing if line) == 1

"""Flow documents: what is refused, where and why."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.document import check_flow_file, document_of, flow_from, parse_flow, read_flow, revision_of, shipped_flows
from ivr.errors import FlowError

GOOD = """
flow: test
languages: [zh, en]
start: menu
on_error: end
nodes:
  menu:
    kind: menu
    prompt: {zh: 请按1, en: Press 1}
    choices: {1: end, 2: menu}
    fallback: end
  end:
    kind: hangup
"""


def problems(text: str) -> list[str]:
    with pytest.raises(FlowError) as caught:
        parse_flow(text, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_a_good_document_passes_and_keys_need_no_quotes() -> None:
    flow = parse_flow(GOOD, "f.yaml")
    assert flow.nodes["menu"].choices == {"1": "end", "2": "menu"}  # type: ignore[union-attr]


def test_json_is_the_same_document_with_the_same_revision() -> None:
    flow = parse_flow(GOOD, "f.yaml")
    again = parse_flow(json.dumps(document_of(flow)), "f.json")
    assert again == flow
    assert revision_of(again) == revision_of(flow)
    assert flow_from(document_of(flow), "x") == flow


def test_a_changed_text_is_another_revision() -> None:
    changed = parse_flow(GOOD.replace("Press 1", "Press one"), "f.yaml")
    assert revision_of(changed) != revision_of(parse_flow(GOOD, "f.yaml"))


@pytest.mark.parametrize(
    ("change", "by", "expected"),
    [
        ("2: menu", "2: nowhere", "f.yaml: nodes.menu.choices.2: there is no node 'nowhere'"),
        ("start: menu", "start: away", "f.yaml: start: there is no node 'away'"),
        (
            "fallback: end",
            "timeout: 500\n    fallback: end",
            "f.yaml: nodes.menu.timeout: Input should be less than",
        ),
        ("fallback: end", "timeuot: 5\n    fallback: end", "f.yaml: nodes.menu.timeuot: Extra inputs"),
        ("    fallback: end\n", "", "f.yaml: nodes.menu.fallback: Field required"),
        ("1: end", "1x: end", "f.yaml: nodes.menu.choices.1x: String should match pattern"),
        ("kind: hangup", "kind: hangupp", "f.yaml: nodes.end: Input tag 'hangupp'"),
        (", en: Press 1", "", "f.yaml: nodes.menu.prompt.en: the text in this language is missing"),
        ("en: Press 1", "en: [{txt: a}]", "f.yaml: nodes.menu.prompt.en.0.txt: Extra inputs"),
        (
            "en: Press 1",
            "en: [{text: a, money: b}]",
            "f.yaml: nodes.menu.prompt.en.0: Value error, give exactly one",
        ),
        (
            "en: Press 1",
            "en: [{money: purse}]",
            "f.yaml: nodes.menu.prompt.en.0: nothing sets the variable 'purse'",
        ),
        ("on_error: end\n", "", "f.yaml: nodes.menu.on_error: a prompt can fail"),
        ("  end:", "  other: {kind: hangup}\n  end:", "f.yaml: nodes.other: no way leads to this node"),
        ("2: menu", "2: menu, 2: end", "the key '2' stands twice"),
        ("kind: hangup", "kind: &a hangup\n    note: *a", "aliases (*name) are not allowed"),
        ("flow: test", "flow: [", "line"),
    ],
)
def test_a_problem_names_file_path_and_reason(change: str, by: str, expected: str) -> None:
    assert change in GOOD
    found = problems(GOOD.replace(change, by, 1))
    assert any(expected in problem for problem in found), found


def test_a_silent_callers_loop_is_refused() -> None:
    found = problems(GOOD.replace("fallback: end", "fallback: menu"))
    assert "f.yaml: nodes.menu: an endless loop without any key of the caller: menu → menu" in found


def test_a_loop_of_announcements_is_refused_with_its_way() -> None:
    found = problems(
        """
        flow: test
        languages: [en]
        start: a
        nodes:
          a: {kind: say, prompt: {en: A}, next: b, on_error: end}
          b: {kind: say, prompt: {en: B}, next: a, on_error: end}
          end: {kind: hangup}
        """
    )
    assert found == ["f.yaml: nodes.a: an endless loop without any key of the caller: a → b → a"]


def test_a_failure_path_is_part_of_the_schema_where_work_can_fail() -> None:
    found = problems(
        """
        flow: test
        languages: [en]
        start: q
        nodes:
          q: {kind: queue, queue: sales}
        """
    )
    assert found == ["f.yaml: nodes.q.on_error: Field required"]


@pytest.mark.parametrize("name", ["../secret.wav", "/etc/passwd", "a/../../b.wav"])
def test_a_sound_file_outside_of_the_directory_is_refused(name: str) -> None:
    found = problems(
        f"""
        flow: test
        languages: [en]
        start: p
        nodes:
          p: {{kind: play, sounds: [{{file: {name}}}], next: e, on_error: e}}
          e: {{kind: hangup}}
        """
    )
    assert found[0].startswith("f.yaml: nodes.p.sounds.0")


def test_deep_nesting_is_refused_without_harm() -> None:
    assert "nested deeper" in problems("a: " + "[" * 5000 + "]" * 5000)[0]
    assert "nested too deeply" in problems('{"a":' + "[" * 200_000)[0]


def test_a_huge_document_is_refused() -> None:
    assert "larger than" in problems("x" * 3_000_000)[0]


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    assert check_flow_file(tmp_path / "no.yaml") == [f"{tmp_path / 'no.yaml'}: No such file or directory"]


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300)))
def test_any_text_is_a_flow_or_a_flow_error(text: str | bytes) -> None:
    with pytest.raises(FlowError):
        parse_flow(text, "f")


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


@given(st.sampled_from(["flow", "languages", "start", "on_error", "speak", "variables", "nodes"]), _JSON)
def test_any_value_anywhere_is_a_flow_or_a_flow_error(field: str, value: object) -> None:
    document = document_of(parse_flow(GOOD, "f"))
    with suppress(FlowError):
        flow_from({**document, field: value}, "f")


def test_all_shipped_flows_are_right_and_named_as_their_files() -> None:
    folder = Path(__file__).parents[2] / "config" / "flows"
    for path in folder.glob("*.yaml"):
        assert check_flow_file(path) == []
        assert read_flow(path).flow == path.stem
    assert len(shipped_flows()) == 18


def test_a_flow_of_a_thousand_nodes_is_checked_without_recursion() -> None:
    nodes = "\n".join(
        f"  n{i}: {{kind: say, prompt: {{en: Number {i}}}, next: n{i + 1}, on_error: end}}" for i in range(1000)
    )
    flow = parse_flow(
        "flow: long\nlanguages: [en]\nstart: n0\nnodes:\n"
        f"{nodes}\n  n1000: {{kind: hangup}}\n  end: {{kind: hangup}}\n",
        "f",
    )
    assert len(flow.nodes) == 1002


def test_a_flow_made_of_nothing_but_ways_back_is_refused_in_few_words() -> None:
    back = [{"when": {"variable": "caller"}, "next": f"n{node}"} for node in range(50)]
    nodes = {
        f"n{i}": {"kind": "branch", "cases": back[: 50 if i > 2500 else 1], "otherwise": f"n{i + 1}"}
        for i in range(4000)
    }
    document = {"flow": "f", "languages": ["en"], "start": "n0", "nodes": {**nodes, "n4000": {"kind": "hangup"}}}
    with pytest.raises(FlowError) as caught:
        flow_from(document, "f")
    assert len(str(caught.value)) < 100_000
    assert any("endless loop" in problem.reason for problem in caught.value.problems)

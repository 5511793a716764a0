from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.proof.errors import WrongPlan
from ccplatform.proof.plan import (
    Hear,
    Plan,
    Press,
    Quiet,
    Sight,
    parse_plan,
    plan_for,
    read_plan,
    read_span_target,
    read_target,
)

_SHIPPED = Path(__file__).parents[2] / "config" / "acceptance.toml"


def test_the_shipped_plan_tests_every_clause() -> None:
    plan = read_plan(_SHIPPED)
    sights = {step.hear for step in plan.visit.steps if isinstance(step, Hear)}
    assert sights == {Sight.GREETING, Sight.KEY, Sight.QUERY}
    assert (plan.channels, plan.echo is not None) == (30, True)


def test_steps_are_what_they_say() -> None:
    plan = parse_plan('[visit]\nnumber="1"\nsteps=[{hear="greeting"},{quiet=0.5},{press="*12#"}]', "p")
    assert plan.visit.steps == (Hear(hear=Sight.GREETING), Quiet(quiet=0.5), Press(press="*12#"))
    assert plan.echo is None
    assert plan.dialling("95000").visit.number == "95000"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("visit = 1", "visit"),
        ("[visit", "plan:"),
        ('[visit]\nnumber="1"\nsteps=[]', "visit.steps"),
        ('[visit]\nnumber="1"\nsteps=[{sing="x"}]', "visit.steps.0: a step is one of"),
        ('[visit]\nnumber="1"\nsteps=[{press="12x"}]', "visit.steps.0.press.press"),
        ('[visit]\nnumber="1"\nsteps=[{hear="greeting", within=0}]', "visit.steps.0.hear.within"),
        ('[visit]\nnumber="sip:1@x"\nsteps=[{hear="key"}]', "visit.number"),
        ('channels=0\n[visit]\nnumber="1"\nsteps=[{hear="key"}]', "channels"),
        ('wrong=1\n[visit]\nnumber="1"\nsteps=[{hear="key"}]', "wrong"),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str) -> None:
    with pytest.raises(WrongPlan, match=told.replace(".", r"\.")):
        parse_plan(text, "plan")


@given(st.text() | st.dictionaries(st.text(), st.integers()).map(str))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(WrongPlan):
        parse_plan(text, "plan")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongPlan, match=r"none\.toml"):
        read_plan(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WrongPlan, match=r"binary\.toml"):
        read_plan(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sip:95000@127.0.0.1", ("95000", "127.0.0.1", 5060)),
        ("sip:+8610@pbx.example.com:5080", ("+8610", "pbx.example.com", 5080)),
        ("sip:1@[::1]:6000", ("1", "::1", 6000)),
    ],
)
def test_targets(text: str, found: tuple[str, str, int]) -> None:
    assert read_target(text) == found


@pytest.mark.parametrize(
    "text", ["", "95000", "sip:@host", "sip:1@host:0", "sip:1@host:70000", "tel:1", "sip:1@a b"]
)
def test_no_targets(text: str) -> None:
    with pytest.raises(WrongPlan, match="no target"):
        read_target(text)


def test_a_number_alone_has_a_plan() -> None:
    assert isinstance(plan_for("95000"), Plan)


@pytest.mark.parametrize(("text", "found"), [("e1:95000", ("95000", "")), ("e1:*11#@e1-2", ("*11#", "e1-2"))])
def test_targets_over_e1(text: str, found: tuple[str, str]) -> None:
    assert read_span_target(text) == found


@pytest.mark.parametrize(
    "text", ["e1:", "e1:@e1-1", "e1:95000@", "e1:anna", "e1:95000@a b", "E1:95000", "e1:95000\n"]
)
def test_no_targets_over_e1(text: str) -> None:
    with pytest.raises(WrongPlan, match="e1:NUMBER"):
        read_span_target(text)

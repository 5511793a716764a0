"""What an agent sees of his caller's way through flows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.facts import (
    Fact,
    FactEvent,
    FlowEntered,
    FlowNodeEntered,
    KeysEntered,
    QueryAnswered,
    SpeechHeard,
)
from ccplatform.contracts.words import ContactId, FlowId
from ccplatform.kernel.stream import Event
from cti.path import flow_steps

CONTACT, MAIN = ContactId("contact-1"), FlowId("main")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def told(*facts: Fact) -> list[FactEvent]:
    return [
        Event(
            epoch="e",
            seq=n,
            id=str(n),
            tenant="default",
            at=START + timedelta(seconds=n),
            mono=float(n),
            fact=fact,
        )
        for n, fact in enumerate(facts)
    ]


def at(node: str, kind: str = "menu") -> FlowNodeEntered:
    return FlowNodeEntered(contact=CONTACT, flow=MAIN, node=node, kind=kind)


def keyed(node: str, keys: str, length: int | None = None) -> KeysEntered:
    return KeysEntered(contact=CONTACT, node=node, keys=keys, length=len(keys) if length is None else length)


def queried(node: str, ok: bool) -> QueryAnswered:
    return QueryAnswered(contact=CONTACT, node=node, source="bank", ok=ok, response_seconds=0.1)


def test_a_way_is_its_nodes_with_what_was_answered_there() -> None:
    steps = flow_steps(
        told(
            FlowEntered(contact=CONTACT, flow=MAIN, revision="1"),
            at("top"),
            keyed("top", "3"),
            at("account", "collect"),
            keyed("account", "600001"),
            at("balance", "query"),
            at("say", "play"),
            queried("balance", True),
            at("why", "listen"),
            SpeechHeard(
                contact=CONTACT, node="why", understood=True, confidence=80, response_seconds=0.2, text="card lost"
            ),
        ),
        most=50,
    )
    assert [(step.node, step.kind, step.entered, step.found) for step in steps] == [
        ("top", "menu", "3", None),
        ("account", "collect", "600001", None),
        ("balance", "query", "", True),
        ("say", "play", "", None),
        ("why", "listen", "card lost", None),
    ]
    assert steps[0].at == START + timedelta(seconds=1)
    assert {step.flow for step in steps} == {"main"}


def test_what_was_keyed_in_secretly_is_a_number_of_keys() -> None:
    (step,) = flow_steps(told(at("pin", "collect"), keyed("pin", "", length=4)), most=50)
    assert (step.entered, step.hidden) == ("", 4)


def test_of_a_node_that_was_met_twice_the_last_time_has_the_answer() -> None:
    steps = flow_steps(told(at("top"), keyed("top", "7"), at("top"), keyed("top", "2")), most=50)
    assert [step.entered for step in steps] == ["7", "2"]


def test_what_was_not_understood_is_no_answer() -> None:
    said = SpeechHeard(
        contact=CONTACT, node="why", understood=False, confidence=9, response_seconds=0.2, text="hm"
    )
    (step,) = flow_steps(told(at("why", "listen"), said), most=50)
    assert step.entered == ""


NODES = st.sampled_from(["a", "b", "c"])
FACTS = st.one_of(
    NODES.map(at),
    st.builds(keyed, NODES, st.sampled_from(["", "1", "22"]), st.just(2)),
    st.builds(queried, NODES, st.booleans()),
)


@given(st.lists(FACTS, max_size=30), st.integers(1, 10))
def test_the_newest_steps_are_shown_and_nothing_is_made_up(facts: list[Fact], most: int) -> None:
    steps = flow_steps(told(*facts), most)
    entered = [fact.node for fact in facts if isinstance(fact, FlowNodeEntered)]
    assert [step.node for step in steps] == entered[-most:]
    keys = {(fact.node, fact.keys) for fact in facts if isinstance(fact, KeysEntered)}
    assert all((step.node, step.entered) in keys for step in steps if step.entered)

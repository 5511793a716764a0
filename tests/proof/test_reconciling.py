"""What was recorded of a mystery call beside what was heard: the comparison and the witness."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.facts import Fact, KeyAnswered, MysteryCallMade, QueryAnswered
from ccplatform.contracts.words import ContactId, MysteryFate
from ccplatform.proof.reconciling import compare
from ccplatform.proof.witness import Recorded, Witness
from tests.app.test_probing import whole_call

BOUND = 0.25
SECONDS = st.floats(0.0, 20.0)
NEAR = st.floats(-0.24, 0.24)
FAR = st.floats(0.3, 5.0)


@st.composite
def calls(draw: st.DrawFn) -> tuple[MysteryCallMade, Recorded]:
    """A call and an honest record of it: each time a little off."""
    heard = MysteryCallMade(
        number="95000",
        fate=MysteryFate.COMPLETED,
        loopback=True,
        connect_seconds=draw(SECONDS),
        key_seconds=tuple(draw(st.lists(SECONDS, max_size=5))),
        query_seconds=tuple(draw(st.lists(SECONDS, max_size=3))),
        packets_received=draw(st.integers(0, 10_000)),
        packets_lost=draw(st.integers(0, 50)),
        lasted_seconds=draw(SECONDS),
    )
    assert heard.connect_seconds is not None
    recorded = Recorded(
        ContactId("c"),
        connect=heard.connect_seconds + draw(NEAR),
        keys=[seconds + draw(NEAR) for seconds in heard.key_seconds],
        queries=[seconds + draw(NEAR) for seconds in heard.query_seconds],
        packets_sent=heard.packets_received + heard.packets_lost + draw(st.integers(0, 10)),
        total=heard.lasted_seconds + draw(NEAR),
    )
    return heard, recorded


@given(calls())
def test_an_honest_record_is_equal(call: tuple[MysteryCallMade, Recorded]) -> None:
    assert compare(*call, BOUND).differences == ()


@given(calls(), FAR, st.sampled_from(["connect", "key", "query", "total", "packets"]))
def test_whatever_is_falsified_is_named_and_nothing_else(
    call: tuple[MysteryCallMade, Recorded], by: float, what: str
) -> None:
    heard, recorded = call
    match what:
        case "connect":
            assert recorded.connect is not None
            recorded = replace(recorded, connect=recorded.connect + by + BOUND)
        case "key":
            heard = replace(heard, key_seconds=(*heard.key_seconds, 30.0))
        case "query":
            heard = replace(heard, query_seconds=(30.0, *heard.query_seconds))
            recorded = replace(recorded, queries=[30.0 + by + BOUND, *recorded.queries])
        case "total":
            assert recorded.total is not None
            recorded = replace(recorded, total=recorded.total + by + BOUND + 1)
        case "packets":
            recorded = replace(recorded, packets_sent=2 * (recorded.packets_sent or 0) + 500)
    assert compare(heard, recorded, BOUND).differences == (what,)


@given(calls(), st.lists(SECONDS, max_size=5))
def test_inputs_that_nobody_listened_for_are_no_difference(
    call: tuple[MysteryCallMade, Recorded], more: list[float]
) -> None:
    heard, recorded = call
    assert compare(heard, replace(recorded, keys=[*recorded.keys, *more]), BOUND).differences == ()


def test_a_voice_that_nobody_heard_is_a_difference() -> None:
    silent = MysteryCallMade(number="95000", fate=MysteryFate.SILENT, loopback=True)
    recorded = Recorded(ContactId("c"), connect=0.04, packets_sent=0, total=0.0)
    assert compare(silent, recorded, BOUND).differences == ("connect",)
    assert compare(silent, None, BOUND).contact is None


def test_the_last_key_of_a_query_is_no_key_besides() -> None:
    witness = Witness()
    witness.expect("one")
    facts = whole_call("one")
    contact = facts[1].contact  # type: ignore[union-attr]
    assert contact is not None
    query: list[Fact] = [
        KeyAnswered(contact=contact, node="account", response_seconds=0.7),
        QueryAnswered(contact=contact, node="find", source="bank", ok=True, response_seconds=0.7),
        QueryAnswered(contact=contact, node="find", source="bank", ok=False, response_seconds=0.9),
    ]
    ends = [witness.take(fact) for fact in (*facts[:-1], *query, facts[-1])]
    assert ends == [False] * (len(ends) - 1) + [True]
    assert witness.recorded_whole("one")
    found = witness.testimony("one")
    assert found is not None
    assert (found.keys, found.queries) == ([0.5], [0.7])
    assert witness.testimony("one") is None


@given(st.integers(65, 300))
def test_calls_without_testimony_are_forgotten(count: int) -> None:
    witness = Witness()
    for number in range(count):
        witness.expect(str(number))
    assert not witness.follows("0")
    assert witness.follows(str(count - 1))
    for fact in whole_call("0"):
        assert not witness.take(fact)

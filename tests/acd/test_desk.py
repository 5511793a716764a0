"""Signing in and out, ready and not ready."""

from __future__ import annotations

import pytest

from acd.agents import TRANSITIONS, LiveAgent
from acd.errors import (
    AgentBusy,
    AlreadySignedIn,
    IllegalSetting,
    IllegalState,
    IllegalTransition,
    NotSignedIn,
    SeatTaken,
    UnknownAgent,
)
from acd.events import AgentCommand, GoNotReady, GoReady, PutBack, SaveAgent, SignIn, SignOut
from ccplatform.contracts.facts import AgentStateChanged
from ccplatform.contracts.words import AgentId, AgentState, SeatId
from ccplatform.kernel.errors import Refusal
from tests.acd.floor import Centre, agent, offers, only, queue

ONE, TWO = AgentId("1"), AgentId("2")


@pytest.fixture
def centre() -> Centre:
    centre = Centre(queue())
    centre.staff("1", ready=False)
    centre.do(SaveAgent(agent=agent("2")))
    return centre


def test_signing_in_is_not_ready_at_a_seat() -> None:
    centre = Centre(queue())
    centre.do(SaveAgent(agent=agent("1")))
    centre.wait(30)
    fact = only(AgentStateChanged, centre.sign_in("1", "s1"))
    assert (fact.state, fact.seat, fact.previous_seconds) == (AgentState.NOT_READY, "s1", 30)
    assert centre.engine.agent_at(SeatId("s1")) == "1"


def test_signing_out_frees_the_seat(centre: Centre) -> None:
    fact = only(AgentStateChanged, centre.sign_out("1"))
    assert (fact.state, fact.seat) == (AgentState.SIGNED_OUT, None)
    assert centre.engine.agent_at(SeatId("s1")) is None
    centre.sign_in("2", "s1")
    centre.sign_in("1", "s9")


def test_signing_in_again_at_the_same_seat_is_not_ready(centre: Centre) -> None:
    centre.ready("1")
    centre.sign_in("1", "s1")
    assert centre.state("1") is AgentState.NOT_READY
    assert centre.sign_in("1", "s1") == []


@pytest.mark.parametrize(
    ("command", "error", "text"),
    [
        (SignIn(agent=AgentId("9"), seat=SeatId("s1")), UnknownAgent, "there is no agent 9"),
        (SignIn(agent=TWO, seat=SeatId("s1")), SeatTaken, "seat s1 is taken by agent 1"),
        (SignIn(agent=ONE, seat=SeatId("s2")), AlreadySignedIn, "agent 1 is signed in at seat s1"),
        (SignOut(agent=TWO), NotSignedIn, "agent 2 is not signed in"),
        (GoReady(agent=TWO), NotSignedIn, "agent 2 is not signed in"),
        (GoNotReady(agent=TWO), NotSignedIn, "agent 2 is not signed in"),
        (GoNotReady(agent=ONE, reason="x" * 65), IllegalSetting, "at most 64"),
        (GoNotReady(agent=ONE, reason="a\x00b"), IllegalSetting, "printable"),
        (PutBack(agent=ONE, seat=SeatId("s1"), asked=AgentState.READY), AlreadySignedIn, "signed in"),
        (PutBack(agent=TWO, seat=SeatId("s2"), asked=AgentState.TALKING), IllegalState, "talking"),
        (PutBack(agent=TWO, seat=SeatId("s1"), asked=AgentState.READY), SeatTaken, "seat s1"),
    ],
)
def test_what_the_rules_do_not_allow_is_refused_and_changes_nothing(
    centre: Centre, command: AgentCommand, error: type[Refusal], text: str
) -> None:
    before = centre.engine.snapshot(centre.now)
    with pytest.raises(error, match=text):
        centre.engine.check(command)
    with pytest.raises(error, match=text):
        centre.do(command)
    assert centre.engine.snapshot(centre.now) == before


def test_an_agent_with_a_contact_cannot_change_seats(centre: Centre) -> None:
    centre.ready("1")
    centre.call("c1")
    with pytest.raises(AgentBusy, match="agent 1 is reserved"):
        centre.sign_in("1", "s5")


def test_asking_twice_changes_nothing(centre: Centre) -> None:
    centre.ready("1")
    assert centre.ready("1") == []
    centre.not_ready("1", "break")
    assert centre.not_ready("1", "break") == []
    fact = only(AgentStateChanged, centre.not_ready("1", "meeting"))
    assert (fact.previous, fact.reason) == (AgentState.NOT_READY, "meeting")


def test_put_back_restores_state_and_idle_time(centre: Centre) -> None:
    centre.reach("2", True)
    centre.ready("1")
    put_back = PutBack(agent=TWO, seat=SeatId("s2"), asked=AgentState.READY, idle_age=100)
    fact = only(AgentStateChanged, centre.do(put_back))
    assert (fact.previous, fact.previous_seconds) == (AgentState.SIGNED_OUT, 0)
    assert offers(centre.call("c1")) == [("c1", "2")]


def test_transitions_that_the_table_does_not_have_raise_and_change_nothing() -> None:
    for state, allowed in TRANSITIONS.items():
        for wanted in set(AgentState) - set(allowed):
            live = LiveAgent(config=agent("1"), since=0.0, state=state)
            with pytest.raises(IllegalTransition):
                live.enter(wanted, 5.0)
            assert (live.state, live.since) == (state, 0.0)

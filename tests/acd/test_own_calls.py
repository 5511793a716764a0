"""Calls past the queues: whoever calls, or is called, is busy for the engine as long as it lasts."""

from __future__ import annotations

import pytest

from acd.errors import AgentBusy
from acd.events import PickUp, SaveAgent, SignOut
from ccplatform.contracts.facts import AgentStateChanged, OfferEnded, WrapUpEnded
from ccplatform.contracts.routing import (
    EngageAgent,
    HandOver,
    OfferWithdrawn,
    QueueContact,
    TalkReleased,
    TransferContact,
)
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd, QueueId, SeatId
from tests.acd.floor import Centre, agent, offers, only, queue

CALL = ContactId("out")


def engages(centre: Centre, name: str, *, wrap_up: float = 10.0) -> list[object]:
    return list(centre.do(EngageAgent(contact=CALL, agent=AgentId(name), wrap_up_seconds=wrap_up)))


def lets_go(centre: Centre, name: str, *, talked: bool = True) -> list[object]:
    return list(centre.do(TalkReleased(contact=CALL, agent=AgentId(name), talked=talked)))


@pytest.fixture
def centre() -> Centre:
    centre = Centre(queue())
    centre.staff("1")
    return centre


def test_who_calls_somebody_is_talking_and_offered_nothing_until_his_wrap_up_is_over(centre: Centre) -> None:
    changed = only(AgentStateChanged, engages(centre, "1"))
    assert (changed.previous, changed.state, changed.contact) == (AgentState.READY, AgentState.TALKING, CALL)
    assert offers(centre.call("k1")) == []
    centre.wait(30)
    lets_go(centre, "1")
    assert centre.state("1") is AgentState.WRAP_UP
    effects = centre.wait(10)
    assert only(WrapUpEnded, effects).queue is None
    assert offers(effects) == [("k1", "1")]


@pytest.mark.parametrize("preferred", [None, "1"])
def test_who_waits_in_a_queue_himself_is_not_offered_his_own_call(centre: Centre, preferred: str | None) -> None:
    engages(centre, "1", wrap_up=0)
    wanted = AgentId(preferred) if preferred is not None else None
    queued = QueueContact(contact=CALL, queue=QueueId("sales"), priority=5, preferred=wanted, preferred_seconds=30)
    assert offers(centre.do(queued)) == []
    assert offers(centre.wait(60)) == []
    with pytest.raises(AgentBusy):
        centre.do(PickUp(agent=AgentId("1"), contact=CALL))
    centre.staff("2")
    centre.answer(CALL, "2")
    assert (centre.state("1"), centre.state("2")) == (AgentState.TALKING, AgentState.TALKING)
    lets_go(centre, "1")
    assert (centre.state("1"), centre.state("2")) == (AgentState.READY, AgentState.TALKING)


def test_who_is_the_caller_himself_stays_busy_when_his_call_moves_on(centre: Centre) -> None:
    centre.staff("2")
    engages(centre, "1", wrap_up=0)
    centre.call(CALL)
    centre.answer(CALL, "2")
    moved = centre.do(TransferContact(contact=CALL, queue=QueueId("sales")))
    assert [change.agent for change in moved if isinstance(change, AgentStateChanged)] == ["2"]
    assert centre.state("1") is AgentState.TALKING
    centre.hang_up(CALL)
    lets_go(centre, "1")
    assert centre.state("1") is AgentState.READY


def test_nobody_reached_means_no_wrap_up(centre: Centre) -> None:
    engages(centre, "1")
    lets_go(centre, "1", talked=False)
    assert centre.state("1") is AgentState.READY


@pytest.mark.parametrize("before", ["not_ready", "wrap_up"])
def test_he_may_call_when_he_takes_no_contacts(centre: Centre, before: str) -> None:
    if before == "not_ready":
        centre.not_ready("1", "paperwork")
    else:
        centre.call("k1")
        centre.answer("k1", "1")
        centre.release("k1", "1")
    engages(centre, "1", wrap_up=0)
    assert centre.state("1") is AgentState.TALKING
    lets_go(centre, "1")
    assert centre.state("1").value == before


def test_wrap_up_that_runs_out_during_a_call_of_his_brings_no_offer(centre: Centre) -> None:
    centre.call("k1")
    centre.answer("k1", "1")
    centre.release("k1", "1")
    engages(centre, "1", wrap_up=0)
    centre.call("k2")
    assert offers(centre.wait(60)) == []
    assert offers(list(lets_go(centre, "1"))) == [("k2", "1")]


def test_an_offer_that_rings_when_he_takes_his_line_is_taken_back_and_goes_to_the_next(centre: Centre) -> None:
    centre.call("k1")
    centre.staff("2")
    effects = engages(centre, "1")
    assert only(OfferEnded, effects).end is OfferEnd.WITHDRAWN
    assert only(OfferWithdrawn, effects).agent == "1"
    assert offers(effects) == [("k1", "2")]
    assert centre.state("1") is AgentState.TALKING


def test_two_agents_on_one_call_are_both_busy_and_let_go_one_by_one(centre: Centre) -> None:
    centre.staff("2")
    engages(centre, "1")
    engages(centre, "2")
    lets_go(centre, "1", talked=False)
    assert (centre.state("1"), centre.state("2")) == (AgentState.READY, AgentState.TALKING)


def test_what_is_said_twice_or_of_who_is_not_there_changes_nothing(centre: Centre) -> None:
    engages(centre, "1")
    assert engages(centre, "1") == []
    assert engages(centre, "9") == []
    lets_go(centre, "1")
    assert lets_go(centre, "1") == []


def test_hold_and_a_second_line(centre: Centre) -> None:
    centre.call("k1")
    centre.answer("k1", "1")
    centre.hold("k1", "1")
    engages(centre, "1", wrap_up=0)
    assert centre.state("1") is AgentState.TALKING
    lets_go(centre, "1")
    assert centre.state("1") is AgentState.HELD


def test_whom_he_called_may_wait_in_a_queue_afterwards(centre: Centre) -> None:
    centre.staff("2")
    engages(centre, "1")
    effects = centre.do(TransferContact(contact=CALL, queue=QueueId("sales"), agent=AgentId("1")))
    assert offers(effects) == [(CALL, "2")]
    assert centre.state("1") is AgentState.WRAP_UP


def test_it_goes_on_after_a_restart_of_the_engine(centre: Centre) -> None:
    engages(centre, "1")
    centre.restart(away=5)
    assert centre.state("1") is AgentState.TALKING
    assert offers(centre.call("k1")) == []
    lets_go(centre, "1")
    centre.restart()
    assert centre.state("1") is AgentState.WRAP_UP
    assert only(WrapUpEnded, centre.wait(60)).queue is None


@pytest.mark.parametrize("by_queue", [True, False])
def test_whom_he_asked_has_his_contact_and_wraps_up_as_after_it(by_queue: bool) -> None:
    """Both are engaged by the call between them; the contact of the one goes on with the other."""
    centre = Centre(queue())
    centre.staff("1")
    centre.staff("2", ready=False)
    if by_queue:
        centre.call("k1")
        centre.answer("k1", "1")
    contact = ContactId("k1") if by_queue else ContactId("another")
    for name in ("1", "2"):
        engages(centre, name, wrap_up=0)
    lets_go(centre, "1")
    over = HandOver(contact=contact, source=CALL, queue=QueueId("sales"), agent=AgentId("2"))
    centre.do(over)
    assert centre.state("1") is (AgentState.WRAP_UP if by_queue else AgentState.READY)
    assert centre.state("2") is AgentState.TALKING
    assert not lets_go(centre, "2")
    centre.restart()
    assert centre.state("2") is AgentState.TALKING
    changed = only(AgentStateChanged, list(centre.do(TalkReleased(contact=contact, agent=AgentId("2")))))
    assert (changed.state, changed.contact) == (AgentState.WRAP_UP, contact)


def test_who_asked_to_sign_out_during_his_call_is_so_after_it_also_over_a_restart() -> None:
    """His presence row is gone with his wish: the call alone says where he sits."""
    centre = Centre(queue())
    centre.staff("1")
    engages(centre, "1")
    centre.do(SignOut(agent=AgentId("1")))
    assert centre.state("1") is AgentState.TALKING
    assert centre.engine.presence(AgentId("1")) is None
    later = Centre(queue())  # the process that comes: nobody is put back
    later.do(SaveAgent(agent=agent("1")))
    seat = SeatId("seat-1")
    told = later.do(EngageAgent(contact=CALL, agent=AgentId("1"), wrap_up_seconds=10.0, seat=seat))
    assert only(AgentStateChanged, told).state is AgentState.TALKING
    assert later.engine.seat_of(AgentId("1")) == seat
    assert later.engine.presence(AgentId("1")) is None
    assert later.do(EngageAgent(contact=CALL, agent=AgentId("1"), seat=seat)) == []
    lets_go(later, "1")
    later.wait(10)
    assert later.state("1") is AgentState.SIGNED_OUT
    assert later.engine.seat_of(AgentId("1")) is None


def test_a_seat_that_somebody_else_has_by_now_is_not_taken_from_him(centre: Centre) -> None:
    taken = centre.engine.seat_of(AgentId("1"))
    centre.do(SaveAgent(agent=agent("2")))
    assert centre.do(EngageAgent(contact=CALL, agent=AgentId("2"), seat=taken)) == []
    assert centre.state("2") is AgentState.SIGNED_OUT

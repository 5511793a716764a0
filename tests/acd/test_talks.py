"""Offers, talks, wrap-up: each rule as a trace."""

from __future__ import annotations

from itertools import pairwise

import pytest

from acd.errors import NoWrapUp, WrapUpTooLong
from acd.events import EndWrapUp, MoreWrapUp, PresenceChanged
from ccplatform.contracts.facts import AgentStateChanged, OfferEnded, QueueLeft, WrapUpEnded, WrapUpExtended
from ccplatform.contracts.routing import AgentOffered, CallAgent, HandOver, OfferWithdrawn
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd, QueueId
from tests.acd.floor import Centre, offers, only, queue


@pytest.fixture
def centre() -> Centre:
    """One ready agent, one contact ringing him."""
    centre = Centre(queue())
    centre.staff("1")
    centre.wait(5)
    centre.call("c1")
    return centre


def test_answer_talk_hold_wrap_up_ready(centre: Centre) -> None:
    centre.wait(3)
    effects = centre.answer("c1", "1")
    assert only(OfferEnded, effects).rang_seconds == 3
    assert only(QueueLeft, effects).reason == "answered"
    assert centre.state("1") is AgentState.TALKING
    centre.wait(60)
    centre.hold("c1", "1")
    assert centre.state("1") is AgentState.HELD
    assert centre.hold("c1", "1") == []
    centre.hold("c1", "1", held=False)
    changed = only(AgentStateChanged, centre.release("c1", "1"))
    assert (changed.state, changed.contact, changed.previous) == (AgentState.WRAP_UP, "c1", AgentState.TALKING)
    effects = centre.wait(10)
    assert only(WrapUpEnded, effects).wrap_up_seconds == 10
    assert only(AgentStateChanged, effects).state is AgentState.READY


def test_no_answer_makes_the_agent_not_ready_and_the_contact_waits_on_with_its_age(centre: Centre) -> None:
    effects = centre.wait(20)
    assert only(OfferEnded, effects).end is OfferEnd.NO_ANSWER
    assert only(OfferWithdrawn, effects).end is OfferEnd.NO_ANSWER
    assert only(PresenceChanged, effects).agent == "1"
    row = centre.agent("1")
    assert (row.state, row.reason, row.asked) == (AgentState.NOT_READY, "no_answer", AgentState.NOT_READY)
    centre.call("c2")
    centre.wait(5)
    assert centre.queue().waiting == 2
    assert centre.queue().longest_wait_seconds == 25
    assert offers(centre.ready("1")) == [("c1", "1")]


def test_no_answer_offers_the_contact_to_the_next_free_agent_at_once() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.staff("2")
    centre.call("c1")
    effects = centre.wait(20)
    assert offers(effects) == [("c1", "2")]
    kinds = [type(effect).__name__ for effect in effects]
    assert kinds.index("OfferWithdrawn") < kinds.index("AgentOffered")


@pytest.mark.parametrize(
    ("end", "reason"), [(OfferEnd.REJECTED, "rejected"), (OfferEnd.UNREACHABLE, "unreachable")]
)
def test_a_phone_that_refuses_makes_its_agent_not_ready(centre: Centre, end: OfferEnd, reason: str) -> None:
    effects = centre.fail("c1", "1", end)
    assert only(OfferEnded, effects).end is end
    assert (centre.state("1"), centre.agent("1").reason) == (AgentState.NOT_READY, reason)
    assert centre.engine.position("c1") == 1  # type: ignore[arg-type]


def test_an_offer_that_failed_by_our_doing_is_made_again(centre: Centre) -> None:
    assert offers(centre.fail("c1", "1", OfferEnd.WITHDRAWN)) == [("c1", "1")]


def test_an_offer_for_a_caller_who_is_gone_frees_the_agent(centre: Centre) -> None:
    effects = centre.fail("c1", "1", OfferEnd.CALLER_LEFT)
    assert only(QueueLeft, effects).reason == "abandoned"
    assert centre.state("1") is AgentState.READY


@pytest.mark.parametrize(
    ("reason", "end"), [("abandoned", OfferEnd.CALLER_LEFT), ("transferred", OfferEnd.WITHDRAWN)]
)
def test_a_contact_that_leaves_while_it_rings_frees_the_agent(centre: Centre, reason: str, end: OfferEnd) -> None:
    centre.call("c2")
    effects = centre.hang_up("c1", reason)
    assert only(OfferWithdrawn, effects).end is end
    assert only(QueueLeft, effects).reason == reason
    assert offers(effects) == [("c2", "1")]


def test_a_contact_that_leaves_during_the_talk_ends_it(centre: Centre) -> None:
    centre.answer("c1", "1")
    centre.hang_up("c1")
    assert centre.state("1") is AgentState.WRAP_UP
    assert centre.release("c1", "1") == []


def test_what_comes_too_late_changes_nothing(centre: Centre) -> None:
    centre.staff("2", ready=False)
    assert centre.answer("c1", "2") == []
    centre.answer("c1", "1")
    assert centre.answer("c1", "1") == []
    assert centre.fail("c1", "1", OfferEnd.NO_ANSWER) == []
    assert centre.release("c1", "2") == []
    assert centre.hang_up("nobody") == []
    centre.release("c1", "1")
    assert centre.release("c1", "1") == []
    assert centre.hang_up("c1") == []


def test_an_answer_after_the_ring_time_finds_no_offer(centre: Centre) -> None:
    centre.wait(20)
    assert centre.answer("c1", "1") == []
    assert centre.state("1") is AgentState.NOT_READY


def test_a_state_asked_for_during_a_call_takes_effect_after_it(centre: Centre) -> None:
    assert centre.not_ready("1", "lunch") == []
    centre.answer("c1", "1")
    centre.release("c1", "1")
    assert centre.state("1") is AgentState.WRAP_UP
    centre.wait(10)
    assert (centre.state("1"), centre.agent("1").reason) == (AgentState.NOT_READY, "lunch")


def test_a_state_asked_for_in_wrap_up_takes_effect_at_once(centre: Centre) -> None:
    centre.answer("c1", "1")
    centre.release("c1", "1")
    centre.wait(4)
    effects = centre.ready("1")
    assert only(WrapUpEnded, effects).wrap_up_seconds == 4
    assert centre.state("1") is AgentState.READY
    assert centre.wait(60) == []


def test_a_state_asked_for_while_it_rings_outlasts_an_offer_not_taken(centre: Centre) -> None:
    centre.not_ready("1", "lunch")
    centre.wait(20)
    assert (centre.state("1"), centre.agent("1").reason) == (AgentState.NOT_READY, "lunch")


def test_sign_out_during_a_call_waits_for_the_end_of_wrap_up(centre: Centre) -> None:
    centre.answer("c1", "1")
    centre.sign_out("1")
    centre.release("c1", "1")
    assert centre.state("1") is AgentState.WRAP_UP
    centre.wait(10)
    assert (centre.state("1"), centre.agent("1").seat) == (AgentState.SIGNED_OUT, None)


def test_sign_out_in_wrap_up_cuts_it(centre: Centre) -> None:
    centre.answer("c1", "1")
    centre.release("c1", "1")
    centre.wait(4)
    effects = centre.sign_out("1")
    assert only(WrapUpEnded, effects).wrap_up_seconds == 4
    assert centre.state("1") is AgentState.SIGNED_OUT


def test_a_sign_out_can_be_taken_back_during_the_call(centre: Centre) -> None:
    centre.answer("c1", "1")
    centre.sign_out("1")
    centre.ready("1")
    centre.release("c1", "1")
    centre.wait(10)
    assert centre.state("1") is AgentState.READY


def test_without_wrap_up_the_agent_goes_on_at_once() -> None:
    centre = Centre(queue(wrap_up_seconds=0))
    centre.staff("1")
    centre.call("c1")
    centre.call("c2")
    centre.answer("c1", "1")
    effects = centre.release("c1", "1")
    assert offers(effects) == [("c2", "1")]
    assert not [effect for effect in effects if isinstance(effect, WrapUpEnded)]


def test_intervals_have_no_gap_and_no_overlap(centre: Centre) -> None:
    centre.wait(2)
    centre.answer("c1", "1")
    centre.wait(7)
    centre.hold("c1", "1")
    centre.wait(1)
    centre.release("c1", "1")
    centre.wait(12)
    centre.not_ready("1", "a")
    centre.wait(3)
    centre.not_ready("1", "b")
    centre.wait(4)
    centre.sign_out("1")
    facts = [effect for effect in centre.log if isinstance(effect, AgentStateChanged)]
    assert all(a.state is b.previous for a, b in pairwise(facts))
    assert sum(fact.previous_seconds for fact in facts) == centre.now - 1000


def call_agent(centre: Centre, contact: str, name: str) -> list[object]:
    return list(centre.do(CallAgent(contact=ContactId(contact), agent=AgentId(name))))


def test_who_is_called_by_a_colleague_is_reserved_in_whatever_state_he_is_without_a_call(centre: Centre) -> None:
    centre.staff("2", ready=False)
    offered = only(AgentOffered, call_agent(centre, "k", "2"))
    assert (offered.queue, offered.seat) == (None, "s2")
    assert centre.state("2") is AgentState.RESERVED
    centre.call("c2")
    centre.ready("2")
    assert centre.queue().waiting == 2  # and he is offered nothing besides
    centre.answer("k", "2")
    assert centre.state("2") is AgentState.TALKING
    centre.release("k", "2")
    assert centre.state("2") is AgentState.RESERVED  # no wrap-up of a consultation; the next one waits
    assert not [fact for fact in centre.log if isinstance(fact, QueueLeft)]


def test_who_has_a_contact_or_no_phone_cannot_be_called(centre: Centre) -> None:
    centre.staff("3", reachable=False)
    for name in ("1", "3", "nobody"):
        withdrawn = only(OfferWithdrawn, call_agent(centre, "k", name))
        assert withdrawn.end is OfferEnd.UNREACHABLE
    assert centre.engine.position(ContactId("k")) is None


@pytest.mark.parametrize("how", ["silent", "rejects", "caller leaves"])
def test_nobody_else_is_offered_a_contact_that_was_for_one(centre: Centre, how: str) -> None:
    centre.staff("2", ready=False)
    call_agent(centre, "k", "2")
    if how == "silent":
        assert only(OfferWithdrawn, centre.wait(20)[-3:]).end is OfferEnd.NO_ANSWER
    elif how == "rejects":
        centre.fail("k", "2", OfferEnd.REJECTED)
    else:
        centre.hang_up("k")
    assert centre.engine.position(ContactId("k")) is None
    assert centre.state("2") is AgentState.NOT_READY


def test_a_contact_goes_on_with_the_agent_who_was_called_about_it(centre: Centre) -> None:
    centre.answer("c1", "1")
    centre.staff("2", ready=False)
    call_agent(centre, "k", "2")
    centre.answer("k", "2")
    centre.wait(5)
    centre.do(HandOver(contact=ContactId("c1"), source=ContactId("k"), queue=QueueId("sales")))
    assert centre.state("1") is AgentState.WRAP_UP
    assert centre.state("2") is AgentState.TALKING
    assert centre.engine.position(ContactId("k")) is None
    centre.restart()
    changed = only(AgentStateChanged, centre.release("c1", "2"))
    assert (changed.state, changed.contact) == (AgentState.WRAP_UP, "c1")  # as after any call of the queue


def test_a_reservation_by_a_colleague_survives_a_restart(centre: Centre) -> None:
    centre.staff("2", ready=False)
    call_agent(centre, "k", "2")
    centre.restart()
    assert centre.state("2") is AgentState.RESERVED
    centre.answer("k", "2")
    assert centre.state("2") is AgentState.TALKING


# --- the time for a wrap-up -----------------------------------------------------------------------------------


def more(*, seconds: float = 30, longest: float = 60) -> MoreWrapUp:
    return MoreWrapUp(agent=AgentId("1"), seconds=seconds, longest=longest)


@pytest.fixture
def wrapping(centre: Centre) -> Centre:
    """The agent is in a wrap-up of 10 s."""
    centre.answer("c1", "1")
    centre.wait(20)
    centre.release("c1", "1")
    return centre


def test_a_state_that_ends_by_itself_says_when(centre: Centre) -> None:
    assert centre.agent("1").left == 20
    centre.wait(5)
    assert centre.agent("1").left == 15
    assert only(AgentStateChanged, centre.answer("c1", "1")).limit_seconds is None
    assert centre.agent("1").left is None
    assert only(AgentStateChanged, centre.release("c1", "1")).limit_seconds == 10
    assert only(AgentStateChanged, centre.wait(10)).limit_seconds is None


def test_a_wrap_up_gets_more_time_up_to_the_longest(wrapping: Centre) -> None:
    wrapping.wait(4)
    assert only(WrapUpExtended, wrapping.do(more())).left_seconds == 36
    assert only(WrapUpExtended, wrapping.do(more())).left_seconds == 56  # 60 since its beginning, not 66
    with pytest.raises(WrapUpTooLong):
        wrapping.do(more())
    assert wrapping.wait(55) == []
    assert only(WrapUpEnded, wrapping.wait(1)).wrap_up_seconds == 60
    assert wrapping.state("1") is AgentState.READY


def test_who_is_done_early_goes_on_to_what_he_asked_for(wrapping: Centre) -> None:
    wrapping.wait(3)
    effects = wrapping.do(EndWrapUp(agent=AgentId("1")))
    assert only(WrapUpEnded, effects).wrap_up_seconds == 3
    assert wrapping.state("1") is AgentState.READY


def test_without_a_wrap_up_there_is_none_to_extend_or_end(centre: Centre) -> None:
    for command in (more(), EndWrapUp(agent=AgentId("1"))):
        with pytest.raises(NoWrapUp):
            centre.do(command)
    assert centre.state("1") is AgentState.RESERVED


def test_an_extended_wrap_up_goes_on_after_a_restart(wrapping: Centre) -> None:
    wrapping.wait(4)
    wrapping.do(more())
    standing = wrapping.engine.standing(AgentId("1"), wrapping.now)
    assert standing is not None
    [work] = standing.wrap_ups
    assert (work.age, work.left) == (4, 36)

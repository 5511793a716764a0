"""Who gets whom."""

from __future__ import annotations

import pytest

from acd.errors import ContactPlaced
from acd.events import PauseMatching, ResumeMatching
from ccplatform.contracts.facts import AgentStateChanged, Offered, Queued, QueueLeft
from ccplatform.contracts.routing import AgentOffered, QueueRefused
from ccplatform.contracts.words import AgentState
from tests.acd.floor import Centre, offers, only, queue


def test_a_contact_that_meets_a_free_agent_is_offered_in_the_same_step() -> None:
    centre = Centre(queue())
    centre.staff("1")
    effects = centre.call("c1")
    assert [type(effect) for effect in effects] == [Queued, AgentStateChanged, Offered, AgentOffered]
    offer = only(AgentOffered, effects)
    assert (offer.contact, offer.queue, offer.agent, offer.seat) == ("c1", "sales", "1", "s1")
    assert centre.state("1") is AgentState.RESERVED


def test_an_agent_who_becomes_ready_gets_the_waiting_contact_in_the_same_step() -> None:
    centre = Centre(queue())
    assert offers(centre.call("c1")) == []
    assert offers(centre.staff("1")) == [("c1", "1")]


def test_the_agent_idle_longest_gets_the_contact() -> None:
    centre = Centre(queue())
    for name in ("3", "1", "2"):
        centre.staff(name)
        centre.wait(1)
    assert offers(centre.call("c1")) == [("c1", "3")]
    assert offers(centre.call("c2")) == [("c2", "1")]
    centre.answer("c1", "3")
    centre.release("c1", "3")
    centre.wait(10)
    assert offers(centre.call("c3")) == [("c3", "2")]
    assert offers(centre.call("c4")) == [("c4", "3")]


def test_a_break_and_a_caller_who_hung_up_do_not_cost_an_agent_his_idle_time() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.wait(1)
    centre.staff("2")
    centre.not_ready("1", "break")
    centre.wait(60)
    centre.ready("1")
    assert offers(centre.call("c1")) == [("c1", "1")]
    centre.wait(5)
    centre.hang_up("c1")
    assert offers(centre.call("c2")) == [("c2", "1")]


def test_higher_priority_goes_first_then_the_earlier_entry() -> None:
    centre = Centre(queue())
    centre.call("early")
    centre.wait(10)
    centre.call("late")
    centre.call("urgent", priority=9)
    centre.call("aged", age=30)
    got = []
    for name in "1234":
        got += [contact for contact, _ in offers(centre.staff(name))]
    assert got == ["urgent", "aged", "early", "late"]


def test_a_queues_weight_counts_as_priority_for_agents_of_several_queues() -> None:
    centre = Centre(queue(), queue("vip", weight=2), queue("other", skill="support", weight=1))
    centre.call("plain", priority=6)
    centre.call("vip", to="vip")
    centre.call("other", to="other")
    got = [offers(centre.staff(name, sales=5, support=5))[0][0] for name in "123"]
    assert got == ["vip", "other", "plain"]  # equal rank: first in, first out


def test_only_agents_with_the_level_get_the_contact() -> None:
    centre = Centre(queue(min_level=7))
    centre.staff("1", sales=6)
    centre.staff("2", support=10)
    assert offers(centre.call("c1")) == []
    assert offers(centre.staff("3", sales=7)) == [("c1", "3")]


def test_an_agent_whose_phone_is_away_gets_nothing_until_it_is_back() -> None:
    centre = Centre(queue())
    centre.staff("1", reachable=False)
    assert offers(centre.call("c1")) == []
    assert offers(centre.reach("1", True)) == [("c1", "1")]
    centre.hang_up("c1")
    centre.reach("1", False)
    assert offers(centre.call("c2")) == []
    assert centre.state("1") is AgentState.READY


def test_a_contact_has_one_place() -> None:
    centre = Centre(queue(), queue("vip"))
    centre.call("c1")
    before = centre.engine.snapshot(centre.now)
    with pytest.raises(ContactPlaced, match="c1 is waiting in queue sales already"):
        centre.call("c1", to="vip")
    assert centre.engine.snapshot(centre.now) == before


@pytest.mark.parametrize(
    ("to", "priority", "age", "reason"),
    [
        ("nowhere", 5, 0.0, "no_such_queue"),
        ("sales", 0, 0.0, "illegal_priority"),
        ("sales", 11, 0.0, "illegal_priority"),
        ("sales", 5, -1.0, "illegal_age"),
        ("sales", 5, float("nan"), "illegal_age"),
    ],
)
def test_what_cannot_wait_is_refused_with_the_reason(to: str, priority: int, age: float, reason: str) -> None:
    centre = Centre(queue())
    effects = centre.call("c1", to=to, priority=priority, age=age)
    assert effects == [QueueRefused(contact="c1", queue=to, reason=reason)]  # type: ignore[arg-type]
    assert centre.engine.position("c1") is None  # type: ignore[arg-type]


def test_a_full_queue_refuses_and_counts_offered_contacts() -> None:
    centre = Centre(queue(max_waiting=2))
    centre.staff("1")
    centre.call("c1")
    centre.call("c2")
    assert only(QueueRefused, centre.call("c3")).reason == "queue_full"
    centre.answer("c1", "1")
    assert only(Queued, centre.call("c3")).contact == "c3"


def test_a_contact_that_comes_with_an_age_says_so_and_leaves_with_all_of_it() -> None:
    centre = Centre(queue())
    assert only(Queued, centre.call("c1", age=42)).waited_seconds == 42
    centre.wait(8)
    left = only(QueueLeft, centre.hang_up("c1"))
    assert (left.reason, left.waited_seconds) == ("abandoned", 50)


def test_a_paused_engine_makes_no_offers_and_then_all_of_them_in_order() -> None:
    centre = Centre(queue())
    centre.do(PauseMatching())
    centre.staff("1")
    centre.call("late")
    centre.call("urgent", priority=8)
    centre.staff("2", reachable=False)
    assert offers(centre.log) == []
    assert offers(centre.do(ResumeMatching())) == [("urgent", "1")]


def test_position_is_the_place_in_line() -> None:
    centre = Centre(queue())
    for contact in ("c1", "c2", "c3"):
        centre.call(contact)
    centre.call("c4", priority=10)
    assert [centre.engine.position(c) for c in ("c4", "c1", "c2", "c3")] == [1, 2, 3, 4]  # type: ignore[arg-type]
    centre.hang_up("c1")
    assert centre.engine.position("c3") == 3  # type: ignore[arg-type]

"""Robots at test seats: they take test calls when an agent's turn has come, and nothing else."""

from __future__ import annotations

from acd.engine import AcdEngine
from acd.model import Strategy
from ccplatform.contracts.facts import AgentStateChanged, Offered
from ccplatform.contracts.routing import QueueContact
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd, QueueId
from tests.acd.floor import Centre, offers, only, queue

ROBOT = AgentId("robot")


def centre(strategy: Strategy = Strategy.LONGEST_IDLE) -> Centre:
    """A queue with a robot who is ready; no agent is signed in."""
    centre = Centre(queue(strategy=strategy), engine=AcdEngine(robots=frozenset({ROBOT})))
    centre.staff(ROBOT)
    return centre


def test_call(centre: Centre, contact: str) -> list[tuple[str, str]]:
    """Offers for a test call that comes now."""
    return offers(centre.do(QueueContact(contact=ContactId(contact), queue=QueueId("sales"), mystery=True)))


test_call.__test__ = False  # type: ignore[attr-defined]


def test_a_robot_takes_no_customer_even_when_nobody_else_is_there() -> None:
    floor = centre()
    assert offers(floor.call("customer")) == []
    assert floor.queue().waiting == 1


def test_a_robot_stands_in_for_the_agent_whose_turn_it_is_who_stays_free() -> None:
    floor = centre()
    floor.staff("1")
    told = floor.do(QueueContact(contact=ContactId("t"), queue=QueueId("sales"), mystery=True))
    assert only(Offered, told).robot
    assert (only(Offered, told).agent, only(Offered, told).instead_of) == (ROBOT, "1")
    assert all(fact.robot for fact in told if isinstance(fact, AgentStateChanged))
    assert floor.state("1") is AgentState.READY
    assert offers(floor.call("customer")) == [("customer", "1")]


def test_a_test_call_waits_behind_customers_until_an_agent_is_free() -> None:
    floor = centre()
    floor.staff("1")
    floor.call("c1")
    floor.answer("c1", "1")
    assert offers(floor.call("c2")) == []
    assert test_call(floor, "t") == []
    floor.release("c1", "1")
    floor.wait(12)  # the wrap-up: then c2, who came first
    assert floor.state("1") is AgentState.RESERVED
    floor.answer("c2", "1")
    floor.release("c2", "1")
    told = floor.wait(12)
    assert offers(told) == [("t", ROBOT)]
    assert floor.state("1") is AgentState.READY


def test_where_nobody_is_signed_in_the_robot_answers_and_that_is_told() -> None:
    floor = centre()
    told = floor.do(QueueContact(contact=ContactId("t"), queue=QueueId("sales"), mystery=True))
    assert only(Offered, told).agent == ROBOT
    assert only(Offered, told).instead_of is None


def test_a_test_call_that_waits_goes_to_the_robot_when_the_last_agent_leaves() -> None:
    floor = centre()
    floor.staff("1", ready=False)
    assert test_call(floor, "t") == []
    assert offers(floor.sign_out("1")) == [("t", ROBOT)]


def test_a_robot_who_becomes_ready_finds_the_test_call_that_waits() -> None:
    floor = centre()
    floor.not_ready(ROBOT)
    assert test_call(floor, "t") == []
    assert offers(floor.ready(ROBOT)) == [("t", ROBOT)]


def test_without_a_free_robot_an_agent_takes_the_test_call() -> None:
    floor = centre()
    floor.not_ready(ROBOT)
    floor.staff("1")
    assert test_call(floor, "t") == [("t", "1")]


def test_a_robot_who_does_not_answer_leaves_the_call_to_an_agent() -> None:
    floor = centre()
    floor.staff("1")
    assert test_call(floor, "t") == [("t", ROBOT)]
    assert offers(floor.fail("t", ROBOT, OfferEnd.NO_ANSWER)) == [("t", "1")]
    assert floor.state(ROBOT) is AgentState.NOT_READY


def test_where_many_are_rung_a_test_call_rings_the_robot_alone() -> None:
    floor = centre(Strategy.RING_ALL)
    floor.staff("1")
    floor.staff("2")
    assert test_call(floor, "t") == [("t", ROBOT)]


def test_round_robin_does_not_count_a_test_call_as_a_turn() -> None:
    floor = centre(Strategy.ROUND_ROBIN)
    floor.staff("1")
    floor.staff("2")
    test_call(floor, "t")
    assert offers(floor.call("c")) == [("c", "1")]


def test_a_test_call_is_known_as_one_after_a_restart() -> None:
    floor = centre()
    floor.staff("1", ready=False)
    test_call(floor, "t")
    place = floor.engine.place(ContactId("t"), floor.now)
    assert place is not None
    assert place.mystery

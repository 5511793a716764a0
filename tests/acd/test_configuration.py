"""Agents, queues and seats change while the centre runs."""

from __future__ import annotations

import pytest

from acd.errors import IllegalSetting, UnknownAgent, UnknownQueue
from acd.events import RemoveAgent, RemoveQueue, SaveAgent, SaveQueue
from acd.model import Agent, Queue, Strategy
from ccplatform.contracts.facts import QueueLeft
from ccplatform.contracts.routing import OfferWithdrawn, QueueRefused
from ccplatform.contracts.words import AgentId, AgentState, OfferEnd, QueueId
from tests.acd.floor import Centre, agent, offers, only, queue


def test_a_skill_gained_brings_the_contact_that_waits_for_it() -> None:
    centre = Centre(queue(min_level=5))
    centre.staff("1", sales=4)
    centre.call("c1")
    assert offers(centre.do(SaveAgent(agent=agent("1", sales=5)))) == [("c1", "1")]


def test_a_skill_lost_ends_offers_of_it() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.do(SaveAgent(agent=agent("1", support=5)))
    assert offers(centre.call("c1")) == []


def test_a_queue_that_asks_for_less_is_served_at_once_and_in_order() -> None:
    centre = Centre(queue(min_level=9))
    centre.staff("1", sales=3)
    centre.staff("2", sales=5)
    centre.call("c1")
    centre.call("c2", priority=8)
    effects = centre.do(SaveQueue(queue=queue(min_level=3)))
    assert offers(effects) == [("c2", "1"), ("c1", "2")]


def test_a_changed_weight_reorders_what_waits_between_queues() -> None:
    centre = Centre(queue(), queue("vip"))
    centre.call("c1")
    centre.call("c2", to="vip")
    centre.do(SaveQueue(queue=queue("vip", weight=1)))
    assert offers(centre.staff("1")) == [("c2", "1")]


def test_a_new_queue_finds_the_agents_who_are_free() -> None:
    centre = Centre(queue())
    centre.staff("1", support=5)
    centre.do(SaveQueue(queue=queue("help", skill="support")))
    assert offers(centre.call("c1", to="help")) == [("c1", "1")]


def test_a_removed_queue_refuses_what_waits_and_takes_offers_back() -> None:
    centre = Centre(queue(), queue("vip"))
    centre.staff("1")
    centre.call("ringing")
    centre.call("waiting")
    centre.call("other", to="vip")
    effects = centre.do(RemoveQueue(queue=QueueId("sales")))
    assert only(OfferWithdrawn, effects).end is OfferEnd.WITHDRAWN
    refused = [effect for effect in effects if isinstance(effect, QueueRefused)]
    assert {(r.contact, r.reason) for r in refused} == {("ringing", "queue_removed"), ("waiting", "queue_removed")}
    assert {e.reason for e in effects if isinstance(e, QueueLeft)} == {"refused"}
    assert offers(effects) == [("other", "1")]
    with pytest.raises(UnknownQueue):
        centre.do(RemoveQueue(queue=QueueId("sales")))


def test_a_talk_outlives_its_queue() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.call("c1")
    centre.answer("c1", "1")
    centre.do(RemoveQueue(queue=QueueId("sales")))
    centre.restart()
    centre.release("c1", "1")
    assert centre.state("1") is AgentState.WRAP_UP


def test_a_removed_agent_finishes_his_call_first() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.call("c1")
    centre.answer("c1", "1")
    centre.do(RemoveAgent(agent=AgentId("1")))
    with pytest.raises(UnknownAgent):
        centre.ready("1")
    centre.release("c1", "1")
    centre.wait(10)
    assert centre.engine.describe_agents(centre.now) == []


def test_a_removed_agent_without_a_call_is_gone_and_his_seat_is_free() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.staff("2", ready=False)
    centre.do(RemoveAgent(agent=AgentId("1")))
    centre.sign_out("2")
    centre.sign_in("2", "s1")
    assert offers(centre.call("c1")) == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"id": ""}, "id is ''"),
        ({"id": "a b"}, "id is 'a b'"),
        ({"name": " "}, "queue sales: name"),
        ({"skill": "no such/skill"}, "skill is"),
        ({"min_level": 0}, "min_level is 0, but it must be a whole number from 1 to 10"),
        ({"min_level": 2.5}, "min_level is 2.5"),
        ({"strategy": "by_mood"}, "strategy is 'by_mood', but it must be one of longest_idle"),
        ({"ring_seconds": 0}, "ring_seconds is 0, but it must be from 1 to 600"),
        ({"ring_seconds": float("nan")}, "ring_seconds is nan"),
        ({"wrap_up_seconds": -1}, "wrap_up_seconds is -1"),
        ({"weight": 11}, "weight is 11"),
        ({"service_level_ratio": 1.2}, "service_level_ratio is 1.2"),
        ({"max_waiting": 0}, "max_waiting is 0"),
        ({"music": "../secret.wav"}, "music is"),
        ({"whisper": "../secret.wav"}, "whisper is"),
        ({"whisper": "x" * 101}, "whisper is"),
        ({"whisper": " "}, "whisper is"),
        ({"whisper": "two\nlines"}, "whisper is"),
    ],
)
def test_an_illegal_queue_cannot_be_made_and_the_error_names_what_is_wrong(
    fields: dict[str, object], text: str
) -> None:
    with pytest.raises(IllegalSetting, match=text):
        Queue(**{"id": "sales", "name": "Sales", "skill": "sales", **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"id": "1\n"}, "id is"),
        ({"name": ""}, "agent 1: name"),
        ({"team": "t" * 129}, "team is"),
        ({"skills": {"sales": 11}}, r"agent 1: skills.sales is 11"),
        ({"skills": {"sales": True}}, r"skills.sales is True"),
        ({"skills": {f"s{n}": 1 for n in range(101)}}, "at most 100"),
    ],
)
def test_an_illegal_agent_cannot_be_made_and_the_error_names_what_is_wrong(
    fields: dict[str, object], text: str
) -> None:
    with pytest.raises(IllegalSetting, match=text):
        Agent(**{"id": "1", "name": "One", **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", [Strategy.RING_ALL, Strategy.RING_PROGRESSIVELY])
def test_nobody_is_rung_twice_for_a_contact_that_gives_way_no_more(strategy: Strategy) -> None:
    centre = Centre(queue(capacity=30, gives_way=True))
    centre.staff("1")
    assert offers(centre.call("mail")) == [("mail", "1")]
    effects = centre.do(SaveQueue(queue=queue(strategy=strategy)))
    assert only(OfferWithdrawn, effects).agent == "1"
    assert offers(effects) == [("mail", "1")]
    assert offers(centre.wait(12)) == []

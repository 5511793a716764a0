"""Which of the free agents gets the contact: each strategy's order, and its ties."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from acd.engine import AcdEngine
from acd.errors import IllegalSetting
from acd.events import SaveAgent, SaveQueue
from acd.model import Agent, Strategy
from ccplatform.contracts.facts import OfferEnded
from ccplatform.contracts.routing import OfferWithdrawn
from ccplatform.contracts.words import AgentId, AgentState, OfferEnd
from tests.acd.floor import SALES, Centre, offers, queue


def centre(strategy: Strategy, *names: str, **fields: object) -> Centre:
    """Agents who become ready one second after the other."""
    centre = Centre(queue(strategy=strategy, wrap_up_seconds=0, **fields))  # type: ignore[arg-type]
    for name in names:
        centre.staff(name)
        centre.wait(1)
    return centre


def talk(centre: Centre, contact: str, seconds: float) -> str:
    """A call from beginning to end; who took it."""
    [(_, name)] = offers(centre.call(contact))
    centre.answer(contact, name)
    centre.wait(seconds)
    centre.release(contact, name)
    return name


def placed(name: str, position: int) -> SaveAgent:
    return SaveAgent(agent=Agent(id=AgentId(name), name=name, skills={SALES: 5}, position=position))


def test_round_robin_goes_on_behind_the_one_served_last_whoever_is_idle_longest() -> None:
    floor = centre(Strategy.ROUND_ROBIN, "3", "1", "2")
    assert [talk(floor, f"c{n}", 5) for n in range(4)] == ["1", "2", "3", "1"]
    floor.not_ready("2")
    assert talk(floor, "c4", 5) == "3"
    floor.ready("2")
    assert [talk(floor, f"d{n}", 5) for n in range(3)] == ["1", "2", "3"]


def test_round_robin_remembers_over_a_restart() -> None:
    floor = centre(Strategy.ROUND_ROBIN, "1", "2", "3")
    talk(floor, "c1", 5)
    floor.restart()
    assert [talk(floor, f"d{n}", 5) for n in range(3)] == ["2", "3", "1"]


def test_top_down_takes_the_first_of_the_list_each_time() -> None:
    floor = centre(Strategy.TOP_DOWN, "1", "2", "3")
    floor.do(placed("3", 1))
    assert [talk(floor, f"c{n}", 5) for n in range(2)] == ["3", "3"]
    floor.call("long")
    assert talk(floor, "c3", 5) == "1"  # equal positions: the smaller id


def test_fewest_calls_counts_since_the_agent_signed_in() -> None:
    floor = centre(Strategy.FEWEST_CALLS, "1", "2")
    assert [talk(floor, f"c{n}", 5) for n in range(4)] == ["1", "2", "1", "2"]
    floor.staff("3")
    assert [talk(floor, f"d{n}", 5) for n in range(3)] == ["3", "3", "1"]
    floor.sign_out("2")
    floor.staff("2")
    assert talk(floor, "e1", 5) == "2"


def test_least_talk_time_adds_the_talks_up() -> None:
    floor = centre(Strategy.LEAST_TALK_TIME, "1", "2")
    assert [talk(floor, f"c{n}", seconds) for n, seconds in enumerate((60, 10, 10, 50))] == ["1", "2", "2", "2"]
    assert talk(floor, "d1", 1) == "1"


def test_least_occupied_takes_who_worked_the_smaller_part_of_the_last_half_hour() -> None:
    floor = centre(Strategy.LEAST_OCCUPIED, "1", "2")
    assert talk(floor, "c1", 600) == "1"
    assert talk(floor, "c2", 300) == "2"
    assert talk(floor, "c3", 1) == "2"
    floor.wait(7200)
    assert talk(floor, "c4", 600) in ("1", "2")
    floor.restart()
    first = talk(floor, "c5", 1)
    floor.wait(100)
    assert talk(floor, "c6", 1) == first  # one second of work against ten minutes


@pytest.mark.parametrize(
    ("strategy", "shares"),
    [
        (Strategy.RANDOM, {"1": 1 / 3, "2": 1 / 3, "3": 1 / 3}),
        (Strategy.WEIGHTED_RANDOM, {"1": 0.1, "2": 0.3, "3": 0.6}),
    ],
)
def test_random_picks_each_free_agent_with_his_chance_however_long_he_was_passed_over(
    strategy: Strategy, shares: dict[str, float]
) -> None:
    floor = Centre(queue(strategy=strategy, wrap_up_seconds=0), engine=AcdEngine(draw=random.Random(5).random))
    for name, level in (("1", 1), ("2", 3), ("3", 6)):
        floor.staff(name, sales=level)
    picked = Counter(talk(floor, f"{n:05}", 1) for n in range(6000))
    for name, share in shares.items():
        assert picked[name] / 6000 == pytest.approx(share, abs=0.02)


def test_best_skill_takes_the_highest_level_then_the_longest_idle() -> None:
    floor = Centre(queue(strategy=Strategy.BEST_SKILL, wrap_up_seconds=0))
    for name, level in (("1", 3), ("2", 9), ("3", 9)):
        floor.staff(name, sales=level)
        floor.wait(1)
    assert [offers(floor.call(f"c{n}"))[0][1] for n in range(3)] == ["2", "3", "1"]


def test_ring_all_rings_everybody_and_the_first_to_answer_has_it() -> None:
    floor = centre(Strategy.RING_ALL, "1", "2", "3")
    assert offers(floor.call("c1")) == [("c1", "1"), ("c1", "2"), ("c1", "3")]
    effects = floor.answer("c1", "2")
    assert [(e.agent, e.end) for e in effects if isinstance(e, OfferWithdrawn)] == [
        ("1", OfferEnd.WITHDRAWN),
        ("3", OfferEnd.WITHDRAWN),
    ]
    assert [floor.state(name) for name in "123"] == [AgentState.READY, AgentState.TALKING, AgentState.READY]
    assert floor.answer("c1", "1") == []


def test_who_becomes_free_joins_the_ringing_up_to_the_most_that_may_ring() -> None:
    floor = centre(Strategy.RING_ALL, "1", rung_at_most=2)
    floor.call("c1")
    assert offers(floor.staff("2")) == [("c1", "2")]
    assert offers(floor.staff("3")) == []
    assert offers(floor.call("c2")) == [("c2", "3")]


def test_ring_all_rings_on_and_nobody_has_to_be_the_one_who_answers() -> None:
    floor = centre(Strategy.RING_ALL, "1", "2")
    floor.call("c1")
    effects = floor.wait(20)
    assert {e.agent for e in effects if isinstance(e, OfferEnded)} == {"1", "2"}
    assert sorted(offers(effects)) == [("c1", "1"), ("c1", "2")]
    floor.fail("c1", "1", OfferEnd.REJECTED)
    assert floor.state("1") is AgentState.NOT_READY


def test_ring_progressively_rings_one_more_each_time() -> None:
    floor = centre(Strategy.RING_PROGRESSIVELY, "1", "2", "3", ring_more_seconds=4, rung_at_most=2)
    assert offers(floor.call("c1")) == [("c1", "1")]
    assert offers(floor.wait(3.5)) == []
    assert offers(floor.wait(0.5)) == [("c1", "2")]
    assert offers(floor.wait(10)) == []
    floor.answer("c1", "1")
    assert floor.state("2") is AgentState.READY


def test_queues_of_one_requirement_share_the_turn() -> None:
    floor = centre(Strategy.ROUND_ROBIN, "1", "2")
    floor.do(SaveQueue(queue=queue("b", strategy=Strategy.ROUND_ROBIN)))
    assert offers(floor.call("c1")) == [("c1", "1")]
    assert offers(floor.call("c2", to="b")) == [("c2", "2")]


def test_ringing_many_needs_whole_agents() -> None:
    with pytest.raises(IllegalSetting, match="ring_all needs 100"):
        queue(strategy=Strategy.RING_ALL, capacity=50)

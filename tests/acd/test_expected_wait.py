"""The estimate of the wait."""

from __future__ import annotations

import pytest

from acd.expected_wait import ENOUGH, MEMORY, Departure, DeparturePace
from ccplatform.contracts.facts import Queued, QueueLeft
from ccplatform.contracts.words import ContactId
from tests.acd.floor import Centre, only, queue


def busy(*, waiting: int, gap: float, departures: int, loss_every: int = 0) -> DeparturePace:
    """A line of constant length, taken from each ``gap`` seconds; each ``loss_every``-th gives up instead."""
    pace = DeparturePace()
    for _ in range(waiting):
        pace.joined(0.0)
    for number in range(1, departures + 1):
        lost = loss_every and number % loss_every == 0
        pace.left(number * gap, Departure.LOST if lost else Departure.TAKEN)
        pace.joined(number * gap)
    return pace


def test_without_enough_departures_nothing_is_said() -> None:
    pace = busy(waiting=5, gap=10.0, departures=ENOUGH - 1)
    assert pace.estimate(1, 20.0) is None
    pace.handled(60.0)
    assert pace.estimate(3, 20.0) is None
    assert pace.estimate(3, 20.0, agents=2) == 90  # three contacts of a minute for two agents
    pace.left(30.0, Departure.TAKEN)
    assert pace.estimate(1, 30.0, agents=2) == pytest.approx(10)


def test_each_position_has_its_own_estimate() -> None:
    pace = busy(waiting=5, gap=10.0, departures=100)
    assert [pace.estimate(position, 1000.0) for position in (1, 2, 10)] == pytest.approx([10, 20, 100])


def test_those_who_give_up_make_later_places_better_than_their_number() -> None:
    pace = busy(waiting=10, gap=10.0, departures=1000, loss_every=4)
    one, ten = pace.estimate(1, 10_000.0), pace.estimate(10, 10_000.0)
    assert one is not None
    assert ten is not None
    assert one == pytest.approx(10 / 0.75, rel=0.1)
    assert ten < 0.95 * 10 * one
    assert ten == pytest.approx(sum(1 / (1 / one + i * 0.25 / 10 / 10) for i in range(10)), rel=0.05)


def test_the_time_in_which_nobody_waits_teaches_nothing() -> None:
    pace = busy(waiting=1, gap=10.0, departures=50)
    pace.left(510.0, Departure.TAKEN)
    pace.joined(5000.0)
    pace.left(5010.0, Departure.TAKEN)
    assert pace.estimate(1, 9000.0) == pytest.approx(10)


def test_a_gap_that_stays_open_makes_the_wait_longer() -> None:
    pace = busy(waiting=2, gap=10.0, departures=50)
    now, later = pace.estimate(1, 500.0), pace.estimate(1, 800.0)
    assert now is not None
    assert later is not None
    assert later == pytest.approx(2 * now, rel=0.3)


def test_old_departures_fade() -> None:
    pace = busy(waiting=2, gap=100.0, departures=50)
    for number in range(1, 5 * MEMORY):
        pace.left(5000.0 + number * 2.0, Departure.TAKEN)
        pace.joined(5000.0 + number * 2.0)
    assert pace.estimate(1, 5000.0 + 10 * MEMORY) == pytest.approx(2, rel=0.35)


def test_to_move_within_the_line_teaches_nothing() -> None:
    pace = busy(waiting=2, gap=10.0, departures=50)
    before = pace.estimate(2, 500.0)
    pace.left(500.0, Departure.MOVED)
    pace.joined(500.0)
    assert pace.estimate(2, 500.0) == before


def test_the_queue_learns_from_its_answers_and_tells_who_comes_what_to_expect() -> None:
    centre = Centre(queue(wrap_up_seconds=0))
    centre.staff("1")
    for number in range(7):
        centre.call(f"c{number}")
    for number in range(4):
        centre.wait(15)
        left = only(QueueLeft, centre.answer(f"c{number}", "1"))
        assert left.expected_seconds == centre.queue().expected_wait_seconds
        centre.release(f"c{number}", "1")
    wait = {contact: centre.engine.expected_wait(ContactId(contact), centre.now) for contact in ("c5", "c6", "c4")}
    assert wait == {"c5": pytest.approx(15), "c6": pytest.approx(30), "c4": None}  # c4 rings
    assert centre.queue().expected_wait_seconds == pytest.approx(45)
    assert only(Queued, centre.call("c9")).expected_seconds == pytest.approx(45)

"""The estimate of the wait."""

from __future__ import annotations

import pytest

from acd.expected_wait import ENOUGH, MEMORY, DeparturePace
from ccplatform.contracts.words import ContactId
from tests.acd.floor import Centre, queue


def test_without_enough_departures_nothing_is_said() -> None:
    pace = DeparturePace()
    pace.waiting_began(0.0)
    for number in range(1, ENOUGH):
        pace.departed(number * 10.0, left=5)
        assert pace.estimate(1) is None
    pace.departed(ENOUGH * 10.0, left=5)
    assert pace.estimate(1) == 10


def test_each_position_has_its_own_estimate() -> None:
    pace = DeparturePace([20.0, 30.0, 40.0])
    assert [pace.estimate(position) for position in (1, 2, 10)] == [30, 60, 300]


def test_the_time_in_which_nobody_waits_teaches_nothing() -> None:
    pace = DeparturePace([10.0, 10.0])
    pace.waiting_began(0.0)
    pace.departed(10.0, left=0)
    pace.waiting_began(5000.0)
    pace.departed(5010.0, left=0)
    assert pace.estimate(1) == 10


def test_old_departures_are_forgotten() -> None:
    pace = DeparturePace([100.0] * MEMORY)
    pace.waiting_began(0.0)
    for number in range(1, MEMORY + 1):
        pace.departed(number * 2.0, left=1)
    assert pace.estimate(1) == pytest.approx(2)
    assert len(pace.gaps) == MEMORY


def test_the_queue_learns_from_its_answers_and_estimates_for_who_waits() -> None:
    centre = Centre(queue(wrap_up_seconds=0))
    centre.staff("1")
    for number in range(6):
        centre.call(f"c{number}")
    for number in range(3):
        centre.wait(15)
        centre.answer(f"c{number}", "1")
        centre.release(f"c{number}", "1")
    assert centre.engine.expected_wait(ContactId("c4")) == 15
    assert centre.engine.expected_wait(ContactId("c5")) == 30
    assert centre.engine.expected_wait(ContactId("c3")) is None  # it rings
    assert centre.queue().expected_wait_seconds == 45

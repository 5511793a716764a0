"""The lines of section 10.3: what was measured at full steps, from facts alone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.compliance import rows
from metrics.fold import Fold
from metrics.history import POINTS, STEP_SECONDS, History
from metrics.service import MetricsService
from metrics.settings import MetricsSettings
from tests.metrics.telling import Centre
from tests.metrics.test_service import Journal, service_of

CONNECTED = "R10.3.1.1.a"
PROBED = "R10.3.1.4.a"


def told(centre: Centre) -> tuple[Fold, History]:
    fold, history = Fold(centre.rules), History()
    for event in centre.events:
        history.before(int(event.at.timestamp()), fold)
        fold.apply(event)
    return fold, history


def test_a_line_has_a_value_for_each_full_step() -> None:
    centre = Centre()
    centre.good_call()
    fold, history = told(centre)
    assert history.lines(fold, centre.now)[CONNECTED] == []
    centre.wait(STEP_SECONDS)
    assert history.lines(fold, centre.now)[CONNECTED] == [1.0]
    centre.wait(2 * STEP_SECONDS)
    lines = history.lines(fold, centre.now)
    assert lines[CONNECTED] == [1.0] * 3
    assert lines[PROBED] == [None] * 3
    assert history.lines(fold, centre.now) == lines


def test_a_point_is_what_was_measured_when_its_step_ended() -> None:
    centre = Centre()
    centre.good_call()
    centre.wait(STEP_SECONDS)
    before = {row.definition.id: row.measurement.value for row in rows(centre.fold, centre.now - 1)}
    centre.end(centre.arrive())  # nobody spoke to this one
    fold, history = told(centre)
    assert history.lines(fold, centre.now)[CONNECTED] == [before[CONNECTED]] == [1.0]
    centre.wait(STEP_SECONDS)
    assert history.lines(fold, centre.now)[CONNECTED] == [1.0, 0.5]


def test_the_oldest_points_go() -> None:
    centre = Centre()
    for _ in range(POINTS + 5):
        centre.good_call()
        centre.wait(STEP_SECONDS)
    fold, history = told(centre)
    assert [len(line) for line in history.lines(fold, centre.now).values()] == [POINTS] * len(rows(fold, 0))
    centre.wait(100 * 86_400)
    assert history.lines(fold, centre.now)[CONNECTED] == [None] * POINTS


def test_a_clock_that_is_set_back_adds_nothing_twice() -> None:
    centre = Centre()
    centre.good_call()
    fold, history = told(centre)
    history.before(centre.now + STEP_SECONDS, fold)
    before = history.lines(fold, centre.now)
    history.before(centre.now - 3600, fold)
    assert history.lines(fold, centre.now) == before


@given(waits=st.lists(st.floats(0.5, 4000), min_size=1, max_size=12), until=st.floats(0, 10_000))
async def test_a_rebuild_from_the_journal_gives_the_line_that_was_there(waits: list[float], until: float) -> None:
    centre = Centre()
    live = MetricsService(clock=centre.clock, settings=MetricsSettings(), zone=ZoneInfo("UTC"))
    for wait in waits:
        first = len(centre.events)
        centre.good_call()
        for event in centre.events[first:]:
            live.apply(event)
        centre.wait(wait)
    centre.wait(until)
    again = service_of(centre)
    await again.load(Journal(centre.events))
    assert again.lines() == live.lines()


@pytest.mark.parametrize("hours", [20, 25])
async def test_a_rebuild_reads_far_enough_for_the_longest_window_at_the_oldest_point(hours: int) -> None:
    centre = Centre()
    centre.good_call()
    centre.wait(hours * 3600)
    centre.good_call()
    centre.wait(STEP_SECONDS)
    service = service_of(centre)
    journal = Journal(centre.events)
    await service.load(journal)
    (asked,) = journal.asked
    assert (centre.clock.wall() - asked).total_seconds() == 86_400 + POINTS * STEP_SECONDS

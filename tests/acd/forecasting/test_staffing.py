"""Waits by Erlang A against agents: monotone, bounded, and as the simulator sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.forecasting.model import Limits, Load, Staff
from acd.forecasting.staffing import MOST_MORE, missing, prospect, shared_out
from acd.simulation.erlang import erlang_a, erlang_c
from acd.simulation.figures import T_99, queue_figures
from acd.simulation.scenario import one_queue
from acd.simulation.simulator import Simulation
from ccplatform.contracts.words import AgentId, QueueId

LIMITS = Limits(wait_seconds=60.0, abandoned=0.2)
#: What rounding leaves of a difference.
ROUNDING = 1e-6

loads = st.builds(
    Load,
    arrivals=st.floats(0.0005, 0.3),
    handling_seconds=st.floats(10.0, 600.0),
    patience_seconds=st.one_of(st.none(), st.floats(5.0, 3600.0)),
)


@given(loads, st.floats(0.0, 60.0), st.floats(0.0, 30.0))
def test_more_agents_never_make_anybody_wait_longer(load: Load, agents: float, more: float) -> None:
    few, many = prospect(load, agents), prospect(load, agents + more)
    if few.wait_seconds is not None:
        assert many.wait_seconds is not None
        assert many.wait_seconds <= few.wait_seconds + ROUNDING
    if many.wait_seconds is not None and few.wait_seconds is not None:
        assert many.abandoned <= few.abandoned + ROUNDING


@given(loads, st.floats(0.0, 40.0))
def test_what_is_missing_is_the_fewest_that_hold(load: Load, agents: float) -> None:
    more = missing(load, agents, LIMITS)
    assert prospect(load, agents + more).holds(LIMITS)
    assert more == 0 or not prospect(load, agents + more - 1).holds(LIMITS)


@given(st.integers(1, 40), st.floats(0.1, 0.95), st.floats(20.0, 400.0))
def test_without_anybody_who_gives_up_it_is_erlang_c(agents: int, use: float, handling: float) -> None:
    arrivals = agents * use / handling
    theory = erlang_c(agents, arrivals, handling)
    assert theory is not None
    patient = prospect(Load(arrivals=arrivals, handling_seconds=handling, patience_seconds=1e10), agents)
    unknown = prospect(Load(arrivals=arrivals, handling_seconds=handling, patience_seconds=None), agents)
    assert patient.wait_seconds == pytest.approx(theory.wait_seconds, rel=1e-3, abs=1e-6)
    assert unknown.wait_seconds == pytest.approx(theory.wait_seconds)


@pytest.mark.parametrize(("agents", "erlang", "patience"), [(4, 5.0, 120.0), (12, 11.0, 300.0), (30, 33.0, 90.0)])
def test_the_simulator_sees_the_wait_that_is_forecast(agents: int, erlang: float, patience: float) -> None:
    handling = 180.0
    load = Load(arrivals=erlang / handling, handling_seconds=handling, patience_seconds=patience)
    simulation = Simulation(one_queue(agents, 3600 * load.arrivals, handling, patience), seed=agents)
    simulation.run(2_000 / load.arrivals)
    simulation.forget()
    figures = queue_figures(simulation.run(20_000 / load.arrivals), QueueId("queue"), 20.0)
    expected = prospect(load, agents)
    assert expected.wait_seconds is not None
    assert figures.wait.holds(expected.wait_seconds, T_99), (figures, expected)
    assert figures.abandoned.holds(expected.abandoned, T_99), (figures, expected)


def test_where_nobody_gives_up_a_queue_grows_without_end() -> None:
    load = Load(arrivals=0.1, handling_seconds=100.0, patience_seconds=None)
    assert prospect(load, 10).wait_seconds is None
    assert not prospect(load, 10).holds(LIMITS)
    assert missing(load, 0, LIMITS) == 12  # 10 Erlang: Erlang C says 67 s with 11, 22 s with 12
    theory = erlang_c(11, 0.1, 100.0)
    assert theory is not None
    assert theory.wait_seconds > 60.0


def test_callers_who_give_up_are_no_way_to_hold() -> None:
    load = Load(arrivals=0.2, handling_seconds=200.0, patience_seconds=30.0)
    found = prospect(load, 10)
    assert found.wait_seconds is not None
    assert found.wait_seconds < LIMITS.wait_seconds
    assert found.abandoned > 0.7
    assert missing(load, 10, LIMITS) == 24  # at least 40 Erlang less a fifth, 32, and some for chance


def test_between_whole_agents_it_is_interpolated() -> None:
    load = Load(arrivals=0.02, handling_seconds=200.0, patience_seconds=200.0)
    three, four = prospect(load, 3), prospect(load, 4)
    assert three.wait_seconds is not None
    assert four.wait_seconds is not None
    assert prospect(load, 3.25).wait_seconds == pytest.approx(0.75 * three.wait_seconds + 0.25 * four.wait_seconds)


def test_without_calls_nothing_is_missing() -> None:
    assert missing(Load(arrivals=0.0, handling_seconds=200.0, patience_seconds=None), 0, LIMITS) == 0


def test_big_centres_stay_within_floats() -> None:
    theory = erlang_a(2000, 10.0, 210.0, 120.0)
    assert theory.abandoned == pytest.approx(0.0476, abs=0.001)  # 100 of 2,100 Erlang
    huge = Load(arrivals=100.0, handling_seconds=300.0, patience_seconds=None)
    assert missing(huge, 0, LIMITS) == MOST_MORE


def test_agents_are_shared_out_by_load_and_none_is_lost() -> None:
    sales, support, operator = QueueId("sales"), QueueId("support"), QueueId("operator")
    staff: Staff = {
        AgentId("1001"): frozenset({sales}),
        AgentId("1002"): frozenset({sales, support}),
        AgentId("1003"): frozenset({support, operator}),
        AgentId("1004"): frozenset({QueueId("gone")}),
    }
    shares = shared_out(staff, {sales: 3.0, support: 1.0, operator: 0.0})
    assert shares == {sales: 1.75, support: 1.25, operator: 0.0}
    assert shared_out(staff, {sales: 0.0, support: 0.0}) == {sales: 1.5, support: 1.5}

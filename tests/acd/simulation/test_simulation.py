"""The simulator agrees with queueing theory where there is one."""

from __future__ import annotations

import pytest

from acd.errors import IllegalSetting
from acd.simulation.erlang import erlang_a, erlang_c
from acd.simulation.figures import T_99, QueueFigures, jain, queue_figures
from acd.simulation.report import report
from acd.simulation.scenario import one_queue, read_scenario
from acd.simulation.simulator import Simulation
from ccplatform.contracts.words import QueueId

HANDLING = 180.0


def figures_of(agents: int, load: float, patience: float | None = None, calls: int = 20_000) -> QueueFigures:
    """The figures of a centre with one skill; ``load`` in Erlang."""
    per_second = load / HANDLING
    simulation = Simulation(one_queue(agents, 3600 * per_second, HANDLING, patience), seed=agents)
    simulation.run(calls / 10 / per_second)
    simulation.forget()
    return queue_figures(simulation.run(calls / per_second), QueueId("queue"), 20.0)


@pytest.mark.parametrize(("agents", "load"), [(1, 0.5), (2, 1.4), (5, 4.0), (10, 8.0), (25, 22.0), (100, 90.0)])
def test_patient_callers_wait_as_erlang_c_says(agents: int, load: float) -> None:
    figures, theory = figures_of(agents, load), erlang_c(agents, load / HANDLING, HANDLING)
    assert theory is not None
    assert figures.wait.holds(theory.wait_seconds, T_99), (figures, theory)
    assert figures.delayed.holds(theory.delayed, T_99), (figures, theory)
    assert figures.abandoned.mean == 0


@pytest.mark.parametrize(("agents", "load"), [(2, 2.5), (5, 4.0), (10, 10.0), (25, 30.0)])
def test_callers_who_give_up_do_so_as_erlang_a_says(agents: int, load: float) -> None:
    figures, theory = figures_of(agents, load, 60.0), erlang_a(agents, load / HANDLING, HANDLING, 60.0)
    assert figures.wait.holds(theory.wait_seconds, T_99), (figures, theory)
    assert figures.delayed.holds(theory.delayed, T_99), (figures, theory)
    assert figures.abandoned.holds(theory.abandoned, T_99), (figures, theory)


def test_erlang_c_by_known_values() -> None:
    theory = erlang_c(10, 8.0 / HANDLING, HANDLING)
    assert theory is not None
    assert theory.delayed == pytest.approx(0.4092, abs=1e-4)
    assert theory.wait_seconds == pytest.approx(0.4092 * 90, abs=0.01)
    assert erlang_c(10, 10.0 / HANDLING, HANDLING) is None


def test_erlang_a_with_endless_patience_is_erlang_c() -> None:
    patient, theory = erlang_a(5, 4.0 / HANDLING, HANDLING, 1e9), erlang_c(5, 4.0 / HANDLING, HANDLING)
    assert theory is not None
    assert patient.delayed == pytest.approx(theory.delayed, rel=1e-4)
    assert patient.wait_seconds == pytest.approx(theory.wait_seconds, rel=1e-4)


def test_the_expected_wait_is_nearer_than_the_mean_of_the_latest_waits() -> None:
    figures = figures_of(10, 10.0, 120.0)
    assert figures.estimate_error is not None
    assert figures.naive_error is not None
    assert figures.estimate_error < 0.85 * figures.naive_error


def test_the_same_seed_is_the_same_run() -> None:
    assert figures_of(5, 4.0, 60.0, calls=500) == figures_of(5, 4.0, 60.0, calls=500)


def test_the_report_puts_theory_beside_what_was_seen() -> None:
    text = report(one_queue(10, 160.0, 180.0), hours=20, seed=1)
    assert "Erlang C" in text
    assert "36.83" in text  # 0.4092 × 180 s / (10 − 8)
    assert "Erlang A" in report(one_queue(10, 200.0, 180.0, 60.0), hours=20, seed=1)


def test_a_scenario_is_read_and_simulated() -> None:
    scenario = read_scenario(
        """
        [[queues]]
        id = "sales"
        skill = "sales"
        calls_per_hour = 60
        handling_seconds = 120
        handling = "lognormal"
        [[queues]]
        id = "vip"
        skill = "sales"
        min_level = 5
        calls_per_hour = 10
        handling_seconds = 60
        handling = "constant"
        weight = 2
        strategy = "random"
        [[agents]]
        id = "old"
        count = 3
        skills = { sales = 7 }
        [[agents]]
        id = "new"
        count = 2
        skills = { sales = 1 }
        """
    )
    outcome = Simulation(scenario, seed=3).run(20 * 3600.0)
    assert len(outcome.waits[QueueId("sales")]) == pytest.approx(1200, rel=0.15)
    assert len(outcome.waits[QueueId("vip")]) == pytest.approx(200, rel=0.3)
    assert len(outcome.idle) == 5
    assert 0.7 < jain(list(outcome.idle.values())) <= 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("queues = 1", "queues is 1"),
        ("[[", "TOML"),
        ("[[queues]]\nid='q'\nskill='s'\ncalls_per_hour=-1\nhandling_seconds=1\n", "calls_per_hour is -1"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(text: str, error: str) -> None:
    with pytest.raises(IllegalSetting, match=error):
        read_scenario(text)

"""A simulation as a text: a table of the queues, fairness of the agents, and what theory says."""

from __future__ import annotations

from acd.simulation.erlang import Theory, erlang_a, erlang_c
from acd.simulation.figures import BATCHES, Estimate, jain, queue_figures
from acd.simulation.scenario import Handling, QueueLoad, Scenario
from acd.simulation.simulator import Outcome, Simulation
from ccplatform.contracts.words import QueueId

_HEAD = f"{'queue':16} {'calls':>8} {'mean wait s':>18} {'delayed %':>16} {'abandoned %':>16} {'in target %':>16}"


def report(scenario: Scenario, *, hours: float, seed: int) -> str:
    """Simulate so many hours after a warm-up of a tenth of them, and say what was seen (± is 95 %)."""
    simulation = Simulation(scenario, seed)
    simulation.run(hours * 360.0)
    simulation.forget()
    outcome = simulation.run(hours * 3600.0)
    lines = [
        f"{hours:g} h simulated, seed {seed}; means of {BATCHES} batches ± half of the 95 % confidence interval",
        _HEAD,
    ]
    for load in scenario.queues:
        lines += _rows(load, outcome)
    theory = _theory(scenario)
    if theory is not None:
        lines.append(
            f"{'  Erlang ' + ('A' if theory.abandoned else 'C'):16} {'':8} {theory.wait_seconds:18.2f}"
            f" {100 * theory.delayed:16.2f} {100 * theory.abandoned:16.2f}"
        )
    lines.append(_agents(scenario, outcome))
    return "\n".join(lines)


def _rows(load: QueueLoad, outcome: Outcome) -> list[str]:
    figures = queue_figures(outcome, QueueId(load.id), load.service_level_seconds)
    shares = (figures.delayed, figures.abandoned, figures.within_target)
    row = f"{load.id:16} {figures.calls:8} {_pair(figures.wait, 1):>18}"
    lines = [row + "".join(f" {_pair(share, 100):>16}" for share in shares)]
    if figures.estimate_error is not None and figures.naive_error is not None:
        lines.append(
            f"  expected wait told at entry: median error {figures.estimate_error:.1f} s"
            f" (mean of the latest 30 waits: {figures.naive_error:.1f} s)"
        )
    return lines


def _pair(estimate: Estimate, times: float) -> str:
    return f"{times * estimate.mean:.2f} ± {times * estimate.half_width:.2f}"


def _theory(scenario: Scenario) -> Theory | None:
    """What is known of one queue and equal agents."""
    if len(scenario.queues) > 1 or len(scenario.agents) > 1:
        return None
    load, agents = scenario.queues[0], scenario.agents[0].count
    if load.handling is not Handling.EXPONENTIAL or load.wrap_up_seconds:
        return None
    arrivals = load.calls_per_hour / 3600.0
    if load.patience_seconds is None:
        return erlang_c(agents, arrivals, load.handling_seconds)
    return erlang_a(agents, arrivals, load.handling_seconds, load.patience_seconds)


def _agents(scenario: Scenario, outcome: Outcome) -> str:
    count = sum(group.count for group in scenario.agents)
    busy = sum(outcome.busy.values()) / (outcome.seconds * count)
    idle = list(outcome.idle.values()) + [0.0] * (count - len(outcome.idle))
    return f"{count} agents: {100 * busy:.1f} % at work, Jain's index of their idle times {jain(idle):.4f}"

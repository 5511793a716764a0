"""Whether the simulated engine agrees with Erlang C and A: ``python -m bench.theory [--runs N] [--calls N]``.

Centres of one skill over a table of loads; each is simulated with ``--runs`` seeds and ``--calls`` calls after a
tenth of them as warm-up. Printed are, per centre: the mean wait of all runs beside theory (seconds), the distance
of the two in standard errors, and how many of the 95 % confidence intervals (wait, delayed, abandoned; by batch
means) hold the value of theory. About 95 of 100 must, whatever the load: fewer is a fault of one of the two.
"""

from __future__ import annotations

import argparse
from math import sqrt
from statistics import fmean, stdev

from acd.simulation.erlang import erlang_a, erlang_c
from acd.simulation.figures import Estimate, QueueFigures, queue_figures
from acd.simulation.scenario import one_queue
from acd.simulation.simulator import Simulation
from ccplatform.contracts.words import QueueId

HANDLING = 180.0
#: Agents, load in Erlang, mean patience in seconds (none: all wait).
CENTRES: tuple[tuple[int, float, float | None], ...] = (
    (1, 0.5, None),
    (2, 1.4, None),
    (5, 4.0, None),
    (10, 8.0, None),
    (25, 22.0, None),
    (100, 90.0, None),
    (2, 2.5, 60.0),
    (5, 4.0, 60.0),
    (10, 10.0, 60.0),
    (10, 12.0, 180.0),
    (25, 30.0, 60.0),
    (100, 100.0, 90.0),
)


def run(agents: int, load: float, patience: float | None, calls: int, seed: int) -> QueueFigures:
    """The figures of one seed."""
    per_second = load / HANDLING
    simulation = Simulation(one_queue(agents, 3600 * per_second, HANDLING, patience), seed=seed)
    simulation.run(calls / 10 / per_second)
    simulation.forget()
    return queue_figures(simulation.run(calls / per_second), QueueId("queue"), 20.0)


def theory(agents: int, load: float, patience: float | None) -> dict[str, float]:
    """What queueing theory says: wait in seconds, shares of calls that were delayed and that gave up."""
    if patience is None:
        c = erlang_c(agents, load / HANDLING, HANDLING)
        assert c is not None
        return {"wait": c.wait_seconds, "delayed": c.delayed}
    a = erlang_a(agents, load / HANDLING, HANDLING, patience)
    return {"wait": a.wait_seconds, "delayed": a.delayed, "abandoned": a.abandoned}


def main() -> None:
    """Print the table, and the share of all intervals that hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="seeds a centre")
    parser.add_argument("--calls", type=int, default=20_000, help="calls a run")
    arguments = parser.parse_args()
    held = asked = 0
    print("agents  load  patience |   wait  theory  standard errors apart | intervals that hold theory")
    for agents, load, patience in CENTRES:
        values = theory(agents, load, patience)
        runs = [run(agents, load, patience, arguments.calls, seed) for seed in range(1, arguments.runs + 1)]
        waits = [figures.wait.mean for figures in runs]
        apart = (fmean(waits) - values["wait"]) / (stdev(waits) / sqrt(len(waits)))
        counts = {}
        for name, value in values.items():
            estimates: list[Estimate] = [getattr(figures, name) for figures in runs]
            counts[name] = sum(estimate.holds(value) for estimate in estimates)
        held, asked = held + sum(counts.values()), asked + len(counts) * len(runs)
        shares = ", ".join(f"{name} {count} of {len(runs)}" for name, count in counts.items())
        print(
            f"{agents:6} {load:5.1f} {f'{patience:.0f} s' if patience else 'all':>9} | {fmean(waits):6.2f} "
            f"{values['wait']:7.2f} {apart:+22.1f} | {shares}",
            flush=True,
        )
    print(f"{held} of {asked} intervals hold ({held / asked:.1%}; 95 % are right)")


if __name__ == "__main__":
    main()

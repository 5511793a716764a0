"""The benchmark runs, and what it measures is what it says."""

from __future__ import annotations

import pytest

from acd.model import Strategy
from bench.acd import Run, Size, measure


@pytest.mark.parametrize("waiting", [0, 40])
@pytest.mark.parametrize("strategy", [Strategy.LONGEST_IDLE, Strategy.WEIGHTED_RANDOM])
def test_each_cycle_makes_one_offer(waiting: int, strategy: Strategy) -> None:
    run = Run(Size(agents=100, queues=4, skills=4, waiting=waiting), strategy)
    measured = measure(run, 200)
    assert run.made == pytest.approx(200, abs=25)
    assert len(measured.latencies) == run.made  # the replay does what the run did
    assert sum(view.waiting for view in run.engine.describe_queues(run.now)) == pytest.approx(waiting, abs=25)

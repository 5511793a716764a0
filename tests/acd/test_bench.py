"""The benchmark runs, and what it measures is what it says."""

from __future__ import annotations

import pytest

from bench.acd import Run, Size


@pytest.mark.parametrize("waiting", [0, 40])
def test_each_cycle_makes_one_offer(waiting: int) -> None:
    run = Run(Size(agents=100, queues=4, skills=4, waiting=waiting))
    run.measure(200)
    assert len(run.latencies) == pytest.approx(200, abs=25)
    assert sum(view.waiting for view in run.engine.describe_queues(run.now)) == pytest.approx(waiting, abs=25)

"""The benchmark of the engine runs, and what it measures is what it says."""

from __future__ import annotations

import pytest

from bench.media_rows import measure, measure_bare


@pytest.mark.parametrize("profile", ["recorded", "secured"])
async def test_a_row_holds_what_was_measured(profile: str) -> None:
    row = await measure(2, profile, 3.0, flood=5000)
    assert row.calls == 2
    assert 0 < row.cpu <= 200
    assert 0 < row.tick_p50 <= row.tick_p99 <= row.tick_max
    assert 0 < row.delay_p50 <= row.delay_p95
    assert row.leg_bytes > 0


def test_the_bare_system_calls_cost_something() -> None:
    assert measure_bare(50, 1.0) > 0

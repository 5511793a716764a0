"""A forecast from a small history, its misses, and what it says in words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from acd.forecasting.forecast import forecasts
from acd.forecasting.model import QUARTER, Limits, QueueForecast, Staff, Step
from acd.forecasting.profile import Profile
from acd.forecasting.sentences import sentence_en, sentence_zh
from acd.simulation.erlang import erlang_a
from ccplatform.contracts.words import AgentId
from tests.acd.forecasting.test_profile import NOW, SALES, SHANGHAI, profile, quarter

LIMITS = Limits(wait_seconds=60.0, abandoned=0.2)


def afternoons(busy: range) -> Profile:
    """Four weeks of 10 calls a quarter, 40 in the busy ones (counted from now); 180 s each, patience 300 s."""
    quarters = [
        quarter(NOW - timedelta(days=7 * week) + number * QUARTER, 40 if number in busy else 10)
        for week in (1, 2, 3, 4)
        for number in range(-8, 24)
    ]
    today = [quarter(NOW - number * QUARTER, 10) for number in range(1, 9)]
    means = quarter(NOW - timedelta(days=1), 0, abandoned=20, waited=6000.0, talks=100, handling=18_000.0)
    return profile([*quarters, *today, means])


def staff(count: int) -> Staff:
    return {AgentId(str(number)): frozenset({SALES}) for number in range(count)}


def of_sales(known: Profile, agents: int, quarters: int = 8) -> QueueForecast:
    (found,) = forecasts(
        known, queues={SALES: "Sales 销售"}, staff=staff(agents), now=NOW, quarters=quarters, limits=LIMITS
    )
    return found


def test_a_busy_half_hour_is_missed_and_says_how_many_are_missing() -> None:
    forecast = of_sales(afternoons(range(2, 4)), 3)
    (miss,) = forecast.misses
    assert (miss.begins, miss.ends) == (NOW + 2 * QUARTER, NOW + 4 * QUARTER)
    theory = erlang_a(3, 40 / 900, 180.0, 300.0)
    assert miss.wait_seconds == pytest.approx(theory.wait_seconds, rel=1e-3)
    assert miss.more == 4
    waits = [erlang_a(agents, 40 / 900, 180.0, 300.0).wait_seconds for agents in (6, 7)]
    assert waits[0] > 60.0 > waits[1]
    assert sentence_en(forecast, LIMITS, SHANGHAI) == (
        f"Sales 销售: will miss from 15:30 to 16:00 (mean wait {theory.wait_seconds:.0f} s, target 60 s); "
        "four more agents would hold it."
    )
    assert sentence_zh(forecast, LIMITS, SHANGHAI) == (
        f"Sales 销售：预计 15:30 至 16:00 不达标（平均等待 {theory.wait_seconds:.0f} 秒，指标 60 秒）；"
        "再增加 4 名座席即可达标。"
    )


def test_with_those_who_are_missing_it_holds() -> None:
    forecast = of_sales(afternoons(range(2, 4)), 7)
    assert forecast.misses == []
    assert sentence_en(forecast, LIMITS, SHANGHAI) == "Sales 销售: holds for the next 2 hours."
    assert sentence_zh(forecast, LIMITS, SHANGHAI) == "Sales 销售：未来 2 小时预计达标。"


def test_misses_apart_are_told_apart() -> None:
    forecast = of_sales(afternoons(range(1, 2)), 4)
    later = of_sales(afternoons(range(5, 7)), 4)
    both = [*forecast.steps[:4], *later.steps[4:]]
    joined = QueueForecast(queue=SALES, name="", handling_seconds=None, patience_seconds=None, steps=tuple(both))
    assert [(miss.begins, miss.ends) for miss in joined.misses] == [
        (NOW + QUARTER, NOW + 2 * QUARTER),
        (NOW + 5 * QUARTER, NOW + 7 * QUARTER),
    ]


def test_without_talks_nothing_can_be_said() -> None:
    forecast = of_sales(profile([quarter(NOW - QUARTER, 5)]), 4)
    assert (forecast.steps, forecast.staffed, forecast.misses) == ((), False, [])
    assert "not enough calls" in sentence_en(forecast, LIMITS, SHANGHAI)
    assert "尚不能预测" in sentence_zh(forecast, LIMITS, SHANGHAI)


def step(at: datetime, wait: float | None, more: int, abandoned: float = 0.0) -> Step:
    return Step(begins=at, arrived=1.0, agents=1.0, wait_seconds=wait, abandoned=abandoned, more=more)


def told(*steps: Step) -> tuple[str, str]:
    forecast = QueueForecast(queue=SALES, name="S", handling_seconds=1.0, patience_seconds=None, steps=steps)
    return sentence_en(forecast, LIMITS, SHANGHAI), sentence_zh(forecast, LIMITS, SHANGHAI)


def test_a_queue_that_grows_without_end_and_callers_who_give_up_are_said() -> None:
    english, chinese = told(step(NOW, 70.0, 1), step(NOW + QUARTER, None, 12))
    assert english == "S: will miss from 15:00 to 15:30 (waits grow without end); 12 more agents would hold it."
    assert "排队将不断增长" in chinese
    english, chinese = told(step(NOW, 20.0, 1, abandoned=0.45))
    assert (
        english == "S: will miss from 15:00 to 15:15 (45% give up, at most 20% may); one more agent would hold it."
    )
    assert "45% 的来话放弃，上限 20%" in chinese


def test_a_queue_with_nobody_signed_in_is_not_staffed() -> None:
    assert not of_sales(afternoons(range(2, 4)), 0).staffed
    assert of_sales(afternoons(range(2, 4)), 1).staffed

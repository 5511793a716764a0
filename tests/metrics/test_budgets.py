"""Error budgets and the alarms they ask for, by hand: on a breach and before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.facts import KeyAnswered, MysteryCallMade
from ccplatform.contracts.words import FlowOutcome, MysteryFate
from metrics.budgets import PACES, Budget, Watched, budgets, burn_of
from metrics.compliance import judge
from metrics.definitions import DEFINITIONS, REQUIREMENTS
from metrics.model import DAILY, HOURLY, ONE_DAY, Verdict, mean, share
from metrics.watch import KINDS, changes, due, standing
from tests.metrics.telling import Centre, agent_answered, left_flow

SELF_SERVICE, WAIT, CONNECT, KEYS, PESQ = "R10.3.2.a", "R10.3.2.d", "R10.3.1.1.a", "R10.3.1.6", "R10.3.1.4.a"


def budget_of(centre: Centre, requirement: str, up: dict[str, Watched] | None = None) -> Budget:
    (found,) = [budget for budget in budgets(centre.fold, centre.now, up) if budget.requirement == requirement]
    return found


def burns(budget: Budget) -> list[float | None]:
    return [None if burn.burn is None else round(burn.burn, 6) for burn in budget.burns]


def sessions(centre: Centre, completed: int, failed: int) -> None:
    for number in range(completed + failed):
        outcome = FlowOutcome.COMPLETED if number < completed else FlowOutcome.FAILED
        centre.tell(left_flow(centre.new_contact(), outcome, "" if number < completed else "data_source"))


def waits(centre: Centre, seconds: float, calls: int) -> None:
    for _ in range(calls):
        centre.tell(agent_answered(centre.new_contact(), seconds))


def test_a_share_spends_failures_and_a_mean_spends_time() -> None:
    assert burn_of(DEFINITIONS[SELF_SERVICE], share(97, 100)) == pytest.approx(1.5)  # 3 % of 2 %
    assert burn_of(DEFINITIONS[WAIT], mean(45_000_000, 1)) == pytest.approx(0.75)
    assert burn_of(DEFINITIONS["R10.3.1.3.loss"], mean(100_000, 1)) == pytest.approx(2.0)
    assert burn_of(DEFINITIONS[PESQ], mean(3_900_000, 1)) is None
    assert burn_of(DEFINITIONS[WAIT], mean(0, 0)) is None


@given(
    st.sampled_from([row for row in REQUIREMENTS if "10.3.1.4" not in row.id]),
    st.integers(1, 40_000),
    st.floats(0, 1),
)
def test_a_burn_of_one_is_the_target(definition: object, samples: int, part: float) -> None:
    row = next(row for row in REQUIREMENTS if row is definition)
    assert row.target is not None
    assert row.comparison is not None
    measured = share(round(part * samples), samples) if row.comparison == ">=" else mean(round(part * 1e8), 1)
    burn = burn_of(row, measured)
    assert burn is not None
    if abs(burn - 1.0) > 1e-9:
        assert measured.value is not None
        assert (burn < 1.0) is row.comparison.holds(measured.value, row.target)


def test_every_requirement_is_read_over_windows_that_are_kept_and_ends_with_its_own() -> None:
    for budget in budgets(Centre().fold, 0):
        windows = tuple(burn.window for burn in budget.burns)
        assert windows in (HOURLY, DAILY)
        assert windows[-1] == DEFINITIONS[budget.requirement].seconds
        assert {window for pace in PACES[windows[-1]] for window in (pace.long, pace.short)} <= set(windows)
        assert (budget.left, budget.stands) == (None, Watched.UNKNOWN)


def test_what_is_left_is_one_less_the_burn_of_the_clauses_own_window() -> None:
    centre = Centre()
    sessions(centre, 99, 1)
    centre.wait(3 * 3600)
    sessions(centre, 100, 0)
    budget = budget_of(centre, SELF_SERVICE)
    assert burns(budget) == [0.0, 0.0, 0.0, 0.25]  # 5 m, 1 h, 2 h; 1 of 200 is a quarter of 2 %
    assert budget.left == pytest.approx(0.75)
    assert budget.stands is Watched.CALM


def test_a_bad_hour_burns_before_the_day_is_missed() -> None:
    centre = Centre()
    waits(centre, 10.0, 300)
    centre.wait(3 * 3600)
    waits(centre, 400.0, 12)
    budget = budget_of(centre, WAIT)
    assert budget.stands is Watched.BURNING  # 400 / 60 = 6.7 over 5 m and 1 h
    assert budget.left is not None
    assert budget.left > 0.5
    (alarm,) = due([budget])
    assert (alarm.kind, alarm.subject, alarm.severity) == ("budget_burning", WAIT, "urgent")
    assert "6.67 over 5m, 6.67 over 1h" in alarm.text
    assert "58% of its budget is left" in alarm.text


def test_it_stops_burning_when_the_cause_is_over() -> None:
    centre = Centre()
    waits(centre, 10.0, 300)
    centre.wait(3 * 3600)
    waits(centre, 400.0, 12)
    centre.wait(301)
    waits(centre, 5.0, 1)
    assert budget_of(centre, WAIT, {WAIT: Watched.BURNING}).stands is Watched.CALM


def test_one_odd_call_is_no_trend() -> None:
    centre = Centre()
    waits(centre, 400.0, 9)
    assert budget_of(centre, WAIT).stands is Watched.CALM
    centre = Centre()
    for _ in range(2000):
        centre.good_call()
    sessions(centre, 400, 1)
    assert budget_of(centre, SELF_SERVICE).stands is Watched.CALM


def test_a_budget_is_low_when_a_fifth_is_left_and_more_goes_than_comes() -> None:
    centre = Centre()
    waits(centre, 42.0, 100)
    centre.wait(3 * 3600)
    waits(centre, 70.0, 40)
    budget = budget_of(centre, WAIT)
    assert burns(budget)[-1] == round(50 / 60, 6)
    assert budget.stands is Watched.LOW
    assert [(alarm.kind, alarm.severity) for alarm in due([budget])] == [("budget_low", "non_urgent")]
    centre.wait(2 * 3600)
    waits(centre, 20.0, 1)
    assert budget_of(centre, WAIT).stands is Watched.CALM


def test_what_is_up_stays_until_the_burn_is_well_below_what_raised_it() -> None:
    centre = Centre()
    waits(centre, 10.0, 600)
    centre.wait(3 * 3600)
    waits(centre, 330.0, 12)  # 5.5: below 6, above 0.8 × 6
    assert budget_of(centre, WAIT).stands is Watched.CALM
    assert budget_of(centre, WAIT, {WAIT: Watched.BURNING}).stands is Watched.BURNING
    assert budget_of(centre, WAIT, {WAIT: Watched.LOW}).stands is Watched.CALM


def test_a_breach_is_one_alarm_that_names_target_and_sample() -> None:
    centre = Centre()
    waits(centre, 90.0, 30)
    budget = budget_of(centre, WAIT)
    assert budget.stands is Watched.MISSED
    (alarm,) = due([budget])
    assert (alarm.kind, alarm.severity) == ("requirement_missed", "urgent")
    assert "转客服代表服务等待时间 · Wait for an agent: misses its target <= 60 s (n = 30)" in alarm.text


def test_a_value_that_proves_nothing_asks_for_no_alarm() -> None:
    centre = Centre()
    centre.channels(0)
    centre.wait(60)
    for _ in range(40):
        centre.tell(KeyAnswered(contact=centre.new_contact(), node="menu", response_seconds=9.0))
    assert budget_of(centre, KEYS).stands is Watched.UNKNOWN  # below a quarter of the design load
    assert budget_of(centre, "R10.3.2.b").stands is Watched.MISSED


def test_mystery_calls_decide_over_every_window() -> None:
    centre = Centre()
    sessions(centre, 0, 50)
    centre.wait(2 * 3600 + 1)
    centre.tell(mystery(MysteryFate.COMPLETED))
    budget = budget_of(centre, SELF_SERVICE)
    assert [burn.samples for burn in budget.burns] == [1, 1, 1, 1]
    assert budget.left == 1.0


def mystery(fate: MysteryFate) -> MysteryCallMade:
    return MysteryCallMade(
        number="95000",
        fate=fate,
        loopback=True,
        status=200,
        failed_at="",
        connect_seconds=0.1,
        key_seconds=(),
        query_seconds=(),
        packets_received=10,
        packets_lost=0,
        lasted_seconds=1.0,
    )


def test_the_watch_raises_what_is_new_and_clears_what_is_over_and_leaves_others_alone() -> None:
    centre = Centre()
    waits(centre, 90.0, 30)
    wanted = due(budgets(centre.fold, centre.now))
    assert [alarm.name for alarm in wanted] == [("requirement_missed", WAIT)]
    up = {("budget_burning", WAIT), ("budget_low", CONNECT), ("overload", ""), ("requirement_missed", "R10.3.2.a")}
    raised, cleared = changes(wanted, up)
    assert [alarm.name for alarm in raised] == [("requirement_missed", WAIT)]
    assert set(cleared) == up - {("overload", "")}
    assert changes(wanted, {("requirement_missed", WAIT)}) == ([], [])
    assert standing(up) == {
        WAIT: Watched.BURNING,
        CONNECT: Watched.LOW,
        "R10.3.2.a": Watched.MISSED,
    }
    assert {"requirement_missed", "budget_burning", "budget_low"} <= KINDS


def test_what_is_missed_is_what_the_verdict_says() -> None:
    centre = Centre()
    sessions(centre, 60, 10)
    for budget, definition in zip(budgets(centre.fold, centre.now), REQUIREMENTS, strict=True):
        if definition.id == SELF_SERVICE:
            assert judge(definition, share(60, 70)).verdict is Verdict.FAIL
            assert budget.stands is Watched.MISSED
    assert DEFINITIONS[SELF_SERVICE].seconds == ONE_DAY

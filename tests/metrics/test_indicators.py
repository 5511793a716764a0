"""Hand-computed small cases, indicator by indicator (section 10.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ccplatform.contracts.facts import (
    AgentStateChanged,
    CallsRefused,
    FirstVoiceSent,
    KeyAnswered,
    MysteryCallMade,
    QueryAnswered,
    Queued,
    QueueLeft,
)
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    Direction,
    FlowOutcome,
    LegRole,
    MysteryFate,
    Outcome,
    ReleaseCause,
    TrunkId,
)
from metrics.compliance import ComplianceRow, rows
from metrics.indicator import Source
from metrics.model import Verdict
from tests.metrics.telling import (
    PSTN,
    SALES,
    Centre,
    agent_answered,
    arrived,
    cleared,
    ended,
    entered_node,
    left_flow,
    measured,
    refused,
)


def row_of(centre: Centre, requirement: str) -> ComplianceRow:
    (row,) = (row for row in rows(centre.fold, centre.now) if row.definition.id == requirement)
    return row


def value(centre: Centre, requirement: str) -> tuple[float | None, int]:
    measurement = row_of(centre, requirement).measurement
    return measurement.value, measurement.samples


def key(centre: Centre, seconds: float) -> None:
    centre.tell(KeyAnswered(contact=centre.new_contact(), node="menu", response_seconds=seconds))


def query(centre: Centre, seconds: float, *, ok: bool = True) -> None:
    fact = QueryAnswered(
        contact=centre.new_contact(), node="q", source="customers", ok=ok, response_seconds=seconds
    )
    centre.tell(fact)


@pytest.fixture
def centre() -> Centre:
    return Centre()


def test_without_facts_every_requirement_says_no_data(centre: Centre) -> None:
    found = rows(centre.fold, centre.now)
    assert len(found) == 17
    assert {row.verdict for row in found} == {Verdict.NO_DATA}
    assert all(row.measurement.value is None and row.measurement.samples == 0 for row in found)


# --- R10.3.1.1 --------------------------------------------------------------------------------------------


def test_connect_rate_is_answered_with_audio_over_attempts(centre: Centre) -> None:
    for _ in range(3):
        centre.good_call()
    centre.tell(refused(ReleaseCause.UNAVAILABLE))
    assert value(centre, "R10.3.1.1.a") == (0.75, 4)
    assert value(centre, "R10.3.1.1.b") == (None, 0)


@pytest.mark.parametrize("cause", [ReleaseCause.UNAVAILABLE, ReleaseCause.OVERLOAD, ReleaseCause.INCOMPATIBLE])
def test_our_own_refusals_are_failures(centre: Centre, cause: ReleaseCause) -> None:
    centre.tell(refused(cause))
    assert value(centre, "R10.3.1.1.a") == (0.0, 1)


def test_calls_refused_unread_are_as_many_failures(centre: Centre) -> None:
    centre.good_call()
    centre.tell(CallsRefused(trunk=PSTN, source="", calls=3, cause=ReleaseCause.OVERLOAD, sip_status=503))
    assert value(centre, "R10.3.1.1.a") == (0.25, 4)


def test_a_call_without_audio_is_a_failure(centre: Centre) -> None:
    centre.end(centre.arrive(), Outcome.ABANDONED_IVR)
    assert value(centre, "R10.3.1.1.a") == (0.0, 1)


@pytest.mark.parametrize(
    ("released_by", "seconds", "failed"), [("remote", 0.9, 0), ("remote", 1.1, 1), ("local", 0.9, 1)]
)
def test_who_leaves_before_voice_was_due_is_no_attempt(
    centre: Centre, released_by: str, seconds: float, failed: int
) -> None:
    contact = centre.arrive()
    centre.tell(cleared(contact, released_by), ended(contact, Outcome.ABANDONED_QUEUE, seconds=seconds))
    assert value(centre, "R10.3.1.1.a") == ((0.0, 1) if failed else (None, 0))


@pytest.mark.parametrize(
    ("kind", "sent", "connected"), [("echo", 100, 1), ("transfer", 100, 1), ("echo", 0, 0), ("queue", 100, 0)]
)
def test_silence_of_an_echo_or_a_party_outside_is_no_fault_of_ours(
    centre: Centre, kind: str, sent: int, connected: int
) -> None:
    contact = centre.arrive()
    centre.tell(entered_node(contact, kind), measured(contact, sent=sent))
    centre.end(contact, Outcome.SELF_SERVICE)
    assert value(centre, "R10.3.1.1.a") == (float(connected), 1)


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (Outcome.ABANDONED_BEFORE_ANSWER, ReleaseCause.CANCELLED),
        (Outcome.ABANDONED_BEFORE_ANSWER, ReleaseCause.NORMAL),
        (Outcome.REFUSED, ReleaseCause.NOT_FOUND),
    ],
)
def test_a_call_given_up_before_the_answer_is_no_attempt(
    centre: Centre, outcome: Outcome, cause: ReleaseCause
) -> None:
    centre.end(centre.arrive(), outcome, cause=cause)
    assert value(centre, "R10.3.1.1.a") == (None, 0)


def test_a_fault_of_ours_before_the_answer_is_a_failure(centre: Centre) -> None:
    centre.end(centre.arrive(), Outcome.ABANDONED_BEFORE_ANSWER, cause=ReleaseCause.UNAVAILABLE)
    assert value(centre, "R10.3.1.1.a") == (0.0, 1)


def test_blocked_calls_are_counted_apart(centre: Centre) -> None:
    centre.good_call()
    centre.tell(refused(ReleaseCause.BUSY))
    row = row_of(centre, "R10.3.1.1.a")
    assert (row.measurement.value, row.measurement.samples) == (1.0, 1)
    assert "blocked calls: 1" in row.measurement.label


def test_traffic_is_carried_and_offered(centre: Centre) -> None:
    assert centre.fold.access.traffic("pstn", centre.now) is None
    centre.channels(21)
    centre.wait(3600)
    for _ in range(3):
        centre.good_call()
    centre.tell(refused(ReleaseCause.BUSY))
    traffic = centre.fold.access.traffic("pstn", centre.now)
    assert traffic is not None
    assert (traffic.carried_erlang, traffic.offered_erlang) == (21.0, 28.0)
    assert (traffic.load_erlang, traffic.load_class, traffic.attempts, traffic.blocked) == (0.7, "idle", 3, 1)


def test_internal_and_outbound_calls_are_no_attempts(centre: Centre) -> None:
    for direction in (Direction.INTERNAL, Direction.OUTBOUND):
        contact = centre.arrive(trunk=None if direction is Direction.INTERNAL else PSTN, direction=direction)
        centre.voice(contact, trunk=None)
        centre.end(contact)
    centre.tell(refused(ReleaseCause.UNAVAILABLE, trunk=None))
    assert value(centre, "R10.3.1.1.a") == (None, 0)


def test_an_attempt_counts_in_the_second_it_arrived(centre: Centre) -> None:
    contact = centre.arrive()
    centre.wait(100)
    centre.voice(contact, seconds=100.0)
    centre.wait(7099)
    assert value(centre, "R10.3.1.1.a") == (1.0, 1)
    centre.wait(1)
    assert value(centre, "R10.3.1.1.a") == (None, 0)


def test_a_window_at_0_875_erlang_is_busy_and_the_idle_one_before_is_kept(centre: Centre) -> None:
    centre.channels(10)
    centre.good_call()
    centre.wait(3600)
    centre.channels(30)
    centre.wait(3600)
    centre.good_call()  # two hours: (10 + 30) / 60 = 0.667 Erl
    assert value(centre, "R10.3.1.1.a") == (1.0, 1)  # the first call left the window this second
    centre.wait(2250)  # 1350 s at 10, 5850 s at 30: (1350·10 + 5850·30) / (7200·30) = 0.875 Erl
    assert centre.fold.access.trunks["pstn"].load(centre.now) == 0.875
    assert value(centre, "R10.3.1.1.b") == (1.0, 1)
    row = row_of(centre, "R10.3.1.1.a")
    assert row.measurement.samples == 0 or "window ended" in row.measurement.label


def test_the_last_busy_window_shows_for_a_day(centre: Centre) -> None:
    centre.channels(30)
    centre.wait(60)
    centre.good_call()
    centre.tell(refused(ReleaseCause.UNAVAILABLE))
    centre.channels(0)
    centre.wait(4000)
    assert value(centre, "R10.3.1.1.b") == (0.5, 2)
    assert "window ended 2026-01-05T09:01:00+00:00" in row_of(centre, "R10.3.1.1.b").measurement.label
    centre.wait(86400)
    assert value(centre, "R10.3.1.1.b") == (None, 0)


def test_trunks_are_classified_one_by_one(centre: Centre) -> None:
    busy = TrunkId("busy")
    centre.channels(30)
    centre.channels(0)
    centre.channels(30, trunk=busy)
    centre.wait(10)
    centre.good_call()
    centre.voice(centre.arrive(trunk=busy), trunk=busy)
    centre.tell(refused(ReleaseCause.UNAVAILABLE, trunk=busy))
    assert value(centre, "R10.3.1.1.a") == (1.0, 1)
    assert value(centre, "R10.3.1.1.b") == (0.5, 2)


def test_a_short_run_is_insufficient_and_a_clear_miss_fails(centre: Centre) -> None:
    for _ in range(200):
        centre.good_call()
    row = row_of(centre, "R10.3.1.1.a")
    assert row.verdict is Verdict.INSUFFICIENT
    assert row.confidence_bound == pytest.approx(0.05 ** (1 / 200))
    for _ in range(10):
        centre.tell(refused(ReleaseCause.UNAVAILABLE))
    assert row_of(centre, "R10.3.1.1.a").verdict is Verdict.FAIL


def test_setting_the_clock_changes_no_load(centre: Centre) -> None:
    centre.channels(30)
    centre.wait(600)
    centre.clock.set_wall(centre.clock.wall() - timedelta(hours=1))
    centre.channels(0)
    centre.wait(600)
    centre.channels(0)
    assert centre.fold.access.trunks["pstn"].load(centre.now) == 0.5


# --- R10.3.1.2 --------------------------------------------------------------------------------------------


def test_connect_delay_is_the_mean_of_two_hours(centre: Centre) -> None:
    for seconds in (0.1, 0.2, 0.6):
        centre.voice(centre.arrive(), seconds=seconds)
    assert value(centre, "R10.3.1.2") == (0.3, 3)
    centre.wait(7200)
    assert value(centre, "R10.3.1.2") == (None, 0)


@pytest.mark.parametrize(
    ("seconds", "calls", "verdict"),
    [(1.0, 29, Verdict.INSUFFICIENT), (1.0, 30, Verdict.PASS), (1.001, 30, Verdict.FAIL)],
)
def test_a_mean_needs_thirty_samples(centre: Centre, seconds: float, calls: int, verdict: Verdict) -> None:
    for _ in range(calls):
        centre.voice(centre.arrive(), seconds=seconds)
    assert row_of(centre, "R10.3.1.2").verdict is verdict


# --- R10.3.1.3 --------------------------------------------------------------------------------------------


def test_voice_delay_counts_calls_by_their_worst_leg(centre: Centre) -> None:
    first, second = centre.arrive(), centre.arrive()
    centre.tell(
        measured(first, delay=0.1),
        measured(first, role=LegRole.AGENT, delay=0.4),  # not below 400 ms
        measured(second, delay=0.3),
        measured(second, role=LegRole.AGENT, delay=0.1),
        measured(centre.arrive(), delay=None),
    )
    assert value(centre, "R10.3.1.3.delay") == (0.5, 2)


def test_loss_is_of_all_packets_and_the_worse_direction_shows(centre: Centre) -> None:
    centre.tell(
        measured(centre.arrive(), received=990, lost=10, sent=1000, remote_lost=60),
        measured(centre.arrive(), received=1000, lost=0, sent=1000, remote_lost=0),
        measured(centre.arrive(), received=1000, lost=0, sent=5000, remote_lost=None),  # nothing reported
    )
    row = row_of(centre, "R10.3.1.3.loss")
    assert row.measurement.value == pytest.approx(60 / 2000)
    assert row.measurement.samples == 3
    assert row.measurement.label == "lost towards the centre 10/3000, from it 60/2000; legs below 5 %: 2/3"


def test_loss_of_five_percent_is_not_below_five_percent(centre: Centre) -> None:
    for _ in range(30):
        centre.tell(measured(centre.arrive(), received=95, lost=5))
    assert row_of(centre, "R10.3.1.3.loss").verdict is Verdict.FAIL


# --- R10.3.1.5, R10.3.2.a ---------------------------------------------------------------------------------


def test_ivr_success_leaves_out_callers_who_hung_up_and_the_access_network(centre: Centre) -> None:
    for outcome, cause in (
        (FlowOutcome.COMPLETED, ""),
        (FlowOutcome.COMPLETED, ""),
        (FlowOutcome.COMPLETED, ""),
        (FlowOutcome.ABANDONED, ""),
        (FlowOutcome.FAILED, "media_lost"),
        (FlowOutcome.FAILED, "query_failed"),
    ):
        centre.tell(left_flow(centre.arrive(), outcome, cause))
    assert value(centre, "R10.3.1.5.a") == (0.75, 4)
    assert value(centre, "R10.3.1.5.b") == (None, 0)
    assert value(centre, "R10.3.2.a") == (0.75, 4)
    centre.wait(7200)
    assert value(centre, "R10.3.1.5.a") == (None, 0)
    assert value(centre, "R10.3.2.a") == (0.75, 4)
    centre.wait(86400 - 7200)
    assert value(centre, "R10.3.2.a") == (None, 0)


def test_ivr_sessions_of_a_busy_trunk_are_busy_ones(centre: Centre) -> None:
    centre.channels(29)
    centre.wait(10)
    centre.tell(left_flow(centre.arrive(), FlowOutcome.COMPLETED))
    assert value(centre, "R10.3.1.5.b") == (1.0, 1)
    assert value(centre, "R10.3.1.5.a") == (None, 0)


# --- R10.3.1.6, R10.3.1.7, R10.3.2.b, c -------------------------------------------------------------------


def test_dtmf_response_proves_something_from_a_quarter_of_the_design_load(centre: Centre) -> None:
    centre.channels(6)
    centre.wait(10)
    for _ in range(30):
        key(centre, 0.5)
    row = row_of(centre, "R10.3.1.6")
    assert (row.measurement.value, row.verdict) == (0.5, Verdict.INSUFFICIENT)
    assert row.measurement.label == "load 0.200 Erl per channel, needed 0.225"
    assert row_of(centre, "R10.3.2.b").verdict is Verdict.PASS
    centre.channels(9)
    centre.wait(10)
    assert row_of(centre, "R10.3.1.6").verdict is Verdict.PASS  # 0.25 Erl


def test_queries_that_failed_have_no_result(centre: Centre) -> None:
    query(centre, 2.0)
    query(centre, 4.0)
    query(centre, 0.001, ok=False)
    for requirement in ("R10.3.1.7", "R10.3.2.c"):
        row = row_of(centre, requirement)
        assert (row.measurement.value, row.measurement.samples) == (3.0, 2)
        assert row.measurement.label == "failed queries: 1"


# --- R10.3.2.d --------------------------------------------------------------------------------------------


def test_agent_wait_ends_at_the_first_agent_and_starts_at_the_choice(centre: Centre) -> None:
    transferred, direct = centre.arrive(), centre.arrive()
    centre.tell(
        agent_answered(transferred, 20.0),
        agent_answered(transferred, 90.0),  # a second agent after a transfer
        agent_answered(direct, None, queue_seconds=10.0),
    )
    assert value(centre, "R10.3.2.d") == (15.0, 2)


def test_windows_hold_across_midnight(centre: Centre) -> None:
    centre.wait(14 * 3600 + 3500)  # 23:58:20
    key(centre, 1.0)
    centre.wait(200)
    key(centre, 3.0)
    assert value(centre, "R10.3.1.6") == (2.0, 2)


def test_a_clock_set_back_loses_no_fact(centre: Centre) -> None:
    key(centre, 1.0)
    centre.clock.set_wall(centre.clock.wall() - timedelta(minutes=30))
    key(centre, 3.0)
    assert value(centre, "R10.3.1.6") == (2.0, 2)
    assert value(centre, "R10.3.2.b") == (2.0, 2)


# --- mystery calls ----------------------------------------------------------------------------------------


def mystery(
    centre: Centre,
    fate: MysteryFate = MysteryFate.COMPLETED,
    *,
    keys: tuple[float, ...] = (),
    queries: tuple[float, ...] = (),
    loopback: bool = False,
) -> None:
    fact = MysteryCallMade(number="95000", fate=fate, loopback=loopback, key_seconds=keys, query_seconds=queries)
    centre.tell(fact)


def test_without_mystery_calls_the_platform_speaks_for_itself(centre: Centre) -> None:
    key(centre, 1.0)
    row = row_of(centre, "R10.3.2.b")
    assert (row.definition.source, row.self_reported) == (Source.SELF_REPORTED, None)
    assert row.measurement.value == 1.0


def test_mystery_calls_decide_and_the_own_figure_stands_beside(centre: Centre) -> None:
    for seconds in (1.0, 2.0):
        key(centre, seconds)
    query(centre, 1.0)
    for _ in range(30):
        mystery(centre, keys=(5.0,), queries=(9.0, 10.0), loopback=True)
    mystery(centre, MysteryFate.FAILED, keys=(5.0,))
    keys, queries, success = (row_of(centre, f"R10.3.2.{letter}") for letter in "bca")
    assert (keys.measurement.value, keys.measurement.samples, keys.verdict) == (5.0, 31, Verdict.FAIL)
    assert (queries.measurement.value, queries.measurement.samples, queries.verdict) == (9.5, 60, Verdict.PASS)
    assert (success.measurement.successes, success.measurement.samples) == (30, 31)
    assert "30 over loopback" in success.measurement.label
    assert {row.definition.source for row in (keys, queries, success)} == {Source.MYSTERY_CALLS}
    assert keys.self_reported is not None
    assert (keys.self_reported.value, keys.self_reported.samples) == (1.5, 2)
    assert queries.self_reported is not None
    assert queries.self_reported.value == 1.0


def test_mystery_calls_count_for_a_day(centre: Centre) -> None:
    mystery(centre, keys=(1.0,))
    centre.clock.advance(86399)
    assert row_of(centre, "R10.3.2.b").definition.source is Source.MYSTERY_CALLS
    centre.clock.advance(1)
    assert row_of(centre, "R10.3.2.b").definition.source is Source.SELF_REPORTED


def test_the_acceptance_rows_stay_the_platforms_own(centre: Centre) -> None:
    mystery(centre, keys=(1.0,), queries=(1.0,))
    assert value(centre, "R10.3.1.6") == value(centre, "R10.3.1.7") == (None, 0)


def test_one_failed_mystery_call_of_one_is_no_verdict(centre: Centre) -> None:
    mystery(centre, MysteryFate.REFUSED)
    row = row_of(centre, "R10.3.2.a")
    assert (row.measurement.value, row.measurement.samples) == (0.0, 1)
    assert row.verdict is Verdict.INSUFFICIENT
    for _ in range(8):
        mystery(centre, MysteryFate.REFUSED)
    assert row_of(centre, "R10.3.2.a").verdict is Verdict.INSUFFICIENT
    mystery(centre, MysteryFate.REFUSED)
    assert row_of(centre, "R10.3.2.a").verdict is Verdict.FAIL


def test_a_test_call_counts_in_no_figure_of_the_platforms_own(centre: Centre) -> None:
    def figures() -> dict[str, Any]:
        state = centre.fold.snapshot()
        return {name: part for name, part in state.items() if name not in ("folded", "replay", "mystery")}

    before = figures()
    contact = centre.new_contact()
    centre.tell(replace(arrived(contact), mystery=True))
    centre.tell(FirstVoiceSent(contact=contact, trunk=PSTN, connect_seconds=9.0))
    centre.tell(KeyAnswered(contact=contact, node="menu", response_seconds=9.0))
    centre.tell(Queued(contact=contact, queue=SALES, priority=5, waited_seconds=0.0))
    centre.tell(QueueLeft(contact=contact, queue=SALES, reason="answered", waited_seconds=90.0))
    centre.tell(ended(contact, Outcome.REFUSED))
    centre.tell(
        AgentStateChanged(
            agent=AgentId("robot"),
            seat=None,
            state=AgentState.READY,
            reason="",
            previous=AgentState.NOT_READY,
            previous_seconds=60.0,
            robot=True,
        )
    )
    assert figures() == before
    centre.good_call()
    assert figures() != before

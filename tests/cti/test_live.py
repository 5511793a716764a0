"""The live view: what calls, queues and agents look like after each fact; snapshot + later events = the whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.contracts import facts as f
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    CallId,
    ContactId,
    Direction,
    LegId,
    LegRole,
    OfferEnd,
    QueueId,
    RecordingId,
    RecordingMode,
    ReleaseCause,
    SeatId,
    Severity,
)
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from cti.figures import expected_wait
from cti.live import LiveView
from cti.model import CallStage, Change, Collection, LiveAlarm, Recorded
from tests.cti import story
from tests.cti.desk import AGENTS, QUEUES, SHANGHAI

SUPPORT = QueueId("support")


class Centre:
    """A live view that follows a stream on a virtual clock."""

    def __init__(self, wall: datetime | None = None) -> None:
        self.clock = VirtualClock(wall=wall)
        self.stream: Stream[f.Fact] = Stream(self.clock, Ids(self.clock), "default")
        self.live = fresh()
        self.touched: list[Change] = []

    def tell(self, *facts: f.Fact, after: float = 0.0) -> None:
        self.clock.advance(after)
        for fact in facts:
            self.touched = list(self.live.apply(self.stream.publish(fact)))

    def call(self, n: int = 1) -> Any:
        return self.live.calls[CallId(f"call-{n}")]


def fresh() -> LiveView:
    live = LiveView(zone=SHANGHAI)
    live.configure(agents=AGENTS, queues=QUEUES)
    return live


def test_a_call_passes_its_stages_and_is_gone_after_wrap_up() -> None:
    centre = Centre()
    stages: list[CallStage | None] = []
    for fact in story.whole_call(1):
        centre.tell(fact, after=1.0)
        call = centre.live.calls.get(CallId("call-1"))
        if not stages or stages[-1] != (call.stage if call else None):
            stages.append(call.stage if call else None)
    assert stages == [
        CallStage.IVR,
        CallStage.QUEUE,
        CallStage.RINGING,
        CallStage.CONNECTING,
        CallStage.TALKING,
        CallStage.HELD,
        CallStage.TALKING,
        CallStage.WRAP,
        None,
    ]


def test_the_stage_keeps_its_beginning_and_the_wait_its_entry() -> None:
    centre = Centre()
    start = centre.clock.wall()
    centre.tell(story.arrived(1), story.in_flow(1))
    centre.tell(story.queued(1, waited=4.0), after=10.0)
    centre.tell(story.offered(1), after=5.0)
    call = centre.call()
    assert call.started == start
    assert call.queued_at == start + timedelta(seconds=6)
    assert call.since == call.offered_at == start + timedelta(seconds=15)
    assert (call.agent, call.seat) == ("1004", "seat-1004")


def test_an_offer_that_is_not_answered_goes_back_to_the_queue_with_its_age() -> None:
    centre = Centre()
    centre.tell(*story.ringing(1))
    entered = centre.call().queued_at
    centre.tell(story.offer_ended(1, OfferEnd.NO_ANSWER), after=20.0)
    call = centre.call()
    assert (call.stage, call.agent, call.seat, call.queued_at) == (CallStage.QUEUE, None, None, entered)
    assert centre.live.queues[SUPPORT].entries == {ContactId("contact-1"): entered}


def test_a_caller_who_leaves_while_it_rings_is_abandoned_and_gone() -> None:
    centre = Centre()
    centre.tell(*story.abandoned_call(1))
    assert centre.live.calls == {}
    queue = centre.live.queues[SUPPORT]
    assert (queue.entries, queue.today.abandoned, queue.today.service_level) == ({}, 1, 0.0)


@pytest.mark.parametrize("order", [0, 1])
def test_a_call_ends_whatever_is_told_first_its_end_or_the_agents(order: int) -> None:
    centre = Centre()
    centre.tell(*story.talking(1))
    endings = [story.ended(1), story.agent_state(AgentState.WRAP_UP, 1)]
    centre.tell(*(endings if order == 0 else reversed(endings)))
    assert centre.call().stage is CallStage.WRAP
    centre.tell(story.agent_state(AgentState.READY))
    assert centre.live.calls == {}


def test_a_call_without_an_agent_is_gone_at_its_end() -> None:
    centre = Centre()
    centre.tell(story.arrived(1), story.in_flow(1), story.ended(1))
    assert centre.live.calls == {}
    assert centre.touched == [(Collection.CALLS, "call-1")]


def test_a_party_that_cannot_be_reached_gives_the_caller_back_to_the_flow() -> None:
    centre = Centre()
    contact, leg = ContactId("contact-1"), LegId("party")
    centre.tell(story.arrived(1), story.in_flow(1), f.Delivered(contact=contact, leg=leg, device="trunk lab"))
    assert centre.call().stage is CallStage.RINGING
    centre.tell(f.Failed(contact=contact, leg=leg, device="trunk lab", cause=ReleaseCause.BUSY))
    assert centre.call().stage is CallStage.IVR


def test_service_level_counts_answers_in_time_over_all_offered() -> None:
    centre = Centre()
    for n, (reason, waited) in enumerate(
        [("answered", 20.0), ("answered", 20.1), ("abandoned", 3.0), ("transferred", 9.0)]
    ):
        centre.tell(story.arrived(n), story.queued(n), story.left(n, reason, waited))
    centre.tell(story.arrived(9), story.queued(9))
    today = centre.live.queues[SUPPORT].today
    assert (today.answered, today.answered_in_time, today.abandoned) == (2, 1, 1)
    assert today.service_level == pytest.approx(1 / 3)


def test_today_begins_at_local_midnight_by_the_events_time() -> None:
    centre = Centre(wall=datetime(2026, 1, 5, 15, 59, 50, tzinfo=UTC))  # 23:59:50 in Shanghai
    centre.tell(story.queued(1), story.left(1, "answered", 5.0))
    assert centre.live.queues[SUPPORT].today.answered == 1
    centre.tell(story.queued(2), after=20.0)
    assert centre.live.queues[SUPPORT].today.answered == 0


def test_without_events_a_tick_begins_the_day() -> None:
    centre = Centre(wall=datetime(2026, 1, 5, 15, 0, tzinfo=UTC))
    centre.tell(story.left(1, "answered", 5.0))
    assert centre.live.tick(datetime(2026, 1, 5, 15, 59, 59, tzinfo=UTC)) == ()
    changes = centre.live.tick(datetime(2026, 1, 5, 16, 0, tzinfo=UTC))
    assert set(changes) == {(Collection.QUEUES, "sales"), (Collection.QUEUES, "support")}
    assert centre.live.queues[SUPPORT].today.answered == 0


def test_a_clock_set_back_over_midnight_does_not_begin_a_day_twice() -> None:
    centre = Centre(wall=datetime(2026, 1, 5, 16, 0, 5, tzinfo=UTC))
    centre.tell(story.left(1, "answered", 5.0))
    centre.clock.set_wall(datetime(2026, 1, 5, 15, 59, 55, tzinfo=UTC))
    centre.tell(story.left(2, "answered", 5.0))
    assert centre.live.queues[SUPPORT].today.answered == 2


def test_expected_wait_is_zero_while_somebody_is_ready_and_else_what_the_acd_told_last() -> None:
    centre = Centre()
    queue = centre.live.queues[SUPPORT]

    def estimate() -> float | None:
        return expected_wait(queue, centre.live.members(SUPPORT))

    assert estimate() is None  # nobody there
    centre.tell(story.agent_state(AgentState.READY))
    assert estimate() == 0.0
    centre.tell(story.agent_state(AgentState.TALKING, 1))
    assert estimate() is None  # nothing was told
    centre.tell(story.queued(2, expected=120.0))
    assert estimate() == 120.0
    centre.tell(story.left(2, "abandoned", 5.0, expected=80.0))
    assert estimate() == 80.0


def test_agents_seats_and_alarms_follow_their_facts() -> None:
    centre = Centre()
    centre.tell(story.agent_state(AgentState.NOT_READY, reason="lunch"))
    agent = centre.live.agents[AgentId("1004")]
    assert (agent.state, agent.reason, agent.seat, agent.since) == (
        AgentState.NOT_READY,
        "lunch",
        "seat-1004",
        centre.clock.wall(),
    )
    assert set(centre.touched) == {
        (Collection.AGENTS, "1004"),
        (Collection.QUEUES, "sales"),
        (Collection.QUEUES, "support"),
    }
    seat = SeatId("seat-04")
    centre.tell(f.SeatRegistered(seat=seat, transport="udp", user_agent="baresip"))
    assert centre.live.seats[seat].registered
    centre.tell(f.SeatUnregistered(seat=seat, reason="expired"))
    assert not centre.live.seats[seat].registered
    centre.tell(f.AlarmRaised(alarm="a", kind="k", subject="", severity=Severity.URGENT, text="t"))
    centre.tell(f.AlarmAcknowledged(alarm="a", by="sup1"))
    assert centre.live.alarms["a"].acknowledged_by == "sup1"
    centre.tell(f.AlarmCleared(alarm="a", kind="k", subject="", lasted_seconds=1.0))
    assert centre.live.alarms == {}


def test_agents_and_queues_that_were_not_configured_are_shown_all_the_same() -> None:
    centre = Centre()
    centre.tell(story.agent_state(AgentState.READY, agent="1099"), story.queued(1, queue=QueueId("new")))
    assert centre.live.agents[AgentId("1099")].name == "1099"
    assert list(centre.live.queues[QueueId("new")].entries) == ["contact-1"]


def test_a_new_configuration_keeps_what_is_live() -> None:
    centre = Centre()
    centre.tell(*story.talking(1))
    centre.live.configure(agents=AGENTS[1:], queues=QUEUES[1:])
    assert centre.live.agents[AgentId("1004")].state is AgentState.TALKING
    assert centre.live.queues[SUPPORT].today.answered == 1
    assert list(centre.live.queues) == ["support"]


def test_an_event_is_folded_once() -> None:
    centre = Centre()
    event = centre.stream.publish(story.left(1, "answered", 5.0))
    assert centre.live.apply(event) != ()
    assert centre.live.apply(event) == ()
    assert centre.live.queues[SUPPORT].today.answered == 1


def test_facts_that_are_not_live_do_not_count() -> None:
    centre = Centre()
    seen = f.SipMessageSeen(
        contact=ContactId("c"), leg=LegId("l"), outgoing=True, transport="udp", local="", remote="", text="x"
    )
    centre.tell(seen)
    assert centre.live.seq == 0


def test_a_restarted_control_shows_the_calls_that_survived() -> None:
    before = Centre()
    before.tell(story.arrived(1), story.queued(1), *story.talking(2))
    kept = [before.live.snapshot_call(ContactId(f"contact-{n}")) for n in (1, 2)]
    after = fresh()
    after.restore(before.live.snapshot())
    after.begin_epoch()
    assert (after.calls, after.queues[SUPPORT].entries) == ({}, {})
    assert after.queues[SUPPORT].today.answered == 1
    for data in kept:
        assert data is not None
        after.restore_call(json.loads(json.dumps(data)))
    assert after.calls == before.live.calls
    assert after.queues[SUPPORT].entries == before.live.queues[SUPPORT].entries


def test_a_restarted_control_counts_the_day_so_far_and_nothing_else() -> None:
    past = [(fact, 1.0) for fact in [*story.whole_call(1), *story.abandoned_call(2), *story.talking(3)]]
    whole, again = fresh(), fresh()
    for event in publish(past):
        whole.apply(event)
        again.count(event)
    assert again.queues[SUPPORT].today == whole.queues[SUPPORT].today
    assert again.queues[SUPPORT].expected == whole.queues[SUPPORT].expected
    assert (again.epoch, again.seq, again.calls, again.queues[SUPPORT].entries) == ("", 0, {}, {})
    assert {agent.state for agent in again.agents.values()} == {AgentState.SIGNED_OUT}


def test_an_alarm_that_was_up_before_the_restart_is_shown_and_can_be_cleared() -> None:
    centre = Centre()
    alarm = LiveAlarm(id="a", kind="k", subject="", severity=Severity.URGENT, text="t", since=centre.clock.wall())
    centre.live.restore_alarm(alarm)
    assert list(centre.live.alarms) == ["a"]
    centre.tell(f.AlarmCleared(alarm="a", kind="k", subject="", lasted_seconds=1.0))
    assert centre.live.alarms == {}


@pytest.mark.parametrize("broken", [{}, {"epoch": 1, "seq": 0, "day": None}, {"epoch": "", "seq": 0, "day": "x"}])
def test_a_broken_snapshot_changes_nothing(broken: dict[str, Any]) -> None:
    live = fresh()
    with pytest.raises(msgspec.ValidationError):
        live.restore(broken)
    assert list(live.queues) == ["sales", "support"]


def test_a_call_shows_whether_its_talk_is_recorded_and_who_paused_that() -> None:
    centre = Centre()
    centre.tell(*story.talking(1))
    seen = []
    for fact in (
        story.recording_started(1),
        story.recording_paused(1, by="sup1"),
        story.recording_resumed(1),
        story.recording_paused(1),
        story.recording_started(1, 2),
        story.recording_paused(1, 1),  # of an earlier talk: no business of this one
        story.recording_ended(1, 1),
        story.recording_ended(1, 2),
    ):
        centre.tell(fact)
        seen.append((centre.call().recorded, centre.call().paused_by))
    assert seen == [
        (Recorded.YES, ""),
        (Recorded.PAUSED, "sup1"),
        (Recorded.YES, ""),
        (Recorded.PAUSED, "1004"),
        (Recorded.YES, ""),
        (Recorded.YES, ""),
        (Recorded.YES, ""),
        (Recorded.NO, ""),
    ]


def test_a_call_shows_whether_people_may_start_and_stop_its_recording() -> None:
    centre = Centre()
    centre.tell(*story.talking(1), f.RecordingLeftToPeople(contact=ContactId("contact-1")))
    assert (centre.call().recorded, centre.call().on_demand) == (Recorded.NO, True)
    centre.tell(replace(story.recording_started(1), on_demand=True))
    assert (centre.call().recorded, centre.call().on_demand) == (Recorded.YES, True)
    stopped = f.RecordingStopped(contact=ContactId("contact-1"), recording=RecordingId("rec-1-1"), by="1004")
    centre.tell(stopped)
    assert (centre.call().recorded, centre.call().on_demand) == (Recorded.NO, True)
    centre.tell(story.recording_ended(1), story.recording_started(1, 2))
    assert (centre.call().recorded, centre.call().on_demand) == (Recorded.YES, False)
    centre.tell(f.RecordingLeftToPeople(contact=ContactId("contact-1")), story.talk_ended(1))
    assert not centre.call().on_demand


def test_a_message_that_a_caller_leaves_is_no_recorded_talk() -> None:
    centre = Centre()
    centre.tell(story.arrived(1), story.recording_started(1, mode=RecordingMode.MESSAGE))
    assert centre.call().recorded is Recorded.NO


# --- properties ---------------------------------------------------------------------------------------------


def all_facts() -> st.SearchStrategy[f.Fact]:
    """Any fact of a few contacts and agents, in any order: also what no sane control would tell."""
    n, agent = st.integers(1, 3), st.sampled_from(["1001", "1004", "1099"])
    queue = st.sampled_from([QueueId("support"), QueueId("sales"), QueueId("new")])
    state = st.sampled_from(list(AgentState))
    waited = st.floats(0, 100)
    return st.one_of(
        n.map(story.arrived),
        n.map(story.in_flow),
        st.builds(story.queued, n, queue, waited),
        st.builds(story.left, n, st.sampled_from(["answered", "abandoned", "transferred"]), waited, queue),
        st.builds(story.offered, n, agent, queue),
        st.builds(story.offer_ended, n, st.sampled_from(list(OfferEnd)), agent, queue),
        st.builds(story.agent_state, state, st.none() | n, agent),
        st.builds(story.established, n, agent),
        n.map(story.held),
        n.map(story.retrieved),
        st.builds(story.talk_ended, n, agent, waited),
        st.builds(story.wrap_up_ended, n, agent, waited),
        n.map(story.ended),
        st.builds(story.recording_started, n, st.integers(1, 2), st.sampled_from(list(RecordingMode))),
        st.builds(story.recording_paused, n, st.integers(1, 2), agent),
        st.builds(story.recording_resumed, n, st.integers(1, 2), agent),
        st.builds(story.recording_ended, n, st.integers(1, 2)),
        st.builds(story.moved, agent, st.sampled_from(["sales", "support"])),
        st.builds(f.SeatRegistered, seat=st.just(SeatId("s")), transport=st.just("udp"), user_agent=st.just("")),
        st.builds(f.SeatUnregistered, seat=st.just(SeatId("s")), reason=st.just("expired")),
        st.sampled_from(["a", "b"]).map(
            lambda name: f.AlarmRaised(alarm=name, kind="k", subject=name, severity=Severity.URGENT, text="t")
        ),
        st.just(f.AlarmCleared(alarm="a", kind="k", subject="a", lasted_seconds=1.0)),
    )


def days() -> st.SearchStrategy[list[tuple[f.Fact, float]]]:
    """Facts with the seconds before each, long enough to pass midnight."""
    return st.lists(st.tuples(all_facts(), st.floats(0, 20_000)), max_size=40)


def publish(told: Iterable[tuple[f.Fact, float]]) -> list[f.FactEvent]:
    clock = VirtualClock()
    stream: Stream[f.Fact] = Stream(clock, Ids(clock), "default")
    events = []
    for fact, after in told:
        clock.advance(after)
        events.append(stream.publish(fact))
    return events


@settings(max_examples=200, deadline=None)
@given(days(), st.integers(0, 40))
def test_snapshot_and_later_events_are_the_fold_of_all(told: list[tuple[f.Fact, float]], cut: int) -> None:
    events = publish(told)
    whole, first = fresh(), fresh()
    for event in events:
        whole.apply(event)
    for event in events[:cut]:
        first.apply(event)
    second = LiveView(zone=SHANGHAI)
    second.restore(json.loads(json.dumps(first.snapshot())))
    for event in events[max(0, cut - 3) :]:  # a few told twice
        second.apply(event)
    assert second.snapshot() == whole.snapshot()


@settings(max_examples=200, deadline=None)
@given(days())
def test_a_contact_never_waits_in_two_queues_and_no_call_is_left_behind(told: list[tuple[f.Fact, float]]) -> None:
    live = fresh()
    for event in publish(told):
        live.apply(event)
        waiting = [contact for queue in live.queues.values() for contact in queue.entries]
        assert len(waiting) == len(set(waiting))
        for call in live.calls.values():
            if call.ended:
                assert call.agent is not None
                assert live.agents[call.agent].contact == call.contact


def consulting() -> Centre:
    """1004 talks with the caller of contact 1; 1005 was called about him (contact 2) and answered."""
    centre = Centre()
    centre.tell(
        *story.talking(1),
        story.held(1),
        replace(
            story.arrived(2, dialled="experts"), direction=Direction.INTERNAL, consult_of=ContactId("contact-1")
        ),
        story.agent_state(AgentState.RESERVED, 2, "1005"),
        replace(story.offered(2, "1005"), queue=None),
        story.agent_state(AgentState.TALKING, 2, "1005"),
        replace(story.established(2, "1005"), queue=None),
    )
    return centre


def test_a_consultation_is_a_row_of_its_own_that_names_its_contact() -> None:
    centre = consulting()
    row = centre.live.calls[CallId("call-2")]
    assert (row.consult_of, row.agent, row.stage) == ("contact-1", "1005", CallStage.TALKING)
    assert centre.live.calls[CallId("call-1")].stage is CallStage.HELD


def test_a_caller_who_was_handed_over_is_in_front_of_his_new_agent() -> None:
    centre = consulting()
    centre.tell(
        story.agent_state(AgentState.WRAP_UP, 1, "1004"),
        story.ended(2),
        story.established(1, "1005"),
    )
    row = centre.live.calls[CallId("call-1")]
    assert (row.stage, row.agent, row.seat) == (CallStage.TALKING, "1005", "seat-1005")
    assert centre.live.agents[AgentId("1005")].contact == "contact-1"
    assert CallId("call-2") not in centre.live.calls


def test_a_caller_who_talks_with_somebody_outside_is_no_agent_s_any_more() -> None:
    centre = consulting()
    outside = replace(
        story.established(1),
        leg=LegId("outside"),
        role=LegRole.PARTY,
        device="13900000000",
        agent=None,
        queue=None,
    )
    centre.tell(story.ended(2), story.agent_state(AgentState.WRAP_UP, 1, "1004"), outside)
    row = centre.live.calls[CallId("call-1")]
    assert (row.stage, row.agent, row.seat) == (CallStage.TALKING, None, None)
    assert centre.live.agents[AgentId("1004")].contact == "contact-1"  # he notes what it was
    centre.tell(story.ended(1))
    assert CallId("call-1") not in centre.live.calls


def test_who_is_in_the_conference_is_shown_until_he_leaves() -> None:
    centre = consulting()
    leg = LegId("agent-leg-2")
    joined = replace(story.conferenced(1, "1005"), leg=leg)
    centre.tell(story.ended(2), story.retrieved(1), joined)
    row = centre.live.calls[CallId("call-1")]
    assert [(party.leg, party.agent) for party in row.parties] == [(leg, "1005")]
    assert (row.agent, row.stage) == ("1004", CallStage.TALKING)
    assert CallId("call-2") not in centre.live.calls
    gone = f.ConnectionCleared(
        contact=ContactId("contact-1"),
        leg=leg,
        role=LegRole.AGENT,
        cause=ReleaseCause.NORMAL,
        released_by="remote",
    )
    centre.tell(gone)
    assert row.parties == []

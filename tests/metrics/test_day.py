"""Figures of the day: queues and agents, with midnight, transfers and abandons."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.words import AgentId, AgentState, Outcome, QueueId
from metrics.calendar import Calendar
from metrics.day import Figure, figures
from metrics.definitions import DEFINITIONS
from metrics.model import AnswerLimits, FoldRules
from tests.metrics.telling import (
    SALES,
    Centre,
    agent_answered,
    agent_changed,
    queue_left,
    queued,
    talk_ended,
    wrap_up_ended,
)

SUPPORT = QueueId("support")


def figure(centre: Centre, name: str) -> Figure:
    (found,) = (
        figure for figure in figures(centre.fold, centre.now, AnswerLimits()) if figure.definition_id == name
    )
    return found


@pytest.fixture
def centre() -> Centre:
    return Centre(FoldRules(zone=ZoneInfo("Asia/Shanghai")), wall=datetime(2026, 1, 5, 1, 0, tzinfo=UTC))


def test_service_level_is_answered_in_time_of_all_offered(centre: Centre) -> None:
    for reason, waited in (
        ("answered", 20.0),  # within 20 s
        ("answered", 20.001),
        ("abandoned", 3.0),  # short, counts all the same
        ("abandoned", 5.0),
        ("transferred", 1.0),
    ):
        centre.tell(queue_left(centre.arrive(), reason, waited))
    sales = centre.fold.queues.day(centre.now)["sales"]
    assert (sales.offered, sales.answered, sales.answered_in_time(20)) == (5, 2, 1)
    assert (sales.abandoned, sales.abandoned_short, sales.left_otherwise) == (2, 1, 1)
    assert figure(centre, "D-SL").value == 0.2
    assert figure(centre, "D-ASA").value == pytest.approx(20.0005)


def test_a_queue_may_have_its_own_limit(centre: Centre) -> None:
    centre.tell(
        queue_left(centre.arrive(), "answered", 50.0, SUPPORT), queue_left(centre.arrive(), "answered", 50.0)
    )
    limits = AnswerLimits(by_queue={"support": 60.0})
    (level,) = (figure for figure in figures(centre.fold, centre.now, limits) if figure.definition_id == "D-SL")
    assert level.value == 0.5


def test_handle_time_of_a_transferred_contact_is_all_its_segments(centre: Centre) -> None:
    one, two = centre.arrive(), centre.arrive()
    centre.tell(
        talk_ended(one, 100.0, hold=10.0),
        talk_ended(one, 50.0, agent="1002", queue=SUPPORT),
        wrap_up_ended(one, 10.0),
    )
    centre.end(one, Outcome.HANDLED)
    centre.tell(wrap_up_ended(one, 20.0, agent="1002", queue=SUPPORT))  # after the contact's end
    centre.tell(talk_ended(two, 40.0), wrap_up_ended(two, 0.0))
    assert figure(centre, "D-AHT").value == (100 + 50 + 10 + 20 + 40) / 2
    assert figure(centre, "D-AHT").samples == 2


def test_waiting_follows_the_contact(centre: Centre) -> None:
    one, two = centre.arrive(), centre.arrive()
    centre.tell(queued(one), queued(two), queued(one, waited=12.0))  # back after RONA
    assert centre.fold.contacts.waiting == {"sales": 2}
    centre.tell(queued(one, SUPPORT), queue_left(two, "abandoned", 9.0))
    assert centre.fold.contacts.waiting == {"sales": 0, "support": 1}
    centre.end(one, Outcome.ABANDONED_QUEUE, queue=SUPPORT)  # nobody told that it left the queue
    assert centre.fold.contacts.waiting == {"sales": 0, "support": 0}


def test_abandon_in_the_ivr_touches_no_queue(centre: Centre) -> None:
    contact = centre.arrive()
    centre.voice(contact)
    centre.end(contact, Outcome.ABANDONED_IVR)
    assert centre.fold.queues.day(centre.now) == {}
    assert figure(centre, "D-SL").value is None
    assert centre.fold.contacts.active == 0


def test_occupancy_and_utilisation_by_hand(centre: Centre) -> None:
    centre.tell(agent_changed(AgentState.NOT_READY, AgentState.SIGNED_OUT, 0.0, reason="break"))
    for seconds, state, reason in (
        (100, AgentState.READY, ""),  # 100 s break
        (200, AgentState.RESERVED, ""),  # 200 s ready
        (10, AgentState.TALKING, ""),  # 10 s ringing: idle too
        (300, AgentState.HELD, ""),
        (30, AgentState.TALKING, ""),
        (60, AgentState.WRAP_UP, ""),
        (50, AgentState.NOT_READY, "meal"),
        (1000, AgentState.READY, ""),  # meal: left out
    ):
        centre.wait(seconds)
        previous = centre.fold.agents._present["1001"].state
        centre.tell(agent_changed(state, previous, seconds, reason=reason))
    centre.wait(40)  # ready, and still so
    busy, idle = 390 + 50, 210 + 40
    assert figure(centre, "D-OCC").value == busy / (busy + idle)
    assert figure(centre, "D-UTIL").value == (busy + idle) / (busy + idle + 100)
    assert centre.fold.agents.by_state()[AgentState.READY] == 1
    everybody = centre.fold.agents.by_state(configured=["1001", "1002", "1003"])
    assert sum(everybody.values()) == 3  # who was never heard of is signed out


def test_an_interval_over_midnight_is_cut_there() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    centre = Centre(FoldRules(zone=zone), wall=datetime(2026, 1, 5, 23, 50, tzinfo=zone))
    centre.tell(agent_changed(AgentState.READY, AgentState.SIGNED_OUT, 0.0))
    centre.wait(1200)  # ten minutes on each day
    centre.tell(agent_changed(AgentState.WRAP_UP, AgentState.READY, 1200.0))
    centre.wait(200)
    today, yesterday = centre.fold.agents.today(centre.now), centre.fold.agents.today(centre.now - 3600)
    assert (today.idle, today.wrap_up) == (600_000_000, 200_000_000)
    assert yesterday.idle == 600_000_000
    assert figure(centre, "D-OCC").value == 0.25


def test_queue_figures_begin_anew_at_midnight_and_late_facts_go_to_their_day() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    centre = Centre(FoldRules(zone=zone), wall=datetime(2026, 1, 5, 23, 59, 59, tzinfo=zone))
    centre.tell(queue_left(centre.arrive(), "answered", 1.0))
    yesterday = centre.now
    centre.wait(1)
    assert figure(centre, "D-SL").samples == 0
    centre.tell(queue_left(centre.arrive(), "abandoned", 1.0))
    centre.clock.set_wall(centre.clock.wall() - timedelta(seconds=1))  # set back over midnight
    centre.tell(queue_left(centre.arrive(), "answered", 2.0))
    assert centre.fold.queues.day(yesterday)["sales"].answered == 2
    assert centre.fold.queues.day(yesterday + 1)["sales"].abandoned == 1


def test_clock_set_back_changes_no_duration(centre: Centre) -> None:
    centre.tell(agent_changed(AgentState.READY, AgentState.SIGNED_OUT, 0.0))
    centre.wait(600)
    centre.clock.set_wall(centre.clock.wall() - timedelta(minutes=5))
    centre.tell(agent_changed(AgentState.WRAP_UP, AgentState.READY, 600.0))
    assert centre.fold.agents.today(centre.now).idle == 600_000_000


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)]
)
def test_days_have_the_length_of_their_zone(day: date, hours: int) -> None:
    calendar = Calendar(ZoneInfo("Europe/Berlin"))
    ordinal = day.toordinal()
    start, end = calendar.start(ordinal), calendar.start(ordinal + 1)
    assert end - start == hours * 3600
    assert calendar.day_of(start) == calendar.day_of(end - 1) == ordinal
    assert calendar.day_of(end) == ordinal + 1


def test_the_figures_of_the_day_are_of_all_queues(centre: Centre) -> None:
    for queue in (SALES, SUPPORT, SUPPORT):
        centre.tell(queue_left(centre.arrive(), "answered", 1.0, queue))
    assert (figure(centre, "D-ASA").value, figure(centre, "D-ASA").samples) == (1.0, 3)


def test_waits_beyond_an_hour_are_never_in_time(centre: Centre) -> None:
    centre.tell(queue_left(centre.arrive(), "answered", 3600.0), queue_left(centre.arrive(), "answered", 9999.0))
    assert centre.fold.queues.day(centre.now)["sales"].answered_in_time(3600) == 1


def test_variants_of_the_service_level_treat_abandons_each_in_its_way(centre: Centre) -> None:
    for reason, waited in (
        ("answered", 5.0),
        ("answered", 19.0),
        ("answered", 20.0),
        ("answered", 60.0),
        ("abandoned", 2.0),  # short
        ("abandoned", 15.0),  # within Y
        ("abandoned", 40.0),
        ("abandoned", 5.0),  # just no short one
        ("overflowed", 1.0),
        ("transferred", 30.0),
    ):
        centre.tell(queue_left(centre.arrive(), reason, waited))
    shown = {name: figure(centre, name) for name in DEFINITIONS if name.startswith("D-SL")}
    assert {name: (found.value, found.samples) for name, found in shown.items()} == {
        "D-SL": (3 / 10, 10),
        "D-SL.answered": (3 / 4, 4),
        "D-SL.without_short": (3 / 9, 9),
        "D-SL.abandons_met": (6 / 10, 10),
        "D-SL.abandons_out": (3 / 7, 7),
    }


def test_a_day_on_which_everybody_gave_up_at_once_has_no_level_that_leaves_them_out(centre: Centre) -> None:
    centre.tell(queue_left(centre.arrive(), "abandoned", 1.0))
    values = {name: figure(centre, name).value for name in DEFINITIONS if name.startswith("D-SL")}
    assert values == {
        "D-SL": 0.0,
        "D-SL.answered": None,
        "D-SL.without_short": None,
        "D-SL.abandons_met": 1.0,
        "D-SL.abandons_out": None,
    }


def test_talk_and_hold_are_those_of_a_contact_over_all_its_agents(centre: Centre) -> None:
    one, two = centre.arrive(), centre.arrive()
    centre.tell(talk_ended(one, 100.0, hold=10.0), talk_ended(one, 50.0, hold=5.0, agent="1002", queue=SUPPORT))
    centre.tell(talk_ended(two, 30.0))
    assert (figure(centre, "D-TALK").value, figure(centre, "D-TALK").samples) == (90.0, 2)
    assert figure(centre, "D-HOLD").value == 7.5


def test_a_conference_is_one_contact_and_the_work_of_both_agents(centre: Centre) -> None:
    contact = centre.arrive()
    centre.tell(
        queued(contact),
        queue_left(contact, "answered", 12.0),
        agent_answered(contact, 12.0),
        replace(agent_answered(contact, None), agent=AgentId("1002"), queue=None),  # asked to join after a minute
        talk_ended(contact, 300.0),
        talk_ended(contact, 240.0, agent="1002"),
        wrap_up_ended(contact, 20.0),
        wrap_up_ended(contact, 10.0, agent="1002"),
    )
    centre.end(contact, Outcome.HANDLED)
    assert (figure(centre, "D-SL").value, figure(centre, "D-SL").samples) == (1.0, 1)
    assert (figure(centre, "D-ASA").value, figure(centre, "D-ASA").samples) == (12.0, 1)
    assert centre.fold.responses.agents(centre.now) == (1, 12_000_000)  # R10.3.2.d: the first who answered
    assert (figure(centre, "D-TALK").value, figure(centre, "D-TALK").samples) == (540.0, 1)
    assert (figure(centre, "D-AHT").value, figure(centre, "D-AHT").samples) == (570.0, 1)


def test_talks_of_a_day_whose_clocks_change_belong_to_it() -> None:
    zone = ZoneInfo("Europe/Berlin")
    centre = Centre(FoldRules(zone=zone), wall=datetime(2026, 10, 24, 22, 30, tzinfo=UTC))  # 00:30, 25 hours long
    centre.tell(talk_ended(centre.arrive(), 10.0))
    centre.wait(24 * 3600)  # 23:30 of the same day
    centre.tell(talk_ended(centre.arrive(), 20.0))
    assert (figure(centre, "D-TALK").value, figure(centre, "D-TALK").samples) == (15.0, 2)
    centre.wait(1800)
    assert figure(centre, "D-TALK").samples == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("answered", "abandoned", "overflowed")),
            st.integers(0, 80_000),  # milliseconds
            st.sampled_from((SALES, SUPPORT)),
        ),
        max_size=40,
    ),
    st.integers(1, 60),
)
def test_every_variant_is_what_counting_gives(told: list[tuple[str, int, QueueId]], limit: int) -> None:
    centre = Centre()
    for reason, waited, queue in told:
        centre.tell(queue_left(centre.arrive(), reason, waited / 1000, queue))
    limits = AnswerLimits(default_seconds=limit, by_queue={"support": 2.0 * limit})
    shown = {found.definition_id: found.value for found in figures(centre.fold, centre.now, limits)}
    quick = [row for row in told if row[1] <= 1000 * limit * (2 if row[2] == SUPPORT else 1)]
    met = sum(row[0] == "answered" for row in quick)
    early = sum(row[0] == "abandoned" for row in quick)
    short = sum(row[0] == "abandoned" and row[1] < 5000 for row in told)
    answered, offered = sum(row[0] == "answered" for row in told), len(told)
    for name, part, whole in (
        ("D-SL", met, offered),
        ("D-SL.answered", met, answered),
        ("D-SL.without_short", met, offered - short),
        ("D-SL.abandons_met", met + early, offered),
        ("D-SL.abandons_out", met, offered - early),
    ):
        assert shown[name] == (part / whole if whole else None), name


def test_an_agent_s_own_day_is_his_and_of_today(centre: Centre) -> None:
    previous = AgentState.SIGNED_OUT
    for seconds, state in (
        (0.0, AgentState.READY),
        (60.0, AgentState.RESERVED),
        (5.0, AgentState.TALKING),
        (100.0, AgentState.HELD),
        (20.0, AgentState.TALKING),
        (30.0, AgentState.WRAP_UP),
        (25.0, AgentState.READY),
    ):
        centre.wait(seconds)
        centre.tell(agent_changed(state, previous, seconds, agent="1004"))
        previous = state
    centre.wait(35.0)
    day = centre.fold.agents.today_of("1004", centre.now)
    assert (day.talks, day.talk, day.wrap_up, day.idle) == (1, 150_000_000, 25_000_000, 100_000_000)
    assert day.handle_seconds == pytest.approx(175.0)
    assert day.occupancy == pytest.approx(175 / 275)
    nobody = centre.fold.agents.today_of("1005", centre.now)
    assert (nobody.talks, nobody.handle_seconds, nobody.occupancy) == (0, None, None)
    again = Centre(FoldRules(zone=ZoneInfo("Asia/Shanghai")))
    again.fold.agents.restore(centre.fold.agents.snapshot())
    assert again.fold.agents.today_of("1004", centre.now) == day
    centre.wait(24 * 3600.0)
    assert centre.fold.agents.today_of("1004", centre.now).talks == 0

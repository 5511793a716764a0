"""What survives a restart: the whole engine, or contacts one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.engine import AcdEngine
from acd.errors import BadSnapshot
from acd.events import (
    AcdEvent,
    ContactPlace,
    OfferPlace,
    PauseMatching,
    Phase,
    PutBack,
    RestoreContact,
    ResumeMatching,
    SaveAgent,
)
from acd.model import Queue, Strategy
from ccplatform.contracts.facts import QueueLeft
from ccplatform.contracts.routing import EngageAgent, HandOver, OfferWithdrawn
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId
from tests.acd.floor import Centre, agent, offers, only, queue

C1 = ContactId("c1")


def restarted(before: Centre, *contacts: str, away: float = 0.0, config: Queue | None = None) -> Centre:
    """A new process: configuration, presence and then the contacts are taken back; matching is paused."""
    centre = Centre(config or queue())
    centre.now = 50.0
    centre.do(PauseMatching())
    for row in before.engine.describe_agents(before.now):
        centre.do(SaveAgent(agent=agent(row.id)))
        presence = before.engine.presence(row.id)
        if presence is not None:
            centre.reach(row.id, True)
            centre.do(
                PutBack(agent=row.id, seat=presence.seat, asked=presence.asked, reason=presence.reason, idle_age=1)
            )
    for contact in contacts:
        place = before.engine.place(ContactId(contact), before.now)
        assert place is not None
        centre.do(RestoreContact(contact=ContactId(contact), place=place.aged(away)))
    return centre


def test_a_waiting_contact_is_back_at_its_place_with_its_age() -> None:
    before = Centre(queue())
    before.call("c1")
    before.wait(30)
    before.call("c2")
    centre = restarted(before, "c2", "c1", away=5)
    assert [centre.engine.position(ContactId(c)) for c in ("c1", "c2")] == [1, 2]
    assert only(QueueLeft, centre.hang_up("c1")).waited_seconds == 35


def test_a_talk_is_back_and_its_agent_is_not_offered_another_contact() -> None:
    before = Centre(queue())
    before.staff("1")
    before.call("c1")
    before.answer("c1", "1")
    before.hold("c1", "1")
    before.call("c2")
    centre = restarted(before, "c2", "c1")
    assert offers(centre.do(ResumeMatching())) == []
    assert centre.state("1") is AgentState.HELD
    centre.release("c1", "1")
    assert centre.state("1") is AgentState.WRAP_UP
    assert offers(centre.wait(10)) == [("c2", "1")]


def test_a_talk_that_comes_back_late_takes_the_agent_from_an_offer() -> None:
    before = Centre(queue())
    before.staff("1")
    before.call("c1")
    before.answer("c1", "1")
    centre = restarted(before)
    centre.do(ResumeMatching())
    assert offers(centre.call("c2")) == [("c2", "1")]
    place = before.engine.place(C1, before.now)
    assert place is not None
    effects = centre.do(RestoreContact(contact=C1, place=place))
    assert only(OfferWithdrawn, effects).contact == "c2"
    assert centre.state("1") is AgentState.TALKING
    assert centre.queue().waiting == 1


def test_an_agent_who_asked_to_sign_out_during_the_talk_is_signed_out_after_it() -> None:
    before = Centre(queue())
    before.staff("1")
    before.call("c1")
    before.answer("c1", "1")
    before.sign_out("1")
    centre = restarted(before, "c1")
    assert (centre.state("1"), centre.agent("1").seat) == (AgentState.TALKING, "s1")
    centre.release("c1", "1")
    centre.wait(10)
    assert centre.state("1") is AgentState.SIGNED_OUT


def test_an_offer_rings_on_for_what_is_left_of_its_time() -> None:
    before = Centre(queue())
    before.staff("1")
    before.call("c1")
    before.wait(12)
    centre = restarted(before, "c1", away=3)
    assert centre.state("1") is AgentState.RESERVED
    assert centre.wait(4.5) == []
    assert only(OfferWithdrawn, centre.wait(0.5)).contact == "c1"


RING_ALL = queue(strategy=Strategy.RING_ALL, rung_at_most=2)
ONE_BY_ONE = queue(strategy=Strategy.RING_PROGRESSIVELY, rung_at_most=3, ring_more_seconds=5)


def three_agents(config: Queue) -> Centre:
    centre = Centre(config)
    for name in "123":
        centre.staff(name)
    return centre


def test_all_who_are_rung_for_a_contact_are_rung_on_and_nobody_else() -> None:
    before = three_agents(RING_ALL)
    assert offers(before.call("c1")) == [("c1", "1"), ("c1", "2")]
    before.wait(12)
    centre = restarted(before, "c1", away=3, config=RING_ALL)
    assert [centre.state(name) for name in "12"] == [AgentState.RESERVED] * 2
    assert offers(centre.do(ResumeMatching())) == []
    assert centre.state("3") is AgentState.READY
    effects = centre.answer("c1", "2")
    assert only(OfferWithdrawn, effects).agent == "1"
    assert (centre.state("1"), centre.state("2")) == (AgentState.READY, AgentState.TALKING)


def test_offers_made_one_by_one_end_each_in_its_time_and_the_next_is_made_in_its() -> None:
    before = three_agents(ONE_BY_ONE)
    assert offers(before.call("c1")) == [("c1", "1")]
    assert offers(before.wait(7)) == [("c1", "2")]
    centre = restarted(before, "c1", away=2, config=ONE_BY_ONE)
    assert offers(centre.do(ResumeMatching())) == []
    assert offers(centre.wait(1)) == [("c1", "3")]
    assert only(OfferWithdrawn, centre.wait(10)).agent == "1"
    assert only(OfferWithdrawn, centre.wait(5)).agent == "2"


def test_of_several_who_are_rung_one_who_is_gone_is_told_to_stop_and_the_next_is_rung_for_him() -> None:
    before = three_agents(RING_ALL)
    before.call("c1")
    centre = restarted(before, config=RING_ALL)
    centre.sign_out("1")
    place = before.engine.place(C1, before.now)
    assert place is not None
    assert [offer.agent for offer in place.offers] == ["1", "2"]
    withdrawn = only(OfferWithdrawn, centre.do(RestoreContact(contact=C1, place=place)))
    assert withdrawn.agent == "1"
    assert offers(centre.do(ResumeMatching())) == [("c1", "3")]


def test_an_offer_to_an_agent_who_is_gone_is_told_to_stop() -> None:
    before = Centre(queue())
    before.staff("1")
    before.call("c1")
    place = before.engine.place(C1, before.now)
    assert place is not None
    centre = Centre(queue())
    centre.staff("2")
    effects = centre.do(RestoreContact(contact=C1, place=place))
    assert only(OfferWithdrawn, effects).agent == "1"
    assert offers(effects) == [("c1", "2")]


TALK = ContactPlace(
    queue=QueueId("sales"),
    priority=5,
    age=9.0,
    phase=Phase.TALKING,
    agent=AgentId("1"),
    seat=SeatId("s1"),
)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (replace(TALK, queue=QueueId("gone")), "there is no queue gone"),
        (replace(TALK, priority=0), "priority 0"),
        (replace(TALK, age=-1.0), "-1.0 seconds"),
        (replace(TALK, agent=AgentId("9")), "no agent 9"),
        (replace(TALK, seat=None), "no agent 1"),
        (replace(TALK, more_in=-1.0), "-1.0 seconds"),
        (
            replace(TALK, offers=(OfferPlace(agent=AgentId("1"), seat=SeatId("s1"), age=1.0, left=-2.0),)),
            "-2.0 seconds",
        ),
        (replace(TALK, seat=SeatId("s5")), "not at seat s5"),
        (replace(TALK, agent=AgentId("2"), seat=SeatId("s5")), "agent 2 is not at seat s5"),
    ],
)
def test_what_cannot_be_put_back_is_refused_and_changes_nothing(place: ContactPlace, text: str) -> None:
    centre = Centre(queue())
    centre.staff("2")
    centre.call("c9")
    centre.answer("c9", "2")
    centre.staff("1")
    before = centre.engine.snapshot(centre.now)
    event = RestoreContact(contact=C1, place=place)
    with pytest.raises(BadSnapshot, match=text):
        centre.engine.check_restore(event)
    with pytest.raises(BadSnapshot, match=text):
        centre.do(event)
    assert centre.engine.snapshot(centre.now) == before


@pytest.mark.parametrize("own_first", [False, True])
def test_who_called_somebody_during_a_talk_has_both_again_whichever_comes_first(own_first: bool) -> None:
    before = Centre(queue(wrap_up_seconds=0))
    before.staff("1")
    before.call("c1")
    before.answer("c1", "1")
    own = EngageAgent(contact=ContactId("own"), agent=AgentId("1"))
    before.do(own)
    place = before.engine.place(C1, before.now)
    assert place is not None
    centre = restarted(before, config=queue(wrap_up_seconds=0))
    taken_back: list[AcdEvent] = [RestoreContact(contact=C1, place=place), own]
    for event in reversed(taken_back) if own_first else taken_back:
        centre.do(event)
    assert offers(centre.do(ResumeMatching())) == offers(centre.call("c2")) == []
    assert offers(centre.release("own", "1")) == []
    assert centre.state("1") is AgentState.TALKING
    assert offers(centre.release("c1", "1")) == [("c2", "1")]


def test_who_had_a_call_of_his_handed_to_him_during_a_talk_has_both_again() -> None:
    before = Centre(queue())
    before.staff("1")
    before.call("c1")
    before.answer("c1", "1")
    before.do(EngageAgent(contact=ContactId("own"), agent=AgentId("1")))
    over = HandOver(contact=ContactId("c2"), source=ContactId("own"), queue=QueueId("sales"), agent=AgentId("1"))
    before.do(over)
    centre = restarted(before, "c2", "c1")
    assert [centre.engine.position(ContactId(name)) for name in ("c1", "c2")] == [0, 0]
    centre.release("c1", "1")
    assert centre.state("1") is AgentState.TALKING


def test_the_whole_engine_goes_on_where_it_was_and_time_away_counts() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.staff("2")
    centre.call("c1")
    centre.answer("c1", "1")
    centre.release("c1", "1")
    centre.call("c2")
    centre.call("c3")
    centre.wait(3)
    centre.restart(away=5)
    assert centre.queue().longest_wait_seconds == 8
    assert offers(centre.wait(2)) == [("c3", "1")]
    assert offers(centre.wait(9)) == []
    assert centre.state("2") is AgentState.RESERVED
    centre.wait(1)
    assert centre.agent("2").reason == "no_answer"


@pytest.mark.parametrize("data", [{}, {"version": 1}, {"version": "x"}])
def test_data_that_are_no_snapshot_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(BadSnapshot):
        AcdEngine.restore(data, 0.0)


def test_a_snapshot_of_another_version_or_that_contradicts_itself_is_refused() -> None:
    centre = Centre(queue())
    centre.call("c1")
    data = centre.engine.snapshot(centre.now)
    with pytest.raises(BadSnapshot, match="version 1"):
        AcdEngine.restore({**data, "version": 1}, 0.0)
    with pytest.raises(BadSnapshot, match="contradicts"):
        AcdEngine.restore({**data, "queues": []}, 0.0)


def test_a_contact_that_one_agent_talks_with_past_the_queues_may_be_offered_to_another() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.staff("2", ready=False)
    centre.do(EngageAgent(contact=C1, agent=AgentId("2"), wrap_up_seconds=10.0))
    assert offers(centre.call("c1")) == [("c1", "1")]
    data = centre.engine.snapshot(centre.now)
    assert AcdEngine.restore(data, centre.now).snapshot(centre.now) == data

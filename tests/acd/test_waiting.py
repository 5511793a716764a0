"""Rings, preferred agents, ageing, transfer, pick-up, overflow, capacity: each rule as a trace."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from acd.desk import CONNECTION_LOST
from acd.errors import AgentBusy, IllegalSetting, PhoneAway, UnknownContact, UnknownQueue
from acd.events import OpenQueue, PickUp, SaveAgent, SaveQueue
from acd.model import Overflow, OverflowCause, Ring, TargetKind
from acd.skills import parse
from ccplatform.contracts.facts import OfferEnded, Queued, QueueLeft, WrapUpEnded
from ccplatform.contracts.routing import OfferWithdrawn, QueueRefused, TransferContact
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd, QueueId
from tests.acd.floor import Centre, agent, offers, only, queue


def transfer(centre: Centre, contact: str, to: str) -> list[object]:
    return list(centre.do(TransferContact(contact=ContactId(contact), queue=QueueId(to))))


def pick_up(centre: Centre, contact: str, name: str) -> list[object]:
    return list(centre.do(PickUp(contact=ContactId(contact), agent=AgentId(name))))


def overflow(cause: str, to: str, kind: str = "queue") -> tuple[Overflow, ...]:
    return (Overflow(cause=OverflowCause(cause), kind=TargetKind(kind), to=to),)


# --- skill expressions and rings ---


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("sales", ((("sales", 1),),)),
        ("sales >= 3 and english>=5", ((("english", 5), ("sales", 3)),)),
        ("a or b and c", ((("a", 1),), (("b", 1), ("c", 1)))),
        ("(a or b) and c", ((("a", 1), ("c", 1)), (("b", 1), ("c", 1)))),
        ("a or a >= 5 or (a and b)", ((("a", 1),),)),
        ("a >= 2 and a >= 7", ((("a", 7),),)),
    ],
)
def test_an_expression_has_one_normal_form(text: str, need: object) -> None:
    assert parse(text) == need


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "a skill is missing at its end"),
        ("a and", "a skill is missing at its end"),
        ("and a", "before 'and'"),
        ("(a", "not closed"),
        ("a b", "'b' is not expected"),
        ("a >= 11", "level of a must be a whole number from 1 to 10"),
        ("a >= x", "level of a"),
        ("a $ b", "character 2"),
        (" and ".join(f"(a{n} or b{n})" for n in range(6)), "more than 32 alternatives"),
        ("a" * 501, "at most 500"),
    ],
)
def test_an_expression_that_cannot_be_read_is_refused_with_the_place(text: str, fault: str) -> None:
    with pytest.raises(IllegalSetting, match=fault):
        parse(text)


def test_a_queue_can_ask_for_more_than_its_skill() -> None:
    centre = Centre(queue(min_level=3, requires="english >= 5 or french"))
    centre.staff("1", sales=9)
    centre.staff("2", sales=2, english=9)
    assert offers(centre.call("c1")) == []
    assert offers(centre.staff("3", sales=3, french=1)) == [("c1", "3")]


RINGS = (Ring(after_seconds=10, requires="sales"), Ring(after_seconds=30, requires="support >= 2"))


def test_rings_open_one_after_the_other_as_the_contact_grows_older() -> None:
    centre = Centre(queue(min_level=8, rings=RINGS))
    centre.staff("1", support=5)
    centre.staff("2", sales=2)
    assert offers(centre.call("c1")) == []
    assert offers(centre.wait(9.75)) == []
    assert offers(centre.wait(0.25)) == [("c1", "2")]
    centre.fail("c1", "2", OfferEnd.REJECTED)
    assert offers(centre.wait(20)) == [("c1", "1")]


def test_an_agent_of_the_first_ring_goes_before_those_of_later_ones() -> None:
    centre = Centre(queue(min_level=8, rings=RINGS))
    centre.staff("1", sales=1)
    centre.wait(100)
    centre.staff("2", sales=9)
    assert offers(centre.call("c1", age=60)) == [("c1", "2")]


def test_an_open_ring_lets_an_agent_who_becomes_free_take_the_contact_also_after_a_restart() -> None:
    centre = Centre(queue(min_level=8, rings=RINGS))
    centre.call("c1")
    centre.wait(15)
    centre.restart()
    assert offers(centre.staff("1", support=9)) == []
    assert offers(centre.staff("2", sales=1)) == [("c1", "2")]


@pytest.mark.parametrize(
    ("rings", "fault"),
    [
        ((Ring(after_seconds=5, requires="sales"), Ring(after_seconds=5, requires="x")), "one by one"),
        ((Ring(after_seconds=0, requires="x"),), "from 1 to"),
        ((Ring(after_seconds=5, requires="sales >= 5"),), "somebody else"),
        ((Ring(after_seconds=5, requires="sales >="),), "level of sales"),
    ],
)
def test_rings_that_make_no_sense_are_refused(rings: tuple[Ring, ...], fault: str) -> None:
    with pytest.raises(IllegalSetting, match=fault):
        queue(min_level=5, rings=rings)


# --- an agent of one's own ---


def test_a_contact_waits_for_its_preferred_agent_and_then_for_any() -> None:
    centre = Centre(queue())
    centre.staff("1", ready=False)
    centre.staff("2")
    assert offers(centre.call("c1", preferred="1", preferred_seconds=30)) == []
    assert centre.engine.position(ContactId("c1")) == 1
    assert offers(centre.wait(29)) == []
    assert offers(centre.wait(1)) == [("c1", "2")]


def test_a_preferred_agent_who_becomes_free_gets_his_contact_whatever_his_skills() -> None:
    centre = Centre(queue())
    centre.staff("1", ready=False, support=1)
    centre.call("c1", preferred="1", preferred_seconds=30)
    assert offers(centre.ready("1")) == [("c1", "1")]


@pytest.mark.parametrize("leaves", ["sign_out", "reject"])
def test_nobody_waits_for_a_preferred_agent_who_is_gone_or_does_not_want(leaves: str) -> None:
    centre = Centre(queue())
    centre.staff("1", ready=leaves == "reject")
    centre.call("c1", preferred="1", preferred_seconds=300)
    centre.staff("2")
    effects = centre.sign_out("1") if leaves == "sign_out" else centre.fail("c1", "1", OfferEnd.REJECTED)
    assert offers(effects) == [("c1", "2")]


def test_a_preferred_agent_who_is_not_there_is_not_waited_for() -> None:
    centre = Centre(queue())
    centre.staff("2")
    assert offers(centre.call("c1", preferred="9", preferred_seconds=300)) == [("c1", "2")]


# --- priorities ---


def test_a_contact_that_waits_long_enough_goes_before_a_more_urgent_one() -> None:
    centre = Centre(queue(), queue("complaints", weight=3))
    centre.call("old", priority=2)
    centre.wait(361)  # six steps of a minute, and a second
    centre.call("vip", priority=8)
    centre.call("complaint", to="complaints", priority=6)
    assert [offers(centre.staff(name))[0][0] for name in "123"] == ["complaint", "old", "vip"]


@pytest.mark.parametrize("gap", [20.0, 5.0])
def test_nobody_starves_behind_a_stream_of_urgent_contacts(gap: float) -> None:
    """One agent, twenty seconds a talk: who comes nine steps of a minute later is served later."""
    centre = Centre(queue(wrap_up_seconds=0))
    centre.staff("1")
    [(talking, _)] = offers(centre.call("first"))
    centre.answer(talking, "1")
    centre.call("humble", priority=1)
    began, ends = centre.now, centre.now + 20
    came = {"first": 0.0}
    while talking != "humble":
        centre.wait(gap)
        contact = f"c{len(came):05}"
        came[contact] = centre.now - began
        centre.call(contact, priority=10)
        if centre.now >= ends:
            assert came[talking] <= 540
            [(talking, _)] = offers(centre.release(talking, "1"))
            centre.answer(talking, "1")
            ends = centre.now + 20
    assert centre.now - began == pytest.approx(20 * 540 / min(gap, 20), abs=40)


# --- transfer and pick-up ---


def test_a_transferred_talk_waits_with_its_priority_and_the_time_that_it_waited_before() -> None:
    centre = Centre(queue(), queue("second"))
    centre.call("c1", priority=8)
    centre.wait(40)
    centre.staff("1")
    centre.answer("c1", "1")
    centre.wait(100)
    effects = transfer(centre, "c1", "second")
    queued = only(Queued, effects)
    assert (queued.queue, queued.priority, queued.waited_seconds) == ("second", 8, 40)
    assert centre.state("1") is AgentState.WRAP_UP


def test_a_transferred_wait_leaves_one_queue_for_the_other_and_an_offer_is_taken_back() -> None:
    centre = Centre(queue(), queue("second", skill="support"))
    centre.staff("1")
    centre.call("c1")
    centre.wait(5)
    effects = transfer(centre, "c1", "second")
    assert only(OfferWithdrawn, effects).agent == "1"
    assert (only(QueueLeft, effects).reason, only(Queued, effects).waited_seconds) == ("transferred", 5)
    assert centre.state("1") is AgentState.READY
    with pytest.raises(UnknownQueue):
        transfer(centre, "c1", "nowhere")
    assert centre.engine.position(ContactId("c1")) == 1


def test_a_supervisor_picks_a_waiting_contact_up_and_is_what_he_was_after_it() -> None:
    centre = Centre(queue())
    centre.staff("9", ready=False, support=1)
    centre.call("c1")
    centre.call("c2")
    assert offers(pick_up(centre, "c2", "9")) == [("c2", "9")]
    centre.answer("c2", "9")
    centre.release("c2", "9")
    centre.wait(10)
    assert centre.state("9") is AgentState.NOT_READY


def test_a_contact_that_is_picked_up_stops_ringing_elsewhere() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.call("c1")
    centre.staff("9", ready=False)
    effects = pick_up(centre, "c1", "9")
    assert [e.agent for e in effects if isinstance(e, OfferEnded)] == ["1"]
    assert centre.state("1") is AgentState.READY


def test_a_colleague_of_the_queue_or_the_team_may_take_what_rings_for_another() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.call("c1")
    for name, skill in (("2", "sales"), ("3", "support")):
        centre.staff(name, ready=False)
        centre.do(SaveAgent(agent=replace(agent(name, **{skill: 1}), team="night")))
    may, one, contact = centre.engine.may_pick_up, AgentId("1"), ContactId("c1")
    assert [may(AgentId(name), contact, one) for name in ("2", "3", "nobody")] == [True, False, False]
    assert not may(AgentId("2"), ContactId("c9"), one)
    centre.do(SaveAgent(agent=agent("3", support=1)))  # of the day team, as the one whose phone rings
    assert may(AgentId("3"), contact, one)
    assert centre.engine.one_team(one, AgentId("3"))
    assert not centre.engine.one_team(one, AgentId("2"))
    assert not centre.engine.one_team(one, AgentId("nobody"))


def test_what_cannot_be_picked_up_is_refused() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.call("c1")
    centre.staff("2", ready=False, reachable=False)
    centre.call("c2")
    with pytest.raises(UnknownContact, match="no contact c9"):
        pick_up(centre, "c9", "2")
    with pytest.raises(AgentBusy):
        pick_up(centre, "c2", "1")
    with pytest.raises(PhoneAway, match="phone of agent 2"):
        pick_up(centre, "c2", "2")


# --- overflow ---


def test_a_full_queue_overflows_into_another_with_age_and_priority() -> None:
    centre = Centre(queue("b", skill="support"), queue("a", max_waiting=1, overflows=overflow("full", "b")))
    centre.call("c1", to="a")
    queued = only(Queued, centre.call("c2", to="a", priority=7, age=12))
    assert (queued.queue, queued.priority, queued.waited_seconds) == ("b", 7, 12)


def test_after_the_longest_wait_a_contact_goes_on_with_its_age() -> None:
    centre = Centre(
        queue("b", skill="support"), queue("a", max_wait_seconds=60, overflows=overflow("max_wait", "b"))
    )
    centre.call("c1", to="a")
    effects = centre.wait(60)
    assert (only(QueueLeft, effects).queue, only(QueueLeft, effects).reason) == ("a", "overflowed")
    assert only(Queued, effects).waited_seconds == 60


def test_a_contact_that_rings_is_not_taken_away_by_the_longest_wait() -> None:
    centre = Centre(queue(max_wait_seconds=60, overflows=overflow("max_wait", "sorry", "voice_mail")))
    centre.call("c1")
    centre.wait(50)
    centre.staff("1")
    assert centre.wait(15) == []
    effects = centre.wait(5)
    assert only(OfferEnded, effects).end is OfferEnd.NO_ANSWER
    refused = only(QueueRefused, effects)
    assert (refused.reason, refused.target) == ("max_wait", "voice_mail:sorry")


def test_nobody_signed_in_sends_who_comes_and_who_waits_elsewhere() -> None:
    centre = Centre(queue(overflows=overflow("nobody", "95001", "number")))
    assert only(QueueRefused, centre.call("c1")).target == "number:95001"
    centre.staff("1", ready=False)
    centre.call("c2")
    assert only(QueueRefused, centre.sign_out("1")).reason == "nobody_signed_in"


def test_a_closed_queue_lets_nobody_in_and_serves_who_waits() -> None:
    centre = Centre(queue())
    centre.call("c1")
    centre.do(OpenQueue(queue=QueueId("sales"), open=False))
    assert only(QueueRefused, centre.call("c2")).reason == "queue_closed"
    centre.restart()
    assert only(QueueRefused, centre.call("c3")).reason == "queue_closed"
    assert offers(centre.staff("1")) == [("c1", "1")]


def test_a_ring_of_overflows_is_refused_by_name_and_changes_nothing() -> None:
    centre = Centre(
        queue("c", overflows=overflow("full", "a")),
        queue("b", max_wait_seconds=60, overflows=overflow("max_wait", "c")),
    )
    before = centre.engine.snapshot(centre.now)
    with pytest.raises(IllegalSetting, match="a → b → c → a"):
        centre.do(SaveQueue(queue=queue("a", calendar="office", overflows=overflow("closed", "b"))))
    assert centre.engine.snapshot(centre.now) == before
    with pytest.raises(IllegalSetting, match="it is the queue itself"):
        queue("a", overflows=overflow("full", "a"))


def test_a_long_chain_of_overflows_ends() -> None:
    names = [f"q{n}" for n in range(12)]
    chain = [queue(name, max_waiting=1, overflows=overflow("full", beyond)) for name, beyond in pairwise(names)]
    centre = Centre(*reversed(chain), queue("q11"))
    for n, name in enumerate(names[:11]):
        centre.call(f"c{n}", to=name)
    assert only(QueueRefused, centre.call("late", to="q0")).reason == "too_many_overflows"


# --- capacity ---


def chats(**fields: object) -> Centre:
    centre = Centre(queue(), queue("chat", capacity=30, wrap_up_seconds=0, **fields))
    centre.staff("1")
    return centre


def test_an_agent_has_as_many_chats_as_fit_and_no_call_beside_them() -> None:
    centre = chats()
    got = [offers(centre.call(f"c{n}", to="chat")) for n in range(4)]
    assert got == [[("c0", "1")], [("c1", "1")], [("c2", "1")], []]
    assert offers(centre.call("call")) == []
    for n in range(3):
        centre.answer(f"c{n}", "1")
    assert offers(centre.release("c1", "1")) == [("c3", "1")]
    assert centre.state("1") is AgentState.TALKING


def test_contacts_that_give_way_leave_room_for_a_call_but_a_call_leaves_none_for_them() -> None:
    centre = chats(gives_way=True)
    centre.call("mail", to="chat")
    centre.answer("mail", "1")
    assert offers(centre.call("call")) == [("call", "1")]
    centre.answer("call", "1")
    assert offers(centre.call("more", to="chat")) == []
    centre.release("call", "1")
    assert centre.state("1") is AgentState.TALKING  # with the mail, beside the wrap-up of the call
    assert offers(centre.wait(10)) == [("more", "1")]


# --- a phone that is away ---


def test_a_phone_that_stays_away_makes_its_agent_not_ready_after_the_grace() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.reach("1", False)
    assert centre.wait(29.75) == []
    centre.wait(0.25)
    assert (centre.state("1"), centre.agent("1").reason) == (AgentState.NOT_READY, CONNECTION_LOST)


def test_a_phone_that_comes_back_in_time_costs_nothing() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.reach("1", False)
    centre.wait(20)
    centre.reach("1", True)
    assert centre.wait(100) == []
    assert offers(centre.call("c1")) == [("c1", "1")]


def test_a_talk_outlives_its_agents_lost_phone() -> None:
    centre = Centre(queue())
    centre.staff("1")
    centre.call("c1")
    centre.answer("c1", "1")
    centre.reach("1", False)
    assert centre.wait(300) == []
    assert centre.state("1") is AgentState.TALKING
    centre.release("c1", "1")
    assert only(WrapUpEnded, centre.wait(10)).wrap_up_seconds == 10
    centre.wait(30)
    assert (centre.state("1"), centre.agent("1").reason) == (AgentState.NOT_READY, CONNECTION_LOST)


def test_settings_that_contradict_each_other_are_refused_by_name() -> None:
    with pytest.raises(IllegalSetting, match="queue sales: max_wait_seconds is 0, but there is an overflow"):
        queue(overflows=overflow("max_wait", "b"))
    with pytest.raises(IllegalSetting, match="queue sales: calendar is '', but there is an overflow for closed"):
        queue(overflows=overflow("closed", "b"))
    with pytest.raises(IllegalSetting, match="nobody waits for longer than max_wait_seconds, 60"):
        queue(max_wait_seconds=60, rings=(Ring(after_seconds=60, requires="support"),))


def test_a_promised_call_back_waits_whatever_the_queue_is_like() -> None:
    centre = Centre(queue(max_waiting=1, max_wait_seconds=60, overflows=overflow("nobody", "sorry", "flow")))
    assert only(QueueRefused, centre.call("caller")).reason == "nobody_signed_in"
    centre.call("promised", age=7200.0, patient=True, lead_seconds=30.0)
    centre.wait(3600.0)
    assert centre.queue().waiting == 1
    assert offers(centre.staff("1")) == [("promised", "1")]
    centre.wait(49.0)
    assert centre.state("1") is AgentState.RESERVED, "the customer rang first"
    left = only(QueueLeft, centre.answer("promised", "1"))
    assert left.reason == "called_back"
    assert only(QueueRefused, centre.call("odd", lead_seconds=301.0)).reason == "illegal_lead"

"""An agent calls somebody about his caller: to ask, to hand him over, to confer."""

from __future__ import annotations

import pytest

from ccplatform.calls.errors import NoSuchCall, NoSuchParty, NotInThisState, NotOnCall, OnlyAsked, TooManyParties
from ccplatform.calls.inputs import ConsultOrder
from ccplatform.calls.model import CallEffect, Stage
from ccplatform.contracts.commands import ControlParties, DropParty, HangUpCall, HoldCall
from ccplatform.contracts.facts import (
    Conferenced,
    ContactArrived,
    ContactEnded,
    Established,
    Failed,
    Held,
    Retrieved,
    TalkEnded,
    Transferred,
)
from ccplatform.contracts.legs import DialLeg, LegHeld, NumberTarget, ReleaseLeg
from ccplatform.contracts.media import StopRecording
from ccplatform.contracts.routing import (
    AgentOffered,
    CallAgent,
    HandOver,
    OfferAnswered,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    TalkHeld,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import (
    AgentId,
    ContactId,
    Direction,
    LegId,
    LegRole,
    OfferEnd,
    Outcome,
    PartyAct,
    QueueId,
    ReleaseCause,
    SeatId,
)
from ccplatform.kernel.errors import Refusal
from tests.calls.ear import Ear, dialled
from tests.calls.test_saga import AGENT, SUPPORT, talking
from tests.calls.world import CALL, CALLER, CONTACT, WALL, World

EXPERT, EXPERT_SEAT = AgentId("1005"), SeatId("seat-05")
EXPERTS = QueueId("experts")
OUTSIDE = NumberTarget(number="13900000000")


def consult(world: World, **fields: object) -> None:
    order = {"to": "somebody", "by": AGENT, "call": CALL, **(fields or {"target": OUTSIDE})}
    world.post(ConsultOrder(**order))  # type: ignore[arg-type]


def act(world: World, what: PartyAct, key: str = "") -> None:
    world.post(ControlParties(call=CALL, act=what, by=AGENT, key=key))


def stage(world: World) -> Stage:
    return world.core.saga(CALL).state.stage


def own(world: World) -> ContactId:
    """The consultation's contact."""
    return world.last(ContactArrived).contact


def asked_of_agent(*, queue: QueueId | None = None) -> tuple[World, LegId, LegId]:
    """The agent talks with a colleague, of a queue or by name; the caller hears music."""
    world = talking()
    agent = world.dialled_leg()
    world.passes(20.0)
    consult(world, **({"queue": queue} if queue is not None else {"agent": EXPERT}))
    world.passes(4.0)
    world.post(AgentOffered(contact=own(world), queue=queue, agent=EXPERT, seat=EXPERT_SEAT))
    expert = world.dialled_leg()
    world.answers(expert, EXPERT_SEAT)
    return world, agent, expert


def asked_outside() -> tuple[World, LegId, LegId]:
    world = talking()
    agent = world.dialled_leg()
    consult(world)
    outside = world.dialled_leg()
    world.answers(outside, "13900000000")
    return world, agent, outside


def test_the_caller_hears_music_and_the_agent_that_it_rings() -> None:
    world = talking()
    agent = world.dialled_leg()
    consult(world)
    ear = Ear(world)
    assert ear.hears(CALLER) == ear.hears(agent) == set()
    assert {CALLER, agent} <= set(ear.playing)
    assert ear.playing[CALLER].items != ear.playing[agent].items
    assert (world.last(Held).leg, world.last(TalkHeld).held) == (CALLER, True)
    assert world.last(DialLeg).target == OUTSIDE
    arrived = world.last(ContactArrived)
    assert (arrived.direction, arrived.consult_of, arrived.caller) == (
        Direction.INTERNAL,
        CONTACT,
        "13800000001",
    )


def test_the_two_talk_and_the_caller_does_not_hear_them() -> None:
    world, agent, outside = asked_outside()
    ear = Ear(world)
    assert ear.hears(agent) == {outside}
    assert ear.hears(CALLER) == set()
    assert set(ear.playing) == {CALLER}
    assert world.last(Established).contact == own(world)


def test_complete_joins_the_caller_and_frees_the_agent() -> None:
    world, agent, expert = asked_of_agent()
    world.passes(30.0)
    consultation = own(world)
    act(world, PartyAct.COMPLETE)
    ear = Ear(world)
    assert ear.hears(CALLER) == {expert}
    assert ear.playing == {}
    assert ReleaseLeg(leg=agent, cause=ReleaseCause.NORMAL) in world.effects
    assert TalkReleased(contact=CONTACT, agent=AGENT) in world.effects
    assert world.last(HandOver) == HandOver(contact=CONTACT, source=consultation, queue=SUPPORT, agent=EXPERT)
    established = world.last(Established)
    assert (established.contact, established.agent, established.role) == (CONTACT, EXPERT, LegRole.AGENT)
    assert world.last(Transferred) == Transferred(contact=CONTACT, to="seat-05", by=AGENT)
    world.passes(60.0)
    world.leg_ends(CALLER)
    segments = [(talk.contact, talk.agent, round(talk.talk_seconds)) for talk in world.all_of(TalkEnded)]
    assert segments == [(CONTACT, AGENT, 54), (consultation, EXPERT, 30), (CONTACT, EXPERT, 60)]
    outcomes = {ended.contact: ended for ended in world.all_of(ContactEnded)}
    assert outcomes[consultation].outcome is Outcome.HANDLED
    ended = outcomes[CONTACT]
    assert (ended.outcome, ended.agent, ended.seat) == (Outcome.HANDLED, EXPERT, EXPERT_SEAT)
    assert ended.talk_seconds == pytest.approx(114.0)
    assert ended.hold_seconds == pytest.approx(34.0)


def test_each_talk_with_the_caller_is_a_recording_of_its_own() -> None:
    world, _, _ = asked_of_agent()
    assert not world.all_of(StopRecording)
    act(world, PartyAct.COMPLETE)
    assert len(world.all_of(StopRecording)) == 2  # that of the talk and that of the consultation


def test_cancel_gives_the_agent_his_caller_back() -> None:
    world, agent, expert = asked_of_agent()
    consultation = own(world)
    world.passes(10.0)
    act(world, PartyAct.CANCEL)
    assert stage(world) is Stage.TALKING
    assert Ear(world).hears(CALLER) == {agent}
    assert ReleaseLeg(leg=expert, cause=ReleaseCause.NORMAL) in world.effects
    assert TalkReleased(contact=consultation, agent=EXPERT) in world.effects
    assert world.last(Retrieved).held_seconds == pytest.approx(14.0)
    assert world.last(ContactEnded).contact == consultation


def test_cancel_while_it_rings_takes_the_call_back() -> None:
    world = talking()
    agent = world.dialled_leg()
    consult(world, agent=EXPERT)
    assert world.last(CallAgent) == CallAgent(contact=own(world), agent=EXPERT)
    world.post(AgentOffered(contact=own(world), queue=None, agent=EXPERT, seat=EXPERT_SEAT))
    rung = world.dialled_leg()
    act(world, PartyAct.CANCEL)
    assert ReleaseLeg(leg=rung, cause=ReleaseCause.CANCELLED) in world.effects
    assert world.last(WithdrawContact).reason == "cancelled"
    assert Ear(world).hears(agent) == {CALLER}
    assert Ear(world).playing == {}


def test_swap_lets_the_one_wait_and_talks_with_the_other() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.SWAP)
    ear = Ear(world)
    assert (ear.hears(agent), ear.hears(expert), set(ear.playing)) == ({CALLER}, set(), {expert})
    assert world.last(Held).leg == expert
    assert not world.last(TalkHeld).held
    world.passes(8.0)
    act(world, PartyAct.SWAP)
    ear = Ear(world)
    assert (ear.hears(agent), ear.hears(CALLER), set(ear.playing)) == ({expert}, set(), {CALLER})
    assert world.last(Retrieved).held_seconds == pytest.approx(8.0)
    consultation = own(world)
    act(world, PartyAct.COMPLETE)
    assert next(t for t in world.all_of(TalkEnded) if t.contact == consultation).hold_seconds == pytest.approx(8.0)


def test_in_a_conference_all_hear_one_another() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    ear = Ear(world)
    everybody = {CALLER, agent, expert}
    assert all(ear.hears(leg) == everybody - {leg} for leg in everybody)
    assert ear.playing == {}
    joined = world.last(Conferenced)
    assert (joined.contact, joined.leg, joined.agent) == (CONTACT, expert, EXPERT)
    assert stage(world) is Stage.TALKING


def test_who_leaves_the_conference_leaves_the_others_talking() -> None:
    world, agent, expert = asked_of_agent()
    consultation = own(world)
    act(world, PartyAct.CONFERENCE)
    world.passes(15.0)
    world.leg_ends(expert)
    assert Ear(world).hears(CALLER) == {agent}
    assert TalkReleased(contact=consultation, agent=EXPERT) in world.effects
    assert world.last(TalkEnded).talk_seconds == pytest.approx(15.0)
    world.passes(5.0)
    world.leg_ends(agent)
    assert world.outcome_of(CONTACT).talk_seconds == pytest.approx(44.0)


def test_an_agent_who_leaves_his_conference_leaves_the_caller_to_the_next_agent() -> None:
    world, agent, expert = asked_of_agent()
    consultation = own(world)
    act(world, PartyAct.CONFERENCE)
    world.passes(15.0)
    world.leg_ends(agent)
    assert Ear(world).hears(CALLER) == {expert}
    assert world.last(HandOver) == HandOver(contact=CONTACT, source=consultation, queue=SUPPORT)
    assert world.last(Transferred) == Transferred(contact=CONTACT, to="seat-05", by=AGENT)
    world.passes(10.0)
    world.leg_ends(expert)
    last = world.last(TalkEnded)
    assert (last.contact, last.agent, round(last.talk_seconds)) == (CONTACT, EXPERT, 25)
    assert world.outcome_of(CONTACT).talk_seconds == pytest.approx(49.0)


def released(effects: list[CallEffect]) -> set[LegId]:
    """The legs that are let go."""
    return {effect.leg for effect in effects if isinstance(effect, ReleaseLeg)}


def test_an_agent_who_hangs_up_in_a_conference_leaves_it_and_the_others_talk_on() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    assert released(world.post(HangUpCall(call=CALL, by=AGENT, agent=AGENT))) == {agent}
    assert Ear(world).hears(CALLER) == {expert}
    assert world.last(HandOver).contact == CONTACT
    with pytest.raises(NotOnCall):  # he pressed twice: the call is the other's now
        world.post(HangUpCall(call=CALL, by=AGENT, agent=AGENT))
    assert Ear(world).hears(CALLER) == {expert}
    assert released(world.post(HangUpCall(call=CALL, by=EXPERT, agent=EXPERT))) == {CALLER, expert}


def test_who_joined_a_conference_leaves_it_by_hanging_up() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    assert released(world.post(HangUpCall(call=CALL, by=EXPERT, agent=EXPERT))) == {expert}
    assert Ear(world).hears(CALLER) == {agent}
    assert released(world.post(HangUpCall(call=CALL, by=AGENT, agent=AGENT))) == {CALLER, agent}


def test_who_left_the_caller_with_somebody_outside_cannot_end_their_talk() -> None:
    world, _, outside = asked_outside()
    act(world, PartyAct.CONFERENCE)
    world.post(HangUpCall(call=CALL, by=AGENT, agent=AGENT))
    assert stage(world) is Stage.BRIDGED
    with pytest.raises(NotOnCall):
        world.post(HangUpCall(call=CALL, by=AGENT, agent=AGENT))
    assert Ear(world).hears(CALLER) == {outside}


def test_who_is_asked_hangs_up_and_the_agent_has_his_caller_back() -> None:
    world, agent, expert = asked_of_agent()
    asked = world.last(ContactArrived).call
    assert released(world.post(HangUpCall(call=asked, by=EXPERT, agent=EXPERT))) == {expert}
    assert (stage(world), Ear(world).hears(CALLER)) == (Stage.TALKING, {agent})
    with pytest.raises(NoSuchCall):  # he pressed twice
        world.post(HangUpCall(call=asked, by=EXPERT, agent=EXPERT))
    assert Ear(world).hears(CALLER) == {agent}


def test_a_supervisor_ends_a_consultation_and_not_the_call_it_is_about() -> None:
    world, agent, expert = asked_of_agent()
    assert released(world.post(HangUpCall(call=world.last(ContactArrived).call, by="sup1"))) == {expert}
    assert Ear(world).hears(CALLER) == {agent}


def test_a_consultation_is_ended_by_nobody_else_and_takes_no_other_order() -> None:
    world, _, _ = asked_of_agent()
    asked = world.last(ContactArrived).call
    with pytest.raises(NotOnCall):
        world.post(HangUpCall(call=asked, by="1006", agent=AgentId("1006")))
    with pytest.raises(OnlyAsked):
        world.post(HoldCall(call=asked, hold=True, by=EXPERT))
    assert stage(world) is Stage.CONSULTING


def test_whose_phone_rings_for_a_consultation_has_nothing_to_hang_up() -> None:
    world = talking()
    consult(world, agent=EXPERT)
    asked = world.last(ContactArrived).call
    world.post(AgentOffered(contact=own(world), queue=None, agent=EXPERT, seat=EXPERT_SEAT))
    with pytest.raises(NotOnCall):
        world.post(HangUpCall(call=asked, by=EXPERT, agent=EXPERT))
    assert stage(world) is Stage.CONSULTING


def test_a_conference_is_ended_for_all_when_nobody_s_part_is_meant() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    assert released(world.post(HangUpCall(call=CALL, by=AGENT))) == {CALLER, agent, expert}


def test_a_fourth_and_fifth_party_join_until_the_conference_is_full() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    others = [expert]
    for _ in range(3):
        consult(world)
        others.append(world.dialled_leg())
        ear = Ear(world)
        assert ear.hears(agent) == set()
        assert ear.hears(CALLER) == set(others[:-1])  # the others go on without him
        world.answers(others[-1], "13900000000")
        act(world, PartyAct.CONFERENCE)
    everybody = {CALLER, agent, *others}
    assert len(everybody) == 6
    assert all(Ear(world).hears(leg) == everybody - {leg} for leg in everybody)
    consult(world)
    world.answers(world.dialled_leg(), "13900000000")
    with pytest.raises(TooManyParties):
        act(world, PartyAct.CONFERENCE)


def test_one_party_is_dropped_from_the_conference() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    world.post(DropParty(call=CALL, leg=expert, by=AGENT))
    assert Ear(world).hears(CALLER) == {agent}
    with pytest.raises(NoSuchParty):
        world.post(DropParty(call=CALL, leg=CALLER, by=AGENT))


def test_a_consultation_of_a_queue_waits_there_with_a_place_of_its_own() -> None:
    world = talking()
    consult(world, queue=EXPERTS)
    place = world.last(QueueContact)
    assert (place.contact, place.queue, place.priority, place.waited_seconds) == (own(world), EXPERTS, 5, 0.0)
    world.passes(300.0)
    assert stage(world) is Stage.CONSULTING
    world.post(AgentOffered(contact=own(world), queue=EXPERTS, agent=EXPERT, seat=EXPERT_SEAT))
    first = world.dialled_leg()
    world.leg_ends(first, ReleaseCause.NO_ANSWER)
    assert stage(world) is Stage.CONSULTING  # the next agent will do
    world.post(AgentOffered(contact=own(world), queue=EXPERTS, agent=AgentId("1006"), seat=SeatId("seat-06")))
    world.answers(world.dialled_leg(), "seat-06")
    assert world.last(OfferAnswered).contact == own(world)
    assert world.last(Established).queue_seconds == pytest.approx(300.0)
    act(world, PartyAct.COMPLETE)
    world.leg_ends(CALLER)
    assert world.outcome_of(CONTACT).queue == EXPERTS


@pytest.mark.parametrize("how", ["refused", "busy", "rejected", "unanswered", "no answer outside", "hangs up"])
def test_who_is_called_in_vain_leaves_the_two_talking(how: str) -> None:
    world = talking()
    agent = world.dialled_leg()
    match how:
        case "refused":
            consult(world, queue=EXPERTS)
            world.post(QueueRefused(contact=own(world), queue=EXPERTS, reason="queue_closed"))
        case "busy":
            consult(world, agent=EXPERT)
            world.post(OfferWithdrawn(contact=own(world), agent=EXPERT, end=OfferEnd.UNREACHABLE))
        case "rejected" | "unanswered":
            consult(world, agent=EXPERT)
            world.post(AgentOffered(contact=own(world), queue=None, agent=EXPERT, seat=EXPERT_SEAT))
            if how == "rejected":
                world.leg_ends(world.dialled_leg(), ReleaseCause.REJECTED)
            else:
                world.post(OfferWithdrawn(contact=own(world), agent=EXPERT, end=OfferEnd.NO_ANSWER))
        case "no answer outside":
            consult(world)
            world.passes(60.0)
        case _:
            consult(world)
            world.answers(world.dialled_leg(), "13900000000")
            world.leg_ends(world.dialled_leg())
    assert stage(world) is Stage.TALKING
    assert Ear(world).hears(CALLER) == {agent}
    assert Ear(world).playing == {}
    if how != "hangs up":
        assert world.last(Failed).contact == own(world)
    assert world.outcome_of(own(world))


def test_an_agent_who_hangs_up_hands_the_caller_to_whom_he_asked() -> None:
    world, agent, expert = asked_of_agent()
    world.leg_ends(agent)
    assert Ear(world).hears(CALLER) == {expert}
    assert stage(world) is Stage.TALKING


def test_an_agent_who_hangs_up_while_it_rings_lets_the_caller_wait_for_the_answer() -> None:
    world = talking()
    agent = world.dialled_leg()
    consult(world, queue=EXPERTS)
    consultation = own(world)
    world.leg_ends(agent)
    assert CALLER in Ear(world).playing
    world.post(AgentOffered(contact=consultation, queue=EXPERTS, agent=EXPERT, seat=EXPERT_SEAT))
    expert = world.dialled_leg()
    world.answers(expert, EXPERT_SEAT)
    assert Ear(world).hears(CALLER) == {expert}
    assert world.outcome_of(consultation).outcome is Outcome.TRANSFERRED


def test_complete_while_it_rings_frees_the_agent_at_once() -> None:
    world = talking()
    agent = world.dialled_leg()
    consult(world, agent=EXPERT)
    act(world, PartyAct.COMPLETE)
    assert ReleaseLeg(leg=agent, cause=ReleaseCause.NORMAL) in world.effects
    assert TalkReleased(contact=CONTACT, agent=AGENT) in world.effects
    world.post(OfferWithdrawn(contact=own(world), agent=EXPERT, end=OfferEnd.NO_ANSWER))
    again = world.last(QueueContact)
    assert (again.contact, again.queue) == (CONTACT, SUPPORT)


def test_a_caller_who_hangs_up_ends_it_for_all() -> None:
    world, agent, expert = asked_of_agent()
    world.leg_ends(CALLER)
    assert {agent, expert} <= world.ended_legs
    assert len(world.all_of(TalkReleased)) == 2
    assert {ended.contact for ended in world.all_of(ContactEnded)} == {CONTACT, own(world)}


def test_a_phone_that_holds_meanwhile_holds_the_caller_again() -> None:
    world, agent, _ = asked_of_agent()
    world.post(LegHeld(leg=agent, held=True))
    act(world, PartyAct.CANCEL)
    assert stage(world) is Stage.HELD
    assert set(Ear(world).playing) == {CALLER}


def test_what_cannot_be_done_now_is_refused_and_changes_nothing() -> None:
    world = talking()
    for what in PartyAct:
        with pytest.raises(NotInThisState):
            act(world, what)
    consult(world)
    for what in (PartyAct.SWAP, PartyAct.CONFERENCE):
        with pytest.raises(NotInThisState):
            act(world, what)
    with pytest.raises(Refusal):
        consult(world)
    assert len(world.all_of(DialLeg)) == 2


def test_an_order_is_remembered_by_its_key() -> None:
    world, _, _ = asked_of_agent()
    act(world, PartyAct.SWAP, key="k1")
    assert world.core.saga(CALL).state.keys == ["k1"]


@pytest.mark.parametrize("what", list(PartyAct))
def test_a_consultation_survives_a_restart(what: PartyAct) -> None:
    world, agent, expert = asked_of_agent()
    if what is PartyAct.CANCEL:
        act(world, PartyAct.CONFERENCE)
        consult(world)
        world.answers(dialled(world), "13900000000")
    world.passes(5.0)
    data = world.core.snapshot(CALL, world.now, WALL)
    world.core.forget(CALL)
    world.core.restore(data, world.now, WALL)
    act(world, what)
    expected = {
        PartyAct.COMPLETE: {expert},
        PartyAct.CANCEL: {agent, expert},
        PartyAct.SWAP: {agent},
        PartyAct.CONFERENCE: {agent, expert},
    }
    assert Ear(world).hears(CALLER) == expected[what]
    world.leg_ends(CALLER)
    assert world.outcome_of(CONTACT).hold_seconds >= 9.0

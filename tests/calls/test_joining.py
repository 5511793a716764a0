"""A seat's phone joins two calls of its own: who was asked goes on with the caller (attended transfer)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccplatform.calls.inputs import CallOffered, PhoneJoin
from ccplatform.calls.model import Stage
from ccplatform.contracts.commands import ControlParties, HangUpCall, HoldCall
from ccplatform.contracts.facts import (
    ConnectionCleared,
    ContactArrived,
    ContactEnded,
    Established,
    Failed,
    TalkEnded,
    Transferred,
)
from ccplatform.contracts.flows import EnterQueue, StartFlow
from ccplatform.contracts.legs import (
    AdoptLeg,
    LegHeld,
    LegOffered,
    LegRinging,
    ReleaseLeg,
    ReportTransfer,
    TransferStep,
)
from ccplatform.contracts.media import Bridge, ForgetCall, StopRecording
from ccplatform.contracts.routing import (
    AgentOffered,
    EngageAgent,
    HandOver,
    QueueContact,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    FlowId,
    LegId,
    LegRole,
    Outcome,
    PartyAct,
    QueueId,
    ReleaseCause,
    SeatId,
)
from tests.calls.ear import Ear
from tests.calls.test_calling_out import begins as begins_out
from tests.calls.test_consulting import asked_of_agent
from tests.calls.test_saga import AGENT, SUPPORT, talking
from tests.calls.world import CALL, CALLER, CONTACT, WALL, World

CALL_2, CONTACT_2, PHONE_2 = CallId("call-2"), ContactId("contact-2"), LegId("phone-2")
EXPERT, EXPERT_SEAT, EXPERTS = AgentId("1005"), SeatId("seat-05"), QueueId("experts")


def dials(
    world: World, *, inside: bool = False, party: AgentId | None = None, agent: AgentId | None = AGENT
) -> LegId:
    """The phone of the seat calls somebody; the leg of whom it calls."""
    begins = begins_out(inside=inside, party=party, agent=agent)
    assert begins.offer is not None
    offer = replace(begins.offer, leg=PHONE_2)
    world.post(replace(begins, call=CALL_2, contact=CONTACT_2, offer=offer, key=""))
    return world.dialled_leg()


def dials_queue(world: World) -> None:
    """The phone of the seat calls a number of the centre."""
    offer = LegOffered(
        leg=PHONE_2,
        trunk=None,
        seat=SeatId("seat-04"),
        caller="8004",
        caller_name="",
        dialled="95002",
        transport="udp",
        sip_call_id="second",
        received_at=world.now,
    )
    world.post(CallOffered(offer=offer, call=CALL_2, contact=CONTACT_2, flow=FlowId("experts")))


def enters_queue(world: World) -> None:
    world.asks(EnterQueue(queue=EXPERTS), CONTACT_2)
    world.answers(PHONE_2)


def expert_answers(world: World) -> LegId:
    world.post(AgentOffered(contact=CONTACT_2, queue=EXPERTS, agent=EXPERT, seat=EXPERT_SEAT))
    leg = world.dialled_leg()
    world.answers(leg, EXPERT_SEAT)
    return leg


def asking(
    *, held: bool = True, party: AgentId | None = EXPERT, inside: bool = True
) -> tuple[World, LegId, LegId]:
    """The agent's caller hears music; the agent asks somebody whom his phone called."""
    world = talking()
    agent = world.dialled_leg()
    world.passes(20.0)
    if held:
        world.post(LegHeld(leg=agent, held=True))
    other = dials(world, inside=inside, party=party)
    world.passes(3.0)
    world.post(LegRinging(leg=other, device="seat-05"))
    world.answers(other, "seat-05")
    world.answers(PHONE_2)
    world.passes(10.0)
    return world, agent, other


def steps(world: World) -> list[tuple[LegId, TransferStep]]:
    return [(report.leg, report.step) for report in world.all_of(ReportTransfer)]


def state(world: World) -> Stage:
    return world.core.saga(CALL).state.stage


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("asked_on_first", [True, False])
def test_who_was_asked_has_the_caller_and_the_phone_is_let_go(held: bool, asked_on_first: bool) -> None:
    world, agent, other = asking(held=held)
    first, second = (agent, PHONE_2) if asked_on_first else (PHONE_2, agent)
    world.post(PhoneJoin(leg=first, other=second))
    assert steps(world) == [(first, TransferStep.ACCEPTED), (first, TransferStep.DONE)]
    ear = Ear(world)
    assert ear.hears(CALLER) == {other}
    assert ear.hears(other) == {CALLER}
    assert not {CALLER, other} & ear.playing.keys()
    assert {agent, PHONE_2} <= world.ended_legs
    assert world.core.calls() == (CALL,)
    assert state(world) is Stage.TALKING


def test_each_talk_and_each_contact_is_told_once() -> None:
    world, agent, other = asking()
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    assert world.last(AdoptLeg) == AdoptLeg(leg=other, call=CALL, contact=CONTACT, role=LegRole.AGENT)
    told = world.all_of(Transferred)
    assert told[0] == Transferred(contact=CONTACT_2, to="13800000001", by=AGENT, into=CONTACT)
    assert told[1] == Transferred(contact=CONTACT, to="seat-05", by=AGENT)
    ended = world.outcome_of(CONTACT_2)
    assert (ended.outcome, ended.agent) == (Outcome.HANDLED, AGENT)
    assert ended.talk_seconds == pytest.approx(10.0)
    established = world.last(Established)
    assert (established.contact, established.agent, established.leg) == (CONTACT, EXPERT, other)
    world.passes(30.0)
    world.leg_ends(CALLER)
    talks = world.all_of(TalkEnded)
    assert [(talk.contact, talk.agent) for talk in talks] == [
        (CONTACT_2, AGENT),
        (CONTACT, AGENT),
        (CONTACT, EXPERT),
    ]
    assert [talk.talk_seconds for talk in talks] == pytest.approx([10.0, 33.0, 30.0])
    whole = world.outcome_of(CONTACT)
    assert (whole.outcome, whole.agent, whole.seat) == (Outcome.HANDLED, EXPERT, EXPERT_SEAT)
    assert whole.hold_seconds == pytest.approx(13.0)
    assert {fact.leg for fact in world.all_of(ConnectionCleared)} == {CALLER, agent, other, PHONE_2}
    assert {world.all_of(ForgetCall)[0].call, world.last(ForgetCall).call} == {CALL, CALL_2}
    assert not world.core.calls()


def test_the_acd_has_one_agent_free_and_the_other_talking() -> None:
    world, agent, _ = asking()
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    released = [(release.contact, release.agent) for release in world.all_of(TalkReleased)]
    assert released == [(CONTACT_2, AGENT), (CONTACT, AGENT)]
    assert world.last(HandOver) == HandOver(contact=CONTACT, source=CONTACT_2, queue=SUPPORT, agent=EXPERT)
    world.leg_ends(CALLER)
    last = world.last(TalkReleased)
    assert (last.contact, last.agent) == (CONTACT, EXPERT)


def test_a_party_outside_talks_on_with_the_caller() -> None:
    world, agent, other = asking(inside=False, party=None)
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    assert state(world) is Stage.BRIDGED
    assert Ear(world).hears(other) == {CALLER}
    assert not world.all_of(HandOver)
    assert world.last(Established).role is LegRole.PARTY
    world.leg_ends(other)
    assert world.outcome_of(CONTACT).outcome is Outcome.HANDLED
    assert world.outcome_of(CONTACT_2).outcome is Outcome.HANDLED


def test_recordings_follow_the_talks() -> None:
    world, agent, _ = asking()
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    assert [stop.recording for stop in world.all_of(StopRecording)] == ["rec-2", "rec-1"]
    assert world.core.saga(CALL).state.recording == "rec-3"


def test_a_phone_without_an_agent_joins_too() -> None:
    world = World()
    world.post(begins_out(agent=None))
    first, own = world.dialled_leg(), begins_out().offer
    assert own is not None
    world.answers(first)
    world.answers(own.leg)
    other = dials(world, agent=None)
    world.answers(other)
    world.answers(PHONE_2)
    world.post(PhoneJoin(leg=own.leg, other=PHONE_2))
    assert Ear(world).hears(first) == {other}
    assert state(world) is Stage.BRIDGED
    world.leg_ends(other)
    assert len(world.all_of(ContactEnded)) == 2


def test_who_still_rings_has_the_caller_when_he_answers() -> None:
    world = talking()
    agent = world.dialled_leg()
    other = dials(world, inside=True, party=EXPERT)
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    assert PHONE_2 in world.ended_legs
    assert ReleaseLeg(leg=PHONE_2, cause=ReleaseCause.CANCELLED) in world.effects
    assert state(world) is Stage.TRANSFERRING
    assert world.outcome_of(CONTACT_2).outcome is Outcome.TRANSFERRED
    world.post(LegRinging(leg=other, device="seat-05"))
    world.answers(other, "seat-05")
    assert steps(world) == [
        (agent, TransferStep.ACCEPTED),
        (agent, TransferStep.RINGING),
        (agent, TransferStep.DONE),
    ]
    assert Ear(world).hears(CALLER) == {other}
    assert world.last(HandOver).source == CONTACT_2
    world.leg_ends(CALLER)
    assert not world.core.calls()


def test_when_he_does_not_answer_the_agent_has_his_caller_back_and_he_is_free() -> None:
    world = talking()
    agent = world.dialled_leg()
    other = dials(world, inside=True, party=EXPERT)
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    world.leg_ends(other, ReleaseCause.NO_ANSWER)
    assert steps(world)[-1] == (agent, TransferStep.FAILED)
    assert world.last(Failed).contact == CONTACT
    assert Ear(world).hears(CALLER) == {agent}
    released = world.last(TalkReleased)
    assert (released.contact, released.agent, released.talked) == (CONTACT_2, EXPERT, False)


def test_the_caller_waits_in_the_queue_that_the_phone_waited_in() -> None:
    world = talking()
    agent = world.dialled_leg()
    dials_queue(world)
    enters_queue(world)
    world.passes(8.0)
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    assert steps(world) == [(agent, TransferStep.ACCEPTED), (agent, TransferStep.DONE)]
    assert world.last(WithdrawContact) == WithdrawContact(contact=CONTACT_2, reason="transferred")
    queued = world.last(QueueContact)
    assert (queued.contact, queued.queue) == (CONTACT, EXPERTS)
    assert world.last(Transferred) == Transferred(contact=CONTACT, to="queue:experts", by=AGENT)
    assert world.outcome_of(CONTACT_2).outcome is Outcome.TRANSFERRED
    assert Ear(world).playing[CALLER].loop
    world.leg_ends(CALLER)
    assert world.outcome_of(CONTACT).outcome is Outcome.HANDLED


def test_the_caller_hears_the_menu_that_the_phone_heard() -> None:
    world = talking()
    agent = world.dialled_leg()
    dials_queue(world)
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    started = world.last(StartFlow)
    assert (started.contact, started.flow, started.variables["dialled"]) == (CONTACT, "experts", "95002")
    assert state(world) is Stage.FLOW
    assert world.outcome_of(CONTACT_2).outcome is Outcome.TRANSFERRED


@pytest.mark.parametrize("held", [True, False])
def test_an_expert_of_a_queue_has_the_caller(held: bool) -> None:
    world = talking()
    agent = world.dialled_leg()
    dials_queue(world)
    enters_queue(world)
    expert = expert_answers(world)
    world.passes(5.0)
    if held:
        world.post(HoldCall(call=CALL_2, hold=True, by=EXPERT))
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    assert Ear(world).hears(CALLER) == {expert}
    assert world.last(HandOver) == HandOver(contact=CONTACT, source=CONTACT_2, queue=SUPPORT, agent=EXPERT)
    assert [release.agent for release in world.all_of(TalkReleased)] == [AGENT]
    assert (world.outcome_of(CONTACT_2).outcome, world.outcome_of(CONTACT_2).agent) == (Outcome.HANDLED, EXPERT)
    world.leg_ends(CALLER)
    assert [talk.contact for talk in world.all_of(TalkEnded)] == [CONTACT_2, CONTACT, CONTACT]


def test_a_phone_that_called_the_help_desk_hands_it_to_its_colleague() -> None:
    """Both calls are between our own: the one that the phone dialled to its colleague is kept."""
    world = World()
    dials_queue(world)
    enters_queue(world)
    expert = expert_answers(world)
    begins = begins_out(agent=None, inside=True)
    world.post(begins)
    assert begins.offer is not None
    colleague = world.dialled_leg()
    world.answers(colleague, "seat-05")
    world.answers(begins.offer.leg)
    world.post(PhoneJoin(leg=PHONE_2, other=begins.offer.leg))
    assert steps(world) == [(PHONE_2, TransferStep.ACCEPTED), (PHONE_2, TransferStep.DONE)]
    assert Ear(world).hears(colleague) == {expert}
    assert world.core.calls() == (CALL,)
    world.leg_ends(expert)
    assert len(world.all_of(ContactEnded)) == 2


def test_the_contact_of_who_called_the_centre_goes_on() -> None:
    """Whatever call began first, and on whichever the phone asked."""
    world = World()
    other = dials(world, inside=True)
    world.answers(other)
    world.answers(PHONE_2)
    world.arrive()
    world.asks(EnterQueue(queue=SUPPORT))
    world.answers(CALLER)
    world.post(AgentOffered(contact=CONTACT, queue=SUPPORT, agent=AGENT, seat=SeatId("seat-04")))
    world.answers(world.dialled_leg(), "seat-04")
    world.post(PhoneJoin(leg=PHONE_2, other=world.talking_leg()))
    assert world.core.calls() == (CALL,)
    assert Ear(world).hears(CALLER) == {other}


def test_a_phone_that_was_called_in_both_its_calls_joins_who_called_it() -> None:
    """Agents 1004 and 1006 called 1005 one after the other; his phone has them talk with each other."""
    world = World()
    first = begins_out(inside=True, party=EXPERT)
    world.post(first)
    own = world.dialled_leg()
    assert first.offer is not None
    world.answers(own, EXPERT_SEAT)
    world.answers(first.offer.leg, "seat-04")
    world.passes(5.0)
    offer, colleague = replace(first.offer, leg=PHONE_2), AgentId("1006")
    again = replace(first, call=CALL_2, contact=CONTACT_2, offer=offer, seat=SeatId("seat-06"), agent=colleague)
    world.post(replace(again, shown="8006", key=""))
    second = world.dialled_leg()
    world.answers(second, EXPERT_SEAT)
    world.answers(PHONE_2, "seat-06")
    world.passes(10.0)
    world.post(PhoneJoin(leg=second, other=own))
    assert steps(world)[-2:] == [(second, TransferStep.ACCEPTED), (second, TransferStep.DONE)]
    assert world.last(Bridge).a == first.offer.leg
    assert world.last(Bridge).b == PHONE_2
    released = {release.leg for release in world.all_of(ReleaseLeg)}
    assert released == {own, second}
    assert world.last(HandOver).agent == colleague
    assert EXPERT in [release.agent for release in world.all_of(TalkReleased)]
    for leg in (own, second, first.offer.leg, PHONE_2):
        world.leg_ends(leg)
    assert len(world.all_of(ContactEnded)) == 2


def test_what_cannot_be_joined_is_refused_and_goes_on() -> None:
    world, agent, other = asking()
    for first, second in ((agent, agent), (agent, LegId("nobody")), (CALLER, other), (other, PHONE_2)):
        world.post(PhoneJoin(leg=first, other=second))
        assert steps(world)[-1] == (first, TransferStep.REFUSED)
    consulting = world.core.saga(CALL).state
    assert consulting.stage is Stage.HELD
    assert Ear(world).hears(other) == {PHONE_2}
    assert world.core.calls() == (CALL, CALL_2)


def test_what_is_left_of_the_other_call_does_not_touch_the_leg_that_moved() -> None:
    world, agent, other = asking()
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    world.passes(100.0)
    assert other not in world.ended_legs
    world.post(HangUpCall(call=CALL, by="sup1"))
    assert other in world.ended_legs


@pytest.mark.parametrize("rings", [True, False])
def test_the_joined_call_survives_a_restart(rings: bool) -> None:
    if rings:
        world = talking()
        agent, other = world.dialled_leg(), dials(world, inside=True, party=EXPERT)
    else:
        world, agent, other = asking()
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    data = world.core.snapshot(CALL, world.now, WALL)
    world.core.forget(CALL)
    world.core.restore(data, world.now, WALL)
    if rings:
        world.answers(other, "seat-05")
    assert Ear(world).hears(CALLER) == {other}
    world.leg_ends(other)
    assert not world.core.calls()
    assert len(world.all_of(ContactEnded)) == len(world.all_of(ContactArrived))


def test_an_agent_in_a_consultation_or_a_conference_of_his_desktop_cannot_join_by_phone() -> None:
    world, agent, _ = asked_of_agent()
    other = dials(world)
    world.answers(other)
    world.answers(PHONE_2)
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    world.post(ControlParties(call=CALL, act=PartyAct.CONFERENCE, by=AGENT))
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    assert steps(world) == [(agent, TransferStep.REFUSED)] * 2


def test_the_phone_is_engaged_by_its_second_call_as_long_as_it_lasts() -> None:
    world, agent, _ = asking()
    engaged = [(order.contact, order.agent) for order in world.all_of(EngageAgent)]
    assert engaged == [(CONTACT_2, AGENT), (CONTACT_2, EXPERT)]
    world.post(PhoneJoin(leg=agent, other=PHONE_2))
    assert world.all_of(EngageAgent)[2:] == []

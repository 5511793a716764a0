"""A call that somebody of the centre makes, as a trace: by his phone or by a click, answered or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccplatform.calls.inputs import CallOutBegins
from ccplatform.calls.model import Stage
from ccplatform.contracts.commands import HangUpCall, HoldCall, MoveCall
from ccplatform.contracts.facts import (
    ContactArrived,
    Delivered,
    Established,
    Failed,
    FirstVoiceSent,
    Originated,
    TalkEnded,
)
from ccplatform.contracts.legs import (
    AdoptLeg,
    AnswerLeg,
    DialLeg,
    LegAudible,
    LegEarly,
    LegHeld,
    LegOffered,
    LegRinging,
    NumberTarget,
    OpenLeg,
    ReleaseLeg,
    RingLeg,
    SeatTarget,
)
from ccplatform.contracts.media import Bridge, CallTone, CallToneItem, Play, StopPlay
from ccplatform.contracts.routing import EngageAgent, TalkHeld, TalkReleased, TransferContact
from ccplatform.contracts.words import (
    AgentId,
    Direction,
    LegId,
    Outcome,
    QueueId,
    ReleaseCause,
    SeatId,
)
from tests.calls.world import CALL, CONTACT, WALL, World

PHONE = LegId("phone-leg")
AGENT, SEAT, OTHER, OTHER_SEAT = AgentId("1004"), SeatId("seat-04"), AgentId("1005"), SeatId("seat-05")
NUMBER = "13800000001"


def begins(
    *, clicked: bool = False, agent: AgentId | None = AGENT, inside: bool = False, party: AgentId | None = None
) -> CallOutBegins:
    offer = LegOffered(
        leg=PHONE,
        trunk=None,
        seat=SEAT,
        caller="8004",
        caller_name="",
        dialled=NUMBER,
        transport="UDP",
        sip_call_id="abc",
        received_at=1000.0,
    )
    return CallOutBegins(
        call=CALL,
        contact=CONTACT,
        seat=SEAT,
        agent=agent,
        number="8005" if inside else NUMBER,
        number_class="internal" if inside else "national",
        direction=Direction.INTERNAL if inside else Direction.OUTBOUND,
        shown="8004" if inside else "95000",
        party_seat=OTHER_SEAT if inside else None,
        party_agent=party,
        offer=None if clicked else offer,
        by="1004",
        key="k",
        auto_answer=True,
        prompt_seconds=20.0,
        ring_seconds=60.0,
        wrap_up_seconds=10.0,
    )


def calling(**how: object) -> tuple[World, LegId]:
    """Up to where the party is called; its leg."""
    world = World()
    world.post(begins(**how))  # type: ignore[arg-type]
    if how.get("clicked"):
        world.answers(world.dialled_leg())
    return world, world.dialled_leg()


def talking(**how: object) -> tuple[World, LegId]:
    world, party = calling(**how)
    world.answers(party)
    if not how.get("clicked"):
        world.answers(PHONE)
    return world, party


def stage(world: World) -> Stage:
    return world.core.saga(CALL).state.stage


def test_a_phone_dials_and_its_agent_is_busy_from_the_first_moment() -> None:
    world, party = calling()
    assert world.last(AdoptLeg).leg == PHONE
    arrived = world.last(ContactArrived)
    assert (arrived.direction, arrived.caller, arrived.dialled) == (Direction.OUTBOUND, NUMBER, "95000")
    assert (world.last(Originated).prompted, world.last(Originated).number_class) == (False, "national")
    assert world.last(EngageAgent) == EngageAgent(contact=CONTACT, agent=AGENT, wrap_up_seconds=10.0)
    dial = world.last(DialLeg)
    assert (dial.target, dial.caller, dial.early_media) == (NumberTarget(number=NUMBER), "95000", True)
    world.post(LegRinging(leg=party, device=NUMBER))
    assert world.last(RingLeg).leg == PHONE
    assert world.last(Delivered).leg == party
    assert not world.all_of(AnswerLeg)
    world.answers(party)
    assert world.last(AnswerLeg).leg == PHONE
    assert not world.all_of(Bridge)
    world.answers(PHONE)
    assert (world.last(Bridge).a, world.last(Bridge).b) == (party, PHONE)
    assert world.last(Established).agent == AGENT


def test_the_one_phone_of_a_seat_that_was_named_is_called_alone() -> None:
    world = World()
    world.post(replace(begins(inside=True), party_phone="urn:uuid:1"))
    assert world.last(DialLeg).target == SeatTarget(seat=OTHER_SEAT, phone="urn:uuid:1")


def test_a_click_rings_the_agents_own_phone_first() -> None:
    world = World()
    world.post(begins(clicked=True))
    dial = world.last(DialLeg)
    assert (dial.target, dial.auto_answer, dial.caller) == (SeatTarget(seat=SEAT), True, NUMBER)
    own = dial.leg
    world.post(LegRinging(leg=own, device=SEAT))
    assert world.last(Delivered).agent == AGENT
    world.answers(own)
    party = world.dialled_leg()
    assert party != own
    world.post(LegRinging(leg=party, device=NUMBER))
    assert world.last(Play).items == (CallToneItem(tone=CallTone.RINGBACK),)
    assert world.last(Play).leg == own
    world.answers(party)
    assert StopPlay(leg=own) in world.effects
    assert (world.last(Bridge).a, world.last(Bridge).b) == (party, own)


@pytest.mark.parametrize("clicked", [False, True])
def test_what_the_called_network_says_is_heard_before_the_answer(clicked: bool) -> None:
    world, party = calling(clicked=clicked)
    own = PHONE if not clicked else world.all_of(DialLeg)[0].leg
    world.post(LegEarly(leg=party))
    if not clicked:
        assert world.last(OpenLeg).leg == PHONE
        assert not world.all_of(Bridge)
        world.post(LegEarly(leg=PHONE))
    assert (world.last(Bridge).a, world.last(Bridge).b) == (party, own)
    world.post(LegRinging(leg=party, device=NUMBER))
    assert not world.all_of(RingLeg)
    assert not world.all_of(Play)


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (ReleaseCause.BUSY, Outcome.BUSY),
        (ReleaseCause.NO_ANSWER, Outcome.NOT_REACHED),
        (ReleaseCause.REJECTED, Outcome.NOT_REACHED),
        (ReleaseCause.NOT_FOUND, Outcome.NOT_REACHED),
        (ReleaseCause.FAILED, Outcome.FAILED),
        (ReleaseCause.UNAVAILABLE, Outcome.FAILED),
    ],
)
def test_a_phone_that_dialled_in_vain_is_told_why(cause: ReleaseCause, outcome: Outcome) -> None:
    world, party = calling()
    world.leg_ends(party, cause)
    assert world.last(Failed).cause is cause
    assert ReleaseLeg(leg=PHONE, cause=cause) in world.effects
    assert (world.outcome().outcome, world.outcome().cause) == (outcome, cause)
    assert world.last(TalkReleased) == TalkReleased(contact=CONTACT, agent=AGENT, talked=False)


def test_who_clicked_in_vain_hears_a_tone_before_the_end() -> None:
    world, party = calling(clicked=True)
    world.leg_ends(party, ReleaseCause.BUSY)
    (tone,) = world.last(Play).items
    assert isinstance(tone, CallToneItem)
    assert tone.tone is CallTone.BUSY
    assert not world.all_of(ReleaseLeg)
    world.passes(4.0)
    assert world.outcome().outcome is Outcome.BUSY


def test_who_clicked_and_does_not_take_his_phone_called_nobody() -> None:
    world = World()
    world.post(begins(clicked=True))
    own = world.dialled_leg()
    world.passes(20.0)
    assert ReleaseLeg(leg=own, cause=ReleaseCause.NO_ANSWER) in world.effects
    assert (world.last(Failed).device, world.outcome().outcome) == (SEAT, Outcome.NOT_REACHED)
    assert len(world.all_of(DialLeg)) == 1
    assert world.last(TalkReleased).talked is False


def test_nobody_answers_for_a_minute() -> None:
    world, party = calling()
    world.passes(60.0)
    assert ReleaseLeg(leg=party, cause=ReleaseCause.NO_ANSWER) in world.effects
    assert ReleaseLeg(leg=PHONE, cause=ReleaseCause.NO_ANSWER) in world.effects
    assert world.outcome().outcome is Outcome.NOT_REACHED


@pytest.mark.parametrize("clicked", [False, True])
def test_an_agent_who_gives_up_takes_the_ringing_back(clicked: bool) -> None:
    world, party = calling(clicked=clicked)
    own = PHONE if not clicked else world.all_of(DialLeg)[0].leg
    world.leg_ends(own, ReleaseCause.CANCELLED)
    assert ReleaseLeg(leg=party, cause=ReleaseCause.CANCELLED) in world.effects
    assert (world.outcome().outcome, world.outcome().cause) == (Outcome.NOT_REACHED, ReleaseCause.CANCELLED)


@pytest.mark.parametrize("ends", ["party", "own", "order"])
def test_a_talk_ends_once_with_its_sums_and_wrap_up(ends: str) -> None:
    world, party = talking()
    world.passes(30.0)
    if ends == "order":
        world.post(HangUpCall(call=CALL, by="sup1"))
    else:
        world.leg_ends(party if ends == "party" else PHONE)
    assert world.last(TalkEnded).talk_seconds == pytest.approx(30.0)
    assert world.outcome().outcome is Outcome.HANDLED
    assert (world.outcome().agent, world.outcome().queue) == (AGENT, None)
    assert [release.talked for release in world.all_of(TalkReleased)] == [True]


def test_hold_by_order_and_by_the_phone() -> None:
    world, party = talking()
    world.post(HoldCall(call=CALL, hold=True, by="1004"))
    assert world.last(TalkHeld).held
    assert world.last(Play).leg == party
    world.post(HoldCall(call=CALL, hold=False, by="1004"))
    world.post(LegHeld(leg=PHONE, held=True))
    assert stage(world) is Stage.HELD
    world.post(LegHeld(leg=PHONE, held=False))
    assert stage(world) is Stage.TALKING


def test_whom_he_called_may_be_moved_to_a_queue() -> None:
    world, _ = talking()
    world.post(MoveCall(call=CALL, queue=QueueId("support"), by="1004"))
    assert world.last(TransferContact).queue == "support"
    assert stage(world) is Stage.QUEUED


def test_a_phone_without_an_agent_calls_too() -> None:
    world, party = talking(agent=None)
    assert not world.all_of(EngageAgent)
    assert stage(world) is Stage.BRIDGED
    world.leg_ends(party)
    assert world.outcome().outcome is Outcome.HANDLED


def test_an_agent_called_by_his_number_is_busy_and_free_again() -> None:
    world, party = talking(inside=True, party=OTHER)
    arrived = world.last(ContactArrived)
    assert (arrived.direction, arrived.caller, arrived.dialled) == (Direction.INTERNAL, "8004", "8005")
    assert [engaged.agent for engaged in world.all_of(EngageAgent)] == [AGENT, OTHER]
    assert world.last(DialLeg).target == SeatTarget(seat=OTHER_SEAT)
    world.leg_ends(party)
    assert {released.agent for released in world.all_of(TalkReleased)} == {AGENT, OTHER}


def test_no_connect_delay_is_told_of_a_call_out() -> None:
    world, party = talking()
    world.post(LegAudible(leg=party, at=world.now))
    assert not world.all_of(FirstVoiceSent)


@pytest.mark.parametrize("clicked", [False, True])
def test_it_goes_on_from_its_snapshot_at_every_stage(clicked: bool) -> None:
    world = World()
    world.post(begins(clicked=clicked))

    def restart() -> None:
        data = world.core.snapshot(CALL, world.now, WALL)
        world.core.forget(CALL)
        world.core.restore(data, world.now, WALL)

    restart()
    own = world.dialled_leg() if clicked else PHONE
    if clicked:
        world.answers(own)
        restart()
    party = world.dialled_leg()
    world.post(LegRinging(leg=party, device=NUMBER))
    restart()
    world.answers(party)
    restart()
    if not clicked:
        world.answers(PHONE)
        restart()
    assert stage(world) is Stage.TALKING
    world.leg_ends(own)
    assert world.outcome().outcome is Outcome.HANDLED


def test_the_same_key_means_the_same_call() -> None:
    world, _ = calling(clicked=True)
    assert world.core.made_by("k") == (CALL, CONTACT)
    assert world.core.made_by("other") is None

"""An agent hands his caller on by his phone: to a number of the centre, to a seat, to a number outside."""

from __future__ import annotations

import pytest

from ccplatform.calls.consulting import MAX_CALLED
from ccplatform.calls.inputs import PhoneTransfer
from ccplatform.calls.model import Stage
from ccplatform.contracts.facts import ConnectionCleared, Delivered, Established, Failed, TalkEnded, Transferred
from ccplatform.contracts.flows import EnterQueue, FlowFinished, StartFlow, TransferCaller
from ccplatform.contracts.legs import (
    DialLeg,
    DialTarget,
    HandOn,
    LegHeld,
    LegReferred,
    LegRinging,
    ReleaseLeg,
    ReportTransfer,
    SeatTarget,
    TransferStep,
    TrunkTarget,
)
from ccplatform.contracts.media import Bridge, Play, StopRecording, Unbridge
from ccplatform.contracts.routing import (
    AgentOffered,
    CallAgent,
    OfferFailed,
    QueueContact,
    QueueRefused,
    TalkHeld,
    TalkReleased,
)
from ccplatform.contracts.words import (
    AgentId,
    FlowId,
    FlowOutcome,
    LegId,
    LegRole,
    OfferEnd,
    Outcome,
    QueueId,
    ReleaseCause,
    SeatId,
    TrunkId,
)
from tests.calls.test_saga import AGENT, SUPPORT, in_flow, talking
from tests.calls.world import CALL, CALLER, CONTACT, WALL, World

COLLEAGUE = SeatTarget(seat=SeatId("seat-05"))
OUTSIDE = TrunkTarget(trunk=TrunkId("pstn"), number="13900000000")


def steps(world: World) -> list[TransferStep]:
    return [report.step for report in world.all_of(ReportTransfer)]


def transferring(target: DialTarget = COLLEAGUE, *, held: bool = False) -> tuple[World, LegId, LegId]:
    """A world where the agent's leg asked for a transfer that now rings."""
    world = talking()
    agent = world.dialled_leg()
    world.passes(20.0)
    if held:
        world.post(LegHeld(leg=agent, held=True))
        world.passes(5.0)
    world.post(PhoneTransfer(leg=agent, number="8005", target=target))
    return world, agent, world.dialled_leg()


def test_a_number_of_the_centre_takes_the_caller_at_once() -> None:
    world = talking()
    agent = world.dialled_leg()
    world.passes(20.0)
    world.post(PhoneTransfer(leg=agent, number="95001", flow=FlowId("support")))
    assert steps(world) == [TransferStep.ACCEPTED, TransferStep.DONE]
    assert ReleaseLeg(leg=agent, cause=ReleaseCause.NORMAL) in world.effects
    assert world.last(StartFlow).variables["dialled"] == "95001"
    assert world.last(Transferred) == Transferred(contact=CONTACT, to="95001", by=AGENT)
    assert world.last(TalkEnded).talk_seconds == pytest.approx(20.0)
    assert world.all_of(TalkReleased)
    assert world.last(StopRecording).recording == "rec-1"


def test_the_contact_keeps_its_id_and_sums_up_both_talks() -> None:
    world = talking()
    world.passes(20.0)
    world.post(PhoneTransfer(leg=world.dialled_leg(), number="95001", flow=FlowId("support")))
    world.asks(EnterQueue(queue=QueueId("sales")))
    assert world.last(QueueContact).contact == CONTACT
    second = AgentId("1005")
    world.post(AgentOffered(contact=CONTACT, queue=QueueId("sales"), agent=second, seat=SeatId("seat-05")))
    world.answers(world.dialled_leg(), "seat-05")
    world.passes(7.0)
    world.leg_ends(CALLER)
    assert [ended.talk_seconds for ended in world.all_of(TalkEnded)] == pytest.approx([20.0, 7.0])
    assert [ended.agent for ended in world.all_of(TalkEnded)] == [AGENT, second]
    ended = world.outcome()
    assert (ended.agent, ended.queue) == (second, QueueId("sales"))
    assert ended.talk_seconds == pytest.approx(27.0)
    assert ended.outcome is Outcome.HANDLED


def test_a_caller_who_leaves_the_second_queue_was_handled_all_the_same() -> None:
    world = talking()
    world.post(PhoneTransfer(leg=world.dialled_leg(), number="95001", flow=FlowId("support")))
    world.asks(EnterQueue(queue=SUPPORT))
    world.leg_ends(CALLER)
    assert world.outcome().outcome is Outcome.HANDLED


@pytest.mark.parametrize("target", [COLLEAGUE, OUTSIDE])
def test_the_agent_keeps_his_caller_until_the_new_party_answers(target: SeatTarget | TrunkTarget) -> None:
    world, agent, new = transferring(target)
    dial = world.last(DialLeg)
    assert (dial.target, dial.role, dial.caller) == (target, LegRole.PARTY, "13800000001")
    assert world.last(Unbridge).leg == CALLER
    assert world.last(Play).leg == CALLER
    assert not world.all_of(TalkReleased)
    world.post(LegRinging(leg=new, device="seat-05"))
    assert world.last(Delivered).device == "seat-05"
    world.passes(4.0)
    world.answers(new, "seat-05")
    assert steps(world) == [TransferStep.ACCEPTED, TransferStep.RINGING, TransferStep.DONE]
    assert world.last(Bridge) == Bridge(a=CALLER, b=new)
    assert world.last(Transferred) == Transferred(contact=CONTACT, to="seat-05", by=AGENT)
    assert world.last(Established).role is LegRole.PARTY
    assert world.last(TalkEnded).talk_seconds == pytest.approx(24.0)
    assert ReleaseLeg(leg=agent, cause=ReleaseCause.NORMAL) in world.effects
    world.passes(10.0)
    world.leg_ends(new)
    assert world.outcome().talk_seconds == pytest.approx(34.0)
    assert world.outcome().agent == AGENT
    assert {fact.leg for fact in world.all_of(ConnectionCleared)} == {CALLER, agent, new}


def test_who_does_not_answer_gives_the_agent_his_caller_back() -> None:
    world, agent, new = transferring()
    world.leg_ends(new, ReleaseCause.BUSY)
    report = world.last(ReportTransfer)
    assert (report.leg, report.step, report.cause) == (agent, TransferStep.FAILED, ReleaseCause.BUSY)
    assert world.last(Failed).cause is ReleaseCause.BUSY
    assert world.last(Bridge) == Bridge(a=CALLER, b=agent)
    world.post(PhoneTransfer(leg=agent, number="95001", flow=FlowId("support")))
    assert steps(world)[-1] is TransferStep.DONE


def test_a_held_caller_is_held_again_unless_the_phone_took_him_back() -> None:
    world, _, new = transferring(held=True)
    world.leg_ends(new, ReleaseCause.NO_ANSWER)
    assert world.core.saga(CALL).state.stage is Stage.HELD
    assert world.last(Play).loop
    world, agent, new = transferring(held=True)
    world.post(LegHeld(leg=agent, held=False))
    world.passes(5.0)
    world.leg_ends(new, ReleaseCause.NO_ANSWER)
    assert world.core.saga(CALL).state.stage is Stage.TALKING
    assert world.last(Bridge) == Bridge(a=CALLER, b=agent)
    assert not world.last(TalkHeld).held
    world.leg_ends(CALLER)
    assert world.outcome().hold_seconds == pytest.approx(10.0)


def test_nobody_rings_for_ever() -> None:
    world, _, new = transferring()
    world.passes(60.0)
    assert ReleaseLeg(leg=new, cause=ReleaseCause.NO_ANSWER) in world.effects
    assert steps(world)[-1] is TransferStep.FAILED


def test_an_agent_who_hangs_up_is_free_and_the_caller_goes_on_waiting() -> None:
    world, agent, new = transferring()
    world.leg_ends(agent)
    assert world.all_of(TalkReleased)
    world.answers(new, "seat-05")
    assert world.last(Bridge) == Bridge(a=CALLER, b=new)
    assert world.last(Transferred).by == AGENT
    assert steps(world) == [TransferStep.ACCEPTED]


def test_a_caller_whom_nobody_waits_for_any_more_is_back_in_his_queue_with_his_age() -> None:
    world, agent, new = transferring()
    waited = world.core.saga(CALL).state.queue_seconds
    world.leg_ends(agent)
    world.leg_ends(new, ReleaseCause.BUSY)
    assert world.core.saga(CALL).state.stage is Stage.QUEUED
    again = world.last(QueueContact)
    assert (again.contact, again.queue, again.waited_seconds) == (CONTACT, SUPPORT, waited)
    assert world.last(Play).leg == CALLER
    assert world.last(Play).loop
    world.leg_ends(CALLER)
    assert world.outcome().outcome is Outcome.HANDLED


def test_a_caller_whose_queue_takes_him_back_no_more_begins_anew() -> None:
    world, agent, new = transferring()
    world.leg_ends(agent)
    world.leg_ends(new, ReleaseCause.BUSY)
    world.post(QueueRefused(contact=CONTACT, queue=SUPPORT, reason="queue_closed"))
    assert world.core.saga(CALL).state.stage is Stage.FLOW
    assert world.last(StartFlow).flow == "main"


def test_a_caller_who_hangs_up_while_it_rings_ends_it_for_all() -> None:
    world, agent, new = transferring()
    world.leg_ends(CALLER)
    assert ReleaseLeg(leg=new, cause=ReleaseCause.CANCELLED) in world.effects
    assert {fact.leg for fact in world.all_of(ConnectionCleared)} == {CALLER, agent, new}
    assert len(world.all_of(TalkReleased)) == 1


def test_the_new_party_may_hand_the_caller_on_as_well() -> None:
    world, _, new = transferring()
    world.answers(new, "seat-05")
    world.post(PhoneTransfer(leg=new, number="8006", target=COLLEAGUE))
    assert world.last(ReportTransfer).step is TransferStep.ACCEPTED
    world.leg_ends(world.dialled_leg(), ReleaseCause.BUSY)
    assert world.last(Bridge) == Bridge(a=CALLER, b=new)


def test_a_carrier_that_connects_the_caller_itself_ends_the_call() -> None:
    world, agent, new = transferring(OUTSIDE)
    assert world.last(DialLeg).transfers == CALLER
    world.post(LegReferred(leg=CALLER, to=new))
    assert steps(world) == [TransferStep.ACCEPTED, TransferStep.DONE]
    assert world.last(Transferred) == Transferred(contact=CONTACT, to="8005", by=AGENT)
    released = {release.leg for release in world.all_of(ReleaseLeg)}
    assert released == {CALLER, agent, new}
    for leg in released:
        world.leg_ends(leg)
    ended = world.outcome()
    assert (ended.outcome, ended.agent, ended.cause) == (Outcome.HANDLED, AGENT, ReleaseCause.NORMAL)


def test_two_who_talk_are_offered_to_their_carrier_and_told_once() -> None:
    world, _, new = transferring(OUTSIDE)
    world.answers(new, "13900000000")
    assert world.last(HandOn) == HandOn(leg=CALLER, to=new)
    told = len(world.all_of(Transferred))
    world.post(LegReferred(leg=CALLER, to=new))
    assert len(world.all_of(Transferred)) == told
    world.leg_ends(CALLER)
    world.leg_ends(new)
    assert world.outcome().outcome is Outcome.HANDLED


def test_a_caller_whom_a_flow_sends_away_was_transferred() -> None:
    world = in_flow()
    world.asks(TransferCaller(number="13900000000", target=OUTSIDE))
    assert world.last(DialLeg).transfers == CALLER
    new = world.dialled_leg()
    world.post(LegReferred(leg=CALLER, to=new))
    assert world.last(Transferred) == Transferred(contact=CONTACT, to="13900000000", by="flow")
    for leg in (new, CALLER):
        world.leg_ends(leg)
    world.asks(FlowFinished(outcome=FlowOutcome.COMPLETED))
    assert world.outcome().outcome is Outcome.TRANSFERRED


def test_what_is_to_be_recorded_stays_with_us() -> None:
    world = in_flow()
    world.asks(TransferCaller(number="13900000000", target=OUTSIDE, record=True))
    assert world.last(DialLeg).transfers is None


def test_what_cannot_be_is_refused_and_changes_nothing() -> None:
    nobody = talking()
    nobody.post(PhoneTransfer(leg=nobody.dialled_leg(), number="777"))
    refused = nobody.last(ReportTransfer)
    assert (refused.step, refused.cause) == (TransferStep.REFUSED, ReleaseCause.NOT_FOUND)
    world, agent, _ = transferring()
    world.post(PhoneTransfer(leg=agent, number="8006", target=COLLEAGUE))
    assert world.last(ReportTransfer).cause is ReleaseCause.REJECTED
    caller = in_flow()
    caller.post(PhoneTransfer(leg=CALLER, number="8006", target=COLLEAGUE))
    assert steps(caller) == [TransferStep.REFUSED]


def test_a_caller_is_not_handed_on_for_ever() -> None:
    world, agent, _ = transferring()
    for _ in range(MAX_CALLED):
        world.leg_ends(world.dialled_leg(), ReleaseCause.BUSY)
        world.post(PhoneTransfer(leg=agent, number="8006", target=COLLEAGUE))
    assert steps(world)[-1] is TransferStep.REFUSED
    assert world.core.saga(CALL).state.stage is Stage.TALKING


def test_a_transfer_that_rings_survives_a_restart() -> None:
    world, _, new = transferring()
    data = world.core.snapshot(CALL, world.now, WALL)
    world.core.forget(CALL)
    world.core.restore(data, world.now, WALL)
    world.answers(new, "seat-05")
    assert world.last(Bridge) == Bridge(a=CALLER, b=new)


@pytest.mark.parametrize("phone", ["", "urn:uuid:7"])
def test_the_one_phone_that_is_named_rings_where_an_agent_is_signed_in(phone: str) -> None:
    world = talking()
    asking = world.dialled_leg()
    other = AgentId("1005")
    world.post(PhoneTransfer(leg=asking, number="8005", agent=other, phone=phone))
    called = world.last(CallAgent)
    world.post(AgentOffered(contact=called.contact, queue=QueueId(""), agent=other, seat=SeatId("seat-05")))
    assert world.last(DialLeg).target == SeatTarget(seat=SeatId("seat-05"), phone=phone)


@pytest.mark.parametrize(("phone", "end"), [("", OfferEnd.UNREACHABLE), ("urn:uuid:7", OfferEnd.WITHDRAWN)])
def test_an_agent_is_not_blamed_for_the_one_phone_that_is_away(phone: str, end: OfferEnd) -> None:
    world = talking()
    asking = world.dialled_leg()
    other = AgentId("1005")
    world.post(PhoneTransfer(leg=asking, number="8005", agent=other, phone=phone))
    contact = world.last(CallAgent).contact
    world.post(AgentOffered(contact=contact, queue=QueueId(""), agent=other, seat=SeatId("seat-05")))
    world.leg_ends(world.dialled_leg(), ReleaseCause.UNREACHABLE)
    assert world.last(OfferFailed) == OfferFailed(contact=contact, agent=other, end=end)
    assert steps(world)[-1] is TransferStep.FAILED
    assert world.core.saga(CALL).state.stage is Stage.TALKING

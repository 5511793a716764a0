"""What an agent is told between his answer and the talk: nobody else hears it, and nobody is lost by it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.inputs import ConsultOrder, PhoneTransfer
from ccplatform.calls.model import ConsiderRecording, Stage, Whisper
from ccplatform.calls.whispering import WHISPER_SECONDS
from ccplatform.contracts.commands import HangUpCall, HoldCall, MoveCall, SuperviseCall
from ccplatform.contracts.facts import Established, Held, TalkEnded
from ccplatform.contracts.flows import EndFlow, LeaveQueue, PlayPrompt
from ccplatform.contracts.legs import DigitPressed, LegHeld, PlaybackEnded, ReportTransfer, TransferStep
from ccplatform.contracts.media import Bridge, Play
from ccplatform.contracts.routing import (
    AgentOffered,
    OfferAnswered,
    QueueRefused,
    TalkReleased,
    TransferContact,
)
from ccplatform.contracts.words import AgentId, Outcome, PlaybackId, QueueId, ReleaseCause, SeatId, Supervision
from tests.calls.ear import Ear
from tests.calls.test_calling_back import begins
from tests.calls.test_saga import in_queue
from tests.calls.world import CALL, CALLER, CONTACT, World, music_of

SUPPORT, AGENT, SEAT = QueueId("support"), AgentId("1004"), SeatId("seat-04")
OFFER = AgentOffered(contact=CONTACT, queue=SUPPORT, agent=AGENT, seat=SEAT, whisper="Support")


def whispering() -> World:
    """The agent answered after 10 s and hears what he is told."""
    world = in_queue()
    world.passes(7.0)
    world.post(OFFER)
    world.passes(3.0)
    world.answers(world.dialled_leg(), "seat-04")
    return world


def stage(world: World) -> Stage:
    return world.core.saga(CALL).state.stage


def heard(world: World) -> None:
    whisper = world.last(Whisper)
    world.post(PlaybackEnded(leg=whisper.leg, playback=whisper.playback, finished=True))


def key(world: World) -> None:
    world.post(DigitPressed(leg=world.talking_leg(), digit="5", ended_at=world.now))


def too_long(world: World) -> None:
    world.passes(WHISPER_SECONDS)


def test_the_offer_is_answered_at_once_and_the_caller_hears_his_music_on() -> None:
    world = whispering()
    assert stage(world) is Stage.WHISPERING
    assert world.last(Whisper).text == "Support"
    assert world.last(OfferAnswered) == OfferAnswered(contact=CONTACT, agent=AGENT)
    assert world.last(EndFlow)
    assert Ear(world).playing[CALLER].items == music_of(SUPPORT)
    assert [kind for kind in (Bridge, ConsiderRecording, Established) if world.all_of(kind)] == []


@pytest.mark.parametrize(("ends", "seconds"), [(heard, 2.0), (key, 2.0), (too_long, 2.0 + WHISPER_SECONDS)])
def test_heard_skipped_or_cut_off_the_two_talk(ends: Callable[[World], None], seconds: float) -> None:
    world = whispering()
    world.passes(2.0)
    ends(world)
    agent = world.talking_leg()
    ear = Ear(world)
    assert stage(world) is Stage.TALKING
    assert (ear.hears(CALLER), ear.hears(agent), ear.playing) == ({agent}, {CALLER}, {})
    assert world.last(Established).queue_seconds == pytest.approx(10.0 + seconds)
    for late in (heard, key, too_long):
        late(world)
    assert len(world.all_of(Bridge)) == len(world.all_of(ConsiderRecording)) == 1
    world.passes(20.0)
    world.leg_ends(CALLER)
    assert world.outcome().queue_seconds == pytest.approx(10.0 + seconds)
    assert world.last(TalkEnded).talk_seconds == pytest.approx(20.0 + WHISPER_SECONDS)


def test_other_keys_and_sounds_do_not_end_it() -> None:
    world = whispering()
    world.post(DigitPressed(leg=CALLER, digit="5", ended_at=world.now))
    world.post(PlaybackEnded(leg=CALLER, playback=PlaybackId("other"), finished=True))
    world.asks(PlayPrompt(playback=PlaybackId("late"), items=()))
    world.asks(LeaveQueue())
    assert stage(world) is Stage.WHISPERING
    assert Ear(world).playing[CALLER].loop


def test_after_an_announcement_that_ends_meanwhile_the_music_goes_on() -> None:
    world = in_queue()
    world.post(OFFER)
    world.asks(PlayPrompt(playback=PlaybackId("position"), items=()))
    world.answers(world.dialled_leg())
    assert world.last(Play).playback == "position"
    world.post(PlaybackEnded(leg=CALLER, playback=PlaybackId("position"), finished=True))
    assert world.last(Play).items == music_of(SUPPORT)


def test_a_caller_who_leaves_was_not_talked_with() -> None:
    world = whispering()
    world.passes(2.0)
    world.leg_ends(CALLER)
    assert world.last(TalkReleased) == TalkReleased(contact=CONTACT, agent=AGENT, talked=False)
    ended = world.outcome()
    assert (ended.outcome, ended.agent, ended.talk_seconds) == (Outcome.ABANDONED_QUEUE, None, 0.0)
    assert ended.queue_seconds == pytest.approx(12.0)
    assert len(world.core) == 0


def test_an_agent_who_hangs_up_leaves_the_caller_in_his_queue_for_the_next() -> None:
    world = whispering()
    world.passes(2.0)
    world.leg_ends(world.talking_leg())
    assert stage(world) is Stage.QUEUED
    assert world.last(TransferContact) == TransferContact(contact=CONTACT, queue=SUPPORT)
    assert Ear(world).playing[CALLER].items == music_of(SUPPORT)
    world.post(AgentOffered(contact=CONTACT, queue=SUPPORT, agent=AgentId("1005"), seat=SeatId("seat-05")))
    world.answers(world.dialled_leg())
    assert stage(world) is Stage.TALKING
    assert world.last(Established).agent == "1005"
    assert world.last(Established).queue_seconds == pytest.approx(12.0)


def test_a_queue_that_will_not_have_him_again_sends_him_to_his_first_flow() -> None:
    world = whispering()
    world.leg_ends(world.talking_leg())
    world.post(QueueRefused(contact=CONTACT, queue=SUPPORT, reason="closed"))
    assert stage(world) is Stage.FLOW
    assert world.flow_alive


@pytest.mark.parametrize(
    "order",
    [
        HoldCall(call=CALL, hold=True, by="1004"),
        MoveCall(call=CALL, queue=QueueId("sales"), by="sup1"),
        ConsultOrder(call=CALL, to="1005", by="1004", agent=AgentId("1005")),
        SuperviseCall(call=CALL, what=Supervision.MONITOR, by="sup1", seat=SeatId("seat-09")),
    ],
    ids=lambda order: type(order).__name__,
)
def test_orders_that_need_a_talk_are_refused(
    order: HoldCall | MoveCall | ConsultOrder | SuperviseCall,
) -> None:
    world = whispering()
    with pytest.raises(NotInThisState, match="whispering"):
        world.post(order)
    assert stage(world) is Stage.WHISPERING


def test_the_phone_cannot_hand_on_whom_it_does_not_have_yet() -> None:
    world = whispering()
    world.post(PhoneTransfer(leg=world.talking_leg(), number="1005", agent=AgentId("1005")))
    assert world.last(ReportTransfer).step is TransferStep.REFUSED
    assert stage(world) is Stage.WHISPERING


def test_a_call_may_be_ended_by_order() -> None:
    world = whispering()
    world.post(HangUpCall(call=CALL, by="sup1"))
    assert len(world.core) == 0
    assert world.outcome().cause is ReleaseCause.NORMAL


@pytest.mark.parametrize("held", [True, False])
def test_a_phone_that_holds_meanwhile_holds_the_caller(held: bool) -> None:
    world = whispering()
    world.post(LegHeld(leg=world.talking_leg(), held=True))
    world.post(LegHeld(leg=world.talking_leg(), held=held))
    heard(world)
    assert stage(world) is (Stage.HELD if held else Stage.TALKING)
    assert bool(world.all_of(Held)) is held


def test_the_agent_of_a_customer_who_was_called_back_first_is_told_too() -> None:
    world = World()
    world.post(begins(customer_first=True))
    state = world.core.saga(CALL).state
    world.answers(state.caller_leg)
    leg = world.dialled_leg()
    world.leg_ends(leg, ReleaseCause.REJECTED)
    world.post(AgentOffered(contact=CONTACT, queue=SUPPORT, agent=AGENT, seat=SEAT, whisper="Support"))
    world.answers(world.dialled_leg())
    assert stage(world) is Stage.WHISPERING
    heard(world)
    assert stage(world) is Stage.TALKING

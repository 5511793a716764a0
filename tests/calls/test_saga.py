from __future__ import annotations

import pytest

from ccplatform.calls.errors import NoSuchCall, NotInThisState
from ccplatform.calls.model import Stage
from ccplatform.contracts.commands import HangUpCall, HoldCall
from ccplatform.contracts.facts import (
    CallAnswered,
    ConnectionCleared,
    ContactArrived,
    Established,
    Failed,
    FirstVoiceSent,
    KeyAnswered,
    LegMeasured,
    MediaMoved,
    QueryAnswered,
    TalkEnded,
    Transferred,
)
from ccplatform.contracts.flows import (
    CollectSecurely,
    ConferenceCaller,
    EchoCaller,
    EndFlow,
    EnterQueue,
    FlowDigit,
    FlowFinished,
    FlowRequestFailed,
    InputCompleted,
    PlayPrompt,
    ReleaseCaller,
    StartFlow,
    TransferCaller,
)
from ccplatform.contracts.legs import (
    AnswerLeg,
    DialLeg,
    DigitPressed,
    LegAudible,
    LegHeld,
    LegMoved,
    LegQuality,
    LegRinging,
    PlaybackEnded,
    PlaybackStarted,
    ReleaseLeg,
    RingLeg,
    SeatTarget,
    TrunkTarget,
)
from ccplatform.contracts.media import (
    Bridge,
    Echo,
    ForgetCall,
    JoinRoom,
    Play,
    SecureCollect,
    StopPlay,
    StopRecording,
    Unbridge,
)
from ccplatform.contracts.routing import (
    AgentOffered,
    OfferAnswered,
    OfferFailed,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    TalkHeld,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import (
    AgentId,
    FlowOutcome,
    LegId,
    OfferEnd,
    Outcome,
    PlaybackId,
    QueueId,
    ReleaseCause,
    SeatId,
    TrunkId,
)
from tests.calls.world import CALL, CALLER, CONTACT, WALL, World, music_of

SUPPORT = QueueId("support")
AGENT, SEAT = AgentId("1004"), SeatId("seat-04")
HELLO = PlayPrompt(playback=PlaybackId("hello"), items=())
OFFER = AgentOffered(contact=CONTACT, queue=SUPPORT, agent=AGENT, seat=SEAT)


def in_flow() -> World:
    world = World()
    world.arrive()
    world.asks(HELLO)
    world.answers(CALLER)
    return world


def in_queue() -> World:
    world = in_flow()
    world.asks(InputCompleted(node="menu", keyed_at=world.now))
    world.asks(EnterQueue(queue=SUPPORT, chosen_at=world.now))
    return world


def ringing() -> World:
    world = in_queue()
    world.passes(7.0)
    world.post(OFFER)
    return world


def talking() -> World:
    world = ringing()
    world.passes(3.0)
    world.answers(world.dialled_leg(), "seat-04")
    return world


def test_an_arrival_is_told_and_starts_the_flow_of_its_number() -> None:
    world = World()
    world.arrive()
    assert world.last(ContactArrived).dialled == "95000"
    assert world.last(StartFlow).variables == {
        "caller": "13800000001",
        "dialled": "95000",
        "seat": "",
        "forwarded_from": "",
        "forwarded_because": "",
    }
    assert not world.all_of(AnswerLeg)


def test_the_first_prompt_answers_the_caller_and_waits_for_the_leg() -> None:
    world = World()
    world.arrive()
    world.asks(HELLO)
    assert world.last(AnswerLeg).leg == CALLER
    assert not world.all_of(Play)
    world.passes(0.02)
    world.answers(CALLER)
    assert world.last(Play).playback == "hello"
    assert world.last(CallAnswered).answer_seconds == pytest.approx(0.02)


def test_connect_delay_runs_from_invite_to_the_first_audible_sample_once() -> None:
    world = in_flow()
    world.post(LegAudible(leg=CALLER, at=world.now + 0.05))
    world.post(LegAudible(leg=CALLER, at=world.now + 9.0))
    (fact,) = world.all_of(FirstVoiceSent)
    assert fact.connect_seconds == pytest.approx(0.05)


def test_a_secure_input_silences_the_caller_for_all_others() -> None:
    world = in_flow()
    for on in (True, False):
        world.asks(CollectSecurely(on=on))
        assert world.last(SecureCollect) == SecureCollect(leg=CALLER, on=on)


def test_a_secure_input_before_the_answer_waits_for_the_callers_leg() -> None:
    world = World()
    world.arrive()
    world.asks(CollectSecurely(on=True))
    assert world.all_of(SecureCollect) == []
    world.asks(HELLO)
    world.answers(CALLER)
    assert world.last(SecureCollect).on


def test_a_key_is_answered_by_the_first_sound_that_begins_after_it() -> None:
    world = in_flow()
    world.post(DigitPressed(leg=CALLER, digit="9", ended_at=world.now))
    assert world.last(FlowDigit).digit == "9"
    world.asks(InputCompleted(node="menu", keyed_at=world.now))
    world.post(PlaybackStarted(leg=CALLER, playback=PlaybackId("hello"), at=world.now + 0.01))
    assert not world.all_of(KeyAnswered)
    world.asks(PlayPrompt(playback=PlaybackId("again"), items=()))
    world.post(PlaybackStarted(leg=CALLER, playback=PlaybackId("again"), at=world.now + 0.04))
    assert world.last(KeyAnswered).response_seconds == pytest.approx(0.04)


def test_a_query_is_answered_when_its_result_is_heard() -> None:
    world = in_flow()
    keyed = world.now
    world.passes(0.5)
    result = PlayPrompt(
        playback=PlaybackId("result"), items=(), query_keyed_at=keyed, query=("balance", "customers")
    )
    world.asks(result)
    world.post(PlaybackStarted(leg=CALLER, playback=PlaybackId("result"), at=world.now))
    fact = world.last(QueryAnswered)
    assert (fact.node, fact.source, fact.ok, fact.response_seconds) == ("balance", "customers", True, 0.5)


def test_waiting_callers_hear_music_and_the_key_that_chose_the_queue_is_answered_by_it() -> None:
    world = in_queue()
    music = world.last(Play)
    assert music.loop
    assert music.items == music_of(QueueId("support")), "each queue has its own"
    assert world.last(QueueContact).queue == "support"
    world.post(PlaybackStarted(leg=CALLER, playback=music.playback, at=world.now + 0.03))
    assert world.last(KeyAnswered).response_seconds == pytest.approx(0.03)


def test_an_offer_rings_the_seat_and_its_answer_joins_the_two() -> None:
    world = ringing()
    leg = world.dialled_leg()
    assert world.last(DialLeg).target == SeatTarget(seat=SEAT)
    world.passes(3.0)
    world.answers(leg, "seat-04")
    assert world.last(Bridge) == Bridge(a=CALLER, b=leg)
    assert world.last(OfferAnswered).agent == AGENT
    established = world.last(Established)
    assert established.queue_seconds == pytest.approx(10.0)
    assert established.wait_seconds == pytest.approx(10.0)
    assert not world.last(EndFlow).abandoned
    assert world.all_of(StopPlay)


def test_the_agent_hanging_up_ends_the_contact_as_handled() -> None:
    world = talking()
    world.passes(60.0)
    world.leg_ends(world.dialled_leg())
    assert world.last(StopRecording).recording == "rec-1"
    assert world.last(TalkEnded).talk_seconds == pytest.approx(60.0)
    assert world.last(TalkReleased).agent == AGENT
    assert world.outcome().outcome is Outcome.HANDLED
    assert world.outcome().queue_seconds == pytest.approx(10.0)
    assert world.last(ForgetCall).call == CALL


def test_the_caller_hanging_up_in_a_talk_frees_the_agent() -> None:
    world = talking()
    agent_leg = world.dialled_leg()
    world.leg_ends(CALLER)
    assert agent_leg in [command.leg for command in world.all_of(ReleaseLeg)]
    assert len(world.all_of(TalkReleased)) == 1
    assert {fact.leg for fact in world.all_of(ConnectionCleared)} == {CALLER, agent_leg}
    assert world.outcome().agent == AGENT


def test_a_caller_who_leaves_the_queue_is_withdrawn() -> None:
    world = in_queue()
    world.passes(30.0)
    world.leg_ends(CALLER)
    assert world.last(WithdrawContact).reason == "abandoned"
    ended = world.outcome()
    assert ended.outcome is Outcome.ABANDONED_QUEUE
    assert ended.queue_seconds == pytest.approx(30.0)


def test_a_caller_who_leaves_while_it_rings_cancels_the_seat() -> None:
    world = ringing()
    leg = world.dialled_leg()
    world.leg_ends(CALLER)
    assert ReleaseLeg(leg=leg, cause=ReleaseCause.CANCELLED) in world.effects
    assert world.outcome().outcome is Outcome.ABANDONED_QUEUE
    assert world.outcome().agent is None


def test_a_caller_who_leaves_the_flow_abandons_it() -> None:
    world = in_flow()
    world.leg_ends(CALLER)
    assert world.last(EndFlow).abandoned
    assert world.outcome().outcome is Outcome.ABANDONED_IVR


def test_a_caller_who_cancels_before_the_answer_is_counted_apart() -> None:
    world = World()
    world.arrive()
    world.leg_ends(CALLER, ReleaseCause.CANCELLED)
    assert world.outcome().outcome is Outcome.ABANDONED_BEFORE_ANSWER


def test_a_seat_that_rejects_sends_the_caller_back_to_wait() -> None:
    world = ringing()
    world.leg_ends(world.dialled_leg(), ReleaseCause.BUSY)
    assert world.last(OfferFailed).end is OfferEnd.REJECTED
    world.post(OFFER)
    world.answers(world.dialled_leg())
    assert world.last(Established).agent == AGENT


def test_a_withdrawn_offer_stops_ringing_and_a_late_answer_is_released() -> None:
    world = ringing()
    leg = world.dialled_leg()
    world.ended_legs.add(leg)  # its end is still on the way
    world.post(OfferWithdrawn(contact=CONTACT, agent=AGENT, end=OfferEnd.NO_ANSWER))
    assert world.last(ReleaseLeg).leg == leg
    before = len(world.all_of(ReleaseLeg))
    world.answers(leg)
    assert len(world.all_of(ReleaseLeg)) == before + 1
    assert not world.all_of(OfferAnswered)


def test_a_refused_queue_gives_the_caller_back_to_the_flow() -> None:
    world = in_queue()
    world.post(QueueRefused(contact=CONTACT, queue=SUPPORT, reason="full"))
    assert world.last(FlowRequestFailed).reason == "full"
    world.asks(PlayPrompt(playback=PlaybackId("sorry"), items=()))
    assert world.last(Play).playback == "sorry"


def test_hold_parts_them_with_music_and_retrieve_joins_them() -> None:
    world = talking()
    leg = world.dialled_leg()
    world.post(HoldCall(call=CALL, hold=True, by="1004"))
    assert world.last(Unbridge).leg == CALLER
    assert world.last(Play).loop
    assert world.last(TalkHeld).held
    world.passes(5.0)
    world.post(HoldCall(call=CALL, hold=False, by="1004"))
    assert world.last(Bridge) == Bridge(a=CALLER, b=leg)
    world.passes(5.0)
    world.leg_ends(CALLER)
    assert world.outcome().hold_seconds == pytest.approx(5.0)
    assert world.outcome().talk_seconds == pytest.approx(10.0)


def test_the_hold_key_of_the_agents_phone_does_the_same() -> None:
    world = talking()
    leg = world.dialled_leg()
    world.post(LegHeld(leg=leg, held=True))
    assert world.last(Unbridge).leg == CALLER
    assert (world.last(TalkHeld).held, world.last(Play).loop) == (True, True)
    world.passes(5.0)
    world.post(LegHeld(leg=leg, held=False))
    assert world.last(Bridge) == Bridge(a=CALLER, b=leg)
    world.post(LegHeld(leg=leg, held=False))  # held by nobody: nothing to take back
    world.leg_ends(CALLER)
    assert world.outcome().hold_seconds == pytest.approx(5.0)


def test_the_hold_of_a_caller_parts_nobody() -> None:
    world = talking()
    world.post(LegHeld(leg=CALLER, held=True))
    assert world.core.saga(CALL).state.stage is Stage.TALKING


def test_an_order_that_does_not_fit_raises_and_changes_nothing() -> None:
    world = in_queue()
    before = world.core.snapshot(CALL, world.now, WALL)
    with pytest.raises(NotInThisState):
        world.post(HoldCall(call=CALL, hold=True, by="1004"))
    assert world.core.snapshot(CALL, world.now, WALL) == before


def test_hang_up_by_rest_ends_every_leg() -> None:
    world = talking()
    world.post(HangUpCall(call=CALL, by="sup1"))
    assert world.outcome().outcome is Outcome.HANDLED
    assert len(world.core) == 0


def test_an_unknown_call_is_refused() -> None:
    with pytest.raises(NoSuchCall):
        World().post(HangUpCall(call=CALL, by="sup1"))


def test_a_transfer_before_the_answer_rings_until_the_party_answers() -> None:
    world = World()
    world.arrive("95004")
    world.asks(TransferCaller(trunk=TrunkId("lab"), number="95004"))
    assert world.last(RingLeg).leg == CALLER
    leg = world.dialled_leg()
    world.post(LegRinging(leg=leg, device="lab"))
    world.answers(leg, "lab")
    assert not world.all_of(Bridge)
    world.answers(CALLER)
    assert world.last(Bridge) == Bridge(a=CALLER, b=leg)
    assert world.last(Transferred).to == "lab"
    world.leg_ends(leg)
    assert world.outcome().outcome is Outcome.TRANSFERRED


def test_a_failed_transfer_goes_back_to_the_flow() -> None:
    world = in_flow()
    world.asks(TransferCaller(trunk=TrunkId("lab"), number="1"))
    assert world.last(Play).loop  # ringback
    world.leg_ends(world.dialled_leg(), ReleaseCause.UNREACHABLE)
    assert world.last(Failed).cause is ReleaseCause.UNREACHABLE
    assert world.last(FlowRequestFailed).reason == "unreachable"


def test_a_party_that_never_answers_is_given_up() -> None:
    world = in_flow()
    world.asks(TransferCaller(trunk=TrunkId("lab"), number="1"))
    leg = world.dialled_leg()
    world.passes(61.0)
    assert ReleaseLeg(leg=leg, cause=ReleaseCause.NO_ANSWER) in world.effects
    assert world.last(FlowRequestFailed).reason == "no_answer"


def test_echo_ends_by_itself() -> None:
    world = in_flow()
    world.asks(EchoCaller(seconds=30.0))
    assert world.last(Echo).leg == CALLER
    world.passes(30.0)
    assert world.outcome().outcome is Outcome.SELF_SERVICE


def test_a_conference_caller_joins_the_room() -> None:
    world = in_flow()
    world.asks(ConferenceCaller(room="95009"))
    assert world.last(JoinRoom).room == "95009"
    world.leg_ends(CALLER)
    assert world.outcome().outcome is Outcome.SELF_SERVICE


def test_a_flow_that_finishes_releases_the_caller() -> None:
    world = in_flow()
    world.asks(ReleaseCaller())
    assert world.outcome().outcome is Outcome.SELF_SERVICE
    assert world.last(ReleaseLeg).cause is ReleaseCause.NORMAL


def test_a_flow_that_fails_is_a_failed_contact() -> None:
    world = in_flow()
    world.flow_alive = False
    world.asks(FlowFinished(outcome=FlowOutcome.FAILED))
    assert world.outcome().outcome is Outcome.FAILED


def test_a_flow_that_never_answers_is_ended_after_a_while() -> None:
    world = World()
    world.arrive()
    world.passes(31.0)
    assert world.outcome().outcome is Outcome.FAILED


def test_quality_is_told_with_the_role_of_the_leg() -> None:
    world = in_flow()
    quality = LegQuality(
        leg=CALLER,
        codec="PCMA",
        packets_received=100,
        packets_lost=1,
        packets_sent=99,
        remote_packets_lost=None,
        jitter_seconds=0.001,
        round_trip_seconds=None,
        delay_seconds=0.06,
    )
    world.post(quality)
    assert world.last(LegMeasured).role == "caller"


def test_a_leg_on_another_media_worker_is_told_and_nothing_else_changes() -> None:
    world = talking()
    effects = len(world.effects)
    world.post(LegMoved(leg=CALLER, gap_seconds=0.4))
    world.post(LegMoved(leg=LegId("nobody"), gap_seconds=0.4))
    moved = world.last(MediaMoved)
    assert (moved.leg, moved.role, moved.gap_seconds) == (CALLER, "caller", 0.4)
    assert world.all_of(MediaMoved) == [moved]
    assert len(world.effects) == effects + 1


def test_events_of_legs_that_are_gone_are_dropped() -> None:
    world = in_flow()
    world.leg_ends(CALLER)
    facts = len(world.facts)
    world.post(DigitPressed(leg=CALLER, digit="1", ended_at=world.now))
    world.leg_ends(LegId("nobody"))
    assert len(world.facts) == facts


def test_a_call_taken_back_from_its_snapshot_goes_on() -> None:
    world = talking()
    world.passes(20.0)
    data = world.core.snapshot(CALL, world.now, WALL)
    other = World()
    other.now = 77.0  # another boot, another monotonic clock
    other.core.restore(data, other.now, WALL)
    other.passes(10.0)
    other.leg_ends(CALLER)
    assert other.outcome().talk_seconds == pytest.approx(30.0)
    assert other.outcome().outcome is Outcome.HANDLED


def test_the_trunk_target_names_trunk_and_number() -> None:
    world = in_flow()
    world.asks(TransferCaller(trunk=TrunkId("lab"), number="42"))
    assert world.last(DialLeg).target == TrunkTarget(trunk=TrunkId("lab"), number="42")


def test_a_waiting_caller_hears_an_announcement_and_then_the_music_goes_on() -> None:
    world = World()
    world.arrive()
    world.asks(EnterQueue(queue=QueueId("support")))
    world.answers(CALLER)
    said = PlaybackId("said")
    world.asks(PlayPrompt(playback=said, items=()))
    assert world.last(Play).playback == said
    world.post(PlaybackEnded(leg=CALLER, playback=said, finished=True))
    assert world.last(Play).loop
    plays = len(world.all_of(Play))
    world.post(PlaybackEnded(leg=CALLER, playback=said, finished=True))
    assert len(world.all_of(Play)) == plays

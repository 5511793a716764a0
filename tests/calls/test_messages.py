"""A caller leaves a message: his leg alone is recorded, and the contact's outcome says so."""

from __future__ import annotations

import pytest

from ccplatform.calls.inputs import MessageBegan, MessageClosed, Overflowed
from ccplatform.calls.model import TakeMessage
from ccplatform.contracts.facts import Transferred
from ccplatform.contracts.flows import (
    EndFlow,
    EnterQueue,
    FlowFinished,
    FlowRecordingBegan,
    FlowRecordingEnded,
    FlowRequestFailed,
    FlowVoiceChanged,
    HearCaller,
    PlayPrompt,
    RecordCaller,
    StartFlow,
    StopRecordingCaller,
)
from ccplatform.contracts.media import StopRecording, VoiceChanged, WatchVoice
from ccplatform.contracts.words import (
    FlowId,
    FlowOutcome,
    LegId,
    Mailbox,
    Outcome,
    PlaybackId,
    QueueId,
    RecordingId,
)
from tests.calls.world import CALL, CALLER, CONTACT, World

BOX = Mailbox("queue:support")
MESSAGE = RecordingId("message-1")


@pytest.fixture
def world() -> World:
    """A caller whose message is being recorded."""
    world = World()
    world.arrive()
    world.asks(PlayPrompt(playback=PlaybackId("p"), items=()))
    world.answers(CALLER)
    world.asks(RecordCaller(mailbox=BOX))
    world.post(MessageBegan(call=CALL, recording=MESSAGE))
    return world


def test_his_leg_is_recorded_and_listened_to(world: World) -> None:
    taken = world.last(TakeMessage)
    assert (taken.leg, taken.message.contact, taken.message.mailbox) == (CALLER, CONTACT, BOX)
    assert world.last(WatchVoice).on
    assert world.last(FlowRecordingBegan).recording == MESSAGE
    assert world.core.saga(CALL).state.message == MESSAGE


def test_the_flow_hears_when_he_speaks_and_when_the_file_is_closed(world: World) -> None:
    world.post(VoiceChanged(leg=CALLER, speaking=True, at=7.5))
    heard = world.last(FlowVoiceChanged)
    assert (heard.speaking, heard.at) == (True, 7.5)
    world.asks(StopRecordingCaller())
    assert world.last(StopRecording).recording == MESSAGE
    assert not world.last(WatchVoice).on
    world.post(MessageClosed(call=CALL, recording=MESSAGE, seconds=4.5))
    assert world.last(FlowRecordingEnded).seconds == 4.5
    assert world.core.saga(CALL).state.message is None


def test_voices_of_others_and_other_recordings_are_none_of_its(world: World) -> None:
    world.post(VoiceChanged(leg=LegId("another"), speaking=True, at=7.5))
    world.post(MessageClosed(call=CALL, recording=RecordingId("another"), seconds=4.5))
    assert not world.all_of(FlowVoiceChanged)
    assert not world.all_of(FlowRecordingEnded)


def test_without_a_recording_the_flow_takes_its_failure_path() -> None:
    world = World()
    world.arrive()
    world.asks(PlayPrompt(playback=PlaybackId("p"), items=()))
    world.answers(CALLER)
    world.asks(RecordCaller(mailbox=BOX))
    world.post(MessageBegan(call=CALL, recording=None))
    assert world.last(FlowRequestFailed).contact == CONTACT
    assert not world.last(WatchVoice).on


def test_after_a_restart_it_is_asked_again_whether_he_speaks(world: World) -> None:
    world.asks(HearCaller())
    assert [watch.on for watch in world.all_of(WatchVoice)] == [True, True]


def test_a_caller_who_hangs_up_is_waited_for_by_his_flow(world: World) -> None:
    world.flow_alive = False  # the flow takes its time
    world.leg_ends(CALLER)
    assert world.last(StopRecording).recording == MESSAGE
    assert world.last(EndFlow).abandoned
    assert CALL in world.core.calls(), "its flow is not over"
    world.post(MessageClosed(call=CALL, recording=MESSAGE, seconds=4.5))
    assert world.last(FlowRecordingEnded).seconds == 4.5
    world.asks(FlowFinished(outcome=FlowOutcome.COMPLETED, message=True))
    assert world.outcome().outcome is Outcome.VOICE_MAIL


def test_what_was_no_message_is_no_outcome(world: World) -> None:
    world.leg_ends(CALLER)
    assert world.outcome().outcome is Outcome.ABANDONED_IVR


def test_a_queue_sends_its_caller_to_its_mailbox() -> None:
    world = World()
    world.arrive()
    world.asks(EnterQueue(queue=QueueId("support")))
    world.answers(CALLER)
    to = Overflowed(contact=CONTACT, queue=QueueId("support"), flow=FlowId("voice_mail"), mailbox=BOX)
    world.post(to)
    start = world.last(StartFlow)
    assert (start.flow, start.variables["mailbox"], start.variables["caller"]) == (
        "voice_mail",
        BOX,
        "13800000001",
    )
    assert world.last(Transferred).to == "voice_mail:queue:support"

"""A flow listens to its caller: his own leg is recorded, or heard by a recogniser. Functions on a step."""

from __future__ import annotations

from ccplatform.calls.inputs import MessageBegan, MessageClosed
from ccplatform.calls.model import TakeMessage
from ccplatform.calls.step import Step
from ccplatform.contracts.flows import (
    FlowRecordingBegan,
    FlowRecordingEnded,
    FlowRequestFailed,
    FlowTapEnded,
    FlowVoiceChanged,
    RecordCaller,
    TapCaller,
)
from ccplatform.contracts.media import (
    StartTap,
    StopPlay,
    StopRecording,
    StopTap,
    TapEnded,
    VoiceChanged,
    WatchVoice,
)
from ccplatform.contracts.recordings import Message


def record_caller(step: Step, request: RecordCaller) -> None:
    """Record him for a mailbox, and hear when he speaks."""
    state = step.state
    state.pending_key = None
    message = Message(contact=state.contact, call=state.call, mailbox=request.mailbox)
    step.emit(StopPlay(leg=state.caller_leg), TakeMessage(message=message, leg=state.caller_leg))
    hear_caller(step)


def hear_caller(step: Step) -> None:
    """Tell when he speaks."""
    step.emit(WatchVoice(leg=step.state.caller_leg, on=True))


def stop_recording_caller(step: Step) -> None:
    """The message is over; its file is closed soon."""
    state = step.state
    step.emit(WatchVoice(leg=state.caller_leg, on=False))
    if state.message is not None:
        step.emit(StopRecording(recording=state.message))


def tap_caller(step: Step, request: TapCaller) -> None:
    """A recogniser hears him, and the flow when he speaks."""
    leg = step.state.caller_leg
    untap_caller(step)
    step.state.tap = request.tap
    step.emit(StartTap(leg=leg, tap=request.tap, path=request.path, rate=request.rate))
    hear_caller(step)


def untap_caller(step: Step) -> None:
    """Nobody hears him any more."""
    state = step.state
    if state.tap is not None:
        step.emit(StopTap(leg=state.caller_leg, tap=state.tap), WatchVoice(leg=state.caller_leg, on=False))
        state.tap = None


def tap_ended(step: Step, event: TapEnded) -> None:
    """The recogniser is gone, or there cannot be another."""
    state = step.state
    if event.leg == state.caller_leg and event.tap == state.tap:
        state.tap = None
        step.emit(
            WatchVoice(leg=state.caller_leg, on=False),
            FlowTapEnded(contact=state.contact, tap=event.tap, reason=event.error),
        )


def message_began(step: Step, event: MessageBegan) -> None:
    """The recorder says what it is called, or that there is none."""
    state = step.state
    if event.recording is None:
        step.emit(
            WatchVoice(leg=state.caller_leg, on=False),
            FlowRequestFailed(contact=state.contact, reason="no_recording"),
        )
        return
    state.message = event.recording
    step.emit(FlowRecordingBegan(contact=state.contact, recording=event.recording))


def message_closed(step: Step, event: MessageClosed) -> None:
    """The flow learns how long the message became; a talk whose recording was cut is not recorded any more."""
    state = step.state
    if event.recording == state.recording:
        state.recording = None
    if event.recording != state.message:
        return
    state.message = None
    step.emit(
        FlowRecordingEnded(
            contact=state.contact, recording=event.recording, seconds=event.seconds, error=event.error
        )
    )


def voice_changed(step: Step, event: VoiceChanged) -> None:
    """He speaks, or fell silent."""
    state = step.state
    if event.leg == state.caller_leg and (state.message is not None or state.tap is not None):
        step.emit(FlowVoiceChanged(contact=state.contact, speaking=event.speaking, at=event.at))

"""What people do with the recording of a call: pause it, go on, and start and stop it where the policy lets them.

A pause is about what is recorded now: the talk with the caller and, if there is one, the consultation about him.
What begins to be recorded later is not paused: each talk has its own reason.
"""

from __future__ import annotations

from ccplatform.calls.conferring import remember
from ccplatform.calls.errors import NotRecorded
from ccplatform.calls.model import CallState, ConsiderRecording, Record
from ccplatform.calls.step import Step
from ccplatform.calls.talk import talk_of
from ccplatform.contracts.commands import ControlRecording
from ccplatform.contracts.facts import RecordingPaused, RecordingResumed, RecordingStopped
from ccplatform.contracts.media import PauseRecording, ResumeRecording, StopRecording
from ccplatform.contracts.words import ContactId, RecordingAct, RecordingId


def recording_order(step: Step, order: ControlRecording) -> None:
    """Carry it out; raises :class:`NotRecorded`."""
    check_recording(step.state, order)
    remember(step.state, order.key)
    match order.act:
        case RecordingAct.PAUSE | RecordingAct.RESUME:
            _pause(step, order)
        case RecordingAct.START:
            _start(step, order)
        case RecordingAct.STOP:
            _stop(step, order)


def check_recording(state: CallState, order: ControlRecording) -> None:
    """Raise :class:`NotRecorded` unless the order fits what is recorded of the call.

    Whether the policy leaves a talk to people the recorder knows; who gives the order asks it.
    """
    code = _misfit(state, order.act)
    if code:
        raise NotRecorded(state.call, code)


def _misfit(state: CallState, act: RecordingAct) -> str:
    running = _running(state).keys()
    match act:
        case RecordingAct.START if state.talk_at is None or state.other_leg is None:
            return "no_talk"
        case RecordingAct.START:
            return "recorded_already" if state.recording is not None else ""
        case RecordingAct.STOP if state.recording is not None:
            return "" if state.on_demand else "not_on_demand"
        case _ if not running:
            return "not_recorded"
        case RecordingAct.PAUSE if running <= set(state.paused):
            return "paused_already"
        case RecordingAct.RESUME if running.isdisjoint(state.paused):
            return "not_paused"
        case _:
            return ""


def _pause(step: Step, order: ControlRecording) -> None:
    pause, state = order.act is RecordingAct.PAUSE, step.state
    running = _running(state)
    for recording, contact in running.items():
        if pause and recording not in state.paused:
            paused = RecordingPaused(contact=contact, recording=recording, by=order.by, reason=order.reason)
            step.emit(PauseRecording(recording=recording), Record(fact=paused))
        elif not pause and recording in state.paused:
            resumed = RecordingResumed(contact=contact, recording=recording, by=order.by, reason=order.reason)
            step.emit(ResumeRecording(recording=recording), Record(fact=resumed))
    state.paused = list(running) if pause else []


def _start(step: Step, order: ControlRecording) -> None:
    state = step.state
    assert state.other_leg is not None
    talk = talk_of(state, by=order.by)
    step.emit(ConsiderRecording(talk=talk, left=state.caller_leg, right=state.other_leg))


def _stop(step: Step, order: ControlRecording) -> None:
    state = step.state
    assert state.recording is not None
    stopped = RecordingStopped(contact=state.contact, recording=state.recording, by=order.by, reason=order.reason)
    step.emit(StopRecording(recording=state.recording), Record(fact=stopped))
    state.recording = None


def _running(state: CallState) -> dict[RecordingId, ContactId]:
    """What is recorded now, and of whom."""
    running = {state.recording: state.contact} if state.recording is not None else {}
    if state.second is not None and state.second.recording is not None:
        running[state.second.recording] = state.second.contact
    return running

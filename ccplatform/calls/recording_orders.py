"""What people do with the recording of a call: pause it for a secret, and let it go on.

A pause is about what is recorded now: the talk with the caller and, if there is one, the consultation about him.
What begins to be recorded later is not paused: each talk has its own reason.
"""

from __future__ import annotations

from ccplatform.calls.conferring import remember
from ccplatform.calls.errors import NotRecorded
from ccplatform.calls.model import CallState, Record
from ccplatform.calls.step import Step
from ccplatform.contracts.commands import ControlRecording
from ccplatform.contracts.facts import RecordingPaused, RecordingResumed
from ccplatform.contracts.media import PauseRecording, ResumeRecording
from ccplatform.contracts.words import ContactId, RecordingAct, RecordingId


def recording_order(step: Step, order: ControlRecording) -> None:
    """Do it with all that is recorded of the call; raises :class:`NotRecorded`."""
    check_recording(step.state, order)
    remember(step.state, order.key)
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


def check_recording(state: CallState, order: ControlRecording) -> None:
    """Raise :class:`NotRecorded` unless something is recorded that can be paused, or is."""
    running = _running(state).keys()
    if not running:
        raise NotRecorded(state.call, "not_recorded")
    if order.act is RecordingAct.PAUSE and running <= set(state.paused):
        raise NotRecorded(state.call, "paused_already")
    if order.act is RecordingAct.RESUME and running.isdisjoint(state.paused):
        raise NotRecorded(state.call, "not_paused")


def _running(state: CallState) -> dict[RecordingId, ContactId]:
    """What is recorded now, and of whom."""
    running = {state.recording: state.contact} if state.recording is not None else {}
    if state.second is not None and state.second.recording is not None:
        running[state.second.recording] = state.second.contact
    return running

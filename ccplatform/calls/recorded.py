"""What is recorded of a call: who is on which channel, read off its state. Functions on a step.

The talk with the caller has him on the left, and on the right whoever talks with him. What an agent says to
somebody whom he asks about him is no part of that: it is a talk of its own, agent left, who is asked right, if the
policy wants it.
"""

from __future__ import annotations

from typing import TypeAlias

from ccplatform.calls.inputs import RecordingBegan
from ccplatform.calls.model import CallState, ConsiderRecording, Consultation
from ccplatform.calls.step import Step
from ccplatform.contracts.media import RecordParties, StopRecording
from ccplatform.contracts.recordings import Talk
from ccplatform.contracts.words import Direction, LegId, RecordingId, Supervision

#: The legs of the left and of the right channel.
Channels: TypeAlias = tuple[tuple[LegId, ...], tuple[LegId, ...]]


def consider_consultation(state: CallState, second: Consultation) -> ConsiderRecording:
    """Ask the recorder about a consultation that begins: of the queue that was asked, else of the caller's."""
    assert state.other_leg is not None
    assert second.leg is not None
    talk = Talk(
        contact=second.contact,
        call=state.call,
        queue=second.queue or state.queue,
        agent=state.agent,
        seat=state.agent_seat,
        dialled=second.to,
        direction=Direction.INTERNAL,
        asked=state.record_asked,
        about=state.contact,
    )
    return ConsiderRecording(talk=talk, left=state.other_leg, right=second.leg)


def recording_began(step: Step, event: RecordingBegan) -> None:
    """The recorder wants a talk, which may be over by now."""
    state, second = step.state, step.state.second
    if event.contact == state.contact and state.talk_at is not None:
        state.recording, state.on_demand = event.recording, event.on_demand
    elif second is not None and event.contact == second.contact:
        second.recording = event.recording
    else:
        step.emit(StopRecording(recording=event.recording))


def mix_recordings(step: Step) -> None:
    """After whatever happened: who talks is on the recording of that talk, and nobody else."""
    state = step.state
    if not (state.mixed or state.members or state.supervisors or state.second is not None):
        return
    wanted, mixed = _channels(state), {}
    for recording, (begun, channels) in wanted.items():
        if channels != state.mixed.get(recording, begun):
            step.emit(RecordParties(recording=recording, left=channels[0], right=channels[1]))
        if channels != begun:
            mixed[recording] = channels
    state.mixed = mixed


def _channels(state: CallState) -> dict[RecordingId, tuple[Channels, Channels]]:
    """Of each recording the channels that it began with, and those that are wanted."""
    second, other = state.second, state.other_leg
    if other is None:
        return {}
    asked = second.leg if second is not None and second.answered_at is not None else None
    asks = asked is not None and second is not None and not second.aside
    barging = (leg for leg, one in state.supervisors.items() if one.there and one.what is Supervision.BARGE)
    his = (other, *barging)
    channels: dict[RecordingId, tuple[Channels, Channels]] = {}
    if state.recording is not None:
        with_caller = (*(() if asks else his), *state.members)
        channels[state.recording] = ((state.caller_leg,), (other,)), ((state.caller_leg,), with_caller)
    if second is not None and second.recording is not None and asked is not None:
        channels[second.recording] = ((other,), (asked,)), (his if asks else (), (asked,))
    return channels

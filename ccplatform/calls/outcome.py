"""The one outcome of a contact, from what its call went through."""

from __future__ import annotations

from ccplatform.calls.model import CallState
from ccplatform.contracts.words import FlowOutcome, Outcome, ReleaseCause

#: Causes for which a call out did not fail by the called party.
_FAULTS = frozenset(
    {
        ReleaseCause.FAILED,
        ReleaseCause.UNAVAILABLE,
        ReleaseCause.OVERLOAD,
        ReleaseCause.INCOMPATIBLE,
        ReleaseCause.MEDIA_LOST,
    }
)


def outcome_of(state: CallState) -> Outcome:
    """Read the outcome off an ended call; the first rule that fits decides."""
    if (state.joined is not None or state.handed_on) and not state.talked:
        return Outcome.TRANSFERRED
    if state.outward:
        return _outward(state)
    if state.talked:
        return Outcome.HANDLED if state.talked_agent is not None else Outcome.TRANSFERRED
    if state.promise and not state.answered:
        return Outcome.NOT_REACHED
    if state.call_back:
        return Outcome.CALL_BACK
    if state.left_message:
        return Outcome.VOICE_MAIL
    if state.system_fault:
        return Outcome.FAILED
    if state.queue is not None:
        return Outcome.ABANDONED_QUEUE
    if not state.answered:
        return Outcome.ABANDONED_BEFORE_ANSWER
    if state.flow_outcome is FlowOutcome.ABANDONED:
        return Outcome.ABANDONED_IVR
    return Outcome.SELF_SERVICE


def _outward(state: CallState) -> Outcome:
    if state.talked:
        return Outcome.HANDLED
    if state.cause is ReleaseCause.BUSY:
        return Outcome.BUSY
    return Outcome.FAILED if state.cause in _FAULTS else Outcome.NOT_REACHED

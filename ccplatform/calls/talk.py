"""The talk of a call: its beginning, holds and end, as commands and facts."""

from __future__ import annotations

from ccplatform.calls.model import CallEffect, CallState, ConsiderRecording, Record
from ccplatform.contracts.facts import Held, Retrieved, TalkEnded
from ccplatform.contracts.media import Bridge, StopPlay
from ccplatform.contracts.recordings import Talk
from ccplatform.contracts.routing import TalkHeld, TalkReleased
from ccplatform.contracts.words import LegId


def begin_talk(state: CallState, leg: LegId, now: float) -> list[CallEffect]:
    """Join caller and ``leg``; the recorder is asked before the first word."""
    return [StopPlay(leg=state.caller_leg), Bridge(a=state.caller_leg, b=leg), open_segment(state, leg, now)]


def open_segment(state: CallState, leg: LegId, now: float, *, since: float | None = None) -> CallEffect:
    """Whose ``leg`` it is has the caller, whom he talks with already, since then or from now on."""
    state.talk_at, state.segment_hold_seconds = now, 0.0
    state.segment_at = now if since is None else since
    state.talked = True
    if state.agent is not None:
        state.talked_agent, state.talked_seat = state.agent, state.agent_seat
    state.pending_key = None
    return ConsiderRecording(talk=talk_of(state), left=state.caller_leg, right=leg)


def talk_of(state: CallState, *, by: str = "") -> Talk:
    """The talk with the caller, as the recorder sees it; ``by``: who wants it recorded."""
    return Talk(
        contact=state.contact,
        call=state.call,
        queue=state.queue,
        agent=state.agent,
        seat=state.agent_seat,
        dialled=state.dialled,
        direction=state.direction,
        language=state.language,
        asked=state.record_asked,
        by=by,
    )


def hold(state: CallState, now: float, *, by: str) -> list[CallEffect]:
    """The caller waits for the agent from now on."""
    assert state.agent is not None
    state.hold_at = now
    return [
        TalkHeld(contact=state.contact, agent=state.agent, held=True),
        Record(fact=Held(contact=state.contact, leg=state.caller_leg, by=by)),
    ]


def retrieve(state: CallState, now: float) -> list[CallEffect]:
    """The agent has him again."""
    assert state.agent is not None
    held = _end_hold(state, now)
    return [
        TalkHeld(contact=state.contact, agent=state.agent, held=False),
        Record(fact=Retrieved(contact=state.contact, leg=state.caller_leg, held_seconds=held)),
    ]


def end_talk(state: CallState, now: float, *, stays: bool = False) -> list[CallEffect]:
    """Sum up the talk that goes on; an agent's goes to wrap-up (D-TALK, D-HOLD), unless he ``stays``."""
    if state.talk_at is None:
        return []
    _end_hold(state, now)
    seconds = now - (state.talk_at if state.segment_at is None else state.segment_at)
    state.talk_seconds += now - state.talk_at
    state.talk_at = state.segment_at = None
    if state.agent is None:
        return []
    ended = TalkEnded(
        contact=state.contact,
        queue=state.queue,
        agent=state.agent,
        talk_seconds=seconds,
        hold_seconds=state.segment_hold_seconds,
    )
    released = TalkReleased(contact=state.contact, agent=state.agent)
    return [Record(fact=ended)] if stays else [Record(fact=ended), released]


def _end_hold(state: CallState, now: float) -> float:
    if state.hold_at is None:
        return 0.0
    seconds = now - state.hold_at
    state.hold_at = None
    state.hold_seconds += seconds
    state.segment_hold_seconds += seconds
    return seconds

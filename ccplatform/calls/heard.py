"""What is heard on a call: keys, first samples, playbacks, quality. Functions on a step."""

from __future__ import annotations

from ccplatform.calls.model import Record, Stage
from ccplatform.calls.step import Step
from ccplatform.calls.whispering import whisper_over
from ccplatform.contracts.facts import FirstVoiceSent, KeyAnswered, LegMeasured, MediaMoved, QueryAnswered
from ccplatform.contracts.flows import FlowDigit, FlowPlaybackEnded
from ccplatform.contracts.legs import (
    DigitPressed,
    LegAudible,
    LegMoved,
    LegQuality,
    PlaybackEnded,
    PlaybackStarted,
)
from ccplatform.contracts.words import Direction, LegRole

#: Stages in which the caller's keys are for the flow.
_FLOW_HEARS = (Stage.FLOW, Stage.QUEUED, Stage.RINGING)


def digit_pressed(step: Step, event: DigitPressed) -> None:
    """A key goes to the flow while the flow has the caller, or waits with him; the agent's ends his whisper."""
    state = step.state
    if event.leg == state.other_leg and state.stage is Stage.WHISPERING:
        whisper_over(step)
    elif event.leg == state.caller_leg and state.flow is not None and state.stage in _FLOW_HEARS:
        step.emit(FlowDigit(contact=step.state.contact, digit=event.digit, ended_at=event.ended_at))


def leg_audible(step: Step, event: LegAudible) -> None:
    """The first audible sample towards the caller: the connect delay (R10.3.1.2)."""
    state = step.state
    if state.direction is Direction.OUTBOUND or state.outward:
        return  # nobody waits for our voice whom we called
    if event.leg == state.caller_leg and not state.audible:
        state.audible = True
        seconds = event.at - state.received_at
        fact = FirstVoiceSent(contact=state.contact, trunk=state.trunk, connect_seconds=seconds)
        step.emit(Record(fact=fact))


def playback_started(step: Step, event: PlaybackStarted) -> None:
    """A sound began: it may answer a key (R10.3.1.6) or be the result of a query (R10.3.1.7)."""
    state = step.state
    key, query = state.pending_key, state.pending_query
    if key is not None and key.playback == event.playback:
        state.pending_key = None
        seconds = event.at - key.keyed_at
        answered = KeyAnswered(contact=state.contact, node=key.node, response_seconds=seconds)
        step.emit(Record(fact=answered))
    if query is not None and query.playback == event.playback:
        state.pending_query = None
        fact = QueryAnswered(
            contact=state.contact,
            node=query.node,
            source=query.source,
            ok=True,
            response_seconds=event.at - query.keyed_at,
        )
        step.emit(Record(fact=fact))


def playback_ended(step: Step, event: PlaybackEnded) -> None:
    """A prompt is over."""
    if event.playback == step.state.whisper:
        if step.state.stage is Stage.WHISPERING:
            whisper_over(step)
    elif event.playback == step.state.announcement:
        step.state.announcement = None
        if step.state.stage in (Stage.QUEUED, Stage.RINGING, Stage.WHISPERING):
            step.play_music()
    elif event.leg == step.state.caller_leg and step.state.stage is Stage.FLOW:
        step.emit(
            FlowPlaybackEnded(
                contact=step.state.contact,
                playback=event.playback,
                finished=event.finished,
                error=event.error,
            )
        )


def leg_moved(step: Step, event: LegMoved) -> None:
    """The leg's media worker died and another one took over."""
    role = step.state.live_legs.get(event.leg)
    if role is not None:
        fact = MediaMoved(contact=step.state.contact, leg=event.leg, role=role, gap_seconds=event.gap_seconds)
        step.emit(Record(fact=fact))


def leg_measured(step: Step, event: LegQuality) -> None:
    """Quality of a leg at its end."""
    role = step.state.live_legs.get(event.leg)
    if role is None or role is LegRole.SUPERVISOR:
        return
    fact = LegMeasured(
        contact=step.state.contact,
        leg=event.leg,
        role=role,
        codec=event.codec,
        packets_received=event.packets_received,
        packets_lost=event.packets_lost,
        packets_sent=event.packets_sent,
        remote_packets_lost=event.remote_packets_lost,
        jitter_seconds=event.jitter_seconds,
        round_trip_seconds=event.round_trip_seconds,
        delay_seconds=event.delay_seconds,
        mos=None,
        packets_discarded=event.packets_discarded,
        burst_ratio=event.burst_ratio,
    )
    step.emit(Record(fact=fact))

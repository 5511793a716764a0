"""From the agent's answer to the talk: where his queue wants it, he is told first what call it is.

The offer is answered at his answer; for the caller, who goes on hearing what he heard, the wait ends when the two
are joined, and with that begin the talk and its recording. Until then an agent who hangs up loses nobody: the
caller waits on, at his place. Functions on a step.
"""

from __future__ import annotations

from typing import Final

from ccplatform.calls.model import Record, Stage, Whisper
from ccplatform.calls.offered import hold_order
from ccplatform.calls.step import Step
from ccplatform.calls.talk import begin_talk
from ccplatform.contracts.commands import HoldCall
from ccplatform.contracts.facts import Established
from ccplatform.contracts.media import StopPlay
from ccplatform.contracts.routing import OfferAnswered, TransferContact
from ccplatform.contracts.words import LegRole, PlaybackId

#: The longest that a caller waits for a whisper, seconds.
WHISPER_SECONDS: Final = 10.0


def agent_answered(step: Step, device: str, whisper: str) -> None:
    """The agent whose leg is the current one has the call: at once, or when he was told what it is."""
    state = step.state
    assert state.agent is not None
    assert state.other_leg is not None
    step.emit(OfferAnswered(contact=state.contact, agent=state.agent))
    if whisper and state.queue is not None:
        state.whisper, state.phone_holds = PlaybackId(step.new_id()), False
        step.move(Stage.WHISPERING, deadline=step.now + WHISPER_SECONDS)
        step.emit(Whisper(leg=state.other_leg, playback=state.whisper, text=whisper))
    else:
        _join(step, device)
    step.end_flow(abandoned=False)


def whisper_over(step: Step) -> None:
    """It was heard, skipped by a key, took too long or could not be played: the two talk."""
    state = step.state
    assert state.agent is not None
    assert state.other_leg is not None
    state.whisper = state.announcement = None
    step.emit(StopPlay(leg=state.other_leg))
    _join(step, state.agent_seat or "")
    if state.phone_holds:
        hold_order(step, HoldCall(call=state.call, hold=True, by=state.agent))


def whispered_agent_left(step: Step) -> None:
    """The agent hung up on the whisper: the caller waits on, with his priority and age."""
    state = step.state
    assert state.queue is not None
    step.emit(TransferContact(contact=state.contact, queue=state.queue))
    state.whisper = state.agent = state.agent_seat = None
    step.move(Stage.QUEUED)


def _join(step: Step, device: str) -> None:
    state = step.state
    assert state.other_leg is not None
    queued_at = state.queued_at if state.queued_at is not None else step.now
    chosen_at = state.chosen_at if state.chosen_at is not None else queued_at
    step.end_wait()
    waited = not state.promise  # a call-back waits without anybody on the line
    step.move(Stage.TALKING)
    step.emit(
        *begin_talk(state, state.other_leg, step.now),
        Record(
            fact=Established(
                contact=state.contact,
                leg=state.other_leg,
                role=LegRole.AGENT,
                device=device,
                agent=state.agent,
                queue=state.queue,
                queue_seconds=step.now - queued_at if waited else None,
                wait_seconds=step.now - chosen_at if waited else None,
            )
        ),
    )

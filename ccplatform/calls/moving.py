"""People move a caller to another queue, from waiting or from a talk. Functions on a step.

The ACD keeps his priority and the time that he waited. An agent whose caller is moved has his wrap-up.
"""

from __future__ import annotations

from typing import Final

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.model import CallState, Record, Stage
from ccplatform.calls.ringing import stop_ringing
from ccplatform.calls.step import Step
from ccplatform.contracts.commands import MoveCall
from ccplatform.contracts.facts import Transferred
from ccplatform.contracts.legs import ReleaseLeg
from ccplatform.contracts.media import StopPlay
from ccplatform.contracts.routing import TransferContact
from ccplatform.contracts.words import ReleaseCause

#: Where a caller can be taken from by somebody else: he waits for an agent.
WAITING: Final = (Stage.QUEUED, Stage.RINGING)
_TALKING: Final = (Stage.TALKING, Stage.HELD)


def move_order(step: Step, event: MoveCall) -> None:
    """Let the caller wait in that queue; raises :class:`NotInThisState`."""
    state = step.state
    check_move(state)
    moved = Record(fact=Transferred(contact=state.contact, to=f"queue:{event.queue}", by=event.by))
    transfer = TransferContact(contact=state.contact, queue=event.queue, agent=state.agent)
    if state.stage in WAITING:
        stop_ringing(step, ReleaseCause.CANCELLED)
        step.emit(transfer, moved)
    else:
        leg = state.other_leg
        step.emit(transfer)  # the ACD takes the contact from the talk, which is then over
        step.part_talk()
        state.other_leg = state.agent = state.agent_seat = None
        state.queued_at = state.chosen_at = step.now
        step.emit(moved)
        if leg is not None:
            step.emit(ReleaseLeg(leg=leg, cause=ReleaseCause.NORMAL))
    state.queue = event.queue
    step.move(Stage.QUEUED)
    if state.answered:
        step.emit(StopPlay(leg=state.caller_leg))
        step.play_music()


def check_move(state: CallState) -> None:
    """Raise :class:`NotInThisState` unless the caller waits, or talks with an agent."""
    if state.stage not in (*WAITING, *_TALKING) or state.members:
        raise NotInThisState(state.call, "a transfer to a queue", state.stage)


def check_pick_up(state: CallState) -> None:
    """Raise :class:`NotInThisState` unless the caller waits."""
    if state.stage not in WAITING:
        raise NotInThisState(state.call, "picking it up", state.stage)

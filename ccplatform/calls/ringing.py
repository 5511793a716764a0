"""Phones of agents that ring for the call, or for a consultation about it. Functions on a step."""

from __future__ import annotations

from ccplatform.calls.model import Record, RungAgent, Stage
from ccplatform.calls.step import Step
from ccplatform.contracts.facts import Diverted
from ccplatform.contracts.legs import ReleaseLeg
from ccplatform.contracts.words import LegId, ReleaseCause


def take_phone(step: Step, leg: LegId) -> RungAgent:
    """The first who answers has the call; the other phones hear that it was answered elsewhere."""
    won = step.state.rung.pop(leg)
    stop_ringing(step, ReleaseCause.ELSEWHERE)
    return won


def stop_ringing(step: Step, cause: ReleaseCause) -> None:
    """No phone rings any more."""
    for leg in tuple(step.state.rung):
        diverted(step, leg, cause)
        step.emit(ReleaseLeg(leg=leg, cause=cause))


def diverted(step: Step, leg: LegId, cause: ReleaseCause) -> RungAgent:
    """A phone rings no longer; without any the caller waits."""
    state = step.state
    rung = state.rung.pop(leg)
    step.emit(Record(fact=Diverted(contact=state.rung_for, leg=leg, device=rung.seat, cause=cause)))
    if not state.rung and state.stage is Stage.RINGING:
        step.move(Stage.QUEUED)
    return rung

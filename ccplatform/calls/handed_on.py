"""The carrier of a caller connected him by itself with whom he was to be: the call needs us no more.

A function on a step.
"""

from __future__ import annotations

from ccplatform.calls.model import Record, Stage
from ccplatform.calls.step import Step
from ccplatform.contracts.facts import Transferred
from ccplatform.contracts.legs import LegReferred, ReportTransfer, TransferStep
from ccplatform.contracts.words import ReleaseCause


def caller_referred(step: Step, event: LegReferred) -> None:
    """Let everybody go; who asked for it by his phone hears that it is done."""
    state = step.state
    if event.leg != state.caller_leg or event.to not in state.live_legs:
        return
    second = state.second
    told = None
    if second is not None:
        told = Transferred(contact=state.contact, to=second.to, by=second.by)
        if second.by_phone and state.other_leg is not None:
            step.emit(ReportTransfer(leg=state.other_leg, step=TransferStep.DONE))
    elif state.stage is Stage.DIALLING:
        told = Transferred(contact=state.contact, to=state.transferred_to, by="flow")
    if told is not None:  # else they talk already
        step.emit(Record(fact=told))
    state.handed_on = True
    state.cause = ReleaseCause.NORMAL
    step.release_all(ReleaseCause.NORMAL)

"""An agent hands his caller on by his own phone (single step transfer). Functions on a step.

A number of the centre (a queue, a menu) takes the caller at once: its flow has him. A colleague, a seat or a
number outside is called first, and the agent keeps his part of the call until it answers (see :mod:`.consulting`).
"""

from __future__ import annotations

from typing import Final

from ccplatform.calls.consulting import MAX_CALLED, Wanted, call_about, let_go
from ccplatform.calls.inputs import PhoneTransfer
from ccplatform.calls.model import Record, Stage
from ccplatform.calls.step import Step
from ccplatform.contracts.facts import Transferred
from ccplatform.contracts.flows import StartFlow
from ccplatform.contracts.legs import ReportTransfer, TransferStep
from ccplatform.contracts.media import StopPlay
from ccplatform.contracts.words import FlowId, ReleaseCause

_MAY: Final = (Stage.TALKING, Stage.HELD, Stage.BRIDGED)


def transfer_asked(step: Step, event: PhoneTransfer) -> None:
    """The phone that talks with the caller asks for it; every such wish is answered."""
    refusal = _refusal(step, event)
    if refusal is not None:
        step.emit(ReportTransfer(leg=event.leg, step=TransferStep.REFUSED, cause=refusal))
        return
    by = step.state.agent or "seat"
    step.emit(ReportTransfer(leg=event.leg, step=TransferStep.ACCEPTED))
    if event.flow is not None:
        step.state.transfers += 1
        to_flow(step, event.number, event.flow, by, told=True)
    else:
        wanted = Wanted(to=event.number, agent=event.agent, phone=event.phone, target=event.target)
        call_about(step, wanted, by=by, transfer=True, by_phone=True)


def _refusal(step: Step, event: PhoneTransfer) -> ReleaseCause | None:
    state = step.state
    if state.stage not in _MAY or event.leg != state.other_leg or state.members or state.transfers >= MAX_CALLED:
        return ReleaseCause.REJECTED
    if event.flow is not None:
        return ReleaseCause.UNAVAILABLE if state.flow is not None else None
    return event.refusal if event.target is None and event.agent is None else None


def to_flow(step: Step, number: str, flow: FlowId, by: str, *, told: bool) -> None:
    """The flow of that number has the caller; whose phone asked for it is ``told`` that it is done."""
    state = step.state
    leaving = state.other_leg
    step.part_talk()
    state.other_leg = state.agent = state.agent_seat = None
    let_go(step, leaving, told=told)
    state.queue = state.queued_at = state.chosen_at = None
    state.flow, state.flow_outcome = flow, None
    step.move(Stage.FLOW)
    step.emit(
        StopPlay(leg=state.caller_leg),
        Record(fact=Transferred(contact=state.contact, to=number, by=by)),
        StartFlow(
            contact=state.contact,
            flow=flow,
            variables={
                "caller": state.caller,
                "dialled": number,
                "seat": state.seat or "",
                "forwarded_from": state.dialled,
                "forwarded_because": "transfer",
            },
        ),
    )

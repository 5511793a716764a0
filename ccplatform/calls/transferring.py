"""An agent hands his caller on by his own phone (single step transfer). Functions on a step.

A number of the centre (a queue, a menu) takes the caller at once: its flow has him. A seat or a number outside is
dialled first, and the agent keeps his part of the call until it answers: when it does not, he has his caller back.
An agent who hangs up meanwhile is free; then the caller waits for the answer alone.
"""

from __future__ import annotations

from typing import Final

from ccplatform.calls.asked import DIAL_SECONDS, RINGBACK
from ccplatform.calls.model import PhoneTransfer, Record, Stage
from ccplatform.calls.step import Step
from ccplatform.calls.talk import begin_talk, retrieve
from ccplatform.contracts.facts import ConnectionCleared, Established, Failed, Transferred
from ccplatform.contracts.flows import StartFlow
from ccplatform.contracts.legs import (
    DialLeg,
    DialTarget,
    LegAnswered,
    LegEnded,
    LegHeld,
    ReleaseLeg,
    ReportTransfer,
    TransferStep,
)
from ccplatform.contracts.media import Bridge, StopPlay, Unbridge
from ccplatform.contracts.words import FlowId, LegId, LegRole, PlaybackId, ReleaseCause

#: How often one caller may be handed on.
MAX_TRANSFERS: Final = 20

_MAY: Final = (Stage.TALKING, Stage.HELD, Stage.BRIDGED)


def transfer_asked(step: Step, event: PhoneTransfer) -> None:
    """The phone that talks with the caller asks for it; every such wish is answered."""
    refusal = _refusal(step, event)
    if refusal is not None:
        step.emit(ReportTransfer(leg=event.leg, step=TransferStep.REFUSED, cause=refusal))
        return
    step.state.transfers += 1
    step.state.transferor = step.state.agent or "seat"
    step.emit(ReportTransfer(leg=event.leg, step=TransferStep.ACCEPTED))
    if event.flow is not None:
        _to_flow(step, event.leg, event.number, event.flow)
    elif event.target is not None:
        _dial(step, event.number, event.target)


def transfer_answered(step: Step, event: LegAnswered) -> None:
    """The new party is there: it takes the agent's place."""
    state = step.state
    _leave(step)
    state.other_leg, state.transfer_leg = event.leg, None
    step.move(Stage.BRIDGED)
    step.emit(
        *begin_talk(state, event.leg, step.now),
        Record(fact=Established(contact=state.contact, leg=event.leg, role=LegRole.PARTY, device=event.device)),
        Record(
            fact=Transferred(contact=state.contact, to=event.device or state.transferred_to, by=state.transferor)
        ),
    )


def transfer_failed(step: Step, event: LegEnded, cleared: ConnectionCleared) -> None:
    """The new party did not answer: who asked for it has the caller again, if he is still there."""
    state = step.state
    state.transfer_leg = None
    if state.stage is not Stage.TRANSFERRING:
        step.emit(Record(fact=cleared))
        return
    failed = Failed(contact=state.contact, leg=event.leg, device=state.transferred_to, cause=event.cause)
    step.emit(Record(fact=failed), StopPlay(leg=state.caller_leg))
    if state.other_leg is None:
        state.cause = event.cause
        step.release_all(event.cause)
        return
    step.emit(ReportTransfer(leg=state.other_leg, step=TransferStep.FAILED, cause=event.cause))
    _take_back(step, state.other_leg)


def transferor_left(step: Step) -> None:
    """The agent hung up: his part is over, the caller goes on waiting for the new party."""
    state = step.state
    step.part_talk()
    state.agent = state.agent_seat = None


def transferor_held(step: Step, event: LegHeld) -> None:
    """What the agent's phone did with its side meanwhile counts when he has his caller again."""
    step.state.phone_holds = event.held


def _refusal(step: Step, event: PhoneTransfer) -> ReleaseCause | None:
    state = step.state
    if state.stage not in _MAY or event.leg != state.other_leg or state.transfers >= MAX_TRANSFERS:
        return ReleaseCause.REJECTED
    if event.flow is not None:
        return ReleaseCause.UNAVAILABLE if state.flow is not None else None
    return ReleaseCause.NOT_FOUND if event.target is None else None


def _to_flow(step: Step, leg: LegId, number: str, flow: FlowId) -> None:
    state = step.state
    _leave(step)
    state.queue = state.queued_at = state.chosen_at = None
    state.flow, state.flow_outcome = flow, None
    step.move(Stage.FLOW)
    step.emit(
        StopPlay(leg=state.caller_leg),
        Record(fact=Transferred(contact=state.contact, to=number, by=state.transferor)),
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


def _dial(step: Step, number: str, target: DialTarget) -> None:
    state = step.state
    state.before_transfer, state.phone_holds = state.stage, state.stage is Stage.HELD
    state.transferred_to = number
    state.transfer_leg = LegId(step.new_id())
    state.live_legs[state.transfer_leg] = LegRole.PARTY
    if state.stage is not Stage.HELD:
        step.emit(Unbridge(leg=state.caller_leg))
    step.move(Stage.TRANSFERRING, deadline=step.now + DIAL_SECONDS)
    step.play(PlaybackId(step.new_id()), RINGBACK, loop=True)
    step.emit(
        DialLeg(
            leg=state.transfer_leg,
            call=state.call,
            contact=state.contact,
            role=LegRole.PARTY,
            target=target,
            caller=state.caller,
            caller_name=state.caller_name,
            forwarded_from=(state.dialled, state.forwarded_from),
        )
    )


def _take_back(step: Step, leg: LegId) -> None:
    state = step.state
    before, state.before_transfer = state.before_transfer or Stage.TALKING, None
    if before is Stage.HELD and state.phone_holds:
        step.move(Stage.HELD)
        step.play_music()
    elif before is Stage.HELD:
        step.move(Stage.TALKING)
        step.emit(*retrieve(state, step.now))
    else:
        step.move(before)
        step.emit(Bridge(a=state.caller_leg, b=leg))


def _leave(step: Step) -> None:
    """The one who asked is told and let go; his part of the call is over."""
    state = step.state
    leg = state.other_leg
    step.part_talk()
    state.other_leg = state.agent = state.agent_seat = state.before_transfer = None
    if leg is not None:
        step.emit(ReportTransfer(leg=leg, step=TransferStep.DONE), ReleaseLeg(leg=leg, cause=ReleaseCause.NORMAL))

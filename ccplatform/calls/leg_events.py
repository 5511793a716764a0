"""What becomes of the legs of a call. Functions on a step."""

from __future__ import annotations

from ccplatform.calls.asked import answer_caller, do_request
from ccplatform.calls.calling_back import agent_first_answered, customer_answered
from ccplatform.calls.calling_out import (
    own_phone_answered,
    own_phone_left,
    party_answered,
    party_not_reached,
    party_rings,
)
from ccplatform.calls.conferring import chair_left, member_left
from ccplatform.calls.consulting import asker_left, back_to_caller, let_second_go, second_answered, second_failed
from ccplatform.calls.grouping import Group, groups
from ccplatform.calls.model import Record, Stage
from ccplatform.calls.offered import offer_failed, take_agent
from ccplatform.calls.sent_on import after_talk
from ccplatform.calls.step import Step
from ccplatform.calls.talk import begin_talk
from ccplatform.calls.whispering import agent_answered, whispered_agent_left
from ccplatform.contracts.facts import (
    CallAnswered,
    ConnectionCleared,
    Delivered,
    Established,
    Failed,
    Transferred,
)
from ccplatform.contracts.flows import FlowRequestFailed
from ccplatform.contracts.legs import (
    LegAnswered,
    LegEnded,
    LegRinging,
    ReleaseLeg,
    ReportTransfer,
    TransferStep,
)
from ccplatform.contracts.media import StopPlay
from ccplatform.contracts.words import LegRole, ReleaseCause

_OUR_FAULTS = frozenset({ReleaseCause.FAILED, ReleaseCause.UNAVAILABLE})


#: Somebody of the centre calls out, and nobody talks yet.
_CALLING_OUT = (Stage.INITIATED, Stage.CALLING)


def leg_answered(step: Step, event: LegAnswered) -> None:
    """A leg is up in signalling and media."""
    state = step.state
    if event.leg == state.caller_leg:
        if state.stage is Stage.CALLING_BACK:
            customer_answered(step)
        elif state.stage is Stage.CALLING and not state.answered:
            party_answered(step)
        elif state.promise or state.outward:
            step.emit(ReleaseLeg(leg=event.leg, cause=ReleaseCause.NORMAL))  # answered too late
        else:
            _caller_answered(step)
    elif event.leg in state.supervisors:
        state.supervisors[event.leg].there = True
    elif state.second is not None and event.leg in (state.second.leg, *state.rung):
        second_answered(step, event)
    elif event.leg in state.rung:
        won = take_agent(step, event.leg)
        if state.promise and not state.answered:
            agent_first_answered(step)
        else:
            agent_answered(step, event.device, won.whisper)
    elif event.leg == state.other_leg and state.stage in _CALLING_OUT:
        own_phone_answered(step)
    elif event.leg != state.other_leg or state.stage is not Stage.DIALLING:
        step.emit(ReleaseLeg(leg=event.leg, cause=ReleaseCause.NORMAL))  # answered too late
    elif state.answered:
        _party_answered(step, event.device)
    else:
        state.transferred_to = event.device or state.transferred_to
        step.move(Stage.BRIDGED)
        answer_caller(step)


def _caller_answered(step: Step) -> None:
    state = step.state
    if state.answered:
        return
    state.answered = True
    if state.stage is Stage.FLOW:
        state.deadline_at = None  # of his answer; that of another stage stays
    seconds = step.now - state.received_at
    fact = CallAnswered(contact=state.contact, leg=state.caller_leg, answer_seconds=seconds)
    step.emit(Record(fact=fact))
    waiting = list(step.on_answer)
    step.on_answer.clear()
    for request in waiting:
        if state.stage is Stage.FLOW:
            do_request(step, request)
    if state.stage is Stage.BRIDGED:
        _party_answered(step, state.transferred_to)


def _party_answered(step: Step, device: str) -> None:
    state = step.state
    assert state.other_leg is not None
    step.move(Stage.BRIDGED)
    established = Established(contact=state.contact, leg=state.other_leg, role=LegRole.PARTY, device=device)
    step.emit(
        *begin_talk(state, state.other_leg, step.now),
        Record(fact=established),
        Record(fact=Transferred(contact=state.contact, to=device or state.transferred_to, by="flow")),
    )
    step.end_flow(abandoned=False)


def leg_ringing(step: Step, event: LegRinging) -> None:
    """A device rings."""
    state = step.state
    rung = state.rung.get(event.leg)
    if event.leg == state.caller_leg and state.stage is Stage.CALLING:
        party_rings(step, event)
    elif rung is not None or event.leg == state.other_leg:
        agent = rung.agent if rung is not None else state.agent if state.stage is Stage.INITIATED else None
        contact = state.rung_for if rung is not None else state.contact
        fact = Delivered(contact=contact, leg=event.leg, device=event.device, agent=agent)
        step.emit(Record(fact=fact))
    elif state.second is not None and event.leg == state.second.leg:
        contact = state.second.contact if state.second.told else state.contact
        step.emit(Record(fact=Delivered(contact=contact, leg=event.leg, device=event.device)))
        if state.second.by_phone and state.other_leg is not None:
            step.emit(ReportTransfer(leg=state.other_leg, step=TransferStep.RINGING))


def leg_ended(step: Step, event: LegEnded) -> None:
    """A leg is gone."""
    state = step.state
    before = groups(state)
    role = state.live_legs.pop(event.leg, None)
    if role is None:
        return
    if role is LegRole.SUPERVISOR and event.leg != state.other_leg:
        state.supervisors.pop(event.leg, None)  # nobody on the call is told that somebody listened
        return
    step.release_seat(event.leg)
    by = "remote" if event.by_remote else "local"
    cleared = ConnectionCleared(contact=state.contact, leg=event.leg, role=role, cause=event.cause, released_by=by)
    if event.leg == state.caller_leg:
        step.release_party()
        if state.stage is Stage.CALLING:
            party_not_reached(step, event, cleared)
            return
        step.emit(Record(fact=cleared))
        _caller_left(step, event)
    elif event.leg == state.other_leg and state.stage in _CALLING_OUT:
        state.other_leg = None
        own_phone_left(step, event, cleared)
    elif event.leg in state.rung:
        offer_failed(step, event)
    elif event.leg == state.other_leg:
        _other_left(step, event, cleared, before)
    elif state.second is not None and event.leg == state.second.leg:
        _second_left(step, event, cleared, before)
    elif event.leg in state.members:
        member_left(step, event, cleared, before)
    else:
        step.emit(Record(fact=cleared))


def _caller_left(step: Step, event: LegEnded) -> None:
    state = step.state
    if state.stage is not Stage.ENDING:
        state.cause = event.cause
        state.system_fault = state.system_fault or event.cause in _OUR_FAULTS
    step.release_all(event.cause, abandoned=True)


def _second_left(step: Step, event: LegEnded, cleared: ConnectionCleared, before: tuple[Group, ...]) -> None:
    """Who was called about the caller does not answer, or has said what he had to say."""
    second = step.state.second
    assert second is not None
    if second.answered_at is None:
        second.leg = None
        second_failed(step, event.cause)
    else:
        step.emit(Record(fact=cleared))
        back_to_caller(step, before, event.cause)


def _other_left(step: Step, event: LegEnded, cleared: ConnectionCleared, before: tuple[Group, ...]) -> None:
    state = step.state
    state.other_leg = None
    if state.stage is Stage.DIALLING:
        failed = Failed(contact=state.contact, leg=event.leg, device=state.transferred_to, cause=event.cause)
        step.emit(Record(fact=failed), StopPlay(leg=state.caller_leg))
        if state.flow is None:  # sent on by a queue that he was moved to: no flow to go back to
            step.release_all(event.cause)
            return
        step.move(Stage.FLOW)
        step.emit(FlowRequestFailed(contact=state.contact, reason=event.cause))
    else:
        step.emit(Record(fact=cleared))
        if state.second is not None and (state.second.answered_at is not None or not state.members):
            asker_left(step, before)
        elif state.members:
            let_second_go(step)
            step.end_consultation(stays=False)
            chair_left(step, before)
        elif state.stage is Stage.WHISPERING:
            whispered_agent_left(step)
        elif state.stage in (Stage.TALKING, Stage.HELD) and after_talk(step):
            pass  # its flow has him now
        elif state.stage in (Stage.CALLING_BACK, Stage.TALKING, Stage.HELD, Stage.BRIDGED):
            state.cause = event.cause
            step.release_all(event.cause)

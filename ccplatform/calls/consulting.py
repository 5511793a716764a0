"""Who has the caller calls somebody about him: to ask, to hand him over, to confer. Functions on a step.

While it rings the caller hears music (ringback, where he is to be handed over at once). Who was called and does
not answer, or hangs up, leaves the two as they were. Who asked and hangs up himself hands the caller over: now, or
as soon as somebody answers. If nobody does, the caller has not lost his place: he is back in his queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.grouping import Group, groups, regroup
from ccplatform.calls.model import CallState, Consultation, Record, Stage
from ccplatform.calls.parties import consultation_begins
from ccplatform.calls.recorded import consider_consultation
from ccplatform.calls.ringing import stop_ringing, take_phone
from ccplatform.calls.step import DIAL_SECONDS, Step
from ccplatform.calls.talk import hold, open_segment, retrieve
from ccplatform.contracts.facts import Established, Failed, Transferred
from ccplatform.contracts.flows import StartFlow
from ccplatform.contracts.legs import (
    DialLeg,
    DialTarget,
    HandOn,
    LegAnswered,
    ReleaseLeg,
    ReportTransfer,
    TransferStep,
)
from ccplatform.contracts.media import StopPlay
from ccplatform.contracts.routing import CallAgent, HandOver, OfferAnswered, QueueContact
from ccplatform.contracts.words import AgentId, CallId, ContactId, LegId, LegRole, QueueId, ReleaseCause

#: How often somebody is called about one caller.
MAX_CALLED: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who is to be called: one of the three (the agent by one ``phone``, if it is named); ``to`` as it was asked
    for."""

    to: str
    queue: QueueId | None = None
    agent: AgentId | None = None
    phone: str = ""
    target: DialTarget | None = None


def call_about(step: Step, wanted: Wanted, *, by: str, transfer: bool, by_phone: bool = False) -> None:
    """Call somebody about the caller."""
    state = step.state
    before = groups(state)
    state.transfers += 1
    second = state.second = Consultation(
        contact=ContactId(step.new_id()),
        call=CallId(step.new_id()),
        to=wanted.to,
        by=by,
        begun_at=step.now,
        transfer=transfer,
        by_phone=by_phone,
        queue=wanted.queue,
        wanted=wanted.agent,
        phone=wanted.phone,
    )
    if not transfer and state.hold_at is None:
        step.emit(*hold(state, step.now, by=by))
    rings = step.now + DIAL_SECONDS if wanted.target is not None else None
    step.move(Stage.TRANSFERRING if transfer else Stage.CONSULTING, deadline=rings)
    regroup(step, before)
    if second.routed or not transfer:
        step.emit(consultation_begins(state, second, state.other_leg or state.caller_leg))
    if wanted.queue is not None:
        step.emit(QueueContact(contact=second.contact, queue=wanted.queue, priority=state.priority))
    elif wanted.agent is not None:
        step.emit(CallAgent(contact=second.contact, agent=wanted.agent))
    elif wanted.target is not None:
        _dial(step, second, wanted.target)


def second_answered(step: Step, event: LegAnswered) -> None:
    """Who was called is there: he talks with who asked, or has the caller."""
    state = step.state
    second = state.second
    assert second is not None
    before = groups(state)
    if event.leg in state.rung:
        won = take_phone(step, event.leg)
        second.agent, second.seat = won.agent, won.seat
        step.emit(OfferAnswered(contact=second.contact, agent=won.agent))
    second.leg, second.device, second.answered_at = event.leg, event.device or second.to, step.now
    state.deadline_at = None
    if second.transfer or state.other_leg is None:
        second.transfer = True
        hand_over(step, before)
        return
    regroup(step, before)
    established = Established(
        contact=second.contact,
        leg=event.leg,
        role=_role(second),
        device=second.device,
        agent=second.agent,
        queue=second.queue,
        queue_seconds=step.now - second.begun_at if second.queue is not None else None,
    )
    step.emit(consider_consultation(state, second), Record(fact=established))


def hand_over(step: Step, before: tuple[Group, ...]) -> None:
    """The caller is his who was called about him; who asked is let go."""
    state, leaving = step.state, step.state.other_leg
    second = state.second
    assert second is not None
    assert second.leg is not None
    step.part_talk()
    step.end_consultation(stays=True)
    state.other_leg, state.agent, state.agent_seat = second.leg, second.agent, second.seat
    state.phone_holds = False
    if second.agent is not None:
        state.queue = second.queue or state.queue
        over = HandOver(contact=state.contact, source=second.contact, queue=state.queue, agent=second.agent)
        step.emit(over)
    step.move(Stage.TALKING if second.agent is not None else Stage.BRIDGED)
    regroup(step, before)
    established = Established(
        contact=state.contact,
        leg=second.leg,
        role=_role(second),
        device=second.device,
        agent=second.agent,
        queue=state.queue if second.agent is not None else None,
    )
    step.emit(
        open_segment(state, second.leg, step.now),
        Record(fact=established),
        Record(fact=Transferred(contact=state.contact, to=second.device, by=second.by)),
    )
    let_go(step, leaving, told=second.by_phone)
    if second.agent is None and not state.members:
        step.emit(HandOn(leg=state.caller_leg, to=second.leg))


def second_failed(step: Step, cause: ReleaseCause) -> None:
    """Who was called did not answer, or cannot be: who asked has his caller back, if he is still there."""
    state, second = step.state, step.state.second
    assert second is not None
    device = second.to
    failed = Failed(
        contact=second.contact if second.told else state.contact, leg=_leg(step), device=device, cause=cause
    )
    step.emit(Record(fact=failed))
    if second.by_phone and state.other_leg is not None:
        step.emit(ReportTransfer(leg=state.other_leg, step=TransferStep.FAILED, cause=cause))
    back_to_caller(step, groups(state), cause)


def back_to_caller(step: Step, before: tuple[Group, ...], cause: ReleaseCause) -> None:
    """Nobody else is called or asked any more; the two talk as before."""
    state = step.state
    step.end_consultation(stays=False)
    if state.other_leg is None:
        _back_in_line(step, cause)
        return
    if state.phone_holds and state.hold_at is not None:
        step.move(Stage.HELD)
    else:
        step.move(Stage.TALKING if state.agent is not None else Stage.BRIDGED)
        if state.hold_at is not None:
            step.emit(*retrieve(state, step.now))
    regroup(step, before)


def asker_left(step: Step, before: tuple[Group, ...]) -> None:
    """Who asked hung up: the caller goes to who was asked, or waits for him."""
    state, second = step.state, step.state.second
    assert second is not None
    if second.answered_at is not None:
        hand_over(step, before)
        return
    step.part_talk()
    state.agent = state.agent_seat = None
    second.transfer = True
    step.move(Stage.TRANSFERRING, deadline=state.deadline_at)
    regroup(step, before)


def let_go(step: Step, leg: LegId | None, *, told: bool) -> None:
    """Who handed the caller over is released; his phone is ``told`` so if it asked for it."""
    if leg is None:
        return
    if told:
        step.emit(ReportTransfer(leg=leg, step=TransferStep.DONE))
    step.emit(ReleaseLeg(leg=leg, cause=ReleaseCause.NORMAL))


def cancel(step: Step) -> None:
    """Let go of who was called about the caller, and back to him."""
    before = groups(step.state)
    let_second_go(step)
    back_to_caller(step, before, ReleaseCause.NORMAL)


def let_second_go(step: Step) -> None:
    """Nobody is called about the caller any more."""
    second = step.state.second
    if second is None:
        return
    stop_ringing(step, ReleaseCause.CANCELLED)
    if second.leg is not None:
        answered = second.answered_at is not None
        step.emit(ReleaseLeg(leg=second.leg, cause=ReleaseCause.NORMAL if answered else ReleaseCause.CANCELLED))


def check_consult(state: CallState) -> None:
    """Raise :class:`NotInThisState` unless an agent has the caller, and asks nobody yet."""
    if state.agent is None or state.stage not in (Stage.TALKING, Stage.HELD):
        raise NotInThisState(state.call, "calling somebody about the caller", state.stage)
    if state.transfers >= MAX_CALLED:
        raise NotInThisState(state.call, f"calling more than {MAX_CALLED} parties", state.stage)


def back_in_queue(step: Step) -> bool:
    """The caller waits for an agent again, with his priority and age, if he came from a queue."""
    state = step.state
    if state.queue is None:
        return False
    step.move(Stage.QUEUED)
    state.queued_at = state.chosen_at = step.now
    step.play_music()
    step.emit(
        QueueContact(
            contact=state.contact,
            queue=state.queue,
            priority=state.priority,
            waited_seconds=state.queue_seconds,
            mystery=state.mystery,
        )
    )
    return True


def back_in_flow(step: Step) -> bool:
    """The caller begins anew with the flow of the number that he dialled, if there is one."""
    state = step.state
    if state.entry is None or state.flow is not None:
        return False
    state.queue = state.queued_at = state.chosen_at = None
    state.flow, state.flow_outcome = state.entry, None
    step.move(Stage.FLOW)
    variables = {"caller": state.caller, "dialled": state.dialled, "seat": state.seat or ""}
    step.emit(
        StopPlay(leg=state.caller_leg),
        StartFlow(contact=state.contact, flow=state.entry, variables=variables),
    )
    return True


def _back_in_line(step: Step, cause: ReleaseCause) -> None:
    """Who had the caller is gone, and nobody else took him."""
    if back_in_queue(step) or back_in_flow(step):
        return
    step.state.cause = cause
    step.release_all(cause)


def _dial(step: Step, second: Consultation, target: DialTarget) -> None:
    state = step.state
    second.leg = LegId(step.new_id())
    state.live_legs[second.leg] = LegRole.PARTY
    step.emit(
        DialLeg(
            leg=second.leg,
            call=state.call,
            contact=state.contact,
            role=LegRole.PARTY,
            target=target,
            caller=state.caller,
            caller_name=state.caller_name,
            forwarded_from=(state.dialled, state.forwarded_from),
            transfers=state.caller_leg if second.transfer and not state.members else None,
        )
    )


def _role(second: Consultation) -> LegRole:
    return LegRole.AGENT if second.agent is not None else LegRole.PARTY


def _leg(step: Step) -> LegId:
    second = step.state.second
    assert second is not None
    return second.leg or step.state.other_leg or step.state.caller_leg

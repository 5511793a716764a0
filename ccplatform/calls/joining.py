"""A seat's phone joins two calls of its own, the one with its caller and one by which it asked somebody (attended
transfer, RFC 5589 section 7): who was asked goes on with the caller, the phone is let go.

One call is *kept*: that of the customer, where there is one. The other *yields* whom it reached and ends, with its
own contact. Who was reached has the caller at once; who is still called has him when he answers; where the other
call had come to a queue or a flow, the caller waits there himself. Functions on a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccplatform.calls.consulting import MAX_CALLED, back_in_queue, hand_over, let_go
from ccplatform.calls.grouping import groups, regroup
from ccplatform.calls.model import CallState, Consultation, Record, Stage
from ccplatform.calls.moving import WAITING
from ccplatform.calls.step import DIAL_SECONDS, Step
from ccplatform.calls.talk import retrieve
from ccplatform.calls.transferring import to_flow
from ccplatform.calls.whispering import whisper_over
from ccplatform.contracts.facts import Transferred
from ccplatform.contracts.legs import AdoptLeg, ReportTransfer, TransferStep
from ccplatform.contracts.media import StopPlay, Unbridge
from ccplatform.contracts.routing import TalkReleased
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    Direction,
    FlowId,
    LegId,
    LegRole,
    QueueId,
    ReleaseCause,
    SeatId,
)

_TALKS: Final = (Stage.TALKING, Stage.HELD, Stage.BRIDGED)
#: What else a call may have come to that the phone dialled, or that rang it.
_DIALLED: Final = (Stage.CALLING, Stage.WHISPERING)
_ENTERED: Final = (Stage.FLOW, Stage.QUEUED, Stage.RINGING, Stage.DIALLING, Stage.WHISPERING)
#: Whose contact goes on: that of who called the centre, before that of whom it called, before one between its own.
_RANK: Final = (Direction.INBOUND, Direction.OUTBOUND, Direction.INTERNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Yielded:
    """Whom a call had reached, by his ``leg``, or was calling until ``deadline_at``; without a leg, the ``queue``
    or the ``flow`` it had come to. An ``agent`` is engaged by ``contact``."""

    contact: ContactId
    call: CallId
    to: str
    leg: LegId | None = None
    agent: AgentId | None = None
    seat: SeatId | None = None
    answered: bool = False
    deadline_at: float | None = None
    queue: QueueId | None = None
    flow: FlowId | None = None


def keeps_first(first: CallState, first_leg: LegId, second: CallState, second_leg: LegId) -> bool | None:
    """Of two calls of a phone, whether the first is kept, else the second; None: they cannot be joined now."""
    one_seat = _seat(first, first_leg) == _seat(second, second_leg)
    keeps = _may_keep(first, first_leg, one_seat) and _may_yield(second, second_leg, first)
    yields = _may_keep(second, second_leg, one_seat) and _may_yield(first, first_leg, second)
    if keeps and yields:
        return _rank(first) <= _rank(second)
    return keeps if keeps or yields else None


def yield_party(step: Step, own: LegId, kept: CallState, *, asked: bool) -> Yielded:
    """Give up whom the phone's call reached, and end; ``asked``: on this ``own`` leg of it the phone asked so."""
    state = step.state
    if state.stage is Stage.WHISPERING:
        whisper_over(step)
    if asked:
        step.emit(ReportTransfer(leg=own, step=TransferStep.DONE))
    yielded = _called_party(step) if own == state.other_leg else _reached_party(step)
    if yielded.leg is not None:
        state.live_legs.pop(yielded.leg)
    state.joined = kept.contact
    told = Transferred(contact=state.contact, to=kept.caller, by=kept.agent or "seat", into=kept.contact)
    step.emit(Record(fact=told))
    step.release_all(ReleaseCause.NORMAL if state.answered else ReleaseCause.CANCELLED)
    return yielded


def take_in(step: Step, own: LegId, yielded: Yielded, *, asked: bool) -> None:
    """Whom the other call gave up has the caller; ``own`` is the phone's leg, on which it may have ``asked``."""
    state = step.state
    if own == state.caller_leg:
        turn(state)
    state.transfers += 1
    if yielded.leg is None:
        _go_there(step, yielded, asked=asked)
        return
    before = groups(state)
    role = LegRole.AGENT if yielded.agent is not None else LegRole.PARTY
    state.live_legs[yielded.leg] = role
    step.emit(AdoptLeg(leg=yielded.leg, call=state.call, contact=state.contact, role=role))
    state.second = Consultation(
        contact=yielded.contact if yielded.agent is not None else ContactId(step.new_id()),
        call=yielded.call,
        to=yielded.to,
        by=state.agent or "seat",
        begun_at=step.now,
        transfer=True,
        by_phone=asked,
        leg=yielded.leg,
        agent=yielded.agent,
        seat=yielded.seat,
        device=yielded.to,
    )
    if yielded.answered:
        state.second.answered_at = step.now
        hand_over(step, before)
        return
    step.move(Stage.TRANSFERRING, deadline=yielded.deadline_at or step.now + DIAL_SECONDS)
    regroup(step, before)


def _seat(state: CallState, own: LegId) -> SeatId | None:
    return state.party_seat if own == state.caller_leg else state.agent_seat


def _may_keep(state: CallState, own: LegId, one_seat: bool) -> bool:
    if state.stage not in _TALKS or state.members or state.transfers >= MAX_CALLED:
        return False
    return own == state.other_leg or (own == state.caller_leg and one_seat and _may_turn(state))


def _may_turn(state: CallState) -> bool:
    """Whether both sides of a talk are phones of ours, so that either may be taken for the caller."""
    inside = state.direction is Direction.INTERNAL and state.outward and state.second is None
    return inside and state.stage is not Stage.HELD and not state.supervisors


def turn(state: CallState) -> None:
    """Take who called for the caller, and whom he called for who has him: a talk between two phones of ours."""
    assert state.other_leg is not None
    state.caller_leg, state.other_leg = state.other_leg, state.caller_leg
    state.caller, state.dialled = state.dialled, state.caller
    state.party_seat, state.agent_seat = state.agent_seat, state.party_seat
    state.party_agent, state.agent = state.agent, state.party_agent
    state.live_legs[state.caller_leg] = LegRole.CALLER
    state.live_legs[state.other_leg] = LegRole.AGENT
    state.stage = Stage.TALKING if state.agent is not None else Stage.BRIDGED


def _may_yield(state: CallState, own: LegId, kept: CallState) -> bool:
    if state.members or state.second is not None:
        return False
    if own == state.other_leg:
        return state.stage in (*_TALKS, *_DIALLED) and state.caller_leg in state.live_legs
    if own != state.caller_leg or state.stage not in (*_TALKS, *_ENTERED):
        return False
    if state.stage is Stage.FLOW:
        return state.flow is not None and kept.flow is None
    return state.stage not in WAITING or state.queue is not None


def _rank(state: CallState) -> tuple[int, float]:
    return _RANK.index(state.direction), state.received_at


def _called_party(step: Step) -> Yielded:
    """The phone called, or was rung for a caller: the call's caller goes on elsewhere."""
    state = step.state
    leg, agent = state.caller_leg, state.party_agent
    state.party_agent = None
    step.emit(Unbridge(leg=leg))
    if state.stage is Stage.HELD:
        step.emit(StopPlay(leg=leg))
    return Yielded(
        contact=state.contact,
        call=state.call,
        to=state.party_seat or state.caller,
        leg=leg,
        agent=agent,
        seat=state.party_seat,
        answered=state.answered,
        deadline_at=state.deadline_at,
    )


def _reached_party(step: Step) -> Yielded:
    """The phone is the call's caller, by a number of the centre or because it was called."""
    state = step.state
    contact, call = state.contact, state.call
    if state.party_agent is not None:
        step.emit(TalkReleased(contact=contact, agent=state.party_agent, talked=state.talked))
        state.party_agent = None
    if state.stage in WAITING:
        return Yielded(contact=contact, call=call, to=f"queue:{state.queue}", queue=state.queue)
    if state.stage is Stage.FLOW:
        return Yielded(contact=contact, call=call, to=state.dialled, flow=state.flow)
    assert state.other_leg is not None
    leg, answered = state.other_leg, state.stage in _TALKS
    if state.stage is Stage.HELD:
        step.emit(*retrieve(state, step.now))
    step.part_talk(stays=True)
    state.other_leg = None
    agent, seat = state.agent, state.agent_seat
    if state.seat_called is not None:  # his line is taken under this contact, and goes on so
        agent, seat, state.seat_called = state.seat_called.agent, state.seat_called.seat, None
    return Yielded(
        contact=contact,
        call=call,
        to=seat or state.transferred_to or state.dialled,
        leg=leg,
        agent=agent,
        seat=seat,
        answered=answered,
        deadline_at=state.deadline_at,
    )


def _go_there(step: Step, yielded: Yielded, *, asked: bool) -> None:
    """The caller takes the place of the phone in a queue, or begins with the flow that it had come to."""
    state, by = step.state, step.state.agent or "seat"
    if yielded.flow is not None:
        to_flow(step, yielded.to, yielded.flow, by, told=asked)
        return
    leaving = state.other_leg
    step.part_talk()
    state.other_leg = state.agent = state.agent_seat = None
    state.queue = yielded.queue
    step.emit(Record(fact=Transferred(contact=state.contact, to=yielded.to, by=by)))
    back_in_queue(step)
    let_go(step, leaving, told=asked)

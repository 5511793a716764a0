"""Several talk with the caller at one time, and what people order about them. Functions on a step.

The conference lasts as long as the caller and one more are there. When who has him leaves, the first agent of the
others has him, or, without one, the first of them: to the ACD and to lists that is a transfer.
"""

from __future__ import annotations

from ccplatform.calls.consulting import Wanted, call_about, cancel, check_consult, hand_over, let_go
from ccplatform.calls.errors import NoSuchParty, NotInThisState, NotOnCall, TooManyParties
from ccplatform.calls.grouping import Group, groups, regroup
from ccplatform.calls.inputs import ConsultOrder
from ccplatform.calls.model import CallState, Member, Record, Stage
from ccplatform.calls.parties import member_ends
from ccplatform.calls.step import Step
from ccplatform.calls.talk import hold, open_segment, retrieve
from ccplatform.contracts.commands import ControlParties, DropParty, HangUpCall
from ccplatform.contracts.facts import Conferenced, ConnectionCleared, Established, Held, Retrieved, Transferred
from ccplatform.contracts.legs import LegEnded, ReleaseLeg
from ccplatform.contracts.routing import HandOver
from ccplatform.contracts.words import AgentId, LegId, LegRole, PartyAct, ReleaseCause

#: How many keys of orders a call remembers.
MAX_KEYS = 32


def consult_order(step: Step, event: ConsultOrder) -> None:
    """Call somebody about the caller; raises :class:`NotInThisState`."""
    check_consult(step.state)
    remember(step.state, event.key)
    wanted = Wanted(to=event.to, queue=event.queue, agent=event.agent, target=event.target)
    call_about(step, wanted, by=event.by, transfer=event.transfer)


def party_order(step: Step, event: ControlParties) -> None:
    """Do as was ordered; raises what :func:`check_act` does."""
    check_act(step.state, event.act, step.max_parties)
    remember(step.state, event.key)
    match event.act:
        case PartyAct.COMPLETE:
            _complete(step)
        case PartyAct.CANCEL:
            cancel(step)
        case PartyAct.SWAP:
            _swap(step, event.by)
        case PartyAct.CONFERENCE:
            _confer(step)


def hang_up_order(step: Step, event: HangUpCall) -> None:
    """End the call, a consultation, or an agent's part in a conference; raises :class:`NotOnCall`."""
    check_hang_up(step.state, event)
    if _is_asked(step.state, event):
        cancel(step)
        return
    leg = parting(step.state, event.agent)
    if leg is None:
        step.release_all(ReleaseCause.NORMAL, abandoned=True)
    else:
        step.emit(ReleaseLeg(leg=leg, cause=ReleaseCause.NORMAL))


def check_hang_up(state: CallState, order: HangUpCall) -> None:
    """Raise :class:`NotOnCall` unless it is theirs to end; whose phone rings yet has nothing to hang up."""
    second = state.second
    if second is None or not _is_asked(state, order):
        parting(state, order.agent)
    elif order.agent is not None and order.agent != second.agent:
        raise NotOnCall(order.call, order.agent)


def _is_asked(state: CallState, order: HangUpCall) -> bool:
    return state.second is not None and order.call == state.second.call


def parting(state: CallState, agent: AgentId | None) -> LegId | None:
    """The leg by which this agent leaves the conference; None: the call ends with him, or nobody is named.

    Raises :class:`NotOnCall` when he has no part in it (any more): what others say there is not his to end.
    """
    if agent is None:
        return None
    if agent == state.agent:
        return state.other_leg if state.members else None
    leg = next((leg for leg, member in state.members.items() if member.agent == agent), None)
    if leg is None and agent not in {rung.agent for rung in (*state.rung.values(), *state.reserved)}:
        raise NotOnCall(state.call, agent)
    return leg


def drop_order(step: Step, event: DropParty) -> None:
    """Let one party go; raises :class:`NoSuchParty`."""
    state, second = step.state, step.state.second
    check_drop(state, event)
    remember(state, event.key)
    if second is not None and event.leg == second.leg:
        cancel(step)
    else:
        step.emit(ReleaseLeg(leg=event.leg, cause=ReleaseCause.NORMAL))


def check_act(state: CallState, act: PartyAct, max_parties: int) -> None:
    """Raise :class:`NotInThisState` or :class:`TooManyParties` when it cannot be done now."""
    second = state.second
    if second is None or state.stage is not Stage.CONSULTING:
        raise NotInThisState(state.call, act, state.stage)
    if act in (PartyAct.SWAP, PartyAct.CONFERENCE) and second.answered_at is None:
        raise NotInThisState(state.call, act, "waiting for who was called")
    if act is PartyAct.CONFERENCE and len(state.members) + 3 > max_parties:
        raise TooManyParties(state.call, max_parties)


def check_drop(state: CallState, order: DropParty) -> None:
    """Raise :class:`NoSuchParty` unless it is one that can leave."""
    second = state.second.leg if state.second is not None else None
    if order.leg not in (*state.members, second, state.other_leg):
        raise NoSuchParty(order.leg)


def remember(state: CallState, key: str) -> None:
    """The order with this key was carried out."""
    if key:
        state.keys = [*state.keys[1 - MAX_KEYS :], key]


def member_left(step: Step, event: LegEnded, cleared: ConnectionCleared, before: tuple[Group, ...]) -> None:
    """One of the conference hung up, or was let go."""
    state = step.state
    member = state.members.pop(event.leg)
    step.emit(Record(fact=cleared), *member_ends(state, member, step.now))
    regroup(step, before)


def chair_left(step: Step, before: tuple[Group, ...]) -> None:
    """Who had the caller left the conference: one of the others has him."""
    state, by = step.state, step.state.agent or "seat"
    step.part_talk()
    leg = next(
        (leg for leg, member in state.members.items() if member.agent is not None), next(iter(state.members))
    )
    member = state.members.pop(leg)
    state.other_leg, state.agent, state.agent_seat = leg, member.agent, member.seat
    state.phone_holds = False
    if member.agent is not None:
        state.queue = member.queue or state.queue
        step.emit(HandOver(contact=state.contact, source=member.contact, queue=state.queue))
    step.move(Stage.TALKING if member.agent is not None else Stage.BRIDGED)
    regroup(step, before)
    established = Established(
        contact=state.contact,
        leg=leg,
        role=member.role,
        device=member.device,
        agent=member.agent,
        queue=state.queue if member.agent is not None else None,
    )
    step.emit(
        open_segment(state, leg, step.now, since=member.joined_at),
        Record(fact=established),
        Record(fact=Transferred(contact=state.contact, to=member.device, by=by)),
    )


def _complete(step: Step) -> None:
    """The caller is his who was asked, now or as soon as he answers; who asked is free."""
    state, second = step.state, step.state.second
    assert second is not None
    before = groups(state)
    if second.answered_at is not None:
        hand_over(step, before)
        return
    leaving, state.other_leg = state.other_leg, None
    step.part_talk()
    state.agent = state.agent_seat = None
    second.transfer = True
    step.move(Stage.TRANSFERRING, deadline=state.deadline_at)
    regroup(step, before)
    let_go(step, leaving, told=False)


def _swap(step: Step, by: str) -> None:
    """Who waited is talked with, the other waits."""
    state, second = step.state, step.state.second
    assert second is not None
    assert second.leg is not None
    before = groups(state)
    second.aside = not second.aside
    if second.aside:
        second.held_at = step.now
        held = Held(contact=second.contact, leg=second.leg, by=by)
        step.emit(*retrieve(state, step.now), Record(fact=held))
    else:
        waited = step.now - (second.held_at or step.now)
        second.hold_seconds, second.held_at = second.hold_seconds + waited, None
        retrieved = Retrieved(contact=second.contact, leg=second.leg, held_seconds=waited)
        step.emit(*hold(state, step.now, by=by), Record(fact=retrieved))
    regroup(step, before)


def _confer(step: Step) -> None:
    """All talk with one another."""
    state, second = step.state, step.state.second
    assert second is not None
    assert second.leg is not None
    before = groups(state)
    step.end_consultation(stays=True)
    role = LegRole.AGENT if second.agent is not None else LegRole.PARTY
    state.members[second.leg] = Member(
        contact=second.contact,
        role=role,
        device=second.device,
        joined_at=step.now,
        agent=second.agent,
        seat=second.seat,
        queue=second.queue,
    )
    if state.hold_at is not None:
        step.emit(*retrieve(state, step.now))
    step.move(Stage.TALKING)
    regroup(step, before)
    joined = Conferenced(
        contact=state.contact, leg=second.leg, room="", role=role, device=second.device, agent=second.agent
    )
    step.emit(Record(fact=joined))

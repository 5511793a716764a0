"""A supervisor listens to a talk by his own phone, whispers to the agent, speaks with all, or takes it over.

He hears whom the agent hears, and the agent. To whisper is to be heard by the agent alone: the caller's sound has
no part of it. Supervision ends with the talk that it began in: nobody listens to the next one unnoticed.
"""

from __future__ import annotations

from typing import Final

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.grouping import groups, regroup
from ccplatform.calls.model import CallState, Record, Stage, Supervisor
from ccplatform.calls.step import Step
from ccplatform.calls.talk import open_segment
from ccplatform.contracts.commands import SuperviseCall
from ccplatform.contracts.facts import Established, Transferred
from ccplatform.contracts.legs import DialLeg, ReleaseLeg, SeatTarget
from ccplatform.contracts.media import SetGain, Unbridge
from ccplatform.contracts.words import LegId, LegRole, ReleaseCause, Supervision

#: Supervisors of one call.
MAX_SUPERVISORS: Final = 5
_TALKS: Final = (Stage.TALKING, Stage.HELD, Stage.CONSULTING)


def supervise_order(step: Step, event: SuperviseCall) -> None:
    """Ring the supervisor's phone, or change what he does; raises :class:`NotInThisState`."""
    state = step.state
    check_supervise(state, event)
    known = next((leg for leg, other in state.supervisors.items() if other.by == event.by), None)
    if event.what is Supervision.TAKE_OVER:
        assert known is not None
        _take_over(step, known, event.by)
    elif known is not None:
        state.supervisors[known].what = event.what
    else:
        leg = LegId(step.new_id())
        state.supervisors[leg] = Supervisor(by=event.by, what=event.what, seat=event.seat)
        state.live_legs[leg] = LegRole.SUPERVISOR
        step.emit(
            DialLeg(
                leg=leg,
                call=state.call,
                contact=state.contact,
                role=LegRole.SUPERVISOR,
                target=SeatTarget(seat=event.seat),
                caller=state.caller,
                caller_name=state.caller_name,
            )
        )


def check_supervise(state: CallState, order: SuperviseCall) -> None:
    """Raise :class:`NotInThisState` unless there is an agent's talk, which to take over one must listen to."""
    if state.agent is None or state.stage not in _TALKS:
        raise NotInThisState(state.call, order.what, state.stage)
    known = next((other for other in state.supervisors.values() if other.by == order.by), None)
    if order.what is Supervision.TAKE_OVER:
        if known is None or not known.there or state.second is not None:
            raise NotInThisState(state.call, "taking over what one does not listen to", state.stage)
    elif known is None and len(state.supervisors) >= MAX_SUPERVISORS:
        raise NotInThisState(state.call, f"more than {MAX_SUPERVISORS} supervisors", state.stage)


def supervise(step: Step) -> None:
    """After whatever happened: supervisors hear and are heard as they should, or go."""
    state = step.state
    if not state.supervisors and not state.gains:
        return
    if state.supervised is not None and (state.agent != state.supervised or state.stage not in _TALKS):
        for leg in state.supervisors:
            step.emit(ReleaseLeg(leg=leg, cause=ReleaseCause.NORMAL))
        state.supervisors, state.supervised = {}, None
    elif state.supervisors:
        state.supervised = state.agent
    parted = {effect.leg for effect in step.effects if isinstance(effect, Unbridge)}
    said = {pair for pair in state.gains if not parted & set(pair) and set(pair) <= state.live_legs.keys()}
    wanted = _wanted(state)
    step.emit(*(SetGain(source=source, sink=sink, gain=0.0) for source, sink in sorted(said - wanted)))
    step.emit(*(SetGain(source=source, sink=sink, gain=1.0) for source, sink in sorted(wanted - said)))
    state.gains = sorted(wanted)


def _wanted(state: CallState) -> set[tuple[LegId, LegId]]:
    """Who is heard by whom because of supervision."""
    agent = state.other_leg
    if agent is None:
        return set()
    talk = next((group.legs for group in groups(state) if agent in group.legs), ())
    wanted: set[tuple[LegId, LegId]] = set()
    for leg, supervisor in state.supervisors.items():
        if not supervisor.there:
            continue
        wanted |= {(said, leg) for said in talk}
        if supervisor.what is Supervision.WHISPER:
            wanted.add((leg, agent))
        elif supervisor.what is Supervision.BARGE:
            wanted |= {(leg, hears) for hears in talk}
    return wanted


def _take_over(step: Step, leg: LegId, by: str) -> None:
    """The caller is the supervisor's; the agent is free."""
    state, leaving = step.state, step.state.other_leg
    before = groups(state)
    supervisor = state.supervisors.pop(leg)
    step.emit(Unbridge(leg=leg))
    step.part_talk()
    state.other_leg, state.agent, state.agent_seat, state.phone_holds = leg, None, None, False
    step.move(Stage.BRIDGED)
    regroup(step, before)
    established = Established(contact=state.contact, leg=leg, role=LegRole.SUPERVISOR, device=supervisor.seat)
    step.emit(
        open_segment(state, leg, step.now),
        Record(fact=established),
        Record(fact=Transferred(contact=state.contact, to=supervisor.seat, by=by)),
    )
    if leaving is not None:
        step.emit(ReleaseLeg(leg=leaving, cause=ReleaseCause.NORMAL))

"""A call that rings at one seat past the queues is taken by the phone of another (directed pick-up).

Offers of queues, and calls to agents by the ACD, are picked up there (:mod:`.ordering`). Functions on a step.
"""

from __future__ import annotations

from ccplatform.calls.inputs import PhonePickUp
from ccplatform.calls.model import CallState, Record, Stage
from ccplatform.calls.step import Step
from ccplatform.contracts.facts import Diverted
from ccplatform.contracts.legs import DialLeg, ReleaseLeg, SeatTarget
from ccplatform.contracts.routing import EngageAgent
from ccplatform.contracts.words import ContactId, LegId, LegRole, ReleaseCause, SeatId


def rings_past_queues(state: CallState, leg: LegId) -> bool:
    """Whether a phone rings there because its number was dialled, and it is not answered yet."""
    second = state.second
    if leg == state.caller_leg:
        return state.stage is Stage.CALLING and not state.answered and state.party_seat is not None
    if second is not None and leg == second.leg:
        return second.answered_at is None
    return leg == state.other_leg and state.stage is Stage.DIALLING


def calls(state: CallState, seat: SeatId) -> bool:
    """Whether the call is that seat's own: it cannot pick itself up."""
    return seat in (state.seat, state.agent_seat)


def picked_up(step: Step, event: PhonePickUp) -> None:
    """The phone that rings is told that somebody else answers; the one that asked is the party from now on."""
    state = step.state
    if not rings_past_queues(state, event.leg):
        return
    leg, role = LegId(step.new_id()), state.live_legs[event.leg]
    second = state.second
    state.live_legs[leg] = role
    state.live_legs[event.leg] = LegRole.PARTY  # until it is gone: nobody's caller hangs up then
    if event.leg == state.caller_leg:
        state.caller_leg = leg
        step.release_party()
        state.party_seat, state.party_agent = event.seat, event.agent
        _engage(step, event)
    elif second is not None and event.leg == second.leg:
        second.leg, second.seat, second.agent = leg, event.seat, event.agent
        _engage(step, event)
    else:
        state.other_leg = leg
        step.release_seat()
        step.engage_seat(leg, event.seat, event.agent)
    step.emit(
        Record(
            fact=Diverted(
                contact=_contact(state), leg=event.leg, device=event.rings_at, cause=ReleaseCause.ELSEWHERE
            )
        ),
        ReleaseLeg(leg=event.leg, cause=ReleaseCause.ELSEWHERE),
        DialLeg(
            leg=leg,
            call=state.call,
            contact=state.contact,
            role=role,
            target=SeatTarget(seat=event.seat),
            caller=state.caller,
            caller_name=state.caller_name,
        ),
    )


def _engage(step: Step, event: PhonePickUp) -> None:
    if event.agent is not None:
        step.emit(EngageAgent(contact=_contact(step.state), agent=event.agent))


def _contact(state: CallState) -> ContactId:
    return state.contact if state.second is None else state.second.contact

"""What the queue and the agent do with a waiting or talking caller. Functions on a step."""

from __future__ import annotations

from ccplatform.calls.consulting import back_in_flow, second_failed
from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.grouping import groups, regroup
from ccplatform.calls.model import CallState, RungAgent, Stage
from ccplatform.calls.ringing import diverted, take_phone
from ccplatform.calls.sent_on import agent_not_reached
from ccplatform.calls.step import Step
from ccplatform.calls.talk import hold, retrieve
from ccplatform.contracts.commands import HoldCall
from ccplatform.contracts.flows import FlowRequestFailed
from ccplatform.contracts.legs import LegEnded, LegHeld, ReleaseLeg
from ccplatform.contracts.media import StopPlay
from ccplatform.contracts.routing import AgentOffered, OfferFailed, OfferWithdrawn, QueueRefused
from ccplatform.contracts.words import ContactId, LegId, OfferEnd, ReleaseCause

_OFFER_ENDS = {
    ReleaseCause.UNREACHABLE: OfferEnd.UNREACHABLE,
    ReleaseCause.NO_ANSWER: OfferEnd.NO_ANSWER,
    ReleaseCause.TIMEOUT: OfferEnd.UNREACHABLE,
}
_CAUSES = {
    OfferEnd.NO_ANSWER: ReleaseCause.NO_ANSWER,
    OfferEnd.REJECTED: ReleaseCause.REJECTED,
    OfferEnd.UNREACHABLE: ReleaseCause.UNREACHABLE,
}


def agent_offered(step: Step, event: AgentOffered) -> None:
    """Ring the agent's seat, besides others that ring."""
    state = step.state
    agent = RungAgent(agent=event.agent, seat=event.seat, whisper=event.whisper)
    if state.stage is Stage.CALLING_BACK and state.customer_first:
        state.reserved += (agent,)
    elif _asked_for(state, event.contact):
        step.ring(agent)
    elif state.stage in (Stage.QUEUED, Stage.RINGING) and event.contact == state.contact:
        state.queue, state.queue_after_talk = event.queue, event.after_talk
        step.ring(agent)
    else:
        step.emit(OfferFailed(contact=event.contact, agent=event.agent, end=OfferEnd.CALLER_LEFT))


def offer_withdrawn(step: Step, event: OfferWithdrawn) -> None:
    """Stop ringing there; the caller waits on. Who was called himself was called in vain."""
    state = step.state
    if event.contact != state.rung_for:
        return
    state.reserved = tuple(agent for agent in state.reserved if agent.agent != event.agent)
    leg = next((leg for leg, rung in state.rung.items() if rung.agent == event.agent), None)
    cause = _CAUSES.get(event.end, ReleaseCause.CANCELLED)
    if leg is not None:
        diverted(step, leg, ReleaseCause.NO_ANSWER if event.end is OfferEnd.NO_ANSWER else ReleaseCause.CANCELLED)
        step.emit(ReleaseLeg(leg=leg, cause=ReleaseCause.CANCELLED))
    _called_in_vain(step, event.contact, cause)


def offer_failed(step: Step, event: LegEnded) -> None:
    """The phone refused, was busy, or could not be reached."""
    state = step.state
    end, contact = _OFFER_ENDS.get(event.cause, OfferEnd.REJECTED), state.rung_for
    if end is OfferEnd.UNREACHABLE and state.second is not None and state.second.phone:
        end = OfferEnd.WITHDRAWN  # the one phone that was named is away: he is not
    agent = diverted(step, event.leg, event.cause)
    step.emit(OfferFailed(contact=contact, agent=agent.agent, end=end))
    _called_in_vain(step, contact, event.cause)


def take_agent(step: Step, leg: LegId) -> RungAgent:
    """The first who answers has the caller."""
    state = step.state
    won = take_phone(step, leg)
    state.agent, state.agent_seat, state.other_leg = won.agent, won.seat, leg
    return won


def queue_refused(step: Step, event: QueueRefused) -> None:
    """The flow gets its caller back; who asked for somebody from that queue has his."""
    state = step.state
    if _asked_for(state, event.contact):
        second_failed(step, ReleaseCause.UNAVAILABLE)
    elif state.stage is Stage.QUEUED and state.flow is None:
        if back_in_flow(step):
            return
        state.system_fault = True  # the queue of a call that we made is gone: no flow to go back to
        step.release_all(ReleaseCause.FAILED)
    elif state.stage is Stage.QUEUED:
        state.queue = state.queued_at = state.chosen_at = None
        step.move(Stage.FLOW)
        step.emit(
            StopPlay(leg=state.caller_leg),
            FlowRequestFailed(contact=state.contact, reason=event.reason),
        )


def hold_order(step: Step, event: HoldCall) -> None:
    """The agent holds the caller, or takes him back; raises :class:`NotInThisState`."""
    state = step.state
    check_hold(state, event.hold)
    before = groups(state)
    if event.hold:
        step.move(Stage.HELD)
        step.emit(*hold(state, step.now, by=event.by))
    else:
        step.move(Stage.TALKING)
        step.emit(*retrieve(state, step.now))
    regroup(step, before)


def leg_held(step: Step, event: LegHeld) -> None:
    """The agent's phone holds the caller by itself, or takes him back. Other parties' holds part nobody: they
    hear what they asked to hear. While somebody else is called it counts when the agent has his caller again."""
    state = step.state
    if event.leg != state.other_leg:
        return
    state.phone_holds = event.held
    if state.agent is not None and state.stage is (Stage.TALKING if event.held else Stage.HELD):
        hold_order(step, HoldCall(call=state.call, hold=event.held, by=state.agent))


def check_hold(state: CallState, hold_it: bool) -> None:
    """Raise :class:`NotInThisState` unless the caller can be held (or retrieved) now."""
    if state.stage is not (Stage.TALKING if hold_it else Stage.HELD):
        raise NotInThisState(state.call, "hold" if hold_it else "retrieve", state.stage)


def _asked_for(state: CallState, contact: ContactId) -> bool:
    second = state.second
    return second is not None and second.contact == contact and second.answered_at is None


def _called_in_vain(step: Step, contact: ContactId, cause: ReleaseCause) -> None:
    second = step.state.second
    if second is None and contact == step.state.contact:
        agent_not_reached(step, cause)
    elif (
        second is not None
        and second.contact == contact
        and second.wanted is not None
        and second.answered_at is None
    ):
        second_failed(step, cause)

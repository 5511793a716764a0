"""What the queue and the agent do with a waiting or talking caller. Functions on a step."""

from __future__ import annotations

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.model import CallState, HoldOrder, Record, RungAgent, Stage
from ccplatform.calls.step import Step
from ccplatform.calls.talk import hold, retrieve
from ccplatform.calls.transferring import transferor_held
from ccplatform.contracts.facts import Diverted
from ccplatform.contracts.flows import FlowRequestFailed
from ccplatform.contracts.legs import LegEnded, LegHeld, ReleaseLeg
from ccplatform.contracts.media import StopPlay
from ccplatform.contracts.routing import AgentOffered, OfferFailed, OfferWithdrawn, QueueRefused
from ccplatform.contracts.words import LegId, OfferEnd, ReleaseCause

_OFFER_ENDS = {
    ReleaseCause.UNREACHABLE: OfferEnd.UNREACHABLE,
    ReleaseCause.NO_ANSWER: OfferEnd.NO_ANSWER,
    ReleaseCause.TIMEOUT: OfferEnd.UNREACHABLE,
}


def agent_offered(step: Step, event: AgentOffered) -> None:
    """Ring the agent's seat, besides others that ring."""
    state = step.state
    agent = RungAgent(agent=event.agent, seat=event.seat)
    if state.stage is Stage.CALLING_BACK and state.customer_first:
        state.reserved += (agent,)
        return
    if state.stage not in (Stage.QUEUED, Stage.RINGING):
        step.emit(OfferFailed(contact=event.contact, agent=event.agent, end=OfferEnd.CALLER_LEFT))
        return
    state.queue = event.queue
    step.ring(agent)


def offer_withdrawn(step: Step, event: OfferWithdrawn) -> None:
    """Stop ringing there; the caller waits on."""
    state = step.state
    state.reserved = tuple(agent for agent in state.reserved if agent.agent != event.agent)
    leg = next((leg for leg, rung in state.rung.items() if rung.agent == event.agent), None)
    if leg is None:
        return
    cause = ReleaseCause.NO_ANSWER if event.end is OfferEnd.NO_ANSWER else ReleaseCause.CANCELLED
    _diverted(step, leg, cause)
    step.emit(ReleaseLeg(leg=leg, cause=ReleaseCause.CANCELLED))


def offer_failed(step: Step, event: LegEnded) -> None:
    """The phone refused, was busy, or could not be reached."""
    end = _OFFER_ENDS.get(event.cause, OfferEnd.REJECTED)
    agent = _diverted(step, event.leg, event.cause)
    step.emit(OfferFailed(contact=step.state.contact, agent=agent.agent, end=end))


def take_agent(step: Step, leg: LegId) -> None:
    """The first who answers has the caller; the other phones hear that it was answered elsewhere."""
    state = step.state
    won = state.rung.pop(leg)
    state.agent, state.agent_seat, state.other_leg = won.agent, won.seat, leg
    stop_ringing(step, ReleaseCause.ELSEWHERE)


def stop_ringing(step: Step, cause: ReleaseCause) -> None:
    """No phone rings for the caller any more."""
    for leg in tuple(step.state.rung):
        _diverted(step, leg, cause)
        step.emit(ReleaseLeg(leg=leg, cause=cause))


def _diverted(step: Step, leg: LegId, cause: ReleaseCause) -> RungAgent:
    """A phone rings no longer; without any the caller waits."""
    state = step.state
    rung = state.rung.pop(leg)
    step.emit(Record(fact=Diverted(contact=state.contact, leg=leg, device=rung.seat, cause=cause)))
    if not state.rung and state.stage is Stage.RINGING:
        step.move(Stage.QUEUED)
    return rung


def queue_refused(step: Step, event: QueueRefused) -> None:
    """The flow gets its caller back."""
    state = step.state
    if state.stage is Stage.QUEUED and state.flow is None:
        state.system_fault = True  # a promised call whose queue is gone: no flow to go back to
        step.release_all(ReleaseCause.FAILED)
    elif state.stage is Stage.QUEUED:
        state.queue = state.queued_at = state.chosen_at = None
        step.move(Stage.FLOW)
        step.emit(
            StopPlay(leg=state.caller_leg),
            FlowRequestFailed(contact=state.contact, reason=event.reason),
        )


def hold_order(step: Step, event: HoldOrder) -> None:
    """The agent holds the caller, or takes him back; raises :class:`NotInThisState`."""
    check_hold(step.state, event.hold)
    if event.hold:
        step.move(Stage.HELD)
        step.emit(*hold(step.state, step.now, by=event.by))
        step.play_music()
    else:
        step.move(Stage.TALKING)
        step.emit(*retrieve(step.state, step.now))


def leg_held(step: Step, event: LegHeld) -> None:
    """The agent's phone holds the caller by itself, or takes him back. Other parties' holds part nobody: they
    hear what they asked to hear."""
    state = step.state
    if event.leg != state.other_leg:
        return
    if state.stage is Stage.TRANSFERRING:
        transferor_held(step, event)
    elif state.agent is not None and state.stage is (Stage.TALKING if event.held else Stage.HELD):
        hold_order(step, HoldOrder(call=state.call, hold=event.held, by=state.agent))


def check_hold(state: CallState, hold_it: bool) -> None:
    """Raise :class:`NotInThisState` unless the caller can be held (or retrieved) now."""
    if state.stage is not (Stage.TALKING if hold_it else Stage.HELD):
        raise NotInThisState(state.call, "hold" if hold_it else "retrieve", state.stage)

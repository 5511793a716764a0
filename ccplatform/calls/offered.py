"""What the queue and the agent do with a waiting or talking caller. Functions on a step."""

from __future__ import annotations

from ccplatform.calls.errors import NotInThisState
from ccplatform.calls.model import CallState, HoldOrder, Record, Stage
from ccplatform.calls.step import Step
from ccplatform.calls.talk import hold, retrieve
from ccplatform.calls.transferring import transferor_held
from ccplatform.contracts.facts import Diverted
from ccplatform.contracts.flows import FlowRequestFailed
from ccplatform.contracts.legs import LegHeld, ReleaseLeg
from ccplatform.contracts.media import StopPlay
from ccplatform.contracts.routing import AgentOffered, OfferFailed, OfferWithdrawn, QueueRefused
from ccplatform.contracts.words import OfferEnd, ReleaseCause


def agent_offered(step: Step, event: AgentOffered) -> None:
    """Ring the agent's seat."""
    state = step.state
    if state.stage is not Stage.QUEUED:
        step.emit(OfferFailed(contact=event.contact, agent=event.agent, end=OfferEnd.CALLER_LEFT))
        return
    state.agent, state.agent_seat, state.queue = event.agent, event.seat, event.queue
    step.ring_agent(event.seat)


def offer_withdrawn(step: Step, event: OfferWithdrawn) -> None:
    """Stop ringing; the caller waits on."""
    state = step.state
    if state.stage is not Stage.RINGING or state.agent != event.agent or state.other_leg is None:
        return
    cause = ReleaseCause.NO_ANSWER if event.end is OfferEnd.NO_ANSWER else ReleaseCause.CANCELLED
    diverted = Diverted(contact=state.contact, leg=state.other_leg, device=state.agent_seat or "", cause=cause)
    step.emit(Record(fact=diverted), ReleaseLeg(leg=state.other_leg, cause=ReleaseCause.CANCELLED))
    state.other_leg = state.agent = state.agent_seat = None
    step.move(Stage.QUEUED)


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

"""A promised call-back: two phones ring, one after the other, and both talk. Functions on a step.

The contact waits in its queue without a call. When an agent is reserved for it the call begins: with the agent's
phone, and the customer's once he answered; or with the customer's, who hears music while the agent's rings.
"""

from __future__ import annotations

from ccplatform.calls.grouping import RINGBACK
from ccplatform.calls.inputs import CallBackBegins
from ccplatform.calls.model import CallState, Record, RungAgent, Stage
from ccplatform.calls.step import Step
from ccplatform.calls.talk import begin_talk
from ccplatform.contracts.facts import ContactArrived, Established
from ccplatform.contracts.legs import DialTarget, NumberTarget, TrunkTarget
from ccplatform.contracts.media import Play, StopPlay
from ccplatform.contracts.routing import OfferAnswered
from ccplatform.contracts.words import Channel, Direction, LegId, LegRole, PlaybackId, ReleaseCause


def state_of(event: CallBackBegins, caller_leg: LegId, now: float) -> CallState:
    """The call as it begins; the customer is its caller, as if he had called."""
    offer = event.offer
    return CallState(
        call=event.call,
        contact=offer.contact,
        caller_leg=caller_leg,
        caller=offer.number,
        caller_name="",
        dialled=offer.caller,
        direction=Direction.OUTBOUND,
        trunk=offer.trunk,
        seat=None,
        received_at=now,
        queue=offer.queue,
        reserved=(RungAgent(agent=offer.agent, seat=offer.seat),),
        promise=offer.call_back,
        customer_first=offer.customer_first,
        ring_seconds=offer.ring_seconds,
    )


def begin_call_back(step: Step) -> None:
    """Tell the contact, and ring the first of the two phones."""
    state = step.state
    arrived = ContactArrived(
        contact=state.contact,
        call=state.call,
        leg=state.caller_leg,
        channel=Channel.VOICE,
        direction=state.direction,
        dialled=state.dialled,
        trunk=state.trunk,
        seat=None,
        transport="",
        sip_call_id="",
        caller=state.caller,
    )
    step.emit(Record(fact=arrived))
    if state.customer_first:
        _call_customer(step)
    else:
        _ring_reserved(step)


def agent_first_answered(step: Step) -> None:
    """The agent is there; now the customer."""
    state = step.state
    assert state.agent is not None
    assert state.other_leg is not None
    playback = PlaybackId(step.new_id())
    step.emit(
        OfferAnswered(contact=state.contact, agent=state.agent),
        Play(leg=state.other_leg, playback=playback, items=RINGBACK, loop=True),
    )
    _call_customer(step)


def customer_answered(step: Step) -> None:
    """The customer is there; the agent is, or is called now."""
    state = step.state
    state.answered = True
    if state.other_leg is None:
        state.queued_at = state.chosen_at = step.now
        step.play_music()
        _ring_reserved(step)
        return
    step.move(Stage.TALKING)
    established = Established(
        contact=state.contact,
        leg=state.other_leg,
        role=LegRole.AGENT,
        device=state.agent_seat or "",
        agent=state.agent,
        queue=state.queue,
    )
    step.emit(
        StopPlay(leg=state.other_leg),
        *begin_talk(state, state.other_leg, step.now),
        Record(fact=established),
    )


def drop_call_back(step: Step) -> None:
    """It was cancelled: a talk goes on, everything before it ends."""
    if step.state.talk_at is None:
        step.release_all(ReleaseCause.CANCELLED)


def _ring_reserved(step: Step) -> None:
    """Ring who is reserved; the caller waits if all of them were taken back meanwhile."""
    reserved, step.state.reserved = step.state.reserved, ()
    step.move(Stage.QUEUED)
    for agent in reserved:
        step.ring(agent)


def _call_customer(step: Step) -> None:
    state = step.state
    target: DialTarget = NumberTarget(number=state.caller)
    if state.trunk is not None:
        target = TrunkTarget(trunk=state.trunk, number=state.caller)
    step.call_caller(Stage.CALLING_BACK, target)

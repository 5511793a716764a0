"""A call that somebody of the centre makes: an agent by his phone or by a click, a phone without an agent.

The called party is the call's caller, as in a promised call-back, so that hold, transfer and recording are what
they are in any other talk. By a click the agent's own phone rings first. Functions on a step.
"""

from __future__ import annotations

from typing import Final

from ccplatform.calls.inputs import CallOutBegins
from ccplatform.calls.model import CallState, Record, Stage
from ccplatform.calls.step import Step
from ccplatform.calls.talk import begin_talk
from ccplatform.contracts.facts import (
    CallAnswered,
    ConnectionCleared,
    ContactArrived,
    Delivered,
    Established,
    Failed,
    Originated,
)
from ccplatform.contracts.legs import (
    AdoptLeg,
    AnswerLeg,
    DialLeg,
    DialTarget,
    LegEarly,
    LegEnded,
    LegRinging,
    NumberTarget,
    OpenLeg,
    RingLeg,
    SeatTarget,
)
from ccplatform.contracts.media import Bridge, CallTone, CallToneItem, Play, StopPlay, Unbridge
from ccplatform.contracts.routing import EngageAgent
from ccplatform.contracts.words import Channel, LegId, LegRole, PlaybackId, ReleaseCause

#: How long an agent who called by a click hears why nobody answered, seconds.
TONE_SECONDS: Final = 4.0

_TONES: Final = {
    ReleaseCause.NOT_FOUND: CallTone.INFORMATION,
    ReleaseCause.UNREACHABLE: CallTone.INFORMATION,
    ReleaseCause.FAILED: CallTone.CONGESTION,
    ReleaseCause.UNAVAILABLE: CallTone.CONGESTION,
    ReleaseCause.OVERLOAD: CallTone.CONGESTION,
}


def state_of(event: CallOutBegins, party: LegId, own: LegId, now: float) -> CallState:
    """The call as it begins; ``own`` is the leg of the phone that calls."""
    return CallState(
        call=event.call,
        contact=event.contact,
        caller_leg=party,
        caller=event.number,
        caller_name="",
        dialled=event.shown,
        direction=event.direction,
        trunk=None,
        seat=event.seat,
        received_at=now,
        live_legs={own: LegRole.AGENT},
        other_leg=own,
        agent=event.agent,
        agent_seat=event.seat,
        party_seat=event.party_seat,
        party_agent=event.party_agent,
        talked_agent=event.agent,  # his contact, whether or not anybody answers
        talked_seat=event.seat,
        outward=True,
        prompted=event.offer is None,
        shown_name=event.shown_name,
        ring_seconds=event.ring_seconds,
        wrap_up_seconds=event.wrap_up_seconds,
        key=event.key,
    )


def begin_call_out(step: Step, event: CallOutBegins) -> None:
    """Tell the contact; the phone that called is ours now, one that did not is rung first."""
    state = step.state
    own, offer = state.other_leg, event.offer
    assert own is not None
    inside = event.party_seat is not None
    arrived = ContactArrived(
        contact=state.contact,
        call=state.call,
        leg=own,
        channel=Channel.VOICE,
        direction=state.direction,
        dialled=event.number if inside else event.shown,
        trunk=None,
        seat=event.seat,
        transport=offer.transport if offer is not None else "",
        sip_call_id=offer.sip_call_id if offer is not None else "",
        caller=event.shown if inside else event.number,
    )
    originated = Originated(
        contact=state.contact,
        leg=own,
        agent=event.agent,
        seat=event.seat,
        by=event.by,
        number_class=event.number_class,
        prompted=state.prompted,
        customer=event.customer,
    )
    if offer is not None:
        step.emit(AdoptLeg(leg=own, call=state.call, contact=state.contact, role=LegRole.AGENT))
    step.emit(Record(fact=arrived), Record(fact=originated))
    if event.agent is not None:
        wrap_up = state.wrap_up_seconds
        step.emit(EngageAgent(contact=state.contact, agent=event.agent, wrap_up_seconds=wrap_up))
    if event.party_agent is not None:
        step.emit(EngageAgent(contact=state.contact, agent=event.party_agent))
    if offer is not None:
        _call_party(step, event.party_phone)
        return
    step.move(Stage.INITIATED, deadline=step.now + event.prompt_seconds)
    step.emit(
        DialLeg(
            leg=own,
            call=state.call,
            contact=state.contact,
            role=LegRole.AGENT,
            target=SeatTarget(seat=event.seat),
            caller=event.number,
            auto_answer=event.auto_answer,
        )
    )


def own_phone_answered(step: Step) -> None:
    """The agent is on the line: call whom he wants; or the party answered before, and both are there."""
    if step.state.stage is Stage.INITIATED:
        _call_party(step)
    elif step.state.answered:
        _connect(step)


def party_rings(step: Step, event: LegRinging) -> None:
    """The called party's phone rings; the agent hears that it does."""
    state = step.state
    step.emit(Record(fact=Delivered(contact=state.contact, leg=event.leg, device=event.device)))
    if state.other_leg is None or state.early:
        return
    if state.prompted:
        tone = CallToneItem(tone=CallTone.RINGBACK)
        step.emit(Play(leg=state.other_leg, playback=PlaybackId(step.new_id()), items=(tone,), loop=True))
    else:
        step.emit(RingLeg(leg=state.other_leg))


def heard_early(step: Step, event: LegEarly) -> None:
    """What the called network says before the answer (RFC 3960: early media) is for the agent's ear.

    His phone that called has no session yet: it is given one, and then hears.
    """
    state = step.state
    if state.stage is not Stage.CALLING or state.other_leg is None:
        return
    if event.leg == state.caller_leg:
        state.early = True
        if not state.prompted:
            step.emit(OpenLeg(leg=state.other_leg))
            return
        step.emit(StopPlay(leg=state.other_leg))
    if state.caller_leg in state.live_legs:
        step.emit(Bridge(a=state.caller_leg, b=state.other_leg))


def party_answered(step: Step) -> None:
    """The called party is there; a phone that called is answered now."""
    state = step.state
    state.answered = True
    state.deadline_at = None
    seconds = step.now - state.received_at
    step.emit(Record(fact=CallAnswered(contact=state.contact, leg=state.caller_leg, answer_seconds=seconds)))
    if state.prompted:
        _connect(step)
    elif state.other_leg is not None:
        step.emit(AnswerLeg(leg=state.other_leg))


def party_not_reached(step: Step, event: LegEnded, cleared: ConnectionCleared) -> None:
    """Nobody answered. A phone that called is told why; an agent whose phone was rung hears it."""
    state = step.state
    state.cause = event.cause
    failed = Failed(contact=state.contact, leg=event.leg, device=state.caller, cause=event.cause)
    step.emit(Record(fact=failed), Record(fact=cleared))
    if not state.prompted or state.other_leg is None or state.answered:
        step.release_all(event.cause)
        return
    tone = CallToneItem(tone=_TONES.get(event.cause, CallTone.BUSY), seconds=TONE_SECONDS)
    if state.early:
        step.emit(Unbridge(leg=state.other_leg))
    step.emit(Play(leg=state.other_leg, playback=PlaybackId(step.new_id()), items=(tone,)))
    step.move(Stage.CALLING, deadline=step.now + TONE_SECONDS)


def own_phone_left(step: Step, event: LegEnded, cleared: ConnectionCleared) -> None:
    """The phone that calls hung up, or was not answered when it was rung."""
    state = step.state
    if state.stage is Stage.INITIATED:
        device = state.agent_seat or ""
        failed = Failed(contact=state.contact, leg=event.leg, device=device, cause=event.cause)
        step.emit(Record(fact=failed))
    step.emit(Record(fact=cleared))
    if state.caller_leg in state.live_legs or state.stage is Stage.INITIATED:
        state.cause = event.cause
    step.release_all(ReleaseCause.CANCELLED)


def _call_party(step: Step, phone: str = "") -> None:
    state = step.state
    inside = state.party_seat
    target: DialTarget = NumberTarget(number=state.caller)
    if inside is not None:
        target = SeatTarget(seat=inside, phone=phone)
    step.call_caller(Stage.CALLING, target, early_media=inside is None)


def _connect(step: Step) -> None:
    state = step.state
    own = state.other_leg
    assert own is not None
    step.move(Stage.TALKING if state.agent is not None else Stage.BRIDGED)
    established = Established(
        contact=state.contact,
        leg=own,
        role=LegRole.AGENT,
        device=state.agent_seat or "",
        agent=state.agent,
    )
    step.emit(StopPlay(leg=own), *begin_talk(state, own, step.now), Record(fact=established))

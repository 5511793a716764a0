"""What is told when somebody's part in a call ends besides the caller's and who has him, as commands and facts."""

from __future__ import annotations

from ccplatform.calls.model import CallEffect, CallState, Consultation, Member, Record
from ccplatform.contracts.facts import ContactArrived, ContactEnded, TalkEnded
from ccplatform.contracts.routing import TalkReleased, WithdrawContact
from ccplatform.contracts.words import Channel, Direction, LegId, Outcome, ReleaseCause


def consultation_begins(state: CallState, second: Consultation, leg: LegId) -> CallEffect:
    """The consultation is a contact of its own: whoever is rung sees whom it is about."""
    second.told = True
    arrived = ContactArrived(
        contact=second.contact,
        call=second.call,
        leg=leg,
        channel=Channel.VOICE,
        direction=Direction.INTERNAL,
        dialled=second.to,
        trunk=None,
        seat=state.agent_seat,
        transport="",
        sip_call_id="",
        caller=state.caller,
        caller_name=state.caller_name,
        consult_of=state.contact,
    )
    return Record(fact=arrived)


def consultation_ends(state: CallState, second: Consultation, now: float, *, stays: bool) -> list[CallEffect]:
    """What was said before the caller was joined is a talk of its own; ``stays``: the caller is joined now."""
    effects: list[CallEffect] = []
    if second.held_at is not None:
        second.hold_seconds += now - second.held_at
    talked = now - second.answered_at if second.answered_at is not None and not second.transfer else 0.0
    if second.answered_at is None and second.routed:
        effects.append(WithdrawContact(contact=second.contact, reason="cancelled"))
    elif second.answered_at is None and second.agent is not None:  # his phone rang for another call before
        effects.append(TalkReleased(contact=second.contact, agent=second.agent, talked=False))
    elif second.answered_at is not None and second.agent is not None:
        if not second.transfer:
            ended = TalkEnded(
                contact=second.contact,
                queue=second.queue,
                agent=second.agent,
                talk_seconds=talked,
                hold_seconds=second.hold_seconds,
            )
            effects.append(Record(fact=ended))
        if not stays:
            effects.append(TalkReleased(contact=second.contact, agent=second.agent))
    if second.told:
        effects.append(Record(fact=_outcome(second, now, talked)))
    return effects


def member_ends(state: CallState, member: Member, now: float) -> list[CallEffect]:
    """His talk in the conference is over."""
    if member.agent is None:
        return []
    ended = TalkEnded(
        contact=state.contact,
        queue=member.queue,
        agent=member.agent,
        talk_seconds=now - member.joined_at,
        hold_seconds=0.0,
    )
    return [Record(fact=ended), TalkReleased(contact=member.contact, agent=member.agent)]


def _outcome(second: Consultation, now: float, talked: float) -> ContactEnded:
    if second.answered_at is None:
        outcome = Outcome.NOT_REACHED if second.queue is None else Outcome.ABANDONED_QUEUE
    elif second.agent is None or second.transfer:
        outcome = Outcome.TRANSFERRED
    else:
        outcome = Outcome.HANDLED
    return ContactEnded(
        contact=second.contact,
        outcome=outcome,
        cause=ReleaseCause.NORMAL,
        dialled=second.to,
        trunk=None,
        total_seconds=now - second.begun_at,
        queue=second.queue,
        agent=second.agent,
        seat=second.seat,
        queue_seconds=(second.answered_at or now) - second.begun_at if second.queue is not None else 0.0,
        talk_seconds=talked,
        hold_seconds=second.hold_seconds,
    )

"""Offers, talks and wrap-up: from the contact's entry into a queue to the agent's next state."""

from __future__ import annotations

import math

from acd.agents import LiveAgent
from acd.errors import ContactPlaced
from acd.events import Phase, PresenceChanged
from acd.floor import Floor
from acd.matching import seek_agent, seek_contact
from acd.model import PRIORITIES
from acd.queues import Ticket
from ccplatform.contracts.facts import OfferEnded, Queued, WrapUpEnded
from ccplatform.contracts.routing import (
    OfferAnswered,
    OfferFailed,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    TalkHeld,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd

#: Offers that end so make the agent not ready (he did not take it), with the reason; the others leave him ready.
NOT_TAKEN = {
    OfferEnd.NO_ANSWER: "no_answer",
    OfferEnd.REJECTED: "rejected",
    OfferEnd.UNREACHABLE: "unreachable",
}


def queue_contact(floor: Floor, command: QueueContact, max_contacts: int) -> None:
    """Let a contact wait; raises ContactPlaced when it has a place already."""
    ticket = floor.tickets.get(command.contact)
    if ticket is not None:
        raise ContactPlaced(ticket.contact, ticket.queue.id, ticket.phase)
    reason = _refusal(floor, command, max_contacts)
    if reason:
        floor.effects.append(QueueRefused(contact=command.contact, queue=command.queue, reason=reason))
        return
    ticket = Ticket(
        contact=command.contact,
        queue=floor.queues[command.queue],
        priority=command.priority,
        entered=floor.now - command.waited_seconds,
    )
    floor.enter_queue(ticket)
    floor.effects.append(
        Queued(
            contact=command.contact,
            queue=command.queue,
            priority=command.priority,
            waited_seconds=command.waited_seconds,
        )
    )
    seek_agent(floor, ticket)


def withdraw_contact(floor: Floor, command: WithdrawContact) -> None:
    """The contact is gone, wherever it was."""
    ticket = floor.tickets.get(command.contact)
    if ticket is None:
        return
    if ticket.phase is Phase.TALKING:
        release(floor, ticket)
        return
    end = OfferEnd.CALLER_LEFT if command.reason == "abandoned" else OfferEnd.WITHDRAWN
    drop_waiting(floor, ticket, command.reason, end)


def drop_waiting(floor: Floor, ticket: Ticket, reason: str, end: OfferEnd) -> None:
    """Take a contact that no agent has answered out of its queue, and an offer back."""
    agent = ticket.agent
    del floor.tickets[ticket.contact]
    if agent is not None:
        _end_offer(floor, ticket, agent, end)
        floor.effects.append(OfferWithdrawn(contact=ticket.contact, agent=agent.id, end=end))
    floor.leave_queue(ticket, reason)
    if agent is not None:
        go_on(floor, agent)


def offer_answered(floor: Floor, command: OfferAnswered) -> None:
    """The talk begins."""
    ticket, agent = _in_hand(floor, command.contact, command.agent, Phase.OFFERED)
    if ticket is None or agent is None:
        return
    _end_offer(floor, ticket, agent, OfferEnd.ANSWERED)
    floor.leave_queue(ticket, "answered")
    begin_talk(floor, ticket, agent, ticket.queue.config.wrap_up_seconds)
    floor.move(agent, AgentState.TALKING, contact=ticket.contact)


def begin_talk(floor: Floor, ticket: Ticket, agent: LiveAgent, wrap_up_seconds: float) -> None:
    """Tie contact and agent together for a talk."""
    ticket.phase = Phase.TALKING
    ticket.phase_since = floor.now
    ticket.wrap_up_seconds = wrap_up_seconds
    ticket.agent = agent
    agent.ticket = ticket


def offer_failed(floor: Floor, command: OfferFailed) -> None:
    """The offer came to nothing.

    The agent did not take it (see NOT_TAKEN): he is not ready, and the contact waits on at its place. The caller
    had left: so has the contact. Otherwise it was our own doing: the agent is free and the contact waits again.
    """
    ticket, agent = _in_hand(floor, command.contact, command.agent, Phase.OFFERED)
    if ticket is None or agent is None:
        return
    if command.end in NOT_TAKEN:
        _not_taken(floor, ticket, agent, command.end)
        seek_agent(floor, ticket)
    elif command.end is OfferEnd.CALLER_LEFT:
        drop_waiting(floor, ticket, "abandoned", command.end)
    else:
        _end_offer(floor, ticket, agent, OfferEnd.WITHDRAWN)
        seek_agent(floor, ticket)
        go_on(floor, agent)


def ring_time_over(floor: Floor, agent: LiveAgent) -> None:
    """RONA: the lease of the reservation ended without an answer."""
    ticket = agent.ticket
    assert ticket is not None  # reserved agents have one
    _not_taken(floor, ticket, agent, OfferEnd.NO_ANSWER)
    floor.effects.append(OfferWithdrawn(contact=ticket.contact, agent=agent.id, end=OfferEnd.NO_ANSWER))
    seek_agent(floor, ticket)


def take_back(floor: Floor, ticket: Ticket) -> None:
    """Take an offer back; the agent is his own again and the contact, without a place in line, the caller's."""
    agent = ticket.agent
    assert agent is not None  # an offered contact has one
    _end_offer(floor, ticket, agent, OfferEnd.WITHDRAWN)
    floor.effects.append(OfferWithdrawn(contact=ticket.contact, agent=agent.id, end=OfferEnd.WITHDRAWN))


def talk_held(floor: Floor, command: TalkHeld) -> None:
    """Hold and retrieve; saying it twice changes nothing."""
    ticket, agent = _in_hand(floor, command.contact, command.agent, Phase.TALKING)
    state = AgentState.HELD if command.held else AgentState.TALKING
    if ticket is not None and agent is not None and agent.state is not state:
        floor.move(agent, state, contact=ticket.contact)


def talk_released(floor: Floor, command: TalkReleased) -> None:
    """The agent's segment is over."""
    ticket, agent = _in_hand(floor, command.contact, command.agent, Phase.TALKING)
    if ticket is not None and agent is not None:
        release(floor, ticket)


def release(floor: Floor, ticket: Ticket) -> None:
    """End a talk: wrap-up, where there is one, then what the agent asked for."""
    agent = ticket.agent
    assert agent is not None  # a talk has one
    del floor.tickets[ticket.contact]
    agent.ticket = None
    ticket.agent = None
    agent.idle_since = floor.now
    if ticket.wrap_up_seconds > 0:
        agent.wrapping = (ticket.contact, ticket.queue.id)
        floor.set_deadline(agent, ticket.wrap_up_seconds)
        floor.move(agent, AgentState.WRAP_UP, contact=ticket.contact)
    else:
        go_on(floor, agent)


def end_wrap_up(floor: Floor, agent: LiveAgent) -> None:
    """After-call work is over, by time or because the agent asked for another state."""
    assert agent.wrapping is not None  # agents in wrap-up have one
    contact, queue = agent.wrapping
    agent.wrapping = None
    floor.clear_deadline(agent)
    floor.effects.append(
        WrapUpEnded(contact=contact, queue=queue, agent=agent.id, wrap_up_seconds=floor.now - agent.since)
    )
    agent.idle_since = floor.now
    go_on(floor, agent)


def go_on(floor: Floor, agent: LiveAgent) -> None:
    """An agent without a contact enters the state that he asked for."""
    if agent.asked is AgentState.SIGNED_OUT:
        floor.leave_seat(agent)
    elif agent.asked is AgentState.READY:
        if agent.idle_since is None:
            agent.idle_since = floor.now
        floor.move(agent, AgentState.READY)
        seek_contact(floor, agent)
    else:
        floor.move(agent, AgentState.NOT_READY, agent.asked_reason)


def _refusal(floor: Floor, command: QueueContact, max_contacts: int) -> str:
    queue = floor.queues.get(command.queue)
    if queue is None:
        return "no_such_queue"
    if command.priority not in PRIORITIES:
        return "illegal_priority"
    if not (math.isfinite(command.waited_seconds) and command.waited_seconds >= 0):
        return "illegal_age"
    if len(queue.tickets) >= queue.config.max_waiting or len(floor.tickets) >= max_contacts:
        return "queue_full"
    return ""


def _in_hand(
    floor: Floor, contact: ContactId, agent: AgentId, phase: Phase
) -> tuple[Ticket | None, LiveAgent | None]:
    """The contact and its agent if they are in ``phase`` together; what comes too late finds nothing."""
    ticket = floor.tickets.get(contact)
    if ticket is None or ticket.phase is not phase or ticket.agent is None or ticket.agent.id != agent:
        return None, None
    return ticket, ticket.agent


def _end_offer(floor: Floor, ticket: Ticket, agent: LiveAgent, end: OfferEnd) -> None:
    floor.clear_deadline(agent)
    agent.ticket = None
    ticket.agent = None
    floor.effects.append(
        OfferEnded(
            contact=ticket.contact,
            queue=ticket.queue.id,
            agent=agent.id,
            end=end,
            rang_seconds=floor.now - ticket.phase_since,
        )
    )


def _not_taken(floor: Floor, ticket: Ticket, agent: LiveAgent, end: OfferEnd) -> None:
    _end_offer(floor, ticket, agent, end)
    if agent.asked is AgentState.READY:
        agent.ask(AgentState.NOT_READY, NOT_TAKEN[end])
        floor.effects.append(PresenceChanged(agent=agent.id))
    go_on(floor, agent)

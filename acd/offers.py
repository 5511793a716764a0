"""What becomes of an offer: answered, failed, its lease over; and the one that a supervisor makes himself."""

from __future__ import annotations

from acd.agents import Engagement, LiveAgent
from acd.errors import AgentBusy, ContactPlaced, NotSignedIn, PhoneAway
from acd.events import PickUp, PresenceChanged
from acd.expected_wait import Departure
from acd.floor import Floor
from acd.matching import end_offer, offer, take_back
from acd.queues import NO_QUEUE, Ticket
from acd.talks import begin_talk, cut_wrap_ups, settle
from acd.waiting import drop_waiting, forget_preference, wait_on
from ccplatform.contracts.routing import CallAgent, OfferAnswered, OfferFailed, OfferWithdrawn
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd
from ccplatform.kernel.errors import Refusal

#: Offers that end so make the agent not ready (he did not take it), with the reason; the others leave him ready.
NOT_TAKEN = {
    OfferEnd.NO_ANSWER: "no_answer",
    OfferEnd.REJECTED: "rejected",
    OfferEnd.UNREACHABLE: "unreachable",
}


def offer_answered(floor: Floor, command: OfferAnswered) -> None:
    """The talk begins; whoever else was rung for the contact is told to stop."""
    engagement = _offer_of(floor, command.contact, command.agent)
    if engagement is None:
        return
    ticket, agent = engagement.ticket, engagement.agent
    end_offer(floor, engagement, OfferEnd.ANSWERED)
    others = take_back(floor, ticket, OfferEnd.WITHDRAWN) if ticket.offers else ()
    floor.leave_queue(ticket, "called_back" if ticket.patient else "answered")
    begin_talk(floor, engagement, ticket.queue.config.wrap_up_seconds)
    settle(floor, agent)
    for other in others:
        settle(floor, other)


def offer_failed(floor: Floor, command: OfferFailed) -> None:
    """The offer came to nothing.

    The agent did not take it (see NOT_TAKEN): he is not ready, and the contact waits on at its place. The caller
    had left: so has the contact. Otherwise it was our own doing: the agent is free and the contact waits again.
    """
    engagement = _offer_of(floor, command.contact, command.agent)
    if engagement is None:
        return
    ticket, agent = engagement.ticket, engagement.agent
    if command.end is OfferEnd.CALLER_LEFT:
        end_offer(floor, engagement, command.end)
        drop_waiting(floor, ticket, "abandoned", command.end)
        settle(floor, agent)
        return
    known = command.end in NOT_TAKEN
    end_offer(floor, engagement, command.end if known else OfferEnd.WITHDRAWN)
    if known:
        _not_taken(floor, ticket, agent, command.end)
    wait_on(floor, ticket)
    settle(floor, agent)


def lease_over(floor: Floor, engagement: Engagement) -> None:
    """RONA: the lease of the reservation ended without an answer."""
    ticket, agent = engagement.ticket, engagement.agent
    end_offer(floor, engagement, OfferEnd.NO_ANSWER)
    _not_taken(floor, ticket, agent, OfferEnd.NO_ANSWER)
    floor.effects.append(OfferWithdrawn(contact=ticket.contact, agent=agent.id, end=OfferEnd.NO_ANSWER))
    wait_on(floor, ticket)
    settle(floor, agent)


def pick_up(floor: Floor, command: PickUp) -> None:
    """Offer a waiting contact to the one who wants it; another who is rung for it is told to stop."""
    agent, ticket = floor.agent(command.agent), floor.tickets[command.contact]
    others = take_back(floor, ticket, OfferEnd.WITHDRAWN)
    if ticket.preferred is not None:
        forget_preference(floor, ticket)
    ticket.queue.step_out(ticket, floor.now, Departure.TAKEN)
    ticket.targets = 1
    offer(floor, ticket, agent)
    for rung in (agent, *others):
        settle(floor, rung)


def may_pick_up(floor: Floor, name: AgentId, contact: ContactId, rung: AgentId) -> bool:
    """Whether an agent may take for himself a contact for which another one is rung: it is of a queue that he
    serves, or the two are of one team."""
    agent, ticket = floor.agents.get(name), floor.tickets.get(contact)
    if agent is None or ticket is None or rung not in floor.agents:
        return False
    return any(group in ticket.queue.groups for group in agent.groups) or one_team(floor, name, rung)


def one_team(floor: Floor, name: AgentId, other: AgentId) -> bool:
    """Whether both are there and of one team."""
    one, two = floor.agents.get(name), floor.agents.get(other)
    return one is not None and two is not None and bool(one.config.team) and one.config.team == two.config.team


def call_agent(floor: Floor, command: CallAgent) -> None:
    """Somebody calls this agent: ring him, if he has no contact; his wrap-up ends then."""
    if command.contact in floor.tickets:
        raise ContactPlaced(command.contact, NO_QUEUE, floor.tickets[command.contact].phase)
    try:
        check_call(floor, command.agent)
    except Refusal:
        gone = OfferWithdrawn(contact=command.contact, agent=command.agent, end=OfferEnd.UNREACHABLE)
        floor.effects.append(gone)
        return
    agent = floor.agent(command.agent)
    ticket = Ticket(command.contact, floor.direct, 1, floor.now)
    floor.enter_queue(ticket)
    cut_wrap_ups(floor, agent)
    offer(floor, ticket, agent)
    settle(floor, agent)


def check_call(floor: Floor, name: AgentId) -> None:
    """Raise the Refusal that a call to this agent would meet now."""
    agent = floor.agent(name)
    if agent.seat is None:
        raise NotSignedIn(name)
    if agent.has_contact():
        raise AgentBusy(name, agent.state)
    if agent.seat not in floor.reachable:
        raise PhoneAway(name)


def _not_taken(floor: Floor, ticket: Ticket, agent: LiveAgent, end: OfferEnd) -> None:
    """He is not ready, but where several are rung: there nobody has to be the one who answers in time."""
    ticket.lead = 0.0  # whoever is rung next is rung at once
    if ticket.preferred is agent:
        forget_preference(floor, ticket)
    if agent.asked is AgentState.READY and not (end is OfferEnd.NO_ANSWER and ticket.queue.rings_many()):
        agent.ask(AgentState.NOT_READY, NOT_TAKEN[end])
        floor.effects.append(PresenceChanged(agent=agent.id))


def _offer_of(floor: Floor, contact: ContactId, agent: AgentId) -> Engagement | None:
    """The contact's offer to the agent; what comes too late finds none."""
    ticket = floor.tickets.get(contact)
    if ticket is None:
        return None
    return next((offer for offer in ticket.offers if offer.agent.id == agent), None)

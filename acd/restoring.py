"""Contacts that a restarted process takes back one by one, from what each call remembered of its place."""

from __future__ import annotations

import math
from typing import assert_never

from acd.agents import Engagement, LiveAgent
from acd.errors import BadSnapshot
from acd.events import ContactPlace, Phase, RestoreContact, Standing, WrapUp
from acd.floor import Floor
from acd.matching import take_back
from acd.model import CAPACITY, PRIORITIES
from acd.queues import Ticket
from acd.talks import settle
from acd.waiting import wait_on
from ccplatform.contracts.routing import OfferWithdrawn
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd

_WITH_TALK = (AgentState.TALKING, AgentState.HELD)


def place_of(ticket: Ticket, now: float) -> ContactPlace:
    """A contact's place as data; of several offers the first."""
    engagement = ticket.talk or (ticket.offers[0] if ticket.offers else None)
    agent = engagement.agent if engagement is not None else None
    preferred = ticket.preferred if ticket.preferred is not None and not ticket.preferred.removed else None
    return ContactPlace(
        queue=ticket.queue.id,
        priority=ticket.priority,
        age=now - ticket.entered,
        phase=ticket.phase,
        phase_age=now - engagement.since if engagement is not None else 0.0,
        agent=None if agent is None else agent.id,
        seat=None if agent is None else agent.seat,
        held=engagement is not None and engagement.state is AgentState.HELD,
        wrap_up_seconds=engagement.wrap_up_seconds if engagement is not None else 0.0,
        preferred=None if preferred is None else preferred.id,
        preferred_seconds=0.0 if preferred is None else max(0.0, ticket.preferred_until - now),
        hops=ticket.hops,
        patient=ticket.patient,
        lead=ticket.lead,
    )


def standing_of(agent: LiveAgent, now: float) -> Standing:
    """What an agent is, besides his presence, as data."""
    return Standing(
        state=agent.state,
        age=now - agent.since,
        reason=agent.reason,
        idle_age=None if agent.idle_since is None else now - agent.idle_since,
        calls=agent.calls,
        talk_seconds=agent.talk_seconds,
        occupancy=agent.occupancy,
        weighed_age=now - agent.weighed_at,
        wrap_ups=tuple(
            WrapUp(
                contact=work.ticket.contact,
                queue=work.ticket.queue.id,
                age=now - work.since,
                left=work.timer.when - now if work.timer is not None else 0.0,
                capacity=work.capacity,
                gives_way=work.gives_way,
            )
            for work in agent.engagements
            if work.state is AgentState.WRAP_UP
        ),
    )


def check(floor: Floor, contact: ContactId, place: ContactPlace) -> None:
    """Raise BadSnapshot with the reason why the contact cannot be put back there; change nothing."""
    if contact in floor.tickets:
        raise BadSnapshot(f"contact {contact} has a place already")
    if place.queue and place.queue not in floor.queues:
        raise BadSnapshot(f"contact {contact}: there is no queue {place.queue} any more")
    if place.priority not in PRIORITIES:
        raise BadSnapshot(f"contact {contact}: priority {place.priority} is none")
    for seconds in (place.age, place.phase_age, place.wrap_up_seconds, place.preferred_seconds, place.lead):
        if not (math.isfinite(seconds) and seconds >= 0):
            raise BadSnapshot(f"contact {contact}: {seconds} seconds are no age")
    if place.phase is Phase.TALKING:
        _check_talk(floor, contact, place)


def restore(floor: Floor, event: RestoreContact) -> None:
    """Put a contact back; it did not arrive anew, so nothing is told but what happens to it from now on."""
    contact, place = event.contact, event.place
    check(floor, contact, place)
    ticket = bare_ticket(floor, contact, place)
    match place.phase:
        case Phase.WAITING:
            floor.enter_queue(ticket)
            wait_on(floor, ticket)
        case Phase.OFFERED:
            floor.enter_queue(ticket)
            _restore_offer(floor, ticket, place)
        case Phase.TALKING:
            floor.tickets[contact] = ticket
            _restore_talk(floor, ticket, place)
        case _:
            assert_never(place.phase)


def bare_ticket(floor: Floor, contact: ContactId, place: ContactPlace) -> Ticket:
    """A ticket of its age and rank, not yet anywhere."""
    queue = floor.queue(place.queue)
    ticket = Ticket(contact, queue, place.priority, floor.now - place.age)
    ticket.hops, ticket.patient, ticket.lead = place.hops, place.patient, place.lead
    ticket.preferred = _agent(floor, place.preferred)
    ticket.preferred_until = floor.now + place.preferred_seconds
    return ticket


def engage(
    floor: Floor, ticket: Ticket, agent: LiveAgent, state: AgentState, age: float, capacity: int, gives_way: bool
) -> Engagement:
    """Tie contact and agent together as they were, ``age`` seconds into the offer, the talk or the wrap-up."""
    engagement = Engagement(ticket, agent, state, floor.now - age, floor.next_place(), capacity, gives_way)
    agent.place = 0
    agent.take(engagement)
    if state is AgentState.RESERVED:
        ticket.offers.append(engagement)
    elif state in _WITH_TALK:
        ticket.talk = engagement
    return engagement


def _check_talk(floor: Floor, contact: ContactId, place: ContactPlace) -> None:
    agent = _agent(floor, place.agent)
    if agent is None or place.seat is None:
        raise BadSnapshot(f"contact {contact}: there is no agent {place.agent}")
    if agent.seat != place.seat and (agent.seat is not None or place.seat in floor.seats):
        raise BadSnapshot(f"contact {contact}: agent {agent.id} is not at seat {place.seat} any more")
    firm = [work for work in agent.engagements if work.state is not AgentState.RESERVED and not work.gives_way]
    config = floor.queue(place.queue).config
    if not config.gives_way and sum(work.capacity for work in firm) + config.capacity > CAPACITY:
        raise BadSnapshot(f"contact {contact}: agent {agent.id} is {agent.state} with another contact")


def _restore_offer(floor: Floor, ticket: Ticket, place: ContactPlace) -> None:
    """The phone rings on for what is left of its time, if its agent is still free; else it is told to stop."""
    agent, queue = _agent(floor, place.agent), ticket.queue
    free = agent is not None and agent.seat is not None and agent.seat == place.seat
    if agent is None or not free or not _may_ring(agent, ticket):
        if place.agent is not None:
            floor.effects.append(
                OfferWithdrawn(contact=ticket.contact, agent=place.agent, end=OfferEnd.WITHDRAWN),
            )
        wait_on(floor, ticket)
        return
    config = queue.config
    engagement = engage(
        floor, ticket, agent, AgentState.RESERVED, place.phase_age, config.capacity, config.gives_way
    )
    left = max(0.0, place.lead + config.ring_seconds - place.phase_age)
    engagement.timer = floor.timer(engagement, floor.now + left, agent.id)
    settle(floor, agent)
    wait_on(floor, ticket)


def _may_ring(agent: LiveAgent, ticket: Ticket) -> bool:
    """An agent who was taken back is reserved still, if matching did not begin yet, or ready."""
    ringable = agent.asked is AgentState.READY or agent.state is AgentState.RESERVED
    return ringable and agent.has_room(ticket.queue.groups[0].requirement)


def _restore_talk(floor: Floor, ticket: Ticket, place: ContactPlace) -> None:
    """The talk is a fact: an offer made to its agent meanwhile is taken back.

    An agent without a presence row had asked to sign out during the talk, and will be after it.
    """
    agent = _agent(floor, place.agent)
    assert agent is not None  # checked
    assert place.seat is not None
    others = [work.ticket for work in agent.engagements if work.state is AgentState.RESERVED]
    rung = [other for ticket in others for other in take_back(floor, ticket, OfferEnd.WITHDRAWN)]
    if agent.seat is None:
        floor.take_seat(agent, place.seat)
    config = ticket.queue.config
    state = AgentState.HELD if place.held else AgentState.TALKING
    talk = engage(floor, ticket, agent, state, place.phase_age, config.capacity, config.gives_way)
    talk.wrap_up_seconds = place.wrap_up_seconds
    chief = agent.chief()
    if chief is not None and agent.state is not chief.state:
        floor.move(agent, chief.state, contact=chief.ticket.contact, taken_back=True)
    settle(floor, agent)
    for other in others:
        wait_on(floor, other)
    for again in rung:
        if again is not agent:
            settle(floor, again)


def _agent(floor: Floor, agent: AgentId | None) -> LiveAgent | None:
    live = floor.agents.get(agent) if agent is not None else None
    return live if live is not None and not live.removed else None

"""Contacts that a restarted process takes back one by one, from what each call remembered of its place."""

from __future__ import annotations

import math
from typing import assert_never

from acd.agents import Engagement, LiveAgent
from acd.errors import BadSnapshot
from acd.events import ContactPlace, OfferPlace, Phase, RestoreContact, Standing, WrapUp
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
    """A contact's place as data."""
    talk = ticket.talk
    preferred = ticket.preferred if ticket.preferred is not None and not ticket.preferred.removed else None
    return ContactPlace(
        queue=ticket.queue.id,
        priority=ticket.priority,
        age=now - ticket.entered,
        phase=ticket.phase,
        talk_age=0.0 if talk is None else now - talk.since,
        agent=None if talk is None else talk.agent.id,
        seat=None if talk is None else talk.agent.seat,
        held=talk is not None and talk.state is AgentState.HELD,
        wrap_up_seconds=0.0 if talk is None else talk.wrap_up_seconds,
        offers=tuple(_offer_place(offer, now) for offer in ticket.offers),
        targets=ticket.targets if talk is None else 1,
        more_in=None if talk is not None or ticket.more_at is None else max(0.0, ticket.more_at - now),
        preferred=None if preferred is None else preferred.id,
        preferred_seconds=0.0 if preferred is None else max(0.0, ticket.preferred_until - now),
        hops=ticket.hops,
        patient=ticket.patient,
        mystery=ticket.mystery,
        lead=ticket.lead,
    )


def _offer_place(offer: Engagement, now: float) -> OfferPlace:
    seat, timer = offer.agent.seat, offer.timer
    assert seat is not None  # who is rung sits somewhere
    assert timer is not None  # and not for ever
    return OfferPlace(agent=offer.agent.id, seat=seat, age=now - offer.since, left=max(0.0, timer.when - now))


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
    ages = (
        place.age,
        place.talk_age,
        place.more_in or 0.0,
        *(seconds for offer in place.offers for seconds in (offer.age, offer.left)),
    )
    for seconds in (*ages, place.wrap_up_seconds, place.preferred_seconds, place.lead):
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
            _restore_offers(floor, ticket, place)
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
    ticket.mystery = place.mystery
    ticket.preferred = _agent(floor, place.preferred)
    ticket.preferred_until = floor.now + place.preferred_seconds
    if queue.rings_many():
        ticket.targets = min(place.targets, queue.config.rung_at_most)
        ticket.more_at = None if place.more_in is None else floor.now + place.more_in
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


def _restore_offers(floor: Floor, ticket: Ticket, place: ContactPlace) -> None:
    """Each phone rings on for what is left of its time, if its agent is still free; else it is told to stop."""
    config, rung = ticket.queue.config, []
    for offer in place.offers:
        agent = _agent(floor, offer.agent)
        if agent is None or not _may_ring(floor, agent, offer, ticket):
            gone = OfferWithdrawn(contact=ticket.contact, agent=offer.agent, end=OfferEnd.WITHDRAWN)
            floor.effects.append(gone)
            continue
        work = engage(floor, ticket, agent, AgentState.RESERVED, offer.age, config.capacity, config.gives_way)
        work.timer = floor.timer(work, floor.now + offer.left, agent.id)
        rung.append(agent)
    for agent in rung:
        settle(floor, agent)
    wait_on(floor, ticket)


def _may_ring(floor: Floor, agent: LiveAgent, offer: OfferPlace, ticket: Ticket) -> bool:
    """An agent is rung on, whatever he asked for meanwhile; once matching began he may not want it any more."""
    if agent.seat != offer.seat or any(agent is other.agent for other in ticket.offers):
        return False
    if not floor.matching:
        return _fits(agent, ticket)
    ringable = agent.asked is AgentState.READY or agent.state is AgentState.RESERVED
    return ringable and agent.has_room(ticket.queue.groups[0].requirement)


def _fits(agent: LiveAgent, ticket: Ticket) -> bool:
    """Whether he may have had the contact besides those that he has, in whatever order they came."""
    config = ticket.queue.config
    return (agent.soft if config.gives_way else agent.firm) + config.capacity <= CAPACITY


def _restore_talk(floor: Floor, ticket: Ticket, place: ContactPlace) -> None:
    """The talk is a fact: an offer made to its agent meanwhile is taken back, and it may find him with another
    contact, as he may have called somebody besides, or had such a call handed to him; they come in any order.

    An agent without a presence row had asked to sign out during the talk, and will be after it.
    """
    agent = _agent(floor, place.agent)
    assert agent is not None  # checked
    assert place.seat is not None
    offered = [work.ticket for work in agent.engagements if work.state is AgentState.RESERVED]
    others = offered if floor.matching or not _fits(agent, ticket) else []  # else he had them all
    rung = [other for ticket in others for other in take_back(floor, ticket, OfferEnd.WITHDRAWN)]
    if agent.seat is None:
        floor.take_seat(agent, place.seat)
    config = ticket.queue.config
    state = AgentState.HELD if place.held else AgentState.TALKING
    talk = engage(floor, ticket, agent, state, place.talk_age, config.capacity, config.gives_way)
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

"""Contacts that a restarted process takes back one by one, from what each call remembered of its place."""

from __future__ import annotations

import math
from typing import assert_never

from acd.agents import LiveAgent
from acd.errors import BadSnapshot
from acd.events import ContactPlace, Phase, RestoreContact
from acd.floor import Floor
from acd.matching import seek_agent, stop_seeking
from acd.model import PRIORITIES
from acd.queues import Ticket
from acd.talks import begin_talk, take_back
from ccplatform.contracts.routing import OfferWithdrawn
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd


def place_of(ticket: Ticket, now: float) -> ContactPlace:
    """A contact's place as data."""
    agent = ticket.agent
    return ContactPlace(
        queue=ticket.queue.id,
        priority=ticket.priority,
        age=now - ticket.entered,
        phase=ticket.phase,
        phase_age=now - ticket.phase_since if agent is not None else 0.0,
        agent=None if agent is None else agent.id,
        seat=None if agent is None else agent.seat,
        held=agent is not None and agent.state is AgentState.HELD,
        wrap_up_seconds=ticket.wrap_up_seconds,
    )


def check(floor: Floor, contact: ContactId, place: ContactPlace) -> None:
    """Raise BadSnapshot with the reason why the contact cannot be put back there; change nothing."""
    if contact in floor.tickets:
        raise BadSnapshot(f"contact {contact} has a place already")
    if place.queue not in floor.queues:
        raise BadSnapshot(f"contact {contact}: there is no queue {place.queue} any more")
    if place.priority not in PRIORITIES:
        raise BadSnapshot(f"contact {contact}: priority {place.priority} is none")
    for seconds in (place.age, place.phase_age, place.wrap_up_seconds):
        if not (math.isfinite(seconds) and seconds >= 0):
            raise BadSnapshot(f"contact {contact}: {seconds} seconds are no age")
    if place.phase is Phase.TALKING:
        _check_talk(floor, contact, place)


def restore(floor: Floor, event: RestoreContact) -> None:
    """Put a contact back; it did not arrive anew, so nothing is told but what happens to it from now on."""
    contact, place = event.contact, event.place
    check(floor, contact, place)
    ticket = Ticket(
        contact=contact,
        queue=floor.queues[place.queue],
        priority=place.priority,
        entered=floor.now - place.age,
    )
    match place.phase:
        case Phase.WAITING:
            floor.enter_queue(ticket)
            seek_agent(floor, ticket)
        case Phase.OFFERED:
            floor.enter_queue(ticket)
            _restore_offer(floor, ticket, place)
        case Phase.TALKING:
            floor.tickets[contact] = ticket
            _restore_talk(floor, ticket, place)
        case _:
            assert_never(place.phase)


def _check_talk(floor: Floor, contact: ContactId, place: ContactPlace) -> None:
    agent = _agent(floor, place.agent)
    if agent is None or place.seat is None:
        raise BadSnapshot(f"contact {contact}: there is no agent {place.agent}")
    if agent.seat != place.seat and (agent.seat is not None or place.seat in floor.seats):
        raise BadSnapshot(f"contact {contact}: agent {agent.id} is not at seat {place.seat} any more")
    if agent.state in (AgentState.TALKING, AgentState.HELD, AgentState.WRAP_UP):
        raise BadSnapshot(f"contact {contact}: agent {agent.id} is {agent.state} with another contact")


def _restore_offer(floor: Floor, ticket: Ticket, place: ContactPlace) -> None:
    """The phone rings on for what is left of its time, if its agent is still free; else it is told to stop."""
    agent = _agent(floor, place.agent)
    if agent is None or agent.seat != place.seat or agent.state is not AgentState.READY:
        if place.agent is not None:
            floor.effects.append(
                OfferWithdrawn(contact=ticket.contact, agent=place.agent, end=OfferEnd.WITHDRAWN),
            )
        seek_agent(floor, ticket)
        return
    stop_seeking(agent)
    ticket.phase = Phase.OFFERED
    ticket.phase_since = floor.now - place.phase_age
    ticket.agent = agent
    agent.ticket = ticket
    floor.set_deadline(agent, max(0.0, ticket.queue.config.ring_seconds - place.phase_age))
    floor.move(agent, AgentState.RESERVED, contact=ticket.contact)


def _restore_talk(floor: Floor, ticket: Ticket, place: ContactPlace) -> None:
    """The talk is a fact: an offer made to its agent meanwhile is taken back.

    An agent without a presence row had asked to sign out during the talk, and will be after it.
    """
    agent = _agent(floor, place.agent)
    assert agent is not None  # checked
    assert place.seat is not None
    other = agent.ticket
    if other is not None:
        take_back(floor, other)
    if agent.seat is None:
        floor.take_seat(agent, place.seat)
    stop_seeking(agent)
    begin_talk(floor, ticket, agent, place.wrap_up_seconds)
    ticket.phase_since = floor.now - place.phase_age
    state = AgentState.HELD if place.held else AgentState.TALKING
    floor.move(agent, state, contact=ticket.contact, taken_back=True)
    if other is not None:
        seek_agent(floor, other)


def _agent(floor: Floor, agent: AgentId | None) -> LiveAgent | None:
    live = floor.agents.get(agent) if agent is not None else None
    return live if live is not None and not live.removed else None

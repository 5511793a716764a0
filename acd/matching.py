"""Who gets whom. After every event: no free, reachable, suitable agent while a contact that he may take waits.

That holds because only an arriving (or returning) contact and an agent who becomes free can make a match
possible that was not there before, and both look for one at once.
"""

from __future__ import annotations

from acd.agents import LiveAgent
from acd.events import Phase
from acd.floor import Floor
from acd.order import Entry
from acd.queues import Ticket
from ccplatform.contracts.facts import Offered
from ccplatform.contracts.routing import AgentOffered
from ccplatform.contracts.words import AgentState


def seek_agent(floor: Floor, ticket: Ticket) -> None:
    """A contact came, or came back: offer it to the first free agent of its group, or let it wait."""
    entry = ticket.queue.group.free.first() if floor.matching else None
    if entry is None:
        floor.line_up(ticket)
    else:
        offer(floor, ticket, entry[2])


def seek_contact(floor: Floor, agent: LiveAgent) -> None:
    """An agent is ready: offer him the first contact over all his groups, or let him wait.

    An agent whose seat is not reachable does neither.
    """
    if agent.seat not in floor.reachable:
        return
    entry = _first_contact(agent) if floor.matching else None
    if entry is None:
        floor.line_up_free(agent)
    else:
        offer(floor, entry[2], agent)


def stop_seeking(agent: LiveAgent) -> None:
    """The agent is not free; harmless if he was not."""
    agent.place = 0


def resume(floor: Floor) -> None:
    """Match everything that came together while matching was paused: contacts in their order."""
    floor.matching = True
    waiting = [ticket for queue in floor.queues.values() for ticket in floor.in_order(queue)]
    for ticket in sorted(waiting, key=lambda ticket: ticket.key):
        entry = ticket.queue.group.free.first()
        if entry is not None:
            offer(floor, ticket, entry[2])


def offer(floor: Floor, ticket: Ticket, agent: LiveAgent) -> None:
    """Reserve the agent for the contact, for the queue's ring time."""
    queue, seat = ticket.queue, agent.seat
    assert seat is not None  # a free agent sits somewhere
    queue.step_out(ticket)
    stop_seeking(agent)
    ticket.phase = Phase.OFFERED
    ticket.phase_since = floor.now
    ticket.agent = agent
    agent.ticket = ticket
    floor.set_deadline(agent, queue.config.ring_seconds)
    floor.move(agent, AgentState.RESERVED, contact=ticket.contact)
    floor.effects.append(Offered(contact=ticket.contact, queue=queue.id, agent=agent.id, seat=seat))
    floor.effects.append(AgentOffered(contact=ticket.contact, queue=queue.id, agent=agent.id, seat=seat))


def _first_contact(agent: LiveAgent) -> Entry[Ticket] | None:
    best: Entry[Ticket] | None = None
    for group in agent.groups:
        entry = group.waiting.first()
        if entry is not None and (best is None or entry[0] < best[0]):
            best = entry
    return best

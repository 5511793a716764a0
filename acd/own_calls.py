"""Calls that no queue gave: an agent called somebody, or somebody called him. His line is taken all the same.

The contact has no place here, only the agent has a talk: it is found by both together, as a call from one agent to
another takes two of them.
"""

from __future__ import annotations

from acd.agents import Engagement
from acd.floor import Floor
from acd.matching import end_offer
from acd.model import CAPACITY
from acd.queues import Ticket
from acd.talks import settle
from acd.waiting import wait_on
from ccplatform.contracts.routing import EngageAgent, OfferWithdrawn
from ccplatform.contracts.words import AgentState, OfferEnd


def engage(floor: Floor, command: EngageAgent) -> None:
    """The agent talks from now on. It is a fact: it may find him with another contact (on a second line of his
    phone), and offers to him are taken back. Said twice, or of one who is not there, it changes nothing.

    Who has no presence row after a restart had asked to sign out during the call, and will be after it.
    """
    agent, pair = floor.agents.get(command.agent), (command.contact, command.agent)
    if agent is None or agent.removed or pair in floor.own_calls:
        return
    if agent.seat is None:
        if command.seat is None or command.seat in floor.seats:
            return
        floor.take_seat(agent, command.seat)
        floor.move(agent, AgentState.TALKING, contact=command.contact, taken_back=True)
    offered = [work for work in agent.engagements if work.state is AgentState.RESERVED]
    for work in offered:
        end_offer(floor, work, OfferEnd.WITHDRAWN)
        withdrawn = OfferWithdrawn(contact=work.ticket.contact, agent=agent.id, end=OfferEnd.WITHDRAWN)
        floor.effects.append(withdrawn)
    ticket = Ticket(command.contact, floor.direct, 1, floor.now)
    talk = Engagement(ticket, agent, AgentState.TALKING, floor.now, floor.next_place(), CAPACITY, gives_way=False)
    talk.wrap_up_seconds = command.wrap_up_seconds
    ticket.talk = floor.own_calls[pair] = talk
    agent.place = 0
    agent.take(talk)
    settle(floor, agent)
    for work in offered:
        wait_on(floor, work.ticket)

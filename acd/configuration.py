"""Agents, queues and seats change while contacts wait and talk; nobody is lost by it."""

from __future__ import annotations

from typing import assert_never

from acd import matching
from acd.agents import WITH_CONTACT, LiveAgent
from acd.errors import UnknownQueue
from acd.events import (
    Change,
    PauseMatching,
    PresenceChanged,
    RemoveAgent,
    RemoveQueue,
    ResumeMatching,
    SaveAgent,
    SaveQueue,
    SeatReachability,
)
from acd.floor import Floor
from acd.matching import seek_agent, seek_contact, stop_seeking
from acd.model import Agent, Queue
from acd.queues import LiveQueue
from acd.talks import drop_waiting, end_wrap_up
from ccplatform.contracts.routing import QueueRefused
from ccplatform.contracts.words import AgentId, AgentState, OfferEnd, QueueId, SeatId


def apply(floor: Floor, change: Change) -> None:
    """Carry a change out; raises UnknownAgent or UnknownQueue when there is nothing to remove."""
    match change:
        case SaveAgent(agent=agent):
            _save_agent(floor, agent)
        case RemoveAgent(agent=agent_id):
            _remove_agent(floor, agent_id)
        case SaveQueue(queue=queue):
            _save_queue(floor, queue)
        case RemoveQueue(queue=queue_id):
            _remove_queue(floor, queue_id)
        case SeatReachability(seat=seat, reachable=reachable):
            _set_reachable(floor, seat, reachable)
        case PauseMatching():
            floor.matching = False
        case ResumeMatching():
            matching.resume(floor)
        case _:
            assert_never(change)


def _save_agent(floor: Floor, config: Agent) -> None:
    agent = floor.agents.get(config.id)
    if agent is None:
        agent = floor.agents[config.id] = LiveAgent(config=config, since=floor.now)
    agent.config = config
    agent.removed = False
    floor.regroup(agent)
    if agent.place:
        stop_seeking(agent)
        seek_contact(floor, agent)


def _remove_agent(floor: Floor, agent_id: AgentId) -> None:
    """An agent with a contact keeps it, and its wrap-up, to the end; nobody can ask anything for him any more."""
    agent = floor.agent(agent_id)
    agent.removed = True
    agent.ask(AgentState.SIGNED_OUT)
    floor.effects.append(PresenceChanged(agent=agent_id))
    if agent.state in WITH_CONTACT:
        return
    stop_seeking(agent)
    if agent.state is AgentState.WRAP_UP:
        end_wrap_up(floor, agent)
    elif agent.state is AgentState.SIGNED_OUT:
        floor.forget_agent(agent)
    else:
        floor.leave_seat(agent)


def _save_queue(floor: Floor, config: Queue) -> None:
    queue = floor.queues.get(config.id)
    if queue is None:
        floor.queues[config.id] = LiveQueue(config=config, group=floor.join_group(config.requirement))
        return
    waiting = list(floor.in_order(queue))
    for ticket in waiting:
        queue.step_out(ticket)
    group = floor.join_group(config.requirement)
    floor.quit_group(queue.group)
    queue.config, queue.group = config, group
    for ticket in waiting:
        seek_agent(floor, ticket)


def _remove_queue(floor: Floor, queue_id: QueueId) -> None:
    """Who waits there is refused, talks that came from it go on."""
    queue = floor.queues.pop(queue_id, None)
    if queue is None:
        raise UnknownQueue(queue_id)
    tickets = sorted(queue.tickets.values(), key=queue.key)
    for ticket in tickets:
        queue.step_out(ticket)  # first of all, lest an agent set free below is offered the next of them
    for ticket in tickets:
        drop_waiting(floor, ticket, "refused", OfferEnd.WITHDRAWN)
        floor.effects.append(QueueRefused(contact=ticket.contact, queue=queue_id, reason="queue_removed"))
    floor.quit_group(queue.group)


def _set_reachable(floor: Floor, seat: SeatId, reachable: bool) -> None:
    agent = floor.seats.get(seat)
    if not reachable:
        floor.reachable.discard(seat)
        if agent is not None:
            stop_seeking(agent)
    elif seat not in floor.reachable:
        floor.reachable.add(seat)
        if agent is not None and agent.state is AgentState.READY:
            seek_contact(floor, agent)

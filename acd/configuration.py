"""Agents, queues and seats change while contacts wait and talk; nobody is lost by it."""

from __future__ import annotations

from typing import assert_never

from acd import matching
from acd.agents import LiveAgent
from acd.errors import IllegalSetting, UnknownQueue
from acd.events import (
    Change,
    OpenQueue,
    PauseMatching,
    PresenceChanged,
    RecallPace,
    RemoveAgent,
    RemoveQueue,
    ResumeMatching,
    SaveAgent,
    SaveQueue,
    SeatReachability,
)
from acd.expected_wait import Departure
from acd.floor import Floor
from acd.matching import take_back
from acd.model import Agent, Queue, TargetKind
from acd.queues import LiveQueue
from acd.talks import cut_wrap_ups, settle
from acd.waiting import drop_waiting, wait_on
from ccplatform.contracts.routing import QueueRefused
from ccplatform.contracts.words import AgentId, AgentState, OfferEnd, QueueId, SeatId


def check_queue(floor: Floor, queue: Queue) -> None:
    """Raise IllegalSetting when contacts could go round in a ring of overflows; the text names the ring."""
    beyond = {live.id: _overflows_to(live.config) for live in floor.queues.values()} | {
        queue.id: _overflows_to(queue)
    }
    trails: list[tuple[QueueId, ...]] = [(queue.id, target) for target in beyond[queue.id]]
    seen: set[QueueId] = set()
    while trails:
        trail = trails.pop()
        at = trail[-1]
        if at == queue.id:
            rule = "contacts would go round and round"
            raise IllegalSetting(f"queue {queue.id}", "overflows", " → ".join(trail), rule)
        if at not in seen:
            seen.add(at)
            trails += [(*trail, target) for target in beyond.get(at, ())]


def apply(floor: Floor, change: Change) -> None:
    """Carry a change out; raises UnknownAgent or UnknownQueue when there is nothing to change or remove."""
    match change:
        case SaveAgent(agent=agent):
            _save_agent(floor, agent)
        case RemoveAgent(agent=agent_id):
            _remove_agent(floor, agent_id)
        case SaveQueue(queue=queue):
            _save_queue(floor, queue)
        case RemoveQueue(queue=queue_id):
            _remove_queue(floor, queue_id)
        case OpenQueue(queue=queue_id, open=is_open):
            _known(floor, queue_id).open = is_open
        case RecallPace(queue=queue_id, learned=learned):
            _known(floor, queue_id).pace.recall(learned)
        case SeatReachability(seat=seat, reachable=reachable):
            _set_reachable(floor, seat, reachable)
        case PauseMatching():
            floor.matching = False
        case ResumeMatching():
            _resume(floor)
        case _:
            assert_never(change)


def _overflows_to(queue: Queue) -> list[QueueId]:
    return [QueueId(overflow.to) for overflow in queue.overflows if overflow.kind is TargetKind.QUEUE]


def _save_agent(floor: Floor, config: Agent) -> None:
    agent = floor.agents.get(config.id)
    if agent is None:
        agent = floor.agents[config.id] = LiveAgent(
            config=config, since=floor.now, robot=config.id in floor.robots
        )
    agent.config = config
    agent.removed = False
    floor.regroup(agent)
    if agent.seat is not None:
        settle(floor, agent)


def _remove_agent(floor: Floor, agent_id: AgentId) -> None:
    """An agent with a contact keeps it, and its wrap-up, to the end; nobody can ask anything for him any more."""
    agent = floor.agent(agent_id)
    agent.removed = True
    agent.place = 0
    agent.ask(AgentState.SIGNED_OUT)
    floor.effects.append(PresenceChanged(agent=agent_id))
    floor.thinned.append((agent, ()))
    if agent.has_contact():
        return
    if agent.seat is None:
        floor.forget_agent(agent)
        return
    cut_wrap_ups(floor, agent)
    settle(floor, agent)


def _save_queue(floor: Floor, config: Queue) -> None:
    """Contacts that wait keep their age and priority; offers ring on under the conditions that they were made.

    But where several agents are rung now, who was offered a contact that gave way would have room for it again:
    such offers are taken back.
    """
    check_queue(floor, config)
    queue = floor.queues.get(config.id)
    if queue is None:
        queue = floor.queues[config.id] = LiveQueue(config=config, groups=(), ageing=floor.ageing)
        queue.configure(config, floor.join_groups(queue, config))
        return
    for ticket in floor.in_order(queue):
        queue.step_out(ticket, floor.now, Departure.MOVED)
    before = queue.groups
    queue.configure(config, floor.join_groups(queue, config))
    floor.quit_groups(queue, before)
    set_free: list[LiveAgent] = []
    for ticket in queue.tickets.values():
        ticket.ring = 0
        ticket.targets, ticket.more_at = queue.targets(), None
        if queue.rings_many() and any(offer.gives_way and not config.gives_way for offer in ticket.offers):
            set_free += take_back(floor, ticket, OfferEnd.WITHDRAWN)
    for ticket in sorted(queue.tickets.values(), key=queue.key):
        wait_on(floor, ticket)
    for agent in set_free:
        settle(floor, agent)


def _remove_queue(floor: Floor, queue_id: QueueId) -> None:
    """Who waits there is refused, talks that came from it go on."""
    queue = _known(floor, queue_id)
    del floor.queues[queue_id]
    tickets = sorted(queue.tickets.values(), key=queue.key)
    for ticket in tickets:
        queue.step_out(ticket, floor.now, Departure.LOST)
        # first of all, lest an agent set free below is offered the next of them
    for ticket in tickets:
        drop_waiting(floor, ticket, "refused", OfferEnd.WITHDRAWN)
        floor.effects.append(QueueRefused(contact=ticket.contact, queue=queue_id, reason="queue_removed"))
    floor.quit_groups(queue, queue.groups)


def _known(floor: Floor, queue_id: QueueId) -> LiveQueue:
    queue = floor.queues.get(queue_id)
    if queue is None:
        raise UnknownQueue(queue_id)
    return queue


def _set_reachable(floor: Floor, seat: SeatId, reachable: bool) -> None:
    agent = floor.seats.get(seat)
    if reachable == (seat in floor.reachable):
        return
    if reachable:
        floor.reachable.add(seat)
    else:
        floor.reachable.discard(seat)
    if agent is None:
        return
    if agent.grace is not None:
        agent.grace.place = 0
        agent.grace = None
    settle(floor, agent)


def _resume(floor: Floor) -> None:
    """Everybody is back: who had a contact that did not come back has it no more; then match."""
    for agent in sorted(floor.agents.values(), key=lambda agent: agent.id):
        if agent.seat is not None:
            settle(floor, agent)
    matching.resume(floor)

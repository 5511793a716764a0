"""The whole engine as plain data and back, for a standby that takes over. Ages, never instants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from acd.agents import LiveAgent
from acd.configuration import apply
from acd.errors import BadSnapshot
from acd.events import ContactPlace, Phase, SaveAgent, SaveQueue, Standing
from acd.expected_wait import DeparturePace
from acd.floor import Floor
from acd.groups import SkillGroup
from acd.instants import set_timer
from acd.matching import seek_contact
from acd.model import Agent, Queue, Requirement
from acd.queues import NO_QUEUE, LiveQueue, Ticket
from acd.restoring import bare_ticket, engage, place_of, standing_of
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId

VERSION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """An agent's presence and standing; ``grace_in`` seconds until his lost phone makes him not ready."""

    id: AgentId
    standing: Standing
    seat: SeatId | None = None
    asked: AgentState = AgentState.SIGNED_OUT
    asked_reason: str = ""
    grace_in: float | None = None
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementRow:
    """A contact in an agent's hands; ``ends_in`` seconds until the offer or the wrap-up ends by itself."""

    contact: ContactId
    queue: QueueId
    agent: AgentId
    state: AgentState
    age: float
    capacity: int
    gives_way: bool
    wrap_up_seconds: float
    ends_in: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceRow:
    """What a queue has learned about its pace; ``age`` seconds since it last moved."""

    age: float
    seen: int
    taken: float
    moving: float
    lost: float
    waited: float
    handling: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRow:
    """Whom a round robin served last."""

    requirement: Requirement
    lap: int
    position: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineData:
    """Everything. The draws of random strategies are made anew: their law is the same."""

    version: int
    matching: bool
    agents: tuple[Agent, ...]
    queues: tuple[Queue, ...]
    closed: tuple[QueueId, ...]
    reachable: tuple[SeatId, ...]
    states: tuple[AgentRow, ...]
    contacts: dict[ContactId, ContactPlace]
    engagements: tuple[EngagementRow, ...]
    paces: dict[QueueId, PaceRow]
    memories: tuple[MemoryRow, ...]
    leaving: tuple[Queue, ...] = ()  # removed queues from which somebody still talks or wraps up


def snapshot(floor: Floor, now: float) -> dict[str, Any]:
    """The floor as JSON-able data."""
    engagements = sorted(
        (work for agent in floor.agents.values() for work in agent.engagements), key=lambda work: work.number
    )
    leaving = {
        work.ticket.queue.id: work.ticket.queue.config
        for work in engagements
        if work.ticket.queue not in (floor.queues.get(work.ticket.queue.id), floor.direct)
    }
    data = EngineData(
        version=VERSION,
        matching=floor.matching,
        agents=tuple(agent.config for agent in floor.agents.values()),
        queues=tuple(queue.config for queue in floor.queues.values()),
        closed=tuple(queue.id for queue in floor.queues.values() if not queue.open),
        reachable=tuple(sorted(floor.reachable)),
        states=tuple(_agent_row(agent, now) for agent in floor.agents.values()),
        contacts={contact: place_of(ticket, now) for contact, ticket in floor.tickets.items()},
        engagements=tuple(
            EngagementRow(
                contact=work.ticket.contact,
                queue=work.ticket.queue.id,
                agent=work.agent.id,
                state=work.state,
                age=now - work.since,
                capacity=work.capacity,
                gives_way=work.gives_way,
                wrap_up_seconds=work.wrap_up_seconds,
                ends_in=None if work.timer is None else work.timer.when - now,
            )
            for work in engagements
        ),
        paces={queue.id: _pace_row(queue.pace, now) for queue in floor.queues.values()},
        memories=tuple(
            MemoryRow(
                requirement=group.requirement, lap=group.lap, position=group.served[0], agent=group.served[1]
            )
            for group in sorted(floor.groups.values(), key=lambda group: group.requirement)
            if group.served[1]
        ),
        leaving=tuple(leaving.values()),
    )
    plain: dict[str, Any] = msgspec.to_builtins(data)
    return plain


def restore(data: dict[str, Any], floor: Floor, now: float, elapsed: float) -> None:
    """Fill an empty floor with what ``data`` describe, ``elapsed`` seconds after they were taken.

    Raises BadSnapshot.
    """
    try:
        read = msgspec.convert(data, type=EngineData)
    except msgspec.ValidationError as error:
        raise BadSnapshot(f"no snapshot of the ACD: {error}") from error
    if read.version != VERSION:
        raise BadSnapshot(f"snapshot version {read.version} is not {VERSION}")
    floor.begin(now - elapsed)
    floor.reachable = set(read.reachable)
    for queue in read.queues:
        apply(floor, SaveQueue(queue=queue))
    for agent in read.agents:
        apply(floor, SaveAgent(agent=agent))
    floor.matching = False  # everybody takes his place first; there is nothing to match in a snapshot
    try:
        _restore_memory(floor, read)
        for row in read.states:
            _restore_agent(floor, floor.agents[row.id], row)
        _restore_contacts(floor, read)
    except (KeyError, ValueError) as error:
        raise BadSnapshot(f"the snapshot contradicts itself: {error!r}") from error
    for agent_row in read.states:
        seek_contact(floor, floor.agents[agent_row.id])
    floor.matching = read.matching


def _agent_row(agent: LiveAgent, now: float) -> AgentRow:
    return AgentRow(
        id=agent.id,
        standing=standing_of(agent, now),
        seat=agent.seat,
        asked=agent.asked,
        asked_reason=agent.asked_reason,
        grace_in=None if agent.grace is None else agent.grace.when - now,
        removed=agent.removed,
    )


def _pace_row(pace: DeparturePace, now: float) -> PaceRow:
    return PaceRow(
        age=now - pace.at if pace.waiting else 0.0,
        seen=pace.seen,
        taken=pace.taken,
        moving=pace.moving,
        lost=pace.lost,
        waited=pace.waited,
        handling=pace.handling,
    )


def _restore_memory(floor: Floor, read: EngineData) -> None:
    for queue_id in read.closed:
        floor.queues[queue_id].open = False
    for memory in read.memories:
        group = floor.groups[memory.requirement]
        group.lap, group.served = memory.lap, (memory.position, memory.agent)


def _restore_agent(floor: Floor, agent: LiveAgent, row: AgentRow) -> None:
    now, standing = floor.now, row.standing
    agent.state, agent.reason, agent.since = standing.state, standing.reason, now - standing.age
    agent.asked, agent.asked_reason = row.asked, row.asked_reason
    agent.idle_since = None if standing.idle_age is None else now - standing.idle_age
    agent.calls, agent.talk_seconds = standing.calls, standing.talk_seconds
    agent.occupancy, agent.weighed_at = standing.occupancy, now - standing.weighed_age
    agent.removed = row.removed
    if row.seat is not None:
        floor.take_seat(agent, row.seat)
    if row.grace_in is not None:
        agent.grace = floor.timer(agent, now + row.grace_in, agent.id)


def _restore_contacts(floor: Floor, read: EngineData) -> None:
    """Put every contact where it was; a talk may have come from a queue that is no more."""
    gone = {
        config.id: LiveQueue(
            config=config,
            groups=tuple(SkillGroup(requirement, floor.draw) for requirement in config.requirements()),
            ageing=floor.ageing,
        )
        for config in read.leaving
    }
    for contact, place in read.contacts.items():
        if place.phase is Phase.TALKING:
            queue = gone.get(place.queue) or floor.queue(place.queue)
            ticket = Ticket(contact, queue, place.priority, floor.now - place.age, hops=place.hops)
            ticket.patient, ticket.lead = place.patient, place.lead
            ticket.mystery = place.mystery
            floor.tickets[contact] = ticket
        else:
            floor.enter_queue(bare_ticket(floor, contact, place))
    for row in read.engagements:
        _restore_engagement(floor, row, gone)
    for contact, place in read.contacts.items():
        if place.phase is not Phase.TALKING:
            _restore_wait(floor, floor.tickets[contact])
    for queue_id, pace in read.paces.items():
        floor.queues[queue_id].pace = DeparturePace(
            at=floor.now - pace.age,
            waiting=len(floor.queues[queue_id].line),
            seen=pace.seen,
            taken=pace.taken,
            moving=pace.moving,
            lost=pace.lost,
            waited=pace.waited,
            handling=pace.handling,
        )


def _restore_engagement(floor: Floor, row: EngagementRow, gone: dict[QueueId, LiveQueue]) -> None:
    placed = floor.tickets.get(row.contact)  # who was called past the queues may wait in one for another agent
    own_call = row.queue == NO_QUEUE and (placed is None or placed.queue is not floor.direct)
    if row.state is AgentState.WRAP_UP or own_call:
        queue = gone.get(row.queue) or floor.queue(row.queue)
        ticket = Ticket(row.contact, queue, 1, floor.now)
    else:
        ticket = floor.tickets[row.contact]
    agent = floor.agents[row.agent]
    work = engage(floor, ticket, agent, row.state, row.age, row.capacity, row.gives_way)
    work.wrap_up_seconds = row.wrap_up_seconds
    if own_call and row.state is not AgentState.WRAP_UP:
        floor.own_calls[row.contact, row.agent] = work
    if row.ends_in is not None:
        work.timer = floor.timer(work, floor.now + row.ends_in, agent.id)


def _restore_wait(floor: Floor, ticket: Ticket) -> None:
    if ticket.queue.timed:
        ticket.queue.open_ring(ticket, ticket.queue.ring_at(ticket, floor.now))
    if len(ticket.offers) < ticket.targets:
        floor.line_up(ticket)
    set_timer(floor, ticket)

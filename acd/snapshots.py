"""The whole engine as plain data and back, for a standby that takes over. Ages, never instants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from acd.agents import WITH_CONTACT, LiveAgent
from acd.configuration import apply
from acd.errors import BadSnapshot
from acd.events import ContactPlace, Phase, SaveAgent, SaveQueue
from acd.expected_wait import DeparturePace
from acd.floor import Floor
from acd.groups import SkillGroup
from acd.matching import seek_contact
from acd.model import Agent, Queue
from acd.queues import LiveQueue, Ticket
from acd.restoring import place_of
from acd.talks import begin_talk
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """An agent's state; ``deadline_in`` seconds until his reservation or wrap-up ends."""

    id: AgentId
    state: AgentState
    age: float
    reason: str = ""
    seat: SeatId | None = None
    asked: AgentState = AgentState.SIGNED_OUT
    asked_reason: str = ""
    idle_age: float | None = None
    deadline_in: float | None = None
    wrapping: tuple[ContactId, QueueId] | None = None
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceRow:
    """What a queue has learned about its pace."""

    gaps: tuple[float, ...]
    age: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineData:
    """Everything."""

    version: int
    matching: bool
    agents: tuple[Agent, ...]
    queues: tuple[Queue, ...]
    reachable: tuple[SeatId, ...]
    states: tuple[AgentRow, ...]
    contacts: dict[ContactId, ContactPlace]
    paces: dict[QueueId, PaceRow]
    leaving: tuple[Queue, ...] = ()  # removed queues from which somebody still talks


def snapshot(floor: Floor, now: float) -> dict[str, Any]:
    """The floor as JSON-able data."""
    leaving = {
        ticket.queue.id: ticket.queue.config
        for ticket in floor.tickets.values()
        if floor.queues.get(ticket.queue.id) is not ticket.queue
    }
    data = EngineData(
        version=VERSION,
        matching=floor.matching,
        agents=tuple(agent.config for agent in floor.agents.values()),
        queues=tuple(queue.config for queue in floor.queues.values()),
        reachable=tuple(sorted(floor.reachable)),
        states=tuple(_agent_row(agent, now) for agent in floor.agents.values()),
        contacts={contact: place_of(ticket, now) for contact, ticket in floor.tickets.items()},
        paces={queue.id: _pace_row(queue.pace, now) for queue in floor.queues.values()},
        leaving=tuple(leaving.values()),
    )
    plain: dict[str, Any] = msgspec.to_builtins(data)
    return plain


def restore(data: dict[str, Any], now: float, elapsed: float) -> Floor:
    """The floor that ``data`` describes, ``elapsed`` seconds after it was taken; raises BadSnapshot."""
    try:
        read = msgspec.convert(data, type=EngineData)
    except msgspec.ValidationError as error:
        raise BadSnapshot(f"no snapshot of the ACD: {error}") from error
    if read.version != VERSION:
        raise BadSnapshot(f"snapshot version {read.version} is not {VERSION}")
    floor = Floor()
    floor.begin(now - elapsed)
    floor.reachable = set(read.reachable)
    for queue in read.queues:
        apply(floor, SaveQueue(queue=queue))
    for agent in read.agents:
        apply(floor, SaveAgent(agent=agent))
    floor.matching = False  # everybody takes his place first; there is nothing to match in a snapshot
    try:
        for row in read.states:
            _restore_agent(floor, floor.agents[row.id], row)
        _restore_contacts(floor, read)
    except (KeyError, AssertionError) as error:
        raise BadSnapshot(f"the snapshot contradicts itself: {error!r}") from error
    for queue_id, pace in read.paces.items():
        began = None if pace.age is None else floor.now - pace.age
        floor.queues[queue_id].pace = DeparturePace(pace.gaps, began)
    floor.matching = read.matching
    return floor


def _agent_row(agent: LiveAgent, now: float) -> AgentRow:
    return AgentRow(
        id=agent.id,
        state=agent.state,
        age=now - agent.since,
        reason=agent.reason,
        seat=agent.seat,
        asked=agent.asked,
        asked_reason=agent.asked_reason,
        idle_age=None if agent.idle_since is None else now - agent.idle_since,
        deadline_in=None if agent.deadline is None else agent.deadline.when - now,
        wrapping=agent.wrapping,
        removed=agent.removed,
    )


def _pace_row(pace: DeparturePace, now: float) -> PaceRow:
    return PaceRow(gaps=pace.gaps, age=None if pace.began is None else now - pace.began)


def _restore_agent(floor: Floor, agent: LiveAgent, row: AgentRow) -> None:
    agent.state, agent.reason, agent.since = row.state, row.reason, floor.now - row.age
    agent.asked, agent.asked_reason = row.asked, row.asked_reason
    agent.idle_since = None if row.idle_age is None else floor.now - row.idle_age
    agent.wrapping, agent.removed = row.wrapping, row.removed
    if row.seat is not None:
        floor.take_seat(agent, row.seat)
    if row.deadline_in is not None:
        floor.set_deadline(agent, row.deadline_in)
    if row.state is AgentState.READY:
        seek_contact(floor, agent)


def _restore_contacts(floor: Floor, read: EngineData) -> None:
    """Put every contact where it was; a talk may have come from a queue that is no more."""
    gone = {config.id: LiveQueue(config=config, group=SkillGroup(config.requirement)) for config in read.leaving}
    for contact, place in read.contacts.items():
        talking = place.phase is Phase.TALKING
        queue = gone.get(place.queue) if talking else None
        ticket = Ticket(
            contact=contact,
            queue=queue or floor.queues[place.queue],
            priority=place.priority,
            entered=floor.now - place.age,
        )
        if talking:
            floor.tickets[contact] = ticket
        else:
            floor.enter_queue(ticket)
        if place.agent is None:
            floor.line_up(ticket)
            continue
        agent = floor.agents[place.agent]
        assert agent.state in WITH_CONTACT
        begin_talk(floor, ticket, agent, place.wrap_up_seconds)
        ticket.phase = place.phase
        ticket.phase_since = floor.now - place.phase_age

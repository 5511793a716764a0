"""What others may see of agents and queues: plain rows, for the live view's first picture."""

from __future__ import annotations

from dataclasses import dataclass

from acd.agents import LiveAgent
from acd.queues import LiveQueue
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """An agent now. ``since_age``: seconds in this state, ``left``: until it ends by itself (None: it does not);
    ``asked``: the state he is in when he has no contact."""

    id: AgentId
    name: str
    team: str
    skills: dict[str, int]
    state: AgentState
    reason: str
    seat: SeatId | None
    since_age: float
    left: float | None
    asked: AgentState
    contact: ContactId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """A queue now. ``waiting`` includes offered contacts; ``expected_wait_seconds`` is for the next to come."""

    id: QueueId
    name: str
    skill: str
    min_level: int
    waiting: int
    longest_wait_seconds: float
    expected_wait_seconds: float | None
    service_level_seconds: float
    service_level_ratio: float
    max_waiting: int
    music: str


def agent_view(agent: LiveAgent, now: float) -> AgentView:
    """The row of an agent."""
    chief, ends_at = agent.chief(), agent.ends_at()
    return AgentView(
        id=agent.id,
        name=agent.config.name,
        team=agent.config.team,
        skills={str(skill): level for skill, level in agent.config.skills.items()},
        state=agent.state,
        reason=agent.reason,
        seat=agent.seat,
        since_age=now - agent.since,
        left=None if ends_at is None else max(0.0, ends_at - now),
        asked=agent.asked,
        contact=chief.ticket.contact if chief is not None else None,
    )


def queue_view(queue: LiveQueue, now: float) -> QueueView:
    """The row of a queue."""
    config = queue.config
    return QueueView(
        id=queue.id,
        name=config.name,
        skill=config.skill,
        min_level=config.min_level,
        waiting=len(queue.tickets),
        longest_wait_seconds=queue.longest_wait(now),
        expected_wait_seconds=queue.expected_wait(len(queue.line) + 1, now),
        service_level_seconds=config.service_level_seconds,
        service_level_ratio=config.service_level_ratio,
        max_waiting=config.max_waiting,
        music=config.music,
    )

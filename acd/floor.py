"""The state of the engine: the floor with its agents, seats, queues and contacts, and the steps all rules share.

Rules live in :mod:`acd.desk` (agents' commands), :mod:`acd.matching` (who gets whom), :mod:`acd.talks` (offers,
talks, wrap-up) and :mod:`acd.configuration`; they are functions over a :class:`Floor`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from acd.agents import Deadline, LiveAgent
from acd.errors import UnknownAgent
from acd.events import Effect, Phase
from acd.groups import SkillGroup
from acd.model import Requirement, SkillId
from acd.order import Order
from acd.queues import LiveQueue, Ticket
from ccplatform.contracts.facts import QueueLeft
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId


class Floor:
    """Everything the engine knows. ``now`` and ``effects`` are those of the event being handled."""

    def __init__(self) -> None:
        self.now = 0.0
        self.effects: list[Effect] = []
        self.matching = True
        self.agents: dict[AgentId, LiveAgent] = {}
        self.seats: dict[SeatId, LiveAgent] = {}
        self.reachable: set[SeatId] = set()
        self.queues: dict[QueueId, LiveQueue] = {}
        self.groups: dict[Requirement, SkillGroup] = {}
        self.groups_by_skill: dict[SkillId, list[SkillGroup]] = {}
        self.tickets: dict[ContactId, Ticket] = {}
        self.deadlines: Order[Deadline] = Order()
        self._places = count(1)

    def begin(self, now: float) -> list[Effect]:
        """Start handling an event; the list fills with its effects."""
        self.now = now
        self.effects = []
        return self.effects

    def agent(self, agent: AgentId) -> LiveAgent:
        """An agent by his id; raises UnknownAgent."""
        live = self.agents.get(agent)
        if live is None or live.removed:
            raise UnknownAgent(agent)
        return live

    # --- agents ---

    def move(
        self,
        agent: LiveAgent,
        state: AgentState,
        reason: str = "",
        contact: ContactId | None = None,
        *,
        taken_back: bool = False,
    ) -> None:
        """Change an agent's state and tell it."""
        self.effects.append(
            agent.enter(state, self.now, reason=reason, contact=contact, taken_back=taken_back),
        )

    def take_seat(self, agent: LiveAgent, seat: SeatId) -> None:
        """One agent per seat, one seat per agent."""
        agent.seat = seat
        self.seats[seat] = agent

    def leave_seat(self, agent: LiveAgent) -> None:
        """Sign the agent out; an agent who was removed is forgotten."""
        if agent.seat is not None:
            del self.seats[agent.seat]
        agent.seat = None
        agent.idle_since = None
        agent.ask(AgentState.SIGNED_OUT)
        self.move(agent, AgentState.SIGNED_OUT)
        if agent.removed:
            self.forget_agent(agent)

    def forget_agent(self, agent: LiveAgent) -> None:
        """The agent is no more."""
        agent.groups = ()
        del self.agents[agent.id]

    def set_deadline(self, agent: LiveAgent, seconds: float) -> None:
        """Let the agent's state end by itself after ``seconds``."""
        deadline = Deadline(when=self.now + seconds, agent=agent, place=next(self._places))
        agent.deadline = deadline
        self.deadlines.add((deadline.when, agent.id), deadline)

    def clear_deadline(self, agent: LiveAgent) -> None:
        """The state ended otherwise."""
        if agent.deadline is not None:
            agent.deadline.place = 0
            agent.deadline = None

    # --- free agents ---

    def line_up_free(self, agent: LiveAgent) -> None:
        """The agent waits for a contact, in all of his groups."""
        agent.place = next(self._places)
        for group in agent.groups:
            group.add_free(agent)

    def regroup(self, agent: LiveAgent) -> None:
        """Find the groups that the agent's skills open to him."""
        agent.groups = tuple(
            group
            for skill in agent.config.skills
            for group in self.groups_by_skill.get(skill, ())
            if agent.config.meets(group.requirement)
        )

    def join_group(self, requirement: Requirement) -> SkillGroup:
        """The group of a queue's requirement, made with its agents when the queue is the first to need it."""
        group = self.groups.get(requirement)
        if group is None:
            group = self.groups[requirement] = SkillGroup(requirement)
            self.groups_by_skill.setdefault(requirement.skill, []).append(group)
            for agent in self.agents.values():
                if agent.config.meets(requirement):
                    agent.groups += (group,)
                    if agent.place:
                        group.add_free(agent)
        group.queues += 1
        return group

    def quit_group(self, group: SkillGroup) -> None:
        """A queue needs the group no longer; a group without queues is no more."""
        group.queues -= 1
        if group.queues:
            return
        del self.groups[group.requirement]
        siblings = self.groups_by_skill[group.requirement.skill]
        siblings.remove(group)
        if not siblings:
            del self.groups_by_skill[group.requirement.skill]
        for agent in self.agents.values():
            if group in agent.groups:
                agent.groups = tuple(other for other in agent.groups if other is not group)

    # --- contacts ---

    def enter_queue(self, ticket: Ticket) -> None:
        """The contact belongs to its queue, until answered or gone."""
        queue = ticket.queue
        if not queue.tickets:
            queue.pace.waiting_began(self.now)
        queue.tickets[ticket.contact] = ticket
        self.tickets[ticket.contact] = ticket

    def line_up(self, ticket: Ticket) -> None:
        """The contact waits for an agent."""
        ticket.phase = Phase.WAITING
        ticket.queue.line_up(ticket, next(self._places))

    def leave_queue(self, ticket: Ticket, reason: str) -> None:
        """The contact waits no longer and is not offered any more; told once per contact and queue."""
        queue = ticket.queue
        queue.step_out(ticket)
        del queue.tickets[ticket.contact]
        queue.pace.departed(self.now, len(queue.tickets))
        self.effects.append(
            QueueLeft(
                contact=ticket.contact,
                queue=queue.id,
                reason=reason,
                waited_seconds=self.now - ticket.entered,
            )
        )

    def in_order(self, queue: LiveQueue) -> Iterable[Ticket]:
        """The waiting contacts of a queue, first come first."""
        return [queue.tickets[key[2]] for key in queue.line]

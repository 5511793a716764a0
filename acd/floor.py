"""The state of the engine: the floor with its agents, seats, queues and contacts, and the steps all rules share.

Rules live in :mod:`acd.desk` (agents' commands), :mod:`acd.entering` (into a queue and out of it),
:mod:`acd.matching` (who gets whom), :mod:`acd.offers`, :mod:`acd.talks` and :mod:`acd.configuration`; they are
functions over a :class:`Floor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

from acd.agents import Engagement, LiveAgent
from acd.errors import UnknownAgent
from acd.events import Effect
from acd.expected_wait import Departure
from acd.groups import SkillGroup
from acd.model import Queue, Requirement
from acd.order import Order
from acd.queues import LiveQueue, Ticket, direct_line
from acd.skills import SkillId, meets, skills_of
from acd.timers import Timer, TimerOwner
from ccplatform.contracts.facts import QueueLeft
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId

#: Reasons to leave a queue that say that an agent took the contact.
TAKEN = frozenset({"answered", "called_back"})


class Floor:
    """Everything the engine knows. ``now`` and ``effects`` are those of the event being handled.

    ``ageing``: seconds of waiting that count as one step of priority (0: none); ``grace``: seconds that an
    agent's phone may be away; ``draw`` gives numbers from [0, 1); ``robots`` are agents who answer test calls
    only.
    """

    def __init__(
        self,
        *,
        ageing: float,
        grace: float,
        draw: Callable[[], float],
        robots: frozenset[AgentId] = frozenset(),
    ) -> None:
        self.robots = robots
        self.ageing = ageing
        self.grace = grace
        self.draw = draw
        self.now = 0.0
        self.effects: list[Effect] = []
        self.matching = True
        self.agents: dict[AgentId, LiveAgent] = {}
        self.seats: dict[SeatId, LiveAgent] = {}
        self.reachable: set[SeatId] = set()
        self.queues: dict[QueueId, LiveQueue] = {}
        self.direct = direct_line(draw)
        #: Talks of agents who called somebody, or were called, past the queues: see :mod:`acd.own_calls`.
        self.own_calls: dict[tuple[ContactId, AgentId], Engagement] = {}
        self.groups: dict[Requirement, SkillGroup] = {}
        self.groups_by_skill: dict[SkillId, list[SkillGroup]] = {}
        self.tickets: dict[ContactId, Ticket] = {}
        self.timers: Order[Timer] = Order()
        #: Who left, and groups that lost somebody, during this event: contacts may wait for them in vain.
        self.thinned: list[tuple[LiveAgent, tuple[SkillGroup, ...]]] = []
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

    def queue(self, name: QueueId) -> LiveQueue:
        """A queue by its id, or the direct line; raises KeyError."""
        return self.queues[name] if name else self.direct

    def next_place(self) -> int:
        """A number that no place in a line has had before."""
        return next(self._places)

    # --- timers ---

    def timer(self, owner: TimerOwner, when: float, tie: str) -> Timer:
        """Let something end by itself at an instant."""
        timer = Timer(when, owner, self.next_place())
        self.timers.add(when, tie, timer)
        return timer

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
        """Change an agent's state and tell it, and how long it lasts if nothing happens."""
        ends_at = agent.ends_at()
        self.effects.append(
            agent.enter(
                state,
                self.now,
                reason=reason,
                contact=contact,
                limit_seconds=None if ends_at is None else ends_at - self.now,
                taken_back=taken_back,
            ),
        )

    def take_seat(self, agent: LiveAgent, seat: SeatId) -> None:
        """One agent per seat, one seat per agent."""
        if agent.seat is None:
            for group in agent.groups:
                group.staff += 1
        agent.seat = seat
        self.seats[seat] = agent

    def leave_seat(self, agent: LiveAgent) -> None:
        """Sign the agent out; his counts begin anew with his next shift. An agent who was removed is forgotten."""
        if agent.seat is not None:
            del self.seats[agent.seat]
            for group in agent.groups:
                group.staff -= 1
        if agent.grace is not None:
            agent.grace.place = 0
            agent.grace = None
        self.thinned.append((agent, agent.groups))
        agent.seat = None
        agent.place = 0
        agent.ask(AgentState.SIGNED_OUT)
        self.move(agent, AgentState.SIGNED_OUT)
        agent.idle_since = None
        agent.calls, agent.talk_seconds, agent.occupancy = 0, 0.0, 0.0
        if agent.removed:
            self.forget_agent(agent)

    def forget_agent(self, agent: LiveAgent) -> None:
        """The agent is no more."""
        agent.groups = ()
        del self.agents[agent.id]

    # --- free agents ---

    def line_up_free(self, agent: LiveAgent) -> None:
        """The agent waits for a contact, in all of his groups for whose contacts he has room."""
        agent.place = next(self._places)
        if agent.firm or agent.soft:
            for group in agent.groups:
                if agent.has_room(group.requirement):
                    group.add_free(agent)
        else:
            for group in agent.groups:
                group.add_free(agent)

    def regroup(self, agent: LiveAgent) -> None:
        """Find the groups that the agent's skills open to him."""
        skills, before = agent.config.skills, agent.groups
        if agent.robot:
            return
        candidates = {
            id(group): group for skill in skills for group in self.groups_by_skill.get(skill, ())
        }  # by id: in the order of the agent's skills, each group once
        agent.groups = tuple(group for group in candidates.values() if meets(group.requirement.need, skills))
        if agent.seat is not None:
            self.thinned.append((agent, before))
            for group in before:
                group.staff -= 1
            for group in agent.groups:
                group.staff += 1

    def join_groups(self, queue: LiveQueue, config: Queue) -> tuple[SkillGroup, ...]:
        """The groups of a queue's rings, made with their agents where the queue is the first to need them."""
        groups = tuple(self._group(requirement) for requirement in config.requirements())
        for group in groups:
            group.queues.append(queue)
        return groups

    def _group(self, requirement: Requirement) -> SkillGroup:
        group = self.groups.get(requirement)
        if group is not None:
            return group
        group = self.groups[requirement] = SkillGroup(requirement, self.draw)
        for skill in skills_of(requirement.need):
            self.groups_by_skill.setdefault(skill, []).append(group)
        for agent in self.agents.values():
            if not agent.robot and meets(requirement.need, agent.config.skills):
                agent.groups += (group,)
                group.staff += agent.seat is not None
                if agent.place and agent.has_room(requirement):
                    group.add_free(agent)
        return group

    def quit_groups(self, queue: LiveQueue, groups: tuple[SkillGroup, ...]) -> None:
        """A queue needs these groups no longer; a group without queues is no more."""
        for group in groups:
            group.queues.remove(queue)
            if group.queues:
                continue
            del self.groups[group.requirement]
            for skill in skills_of(group.requirement.need):
                siblings = self.groups_by_skill[skill]
                siblings.remove(group)
                if not siblings:
                    del self.groups_by_skill[skill]
            for agent in self.agents.values():
                if group in agent.groups:
                    agent.groups = tuple(other for other in agent.groups if other is not group)

    # --- contacts ---

    def enter_queue(self, ticket: Ticket) -> None:
        """The contact belongs to its queue, until answered or gone."""
        ticket.queue.tickets[ticket.contact] = ticket
        self.tickets[ticket.contact] = ticket

    def line_up(self, ticket: Ticket) -> None:
        """The contact waits for an agent; if it does already, it stays where it is."""
        if not ticket.place:
            ticket.queue.line_up(ticket, next(self._places), self.now)

    def leave_queue(self, ticket: Ticket, reason: str) -> None:
        """The contact waits no longer and is not offered any more; told once per contact and queue."""
        queue = ticket.queue
        queue.step_out(ticket, self.now, Departure.TAKEN if reason in TAKEN else Departure.LOST)
        del queue.tickets[ticket.contact]
        if ticket.timer is not None:
            ticket.timer.place = 0
            ticket.timer = None
        if queue is self.direct:
            return
        self.effects.append(
            QueueLeft(
                contact=ticket.contact,
                queue=queue.id,
                reason=reason,
                waited_seconds=self.now - ticket.entered,
                expected_seconds=queue.expected_wait(len(queue.line) + 1, self.now),
            )
        )

    def in_order(self, queue: LiveQueue) -> Iterable[Ticket]:
        """The waiting contacts of a queue, first come first."""
        return [queue.tickets[key[1]] for key in queue.line]

"""The agent state machine: one table of transitions, and an agent as the engine holds him.

An agent's state follows from his contacts (offered, talking, held, in wrap-up) and, without one, from what he
asked for. :meth:`LiveAgent.enter` is the only way from one state to the next and makes the fact that closes the
interval, so that intervals have neither gaps nor overlaps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acd.errors import IllegalTransition
from acd.model import CAPACITY, Agent, Requirement
from acd.order import Order
from ccplatform.contracts.facts import AgentStateChanged
from ccplatform.contracts.words import AgentId, AgentState, ContactId, SeatId

if TYPE_CHECKING:
    from acd.groups import SkillGroup
    from acd.queues import Ticket
    from acd.timers import Timer

_S = AgentState

#: From each state to each that may follow, and why.
TRANSITIONS: Mapping[AgentState, Mapping[AgentState, str]] = {
    _S.SIGNED_OUT: {_S.NOT_READY: "signs in"},
    _S.NOT_READY: {
        _S.READY: "asks for it",
        _S.NOT_READY: "gives another reason",
        _S.SIGNED_OUT: "signs out",
        _S.RESERVED: "picks a waiting contact up",
        _S.TALKING: "calls somebody, or is called, past the queues",
    },
    _S.READY: {
        _S.TALKING: "calls somebody, or is called, past the queues",
        _S.RESERVED: "a contact is offered",
        _S.NOT_READY: "asks for it, or his phone was away too long",
        _S.SIGNED_OUT: "signs out",
    },
    _S.RESERVED: {
        _S.TALKING: "answers",
        _S.READY: "the caller left or the offer was taken back",
        _S.NOT_READY: "does not answer, rejects, is unreachable, or asked for it",
        _S.SIGNED_OUT: "the offer ended and he had asked for it",
        _S.WRAP_UP: "the offer ended during the wrap-up of another contact",
    },
    _S.TALKING: {
        _S.HELD: "puts the caller on hold, or only held contacts are left",
        _S.RESERVED: "the talk ended while another contact is offered",
        _S.WRAP_UP: "the talk ended",
        _S.READY: "the talk ended, no wrap-up",
        _S.NOT_READY: "the talk ended, no wrap-up, asked for it",
        _S.SIGNED_OUT: "the talk ended, no wrap-up, asked for it",
    },
    _S.HELD: {
        _S.TALKING: "takes the caller back, or answers another contact",
        _S.RESERVED: "the talk ended while another contact is offered",
        _S.WRAP_UP: "the talk ended",
        _S.READY: "the talk ended, no wrap-up",
        _S.NOT_READY: "the talk ended, no wrap-up, asked for it",
        _S.SIGNED_OUT: "the talk ended, no wrap-up, asked for it",
    },
    _S.WRAP_UP: {
        _S.RESERVED: "has room for another contact, which is offered",
        _S.TALKING: "calls somebody, or is called, past the queues",
        _S.READY: "wrap-up is over or cut",
        _S.NOT_READY: "wrap-up is over or cut, asked for it",
        _S.SIGNED_OUT: "wrap-up is over or cut, asked for it",
    },
}

#: Further transitions, only when a restarted process takes agents and calls back.
TAKEN_BACK: Mapping[AgentState, frozenset[AgentState]] = {
    _S.SIGNED_OUT: frozenset({_S.READY, _S.NOT_READY, _S.TALKING, _S.HELD}),
    _S.NOT_READY: frozenset({_S.HELD}),
    _S.READY: frozenset({_S.HELD, _S.WRAP_UP}),
    _S.RESERVED: frozenset({_S.HELD}),
    _S.WRAP_UP: frozenset({_S.HELD}),
}

#: States in which the agent has a contact; a state asked for now takes effect later.
WITH_CONTACT = frozenset({_S.RESERVED, _S.TALKING, _S.HELD})

#: Of several contacts, the one whose state is the agent's has the highest rank.
_RANK = {_S.TALKING: 4, _S.HELD: 3, _S.RESERVED: 2, _S.WRAP_UP: 1}

#: What a state is for occupancy: at work, waiting for work; away from work else.
_AT_WORK = frozenset(_RANK)
#: Occupancy forgets with this time constant, seconds.
OCCUPANCY_SECONDS = 1800.0


@dataclass(slots=True, eq=False)
class Engagement:
    """A contact in an agent's hands; ``number`` counts them all.

    ``since`` is when the offer, the talk or the wrap-up began.
    """

    ticket: Ticket
    agent: LiveAgent
    state: AgentState  # reserved, talking, held, wrap_up
    since: float
    number: int
    capacity: int
    gives_way: bool
    wrap_up_seconds: float = 0.0
    timer: Timer | None = None


@dataclass(slots=True, eq=False)
class LiveAgent:
    """An agent in the running engine; instants are monotonic seconds.

    ``asked`` is the state that he wants to be in when he has no contact. ``idle_since`` is what *longest idle*
    goes by: the end of his last talk's wrap-up (of the talk, where there is none) since he signed in, or, before
    his first talk, the moment he first was ready. Breaks, unanswered offers and a phone that was away do not move
    it. ``place`` is his number among the free agents, 0 when he is not one of them. ``firm`` and ``soft`` are
    what his contacts take of his capacity, those that give way counted apart. ``calls``, ``talk_seconds`` and
    ``occupancy`` count from when he signed in. A ``robot`` is of no group: see :mod:`acd.matching`.
    """

    config: Agent
    since: float
    robot: bool = False
    state: AgentState = AgentState.SIGNED_OUT
    reason: str = ""
    seat: SeatId | None = None
    asked: AgentState = AgentState.SIGNED_OUT
    asked_reason: str = ""
    idle_since: float | None = None
    engagements: list[Engagement] = field(default_factory=list)
    firm: int = 0
    soft: int = 0
    groups: tuple[SkillGroup, ...] = ()
    own: Order[Ticket] | None = None  # contacts that want him and, for the time being, nobody else
    place: int = 0
    calls: int = 0
    talk_seconds: float = 0.0
    occupancy: float = 0.0
    weighed_at: float = field(init=False)
    grace: Timer | None = None
    removed: bool = False
    id: AgentId = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.config.id
        self.weighed_at = self.since

    def enter(
        self,
        state: AgentState,
        now: float,
        *,
        reason: str = "",
        contact: ContactId | None = None,
        limit_seconds: float | None = None,
        taken_back: bool = False,
    ) -> AgentStateChanged:
        """Change state and tell the interval that ended; raises IllegalTransition and changes nothing."""
        previous = self.state
        if state not in TRANSITIONS[previous] and not (taken_back and state in TAKEN_BACK.get(previous, ())):
            raise IllegalTransition(self.id, previous, state)
        if (previous in _AT_WORK) is not (state in _AT_WORK) or previous is _S.READY or state is _S.READY:
            self.weigh(now)
        fact = AgentStateChanged(
            agent=self.id,
            seat=self.seat,
            state=state,
            reason=reason,
            previous=previous,
            previous_seconds=now - self.since,
            contact=contact,
            limit_seconds=limit_seconds,
            robot=self.robot,
        )
        self.state = state
        self.reason = reason
        self.since = now
        return fact

    def ask(self, state: AgentState, reason: str = "") -> None:
        """Remember the state to be in when no contact is at hand."""
        self.asked = state
        self.asked_reason = reason

    def chief(self) -> Engagement | None:
        """The contact that decides the agent's state; None when he has none, nor wrap-up."""
        engagements = self.engagements
        if len(engagements) < 2:
            return engagements[0] if engagements else None
        return max(engagements, key=lambda engagement: _RANK[engagement.state])

    def ends_at(self) -> float | None:
        """When his state ends by itself; None: it does not."""
        chief = self.chief()
        return None if chief is None or chief.timer is None else chief.timer.when

    def has_contact(self) -> bool:
        """Whether a contact is offered to him or talks with him; wrap-up is none."""
        return any(engagement.state is not _S.WRAP_UP for engagement in self.engagements)

    def wait_for(self, ticket: Ticket) -> None:
        """The contact, in line, waits for him alone."""
        if self.own is None:
            self.own = Order()
        self.own.add(*ticket.key, ticket)

    # --- capacity ---

    def take(self, engagement: Engagement) -> None:
        """The contact takes its part of the agent."""
        self.engagements.append(engagement)
        if engagement.gives_way:
            self.soft += engagement.capacity
        else:
            self.firm += engagement.capacity

    def drop(self, engagement: Engagement) -> None:
        """The agent is done with the contact."""
        self.engagements.remove(engagement)
        if engagement.gives_way:
            self.soft -= engagement.capacity
        else:
            self.firm -= engagement.capacity

    def has_room(self, requirement: Requirement) -> bool:
        """Whether one more such contact fits into what is free of the agent."""
        taken = self.firm + self.soft if requirement.gives_way else self.firm
        return taken + requirement.capacity <= CAPACITY

    # --- occupancy ---

    def weigh(self, now: float) -> None:
        """Bring the occupancy up to date: it strives to 1 at work, to 0 in readiness, and rests otherwise."""
        if self.state in _AT_WORK:
            self.occupancy = 1.0 - (1.0 - self.occupancy) * self._faded(now)
        elif self.state is _S.READY:
            self.occupancy *= self._faded(now)
        self.weighed_at = now

    def _faded(self, now: float) -> float:
        return math.exp(-max(0.0, now - self.weighed_at) / OCCUPANCY_SECONDS)

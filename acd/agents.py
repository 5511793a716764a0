"""The agent state machine: one table of transitions, and an agent as the engine holds him.

An agent is always in exactly one state; :meth:`LiveAgent.enter` is the only way from one to the next and makes
the fact that closes the interval, so that intervals have neither gaps nor overlaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acd.errors import IllegalTransition
from acd.model import Agent
from ccplatform.contracts.facts import AgentStateChanged
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId

if TYPE_CHECKING:
    from acd.groups import SkillGroup
    from acd.queues import Ticket

_S = AgentState

#: From each state to each that may follow, and why.
TRANSITIONS: Mapping[AgentState, Mapping[AgentState, str]] = {
    _S.SIGNED_OUT: {_S.NOT_READY: "signs in"},
    _S.NOT_READY: {
        _S.READY: "asks for it",
        _S.NOT_READY: "gives another reason",
        _S.SIGNED_OUT: "signs out",
    },
    _S.READY: {
        _S.RESERVED: "a contact is offered",
        _S.NOT_READY: "asks for it",
        _S.SIGNED_OUT: "signs out",
    },
    _S.RESERVED: {
        _S.TALKING: "answers",
        _S.READY: "the caller left or the offer was taken back",
        _S.NOT_READY: "does not answer, rejects, is unreachable, or asked for it",
        _S.SIGNED_OUT: "the offer ended and he had asked for it",
    },
    _S.TALKING: {
        _S.HELD: "puts the caller on hold",
        _S.WRAP_UP: "the talk ended",
        _S.READY: "the talk ended, no wrap-up",
        _S.NOT_READY: "the talk ended, no wrap-up, asked for it",
        _S.SIGNED_OUT: "the talk ended, no wrap-up, asked for it",
    },
    _S.HELD: {
        _S.TALKING: "takes the caller back",
        _S.WRAP_UP: "the talk ended",
        _S.READY: "the talk ended, no wrap-up",
        _S.NOT_READY: "the talk ended, no wrap-up, asked for it",
        _S.SIGNED_OUT: "the talk ended, no wrap-up, asked for it",
    },
    _S.WRAP_UP: {
        _S.READY: "wrap-up is over or cut",
        _S.NOT_READY: "wrap-up is over or cut, asked for it",
        _S.SIGNED_OUT: "wrap-up is over or cut, asked for it",
    },
}

#: Further transitions, only when a restarted process takes agents and calls back.
TAKEN_BACK: Mapping[AgentState, frozenset[AgentState]] = {
    _S.SIGNED_OUT: frozenset({_S.READY, _S.NOT_READY, _S.TALKING, _S.HELD}),
    _S.NOT_READY: frozenset({_S.TALKING, _S.HELD}),
    _S.READY: frozenset({_S.TALKING, _S.HELD}),
    _S.RESERVED: frozenset({_S.HELD}),
}

#: States in which the agent has a contact; a state asked for now takes effect later.
WITH_CONTACT = frozenset({_S.RESERVED, _S.TALKING, _S.HELD})


@dataclass(slots=True, eq=False)
class Deadline:
    """When an agent's reservation or wrap-up ends by itself."""

    when: float
    agent: LiveAgent
    place: int


@dataclass(slots=True, eq=False)
class LiveAgent:
    """An agent in the running engine; instants are monotonic seconds.

    ``asked`` is the state that he wants to be in when he has no contact. ``idle_since`` is what *longest idle*
    goes by: the end of his last talk's wrap-up (of the talk, where there is none) since he signed in, or, before
    his first talk, the moment he first was ready. Breaks, unanswered offers and a phone that was away do not move
    it. ``place`` is his number among the free agents, 0 when he is not one of them.
    """

    config: Agent
    since: float
    state: AgentState = AgentState.SIGNED_OUT
    reason: str = ""
    seat: SeatId | None = None
    asked: AgentState = AgentState.SIGNED_OUT
    asked_reason: str = ""
    idle_since: float | None = None
    ticket: Ticket | None = None
    wrapping: tuple[ContactId, QueueId] | None = None
    deadline: Deadline | None = None
    groups: tuple[SkillGroup, ...] = ()
    place: int = 0
    removed: bool = False
    id: AgentId = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.config.id

    def enter(
        self,
        state: AgentState,
        now: float,
        *,
        reason: str = "",
        contact: ContactId | None = None,
        taken_back: bool = False,
    ) -> AgentStateChanged:
        """Change state and tell the interval that ended; raises IllegalTransition and changes nothing."""
        previous = self.state
        if state not in TRANSITIONS[previous] and not (taken_back and state in TAKEN_BACK.get(previous, ())):
            raise IllegalTransition(self.id, previous, state)
        fact = AgentStateChanged(
            agent=self.id,
            seat=self.seat,
            state=state,
            reason=reason,
            previous=previous,
            previous_seconds=now - self.since,
            contact=contact,
        )
        self.state = state
        self.reason = reason
        self.since = now
        return fact

    def ask(self, state: AgentState, reason: str = "") -> None:
        """Remember the state to be in when no contact is at hand."""
        self.asked = state
        self.asked_reason = reason

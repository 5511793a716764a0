"""What the engine takes (commands of agents, of `calls`, of the configuration) and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from acd.model import Agent, Queue
from ccplatform.contracts.facts import (
    AgentStateChanged,
    Offered,
    OfferEnded,
    Queued,
    QueueLeft,
    WrapUpEnded,
)
from ccplatform.contracts.routing import RouterCommand, RouterEvent
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId

# --- commands of and about agents -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The agent sits down at a seat, not ready. At the seat he is signed in at already: not ready."""

    agent: AgentId
    seat: SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOut:
    """The agent leaves his seat; during a call, after its wrap-up."""

    agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class GoReady:
    """The agent takes contacts; during a call, after its wrap-up."""

    agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class GoNotReady:
    """The agent takes no contacts; during a call, after its wrap-up."""

    agent: AgentId
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """After a restart: the agent sits where he sat, in the state that he last asked for."""

    agent: AgentId
    seat: SeatId
    asked: AgentState  # ready or not_ready
    reason: str = ""
    idle_age: float = 0.0  # seconds


#: What an agent, or a supervisor for him, can ask for.
Wish: TypeAlias = SignIn | SignOut | GoReady | GoNotReady

AgentCommand: TypeAlias = Wish | PutBack

# --- configuration, seats, running ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveAgent:
    """An agent was added or changed."""

    agent: Agent


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAgent:
    """An agent was removed; his call, if any, is finished first."""

    agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveQueue:
    """A queue was added or changed; contacts that wait in it keep their places."""

    queue: Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveQueue:
    """A queue was removed; what waits in it is refused."""

    queue: QueueId


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatReachability:
    """The seat's phone can ring now, or no longer."""

    seat: SeatId
    reachable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseMatching:
    """Make no new offers: the engine is being filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeMatching:
    """Make offers; everything that can be matched is."""


Change: TypeAlias = (
    SaveAgent | RemoveAgent | SaveQueue | RemoveQueue | SeatReachability | PauseMatching | ResumeMatching
)

# --- a contact taken back after a restart -----------------------------------------------------------------


class Phase(StrEnum):
    """Where a contact is."""

    WAITING = "waiting"
    OFFERED = "offered"
    TALKING = "talking"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPlace:
    """A contact's place as data: ages in seconds, no instants."""

    queue: QueueId
    priority: int
    age: float  # since it first waited
    phase: Phase
    phase_age: float = 0.0  # since the offer or the answer
    agent: AgentId | None = None
    seat: SeatId | None = None
    held: bool = False
    wrap_up_seconds: float = 0.0

    def aged(self, seconds: float) -> ContactPlace:
        """The same place, ``seconds`` later."""
        return replace(self, age=self.age + seconds, phase_age=self.phase_age + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreContact:
    """Put a contact (and the agent who talks with it) back where it was."""

    contact: ContactId
    place: ContactPlace


AcdEvent: TypeAlias = AgentCommand | RouterCommand | Change | RestoreContact

# --- effects ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChanged:
    """What an agent's presence row should say changed by itself (no answer, removed): write it behind."""

    agent: AgentId


AcdFact: TypeAlias = Queued | QueueLeft | Offered | OfferEnded | AgentStateChanged | WrapUpEnded

Effect: TypeAlias = RouterEvent | AcdFact | PresenceChanged

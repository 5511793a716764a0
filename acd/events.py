"""What the engine takes (commands of agents, of `calls`, of the configuration) and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from acd.expected_wait import Learned
from acd.model import Agent, Queue
from ccplatform.contracts.facts import (
    AgentStateChanged,
    Offered,
    OfferEnded,
    Queued,
    QueueLeft,
    WrapUpEnded,
    WrapUpExtended,
)
from ccplatform.contracts.routing import AgentOffered, OfferWithdrawn, QueueRefused, RouterCommand
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
class WrapUp:
    """After-call work in progress: its age and how long it may still take, seconds."""

    contact: ContactId
    queue: QueueId
    age: float
    left: float
    capacity: int
    gives_way: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an agent is besides his presence, as data: ages in seconds, no instants."""

    state: AgentState
    age: float
    reason: str = ""
    idle_age: float | None = None
    calls: int = 0
    talk_seconds: float = 0.0
    occupancy: float = 0.0
    weighed_age: float = 0.0
    wrap_ups: tuple[WrapUp, ...] = ()

    def aged(self, seconds: float) -> Standing:
        """The same, ``seconds`` later."""
        return replace(
            self,
            age=self.age + seconds,
            idle_age=None if self.idle_age is None else self.idle_age + seconds,
            weighed_age=self.weighed_age + seconds,
            wrap_ups=tuple(
                replace(work, age=work.age + seconds, left=work.left - seconds) for work in self.wrap_ups
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """After a restart: the agent sits where he sat, in the state that he last asked for."""

    agent: AgentId
    seat: SeatId
    asked: AgentState  # ready or not_ready
    reason: str = ""
    idle_age: float = 0.0  # seconds
    standing: Standing | None = None  # the rest of what he was, if it is known


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUp:
    """The agent (a supervisor at his seat) takes a waiting contact out of its turn, whatever his skills."""

    agent: AgentId
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreWrapUp:
    """The agent needs ``seconds`` more for his after-call work, which lasts ``longest`` seconds at most."""

    agent: AgentId
    seconds: float
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EndWrapUp:
    """The agent is done with his after-call work; what he asked for last takes effect."""

    agent: AgentId


#: What an agent, or a supervisor for him, can ask for.
Wish: TypeAlias = SignIn | SignOut | GoReady | GoNotReady

AgentCommand: TypeAlias = Wish | PutBack | PickUp | MoreWrapUp | EndWrapUp

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
class OpenQueue:
    """The queue's opening hours begin, or end; who waits already is still served."""

    queue: QueueId
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallPace:
    """After a restart: what the queue had learned about its pace."""

    queue: QueueId
    learned: Learned


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseMatching:
    """Make no new offers: the engine is being filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeMatching:
    """Make offers; everything that can be matched is."""


Change: TypeAlias = (
    SaveAgent
    | RemoveAgent
    | SaveQueue
    | RemoveQueue
    | OpenQueue
    | RecallPace
    | SeatReachability
    | PauseMatching
    | ResumeMatching
)

# --- a contact taken back after a restart -----------------------------------------------------------------


class Phase(StrEnum):
    """Where a contact is."""

    WAITING = "waiting"
    OFFERED = "offered"
    TALKING = "talking"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPlace:
    """An agent whose phone rings for a contact, since ``age`` seconds, and for at most ``left`` more."""

    agent: AgentId
    seat: SeatId
    age: float
    left: float

    def aged(self, seconds: float) -> OfferPlace:
        """The same offer, ``seconds`` later."""
        return replace(self, age=self.age + seconds, left=max(0.0, self.left - seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPlace:
    """A contact's place as data: ages in seconds, no instants.

    ``agent``, ``seat``, ``talk_age``, ``held`` and ``wrap_up_seconds`` are of its talk. ``targets`` agents are to
    be rung for it, those of ``offers`` are; in ``more_in`` seconds one more is to be.
    """

    queue: QueueId
    priority: int
    age: float  # since it first waited
    phase: Phase
    talk_age: float = 0.0
    agent: AgentId | None = None
    seat: SeatId | None = None
    held: bool = False
    wrap_up_seconds: float = 0.0
    offers: tuple[OfferPlace, ...] = ()
    targets: int = 1
    more_in: float | None = None
    preferred: AgentId | None = None
    preferred_seconds: float = 0.0  # how long he is still waited for
    hops: int = 0
    mystery: bool = False
    patient: bool = False
    lead: float = 0.0

    def aged(self, seconds: float) -> ContactPlace:
        """The same place, ``seconds`` later."""
        return replace(
            self,
            age=self.age + seconds,
            talk_age=self.talk_age + seconds,
            offers=tuple(offer.aged(seconds) for offer in self.offers),
            more_in=None if self.more_in is None else max(0.0, self.more_in - seconds),
            preferred_seconds=max(0.0, self.preferred_seconds - seconds),
        )


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


AcdFact: TypeAlias = Queued | QueueLeft | Offered | OfferEnded | AgentStateChanged | WrapUpExtended | WrapUpEnded

Effect: TypeAlias = AgentOffered | OfferWithdrawn | QueueRefused | AcdFact | PresenceChanged

"""Queues, offers, agents and their seats."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.facts.personal import personal
from ccplatform.contracts.words import AgentId, AgentState, ContactId, OfferEnd, QueueId, SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """CSTA: the contact waits in a queue."""

    contact: ContactId
    queue: QueueId
    priority: int
    waited_seconds: float  # 0 at the first entry, the age kept when it comes back
    expected_seconds: float | None = None  # what the next contact to enter would wait


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLeft:
    """The contact no longer waits."""

    contact: ContactId
    queue: QueueId
    reason: str  # answered, called_back, abandoned, transferred, overflowed, refused, not_reached
    waited_seconds: float
    expected_seconds: float | None = None  # what the next contact to enter would wait


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackBegun:
    """An agent is reserved for a promised call-back: its call, a contact of its own, begins."""

    contact: ContactId
    call_back: str
    queue: QueueId
    attempt: int  # from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackEnded:
    """A promised call-back is over: kept, given_up, expired or cancelled; ``age_seconds`` after its promise."""

    contact: ContactId  # the one that was promised it
    call_back: str
    queue: QueueId
    state: str
    reason: str
    attempts: int
    age_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """The engine reserved an agent for the contact; without a queue he was called himself. Where a robot takes a
    mystery call, ``instead_of`` is the agent whose turn it was; None: nobody of the queue was signed in."""

    contact: ContactId
    queue: QueueId | None
    agent: AgentId
    seat: SeatId
    robot: bool = False
    instead_of: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferEnded:
    """An offer came to its end."""

    contact: ContactId
    queue: QueueId | None
    agent: AgentId
    end: OfferEnd
    rang_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEnded:
    """The agent's segment of the talk ended (D-TALK, D-HOLD)."""

    contact: ContactId
    queue: QueueId | None
    agent: AgentId
    talk_seconds: float  # hold included
    hold_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpEnded:
    """After-call work of an agent ended (D-AHT)."""

    contact: ContactId
    queue: QueueId | None
    agent: AgentId
    wrap_up_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpExtended:
    """An agent takes more time for his after-call work; ``left_seconds`` of it are left now."""

    contact: ContactId
    queue: QueueId | None
    agent: AgentId
    left_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactNoted:
    """An agent wrote down what the contact came to; what he wrote before is thereby corrected.

    ``disposition`` is the id of a configured one, '' for none, ``disposition_name`` its name at the time.
    """

    contact: ContactId
    queue: QueueId | None
    agent: AgentId
    disposition: str
    disposition_name: str
    note: str = personal("")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateChanged:
    """An agent's interval ended and the next began; no gaps, no overlaps.

    ``limit_seconds``: how long the new state lasts at most before it ends by itself (the ring time of an offer,
    the time for wrap-up); None: until something happens.
    """

    agent: AgentId
    seat: SeatId | None
    state: AgentState
    reason: str
    previous: AgentState
    previous_seconds: float
    contact: ContactId | None = None
    limit_seconds: float | None = None
    robot: bool = False  # he answers test calls only


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSaved:
    """An agent was added or changed."""

    agent: AgentId
    name: str
    team: str
    skills: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRemoved:
    """An agent is no more; a call of his he still ends."""

    agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSaved:
    """A queue was added or changed; ``skills`` are the levels that it needs."""

    queue: QueueId
    name: str
    skills: dict[str, int]
    target_seconds: float
    target_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRemoved:
    """A queue is no more."""

    queue: QueueId


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRegistered:
    """A seat's phone registered; repeated refreshes are not facts."""

    seat: SeatId
    transport: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatUnregistered:
    """A seat's phone is gone (reason: expired, removed, connection_lost)."""

    seat: SeatId
    reason: str

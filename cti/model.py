"""Words of the desk side: what the live view is configured with and what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    CallId,
    ContactId,
    Direction,
    LegId,
    QueueId,
    RecordingId,
    SeatId,
    Severity,
)


class CallStage(StrEnum):
    """Where a call is, seen from the wallboard."""

    DIALLING = "dialling"  # an agent calls out, nobody has answered yet
    IVR = "ivr"  # arrived, or talking with a flow
    QUEUE = "queue"
    RINGING = "ringing"
    CONNECTING = "connecting"  # the agent answered: he is told what call it is, or the customer is called
    TALKING = "talking"
    HELD = "held"
    WRAP = "wrap"  # the caller is gone, the agent still works on it


class Collection(StrEnum):
    """The tables of the live view."""

    AGENTS = "agents"
    QUEUES = "queues"
    CALLS = "calls"
    SEATS = "seats"
    ALARMS = "alarms"


#: A row of the live view that an event touched: its table and id.
Change: TypeAlias = tuple[Collection, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSetup:
    """An agent as configured; ``skills`` maps skill to level 1–10."""

    id: AgentId
    name: str
    team: str = ""
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSetup:
    """A queue as configured.

    ``skills`` maps each skill an agent needs to its least level; ``target_share`` of the contacts shall be
    answered within ``target_seconds`` (D-SL, 0.8 within 20 s).
    """

    id: QueueId
    name: str
    skills: Mapping[str, int] = field(default_factory=dict)
    target_seconds: float = 20.0
    target_share: float = 0.8


@dataclass(slots=True, kw_only=True)
class LiveAgent:
    """An agent now; ``since`` is when the state began, ``until`` when it ends by itself, if it does."""

    id: AgentId
    name: str
    team: str = ""
    skills: dict[str, int] = field(default_factory=dict)
    state: AgentState = AgentState.SIGNED_OUT
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    seat: SeatId | None = None
    contact: ContactId | None = None
    new_messages: int = 0  # in his own mailbox
    heard_messages: int = 0


@dataclass(slots=True, kw_only=True)
class QueueDay:
    """What a queue did since local midnight; contacts, counted at the end of their wait."""

    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0

    @property
    def service_level(self) -> float | None:
        """D-SL headline: answered in time over all offered; None before the first.

        Offered is answered + abandoned: contacts still waiting or moved elsewhere are left out, short abandons
        are not.
        """
        offered = self.answered + self.abandoned
        return self.answered_in_time / offered if offered else None


@dataclass(slots=True, kw_only=True)
class LiveQueue:
    """A queue now; ``entries`` maps each waiting contact to when it first began to wait."""

    id: QueueId
    name: str
    skills: dict[str, int] = field(default_factory=dict)
    target_seconds: float = 20.0
    target_share: float = 0.8
    entries: dict[ContactId, datetime] = field(default_factory=dict)
    today: QueueDay = field(default_factory=QueueDay)
    new_messages: int = 0
    heard_messages: int = 0
    expected: float | None = None  # what the ACD told last of the wait of who enters, seconds


@dataclass(slots=True, kw_only=True)
class LiveParty:
    """Somebody in the conference of a call, besides the caller and its agent."""

    leg: LegId
    device: str
    agent: AgentId | None = None


class Recorded(StrEnum):
    """Whether the talk that goes on is recorded."""

    NO = "no"
    YES = "yes"
    PAUSED = "paused"


@dataclass(slots=True, kw_only=True)
class LiveCall:
    """A call now.

    ``since`` is when its stage began, ``queued_at`` when it first began to wait, ``offered_at`` when it was
    offered to its agent; ``cause`` why nobody answered whom an agent called.
    """

    id: CallId
    contact: ContactId
    direction: Direction
    caller: str
    caller_name: str
    dialled: str
    started: datetime
    since: datetime
    stage: CallStage = CallStage.IVR
    queue: QueueId | None = None
    queued_at: datetime | None = None
    offered_at: datetime | None = None
    agent: AgentId | None = None
    seat: SeatId | None = None
    consult_of: ContactId | None = None
    parties: list[LiveParty] = field(default_factory=list)
    cause: str = ""
    recorded: Recorded = Recorded.NO
    recording: RecordingId | None = None
    paused_by: str = ""
    on_demand: bool = False
    ended: bool = False


@dataclass(slots=True, kw_only=True)
class LiveSeat:
    """A seat that has been heard of since the start, and whether its phone can ring."""

    id: SeatId
    registered: bool
    since: datetime
    transport: str = ""
    user_agent: str = ""


@dataclass(slots=True, kw_only=True)
class LiveAlarm:
    """An alarm that is up."""

    id: str
    kind: str
    subject: str
    severity: Severity
    text: str
    since: datetime
    acknowledged_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer's card, as an agent sees it at the offer (R10.1.b); ``version`` counts its changes."""

    account: str
    phone: str
    name: str
    name_latin: str = ""
    level: str = ""
    city: str = ""
    note: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChange:
    """Who changed a card when; ``before`` None: he entered it. Fields by name, without account and version."""

    at: datetime
    by: str
    before: Mapping[str, str] | None
    after: Mapping[str, str]

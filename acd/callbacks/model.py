"""The words of promised call-backs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from acd.model import CallBackRules
from ccplatform.contracts.facts import CallBackBegun, CallBackEnded
from ccplatform.contracts.routing import AgentOffered
from ccplatform.contracts.words import ContactId, QueueId


class State(StrEnum):
    """What became of a promise."""

    OPEN = "open"
    KEPT = "kept"
    GIVEN_UP = "given_up"  # every attempt was in vain
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """A promise as it is stored: wall-clock instants, since it outlives every process.

    ``contact`` is the one that was promised it, ``attempt`` that of the latest call. Its place in line counts from
    ``queued_at``; no call before ``not_before``, none from ``expires_at`` on.
    """

    id: str
    contact: ContactId
    queue: QueueId
    number: str = field(repr=False)
    priority: int
    created_at: datetime
    queued_at: datetime
    not_before: datetime
    expires_at: datetime
    state: State = State.OPEN
    reason: str = ""
    attempts: int = 0
    attempt: ContactId | None = None
    ended_at: datetime | None = None


# --- what the book takes ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A promise was stored. ``on_the_line``: its customer is, still. ``calling``: its call goes on already (after
    a restart)."""

    call_back: CallBack
    on_the_line: bool = False
    calling: ContactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Nobody wants it any more; raises a Refusal when it is too late."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """It is not to be made before this hour; raises a Refusal when it is too late."""

    id: str
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesChanged:
    """A queue's rules are these now; None: it makes no call-backs (any more)."""

    queue: QueueId
    rules: CallBackRules | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """The engine reserved an agent for a call-back in line."""

    offer: AgentOffered


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The engine does not let a call-back wait."""

    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerArrived:
    """Somebody calls from this number."""

    contact: ContactId
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkBegan:
    """An agent talks with the contact, whether we called it or it called."""

    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactOver:
    """A contact ended. ``tried``: the customer's phone rang in vain, or he left before an agent was there."""

    contact: ContactId
    tried: bool


BookEvent: TypeAlias = (
    Promised | Cancel | Moved | RulesChanged | Reserved | Refused | CallerArrived | TalkBegan | ContactOver
)

# --- what it answers with ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUp:
    """Let the call-back wait in its queue as this contact, so old already."""

    contact: ContactId
    call_back: CallBack
    waited_seconds: float
    rules: CallBackRules


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOut:
    """It waits no longer, for now or for ever."""

    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginCall:
    """An agent is reserved: make the call."""

    offer: AgentOffered
    call_back: CallBack
    rules: CallBackRules


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCall:
    """End the call, unless the two talk."""

    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The promise is another than its row."""

    call_back: CallBack


BookEffect: TypeAlias = LineUp | StepOut | BeginCall | DropCall | Store | CallBackBegun | CallBackEnded

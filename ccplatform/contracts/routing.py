"""Routing: `calls` queues contacts, the ACD offers them to agents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from ccplatform.contracts.words import AgentId, ContactId, FlowId, OfferEnd, QueueId, SeatId, TrunkId

# --- commands ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueContact:
    """Let the contact wait for an agent: for ``preferred_seconds`` for one of its own, the last or a named one.

    ``patient``: nobody is on the line, it is a promised call-back; it waits however full, closed or deserted the
    queue is, and for as long as it takes. ``lead_seconds`` pass before an agent's phone can ring. ``mystery``: it
    is a test call; a robot may answer it when an agent's turn has come.
    """

    contact: ContactId
    queue: QueueId
    priority: int = 5
    waited_seconds: float = 0.0  # the age it brings along
    preferred: AgentId | None = None
    preferred_seconds: float = 0.0
    patient: bool = False
    lead_seconds: float = 0.0
    mystery: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferContact:
    """Let the contact wait in another queue, from wherever it is, with its priority and the age of its waiting.

    ``agent``: who had it, by a call that no queue gave; others of that call talk on.
    """

    contact: ContactId
    queue: QueueId
    agent: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAgent:
    """Offer the contact to this agent at once, without a queue: somebody calls him.

    :class:`AgentOffered` follows, or :class:`OfferWithdrawn` when he has a contact or no phone. When he does not
    take it, nobody else is offered it: the contact is then not known any more.
    """

    contact: ContactId
    agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """``contact`` goes on with the agent who talked under ``source`` until now; who had it before is free.

    It counts as ``queue``'s for an agent who was not found by one; None: as nobody's. ``agent`` is named where
    several may be engaged by the source, as in a call past the queues.
    """

    contact: ContactId
    source: ContactId
    queue: QueueId | None = None
    agent: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawContact:
    """The contact left (caller hung up, flow took it back); an offer in progress is withdrawn."""

    contact: ContactId
    reason: str  # abandoned, transferred, not_reached


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAnswered:
    """The agent's phone was answered: talk begins."""

    contact: ContactId
    agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFailed:
    """The agent's phone refused, was busy, or could not be reached."""

    contact: ContactId
    agent: AgentId
    end: OfferEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkHeld:
    """The agent put the caller on hold, or took him back."""

    contact: ContactId
    agent: AgentId
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkReleased:
    """The agent's segment is over; wrap-up begins, unless nobody was reached (``talked`` false)."""

    contact: ContactId
    agent: AgentId
    talked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EngageAgent:
    """The agent's line is taken by a call past the queues: he called somebody, or somebody called him.

    He is talking from here on, whatever he was, until :class:`TalkReleased`; offers to him are taken back. Wrap-up
    lasts for ``wrap_up_seconds``. Told again after a restart, with his ``seat``: nothing else says where he sits
    if he asked to sign out during the call.
    """

    contact: ContactId
    agent: AgentId
    wrap_up_seconds: float = 0.0
    seat: SeatId | None = None


RouterCommand: TypeAlias = (
    QueueContact
    | TransferContact
    | CallAgent
    | HandOver
    | WithdrawContact
    | OfferAnswered
    | OfferFailed
    | TalkHeld
    | TalkReleased
    | EngageAgent
)

# --- events -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOffered:
    """Ring this seat for the contact now; without a queue he was called himself.

    ``whisper`` is told to the agent alone when he answers: a text, or the file that it names (:func:`names_file`).
    ``after_talk`` is the queue's flow for callers whose agent hangs up first.
    """

    contact: ContactId
    queue: QueueId | None
    agent: AgentId
    seat: SeatId
    whisper: str = ""
    after_talk: FlowId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferWithdrawn:
    """Stop ringing: the offer's time is over or it was taken back; the contact waits on."""

    contact: ContactId
    agent: AgentId
    end: OfferEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRefused:
    """The contact cannot wait there (no such queue, full, closed, …); ``target`` is where it should go instead."""

    contact: ContactId
    queue: QueueId
    reason: str
    target: str = ""  # 'flow:<id>', 'voice_mail:<id>', 'number:<number>'; '': nothing was set


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackOffered:
    """An agent is reserved for a promised call-back: begin its call.

    ``customer_first``: the agent's phone rings once the customer answered; else the customer's once the agent did.
    The customer's rings for ``ring_seconds``; he is shown ``caller``, and called over ``trunk``, or by the route
    of his number.
    """

    contact: ContactId
    call_back: str
    queue: QueueId
    agent: AgentId
    seat: SeatId
    trunk: TrunkId | None
    number: str = field(repr=False)
    caller: str = ""
    customer_first: bool = False
    ring_seconds: float = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackDropped:
    """The call-back was cancelled: end its call, unless the two talk."""

    contact: ContactId


def names_file(whisper: str) -> bool:
    """Whether a whisper is a file of the directory of sounds, and not a text."""
    return whisper.endswith(".wav")


RouterEvent: TypeAlias = AgentOffered | OfferWithdrawn | QueueRefused | CallBackOffered | CallBackDropped


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackWish:
    """Somebody is to be called back by an agent of this queue, in his turn.

    ``contact`` asked for it, after ``waited_seconds`` in the queue, whose place is kept; ``on_the_line``: it is
    still there, and its end is waited for.
    """

    contact: ContactId
    queue: QueueId
    number: str = field(repr=False)
    waited_seconds: float = 0.0
    priority: int = 5
    not_before: datetime | None = None
    on_the_line: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceInLine:
    """Where a waiting contact is: from 1, 0 while a phone rings for it; how long it will still wait, if known."""

    position: int
    expected_seconds: float | None


class Line(Protocol):
    """Whom to ask how far a waiting caller is."""

    def place_in_line(self, contact: ContactId) -> PlaceInLine | None:
        """His place; None when he does not wait."""


class CallBacks(Protocol):
    """Where call-backs are promised."""

    async def promise(self, wish: CallBackWish) -> str:
        """Commit the promise before it is given; its id, that of the earlier one if the queue promised this number
        a call already. Raises Refusal or Unavailable."""


class Router(Protocol):
    """The ACD, as `calls` sees it."""

    def perform(self, command: RouterCommand) -> None:
        """Do it; events follow. Commands about contacts it does not know are dropped."""

    def refusal(self, queue: QueueId) -> str:
        """Why a contact cannot enter the queue now, nor one that it overflows to; '': it can."""

    def pick_up(self, contact: ContactId, agent: AgentId) -> None:
        """Offer a waiting contact to this agent, out of its turn and whatever his skills; raises Refusal."""

    def may_pick_up(self, agent: AgentId, contact: ContactId, rung: AgentId) -> bool:
        """Whether an agent may take for himself a contact for which another one is rung."""

    def one_team(self, agent: AgentId, other: AgentId) -> bool:
        """Whether two agents are of one team."""

    def agent_at(self, seat: SeatId) -> AgentId | None:
        """Who is signed in at a seat."""

    def seat_of(self, agent: AgentId) -> SeatId | None:
        """Where the agent is signed in; None when he is not, or there is no such agent."""

    def knows_agent(self, agent: AgentId) -> bool:
        """Whether there is such an agent."""

    def has_contact(self, agent: AgentId) -> bool:
        """Whether a contact is offered to the agent or talks with him."""

    def check_call(self, agent: AgentId) -> None:
        """Raise the Refusal that :class:`CallAgent` would meet now: he has a contact, or no phone."""

    def snapshot(self, contact: ContactId) -> dict[str, Any] | None:
        """The contact's place: queue, age, offer or talk with its agent; None if it has none."""

    def restore(self, contact: ContactId, data: dict[str, Any]) -> bool:
        """Put the contact (and the agent talking with it) back where it was."""

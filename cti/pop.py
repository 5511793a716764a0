"""The screen pop: what an agent sees of a contact at the offer, before he answers (R10.1.b)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from ccplatform.contracts.words import AgentId, CallId, ContactId, QueueId
from cti.linking.links import CrmLink
from cti.live import LiveView
from cti.model import CallStage, Customer, LiveCall
from cti.path import FlowStep
from cti.scripting.scripts import Script
from cti.viewers import agents_on

#: How many earlier contacts a pop shows.
LAST_CONTACTS = 5
#: How many turns of a talk with a voice bot.
LAST_TURNS = 50
#: How many steps in flows, and how many open call-backs.
LAST_STEPS, MOST_CALL_BACKS = 50, 5

#: Stages in which a call is in front of its agent, the most urgent first.
_IN_FRONT = (
    CallStage.RINGING,
    CallStage.CONNECTING,
    CallStage.DIALLING,
    CallStage.TALKING,
    CallStage.HELD,
    CallStage.WRAP,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastNote:
    """What an agent noted of an earlier contact."""

    agent: AgentId
    disposition_name: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierContact:
    """A contact of the past, as its list shows it."""

    contact: ContactId
    at: datetime
    queue: QueueId | None
    agent: AgentId | None
    outcome: str
    notes: tuple[PastNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenTurn:
    """What the caller or a voice bot said before the offer."""

    at: datetime
    speaker: Literal["caller", "bot"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCallBack:
    """A promise to call this number back that is still to be kept."""

    id: str
    queue: QueueId
    created_at: datetime
    not_before: datetime
    attempts: int


class ContactHistory(Protocol):
    """Where earlier contacts are found; given by the package that keeps them."""

    async def last_contacts(self, caller: str, limit: int) -> Sequence[EarlierContact]:
        """The newest ended contacts of this caller's number, newest first; raises Unavailable."""

    async def before(self, contact: ContactId) -> Before:
        """What the contact met before the offer; raises Unavailable."""

    async def call_backs(self, caller: str) -> Sequence[OpenCallBack]:
        """Open call-backs to this number, the next first; raises Unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a contact met before an agent had it: the last turns with voice bots, the last steps in flows."""

    conversation: tuple[SpokenTurn, ...] = ()
    path: tuple[FlowStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop:
    """The content of a screen pop.

    ``waited`` in seconds, None for a call that never queued; ``looked_up`` is False when the directory was away.
    """

    contact: ContactId
    call: CallId
    stage: CallStage
    caller: str
    caller_name: str
    dialled: str
    queue: QueueId | None
    queue_name: str | None
    waited: float | None
    customers: tuple[Customer, ...]
    last_contacts: tuple[EarlierContact, ...]
    conversation: tuple[SpokenTurn, ...]
    path: tuple[FlowStep, ...]
    call_backs: tuple[OpenCallBack, ...]
    links: tuple[CrmLink, ...]
    script: Script | None
    looked_up: bool


def call_in_front(live: LiveView, agent: AgentId) -> LiveCall | None:
    """The call an agent has before him: ringing first, then talked or conferring with, then in wrap-up."""
    own = [call for call in live.calls.values() if agent in agents_on(call) and call.stage in _IN_FRONT]
    return min(own, key=lambda call: _IN_FRONT.index(call.stage), default=None)


def screen_pop(
    call: LiveCall,
    *,
    live: LiveView,
    customers: Sequence[Customer],
    last_contacts: Sequence[EarlierContact],
    before: Before,
    call_backs: Sequence[OpenCallBack],
    links: Sequence[CrmLink],
    script: Script | None,
    looked_up: bool,
) -> Pop:
    """Put the pop together from the live call and what was looked up for its number."""
    queue = live.queues.get(call.queue) if call.queue is not None else None
    return Pop(
        contact=call.contact,
        call=call.id,
        stage=call.stage,
        caller=call.caller,
        caller_name=call.caller_name,
        dialled=call.dialled,
        queue=call.queue,
        queue_name=queue.name if queue is not None else None,
        waited=_waited(call),
        customers=tuple(customers),
        last_contacts=tuple(entry for entry in last_contacts if entry.contact != call.contact),
        conversation=before.conversation,
        path=before.path,
        call_backs=tuple(call_backs),
        links=tuple(links),
        script=script,
        looked_up=looked_up,
    )


def _waited(call: LiveCall) -> float | None:
    if call.queued_at is None:
        return None
    until = call.offered_at or call.since
    return max(0.0, (until - call.queued_at).total_seconds())

"""Notes of contacts: who may write one, which dispositions are offered, what was written.

A note is a fact, :class:`~ccplatform.contracts.facts.ContactNoted`, sealed under the key of its contact.
Each agent of a contact has one; writing again corrects it, and the journal keeps what stood there before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from ccplatform.contracts.facts import ContactNoted, FactEvent
from ccplatform.contracts.words import AgentId, ContactId, QueueId
from ccplatform.kernel.errors import NotFound, Refusal
from cti.live import LiveView
from cti.viewers import agents_on

#: Longest note, characters.
MAX_NOTE: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """What a contact may come to, as configured."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What an agent wrote of a contact; ``disposition`` '': none was chosen."""

    contact: ContactId
    agent: AgentId
    disposition: str
    disposition_name: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedContact:
    """Whose a contact of the past was."""

    agent: AgentId | None
    queue: QueueId | None
    ended_at: datetime


class Dispositions(Protocol):
    """Where they are configured."""

    async def dispositions(self, queue: QueueId | None) -> Sequence[Disposition]:
        """Those offered for contacts of this queue (None: of no queue), in their order; raises Unavailable."""


class NotedContacts(Protocol):
    """Where contacts and their notes are kept."""

    async def ended(self, contact: ContactId) -> EndedContact | None:
        """A contact that is over; raises Unavailable."""

    async def notes(self, contacts: Sequence[ContactId]) -> Sequence[Note]:
        """The notes of these contacts as they are now, the last of each agent; raises Unavailable."""


def last_notes(events: Iterable[FactEvent]) -> list[Note]:
    """The notes that stand, of facts in the order of their telling."""
    notes: dict[tuple[ContactId, AgentId], Note] = {}
    for event in events:
        match event.fact:
            case ContactNoted() as fact:
                notes[fact.contact, fact.agent] = Note(
                    contact=fact.contact,
                    agent=fact.agent,
                    disposition=fact.disposition,
                    disposition_name=fact.disposition_name,
                    note=fact.note,
                    at=event.at,
                )
            case _:
                pass
    return list(notes.values())


class Desk:
    """Says of which queue an agent's contact is, if he may note it at all."""

    def __init__(self, *, live: LiveView, contacts: NotedContacts, hours: float) -> None:
        self._live = live
        self._contacts = contacts
        self._hours = hours

    async def queue_of(self, contact: ContactId, agent: AgentId, now: datetime) -> QueueId | None:
        """The queue of a contact that is his, or was his not long ago; raises NotFound, Refusal, Unavailable."""
        call, own = self._live.call_of(contact), self._live.agents.get(agent)
        if call is not None and (agent in agents_on(call) or (own is not None and own.contact == contact)):
            return call.queue
        ended = await self._contacts.ended(contact)
        if ended is None or ended.agent != agent:
            raise NotFound(f"no contact {contact} of yours")
        if now - ended.ended_at > timedelta(hours=self._hours):
            raise Refusal(
                f"contact {contact} ended more than {self._hours:g} hours ago: its note stays as it is",
                code="too_late",
            )
        return ended.queue

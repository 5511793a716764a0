"""Earlier contacts and what was noted of them: joins what `calls` keeps with what `cti` shows."""

from __future__ import annotations

from collections.abc import Sequence

from acd.callbacks.store import CallBackStore
from ccplatform.calls.store import ContactFilter, ContactStore
from ccplatform.contracts.facts import BotTurn, ContactNoted
from ccplatform.contracts.words import ContactId
from ccplatform.storage.journal_reader import JournalReader
from cti.noting.notes import EndedContact, Note, last_notes
from cti.path import flow_steps
from cti.pop import (
    LAST_STEPS,
    LAST_TURNS,
    MOST_CALL_BACKS,
    Before,
    EarlierContact,
    OpenCallBack,
    PastNote,
    SpokenTurn,
)
from cti.recent import RecentFacts


class ContactsByNumber:
    """Implements cti's ContactHistory and NotedContacts on the contacts' projection and the journal."""

    def __init__(
        self, contacts: ContactStore, journal: JournalReader, *, call_backs: CallBackStore, recent: RecentFacts
    ) -> None:
        self._contacts = contacts
        self._journal = journal
        self._recent = recent
        self._call_backs = call_backs

    async def last_contacts(self, caller: str, limit: int) -> Sequence[EarlierContact]:
        """The newest ended contacts of this number, newest first."""
        rows = await self._contacts.find(ContactFilter(caller=caller), limit + 1)
        over = [row for row in rows if row["outcome"] is not None][:limit]
        notes = await self.notes([ContactId(str(row["id"])) for row in over])
        return [
            EarlierContact(
                contact=ContactId(str(row["id"])),
                at=row["started_at"],
                queue=row["queue"],
                agent=row["agent"],
                outcome=row["outcome"],
                notes=tuple(_past(note) for note in notes if note.contact == str(row["id"])),
            )
            for row in over
        ]

    async def notes(self, contacts: Sequence[ContactId]) -> Sequence[Note]:
        """What agents noted of these contacts."""
        return last_notes(await self._journal.of_contacts(contacts, ContactNoted)) if contacts else ()

    async def ended(self, contact: ContactId) -> EndedContact | None:
        """Whose a contact was that is over."""
        row = await self._contacts.get(contact)
        if row is None or row["ended_at"] is None:
            return None
        return EndedContact(agent=row["agent"], queue=row["queue"], ended_at=row["ended_at"])

    async def before(self, contact: ContactId) -> Before:
        """What the contact's caller said to bots and met in flows, in order."""
        events = self._recent.of(contact)
        if events is None:
            events = await self._journal.events_of(contact)
        turns = [
            SpokenTurn(at=event.at, speaker=event.fact.speaker, text=event.fact.text)
            for event in events
            if isinstance(event.fact, BotTurn)
        ]
        return Before(conversation=tuple(turns[-LAST_TURNS:]), path=tuple(flow_steps(events, LAST_STEPS)))

    async def call_backs(self, caller: str) -> Sequence[OpenCallBack]:
        """The open call-backs to this number, the next first."""
        return [
            OpenCallBack(
                id=row.id,
                queue=row.queue,
                created_at=row.created_at,
                not_before=row.not_before,
                attempts=row.attempts,
            )
            for row in await self._call_backs.open_of(caller, MOST_CALL_BACKS)
        ]


def _past(note: Note) -> PastNote:
    return PastNote(agent=note.agent, disposition_name=note.disposition_name, note=note.note, at=note.at)

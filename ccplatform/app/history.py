"""Earlier contacts and what was noted of them: joins what `calls` keeps with what `cti` shows."""

from __future__ import annotations

from collections.abc import Sequence

from ccplatform.calls.store import ContactFilter, ContactStore
from ccplatform.contracts.facts import BotTurn, ContactNoted
from ccplatform.contracts.words import ContactId
from ccplatform.storage.journal_reader import JournalReader
from cti.noting.notes import EndedContact, Note, last_notes
from cti.pop import EarlierContact, PastNote, SpokenTurn


class ContactsByNumber:
    """Implements cti's ContactHistory and NotedContacts on the contacts' projection and the journal."""

    def __init__(self, contacts: ContactStore, journal: JournalReader) -> None:
        self._contacts = contacts
        self._journal = journal

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

    async def conversation(self, contact: ContactId, limit: int) -> Sequence[SpokenTurn]:
        """What the contact's callers and bots said, in order."""
        return [
            SpokenTurn(at=event.at, speaker=event.fact.speaker, text=event.fact.text)
            for event in await self._journal.events_of(contact)
            if isinstance(event.fact, BotTurn)
        ][-limit:]


def _past(note: Note) -> PastNote:
    return PastNote(agent=note.agent, disposition_name=note.disposition_name, note=note.note, at=note.at)

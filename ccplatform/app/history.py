"""Earlier contacts of a number, for the screen pop: joins what `calls` keeps with what `cti` shows."""

from __future__ import annotations

from collections.abc import Sequence

from ccplatform.calls.store import ContactFilter, ContactStore
from ccplatform.contracts.facts import BotTurn
from ccplatform.contracts.words import ContactId
from ccplatform.storage.journal_reader import JournalReader
from cti.pop import EarlierContact, SpokenTurn


class ContactsByNumber:
    """Implements cti's ContactHistory on the contacts' projection and the journal."""

    def __init__(self, contacts: ContactStore, journal: JournalReader) -> None:
        self._contacts = contacts
        self._journal = journal

    async def last_contacts(self, caller: str, limit: int) -> Sequence[EarlierContact]:
        """The newest ended contacts of this number, newest first."""
        rows = await self._contacts.find(ContactFilter(caller=caller), limit + 1)
        return [
            EarlierContact(
                contact=row["id"],
                at=row["started_at"],
                queue=row["queue"],
                agent=row["agent"],
                outcome=row["outcome"],
            )
            for row in rows
            if row["outcome"] is not None
        ][:limit]

    async def conversation(self, contact: ContactId, limit: int) -> Sequence[SpokenTurn]:
        """What the contact's callers and bots said, in order."""
        return [
            SpokenTurn(at=event.at, speaker=event.fact.speaker, text=event.fact.text)
            for event in await self._journal.events_of(contact)
            if isinstance(event.fact, BotTurn)
        ][-limit:]

"""Earlier contacts of a number, for the screen pop: joins what `calls` keeps with what `cti` shows."""

from __future__ import annotations

from collections.abc import Sequence

from ccplatform.calls.store import ContactFilter, ContactStore
from cti.pop import EarlierContact


class ContactsByNumber:
    """Implements cti's ContactHistory on the contacts' projection."""

    def __init__(self, contacts: ContactStore) -> None:
        self._contacts = contacts

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

"""What callers who are here did in flows and said to bots, as it happens.

An agent's phone may ring in the moment after a key was pressed, before the journal's next batch is written: what
the pop shows of it is kept here, for each contact from its arrival to its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from ccplatform.contracts import facts as f
from ccplatform.contracts.words import ContactId

#: Most facts that are kept of one contact, the newest.
MOST_FACTS: Final = 200


class RecentFacts:
    """Of contacts that arrived while this was told everything."""

    def __init__(self) -> None:
        self._of: dict[ContactId, deque[f.FactEvent]] = {}

    def apply(self, event: f.FactEvent) -> None:
        """Follow the stream of facts."""
        match event.fact:
            case f.ContactArrived(contact=contact):
                self._of[contact] = deque(maxlen=MOST_FACTS)
            case f.ContactEnded(contact=contact):
                self._of.pop(contact, None)
            case (
                f.FlowEntered(contact=contact)
                | f.FlowNodeEntered(contact=contact)
                | f.KeysEntered(contact=contact)
                | f.SpeechHeard(contact=contact)
                | f.QueryAnswered(contact=contact)
                | f.BotTurn(contact=contact)
            ) if contact in self._of:
                self._of[contact].append(event)
            case _:
                pass

    def relinked(self) -> None:
        """Facts may have been missed: nothing is known whole any more."""
        self._of.clear()

    def of(self, contact: ContactId) -> Sequence[f.FactEvent] | None:
        """What happened to it so far; None: it is over, or was here before this was told everything."""
        known = self._of.get(contact)
        return None if known is None else tuple(known)

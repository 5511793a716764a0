"""Finding messages: the latest in memory, and those of contacts further back in the journal. Newest first."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, Protocol
from uuid import UUID

from ccplatform.contracts.facts import FactEvent, SipMessageSeen
from ccplatform.contracts.words import ContactId
from ccplatform.kernel.errors import Refusal
from ccplatform.storage.journal_reader import Place
from gateway.signalling.memory import SignallingMemory
from gateway.signalling.message import TracedMessage, traced_message
from gateway.signalling.selection import Selection

#: Pages of the journal that one request looks through; its cursor goes on from there.
MAX_PAGES: Final = 8


class History(Protocol):
    """The journal, as far as messages are in it."""

    async def backwards(
        self,
        kind: str,
        *,
        before: Place | None = None,
        until: datetime | None = None,
        since: datetime | None = None,
    ) -> tuple[list[FactEvent], Place | None]:
        """See :meth:`ccplatform.storage.journal_reader.JournalReader.backwards`."""

    async def events_of(self, contact: ContactId, *, traces: bool = False) -> list[FactEvent]:
        """See :meth:`ccplatform.storage.journal_reader.JournalReader.events_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Messages, newest first; ``next_cursor`` None: there are no more. It may be there without any message: the
    search went only so far."""

    messages: tuple[TracedMessage, ...]
    next_cursor: str | None


class SignallingSearch:
    """Both sources as one list."""

    def __init__(self, *, memory: SignallingMemory, history: History) -> None:
        self._memory = memory
        self._history = history

    async def page(self, selection: Selection, cursor: str | None, limit: int) -> Found:
        """The next ``limit`` messages; raises Refusal for a cursor that is none of ours, and Unavailable."""
        number, until, place = _read_cursor(cursor)
        found: list[TracedMessage] = []
        if place is None:
            found += islice(self._memory.newest_first(number, selection), limit)
            if len(found) == limit:
                return Found(messages=tuple(found), next_cursor=_after_memory(found[-1]))
            covered = self._memory.covers_from
            until = min((at for at in (covered, until) if at is not None), default=None)
            if until is not None and selection.start is not None and until <= selection.start:
                return Found(messages=tuple(found), next_cursor=None)
        return await self._further_back(selection, found, limit, until, place)

    async def of_contact(self, contact: ContactId, selection: Selection) -> list[TracedMessage]:
        """All of one contact's, oldest first."""
        events = await self._history.events_of(contact, traces=True)
        return [message for message in _messages(events) if selection.takes(message)]

    async def _further_back(
        self,
        selection: Selection,
        found: list[TracedMessage],
        limit: int,
        until: datetime | None,
        place: Place | None,
    ) -> Found:
        ends = [at for at in (until, selection.end) if at is not None]
        for _ in range(MAX_PAGES):
            events, further = await self._history.backwards(
                SipMessageSeen.__name__, before=place, until=min(ends, default=None), since=selection.start
            )
            for event, message in zip(events, _messages(events), strict=True):
                if not selection.takes(message):
                    continue
                found.append(message)
                if len(found) == limit:
                    return Found(messages=tuple(found), next_cursor=_after_fact((event.at, event.id)))
            if further is None:
                return Found(messages=tuple(found), next_cursor=None)
            place = further
        assert place is not None
        return Found(messages=tuple(found), next_cursor=_after_fact(place))


def _messages(events: Iterable[FactEvent]) -> list[TracedMessage]:
    return [
        traced_message(
            fact.text,
            number=0,
            at=event.at,
            outgoing=fact.outgoing,
            transport=fact.transport,
            local=fact.local,
            remote=fact.remote,
            contact=fact.contact,
        )
        for event in events
        if isinstance(fact := event.fact, SipMessageSeen)
    ]


def _after_memory(message: TracedMessage) -> str:
    return _written(f"{message.number}|{message.at.isoformat()}")


def _after_fact(place: Place) -> str:
    return _written(f"{place[1]}|{place[0].isoformat()}")


def _written(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> tuple[int | None, datetime | None, Place | None]:
    """The number below which, the instant before which, or the place in the journal from which to go on."""
    if cursor is None:
        return None, None, None
    try:
        word, _, stamp = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
        at = datetime.fromisoformat(stamp)
        if at.tzinfo is None:
            raise ValueError(stamp)
        if word.isascii() and word.isdigit():
            return int(word), at, None
        return None, None, (at, str(UUID(word)))
    except (ValueError, binascii.Error):
        raise Refusal("the cursor is not one that this list gave", code="bad_request") from None

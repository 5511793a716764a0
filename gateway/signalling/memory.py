"""The latest signalling, all of it, bounded in bytes and age; calls that are over stand in the journal as well."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from ccplatform.contracts.words import ContactId
from gateway.signalling.message import TracedMessage
from gateway.signalling.selection import Selection

#: Dialogs whose contact is remembered for their other messages.
MAX_DIALOGS: Final = 20_000


class SignallingMemory:
    """At most ``max_bytes`` of messages, none older than ``max_seconds`` when a newer one comes.

    It holds every message since :attr:`covers_from`, None while it has heard of none.
    """

    def __init__(self, *, max_bytes: int, max_seconds: float) -> None:
        self._max_bytes = max_bytes
        self._oldest = timedelta(seconds=max_seconds)
        self._messages: deque[TracedMessage] = deque()
        self._contacts: OrderedDict[str, ContactId] = OrderedDict()
        self._waiting: set[asyncio.Future[None]] = set()
        self.bytes = 0
        self.covers_from: datetime | None = None

    def __len__(self) -> int:
        return len(self._messages)

    def restart(self, now: datetime) -> None:
        """Messages were missed until now: what is kept reaches back no further."""
        self._messages.clear()
        self.bytes = 0
        self.covers_from = now

    def put(self, message: TracedMessage) -> None:
        """Keep the next message."""
        if message.contact is not None:
            self._contacts[message.call_id] = message.contact
            self._contacts.move_to_end(message.call_id)
            if len(self._contacts) > MAX_DIALOGS:
                self._contacts.popitem(last=False)
        if self.covers_from is None:
            self.covers_from = message.at
        self._messages.append(message)
        self.bytes += message.size
        while self.bytes > self._max_bytes or message.at - self._messages[0].at > self._oldest:
            self.bytes -= self._messages.popleft().size
            if not self._messages:
                self.covers_from = None
                return
            self.covers_from = self._messages[0].at

    def wake(self) -> None:
        """Tell who waits that there is something new."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def something_new(self) -> None:
        """Return at the next :meth:`wake`."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    def contact_of(self, message: TracedMessage) -> ContactId | None:
        """The contact of a message, also of one that came before its dialog had one."""
        return message.contact or self._contacts.get(message.call_id)

    @property
    def last_number(self) -> int:
        """The number of the newest message, 0 without one."""
        return self._messages[-1].number if self._messages else 0

    def newest_first(self, before: int | None, selection: Selection) -> Iterator[TracedMessage]:
        """What is wanted of the messages with numbers below ``before``."""
        for message in reversed(self._messages):
            if before is not None and message.number >= before:
                continue
            if selection.takes(message):
                yield message

    def since(self, after: int, selection: Selection) -> list[TracedMessage]:
        """What is wanted of the messages with numbers above ``after``, oldest first."""
        found = []
        for message in reversed(self._messages):
            if message.number <= after:
                break
            if selection.takes(message):
                found.append(message)
        found.reverse()
        return found

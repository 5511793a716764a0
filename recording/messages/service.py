"""The shell of voice mail in control: facts change the book, counts are told, orders of people become facts.

A mark is a fact that is committed before it is acknowledged. Nothing here touches a call: sessions leave messages
by their own facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta, tzinfo
from typing import Final, Literal, assert_never

import structlog

from ccplatform.contracts import commands
from ccplatform.contracts.commands import Answer, Done, HandOutMessage, MarkMessage
from ccplatform.contracts.facts import (
    Fact,
    FactEvent,
    MailboxChanged,
    MessageDropped,
    MessageHandedOut,
    MessageLeft,
    MessageMarked,
)
from ccplatform.contracts.media import FileItem
from ccplatform.contracts.ports import Facts, WaitingMessage
from ccplatform.contracts.words import ContactId, Mailbox, MessageState, RecordingId, SeatId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal, Unavailable
from ccplatform.security.errors import BadSeal, VaultClosed
from recording.errors import MessageMoved, NoMailbox, NoMessage
from recording.messages.book import MessageBook
from recording.messages.model import WAITING, VoiceMessage
from recording.messages.store import MessageStore
from recording.sealed import Sounds

_log = structlog.get_logger("recording.messages")

#: How long a mark may take to be committed, seconds.
COMMIT_SECONDS: Final = 5.0
#: A recording that a lost session left is a message from this length on, seconds.
LEAST_SECONDS: Final = 1.0
#: Sounds of dropped messages are looked for so far back: a crash may have come before their removal.
LOOK_BACK: Final = timedelta(days=2)
#: Who deletes what is too old.
_RETENTION: Final = "retention"


class MessageService:
    """Implements :class:`ccplatform.contracts.ports.MessageDesk`.

    ``known`` says whether there is such a mailbox, ``mailboxes_at`` which ones the agent at a seat works on,
    ``discard`` removes the sound of what is no message, ``committed`` returns when the facts so far are.
    """

    def __init__(
        self,
        *,
        store: MessageStore,
        sounds: Sounds,
        facts: Facts,
        clock: Clock,
        zone: tzinfo,
        known: Callable[[Mailbox], bool],
        mailboxes_at: Callable[[SeatId], tuple[str, Collection[Mailbox]] | None],
        discard: Callable[[RecordingId], None],
        committed: Callable[[], Awaitable[None]],
        available: Callable[[], bool],
        most: int,
    ) -> None:
        self._store = store
        self._sounds = sounds
        self._facts = facts
        self._clock = clock
        self._zone = zone
        self._known = known
        self._mailboxes_at = mailboxes_at
        self._discard = discard
        self._committed = committed
        self._available = available
        self._most = most
        self._book = MessageBook()

    # --- start --------------------------------------------------------------------------------------------

    async def load(self, live: Collection[ContactId]) -> None:
        """Take what waits, tell its counts, and deliver what lost sessions left; ``live`` contacts have theirs."""
        self._book.load(await self._store.waiting())
        for mailbox in self._book.mailboxes():
            self._facts.record(self._book.counts(mailbox))
        for recording in await self._store.dropped_since(self._clock.wall() - LOOK_BACK):
            self._discard(recording)
        for recording, contact, mailbox, seconds in await self._store.orphans(live):
            _log.warning("a message of a lost session", message=recording, contact=contact, seconds=seconds)
            fact: Fact = MessageLeft(contact=contact, message=recording, mailbox=mailbox, seconds=seconds)
            if seconds < LEAST_SECONDS:
                fact = MessageDropped(contact=contact, message=recording, reason="too_short")
            self._facts.record(fact)

    # --- facts --------------------------------------------------------------------------------------------

    def observe(self, event: FactEvent) -> None:
        """Take one fact. Subscribe it last: it tells facts of its own."""
        match event.fact:
            case MessageLeft() | MessageDropped() | MessageMarked() | MessageHandedOut() as fact:
                if isinstance(fact, MessageDropped):
                    self._discard(fact.message)
                for mailbox in self._book.apply(fact, event.at):
                    self._facts.record(self._book.counts(mailbox))
            case _:
                pass

    def recordings_deleted(self, recordings: Collection[RecordingId]) -> None:
        """Their retention is over: messages among them that still waited wait no more."""
        for recording in recordings:
            message = self._book.get(recording)
            if message is not None:
                self._facts.record(self._marked(message, MessageState.DELETED, _RETENTION))

    # --- for others ---------------------------------------------------------------------------------------

    def accepts(self, mailbox: Mailbox) -> bool:
        """Whether a message can be left there."""
        if not self._known(mailbox):
            _log.warning("nobody has this mailbox", mailbox=mailbox)
            return False
        if len(self._book) >= self._most:
            _log.error("too many messages wait", messages=len(self._book))
            return False
        return True

    def counts(self, mailboxes: Collection[Mailbox]) -> tuple[int, int]:
        """How many new and heard messages wait in these."""
        told = [self._book.counts(mailbox) for mailbox in mailboxes]
        return sum(one.new for one in told), sum(one.heard for one in told)

    def all_counts(self) -> list[MailboxChanged]:
        """Every mailbox in which something waits."""
        return [self._book.counts(mailbox) for mailbox in self._book.mailboxes()]

    # --- MessageDesk --------------------------------------------------------------------------------------

    async def fetch(self, seat: SeatId) -> WaitingMessage | None:
        """See :class:`~ccplatform.contracts.ports.MessageDesk`."""
        who = self._mailboxes_at(seat)
        if who is None:
            return None
        by, mailboxes = who
        new = self._book.new_ones(mailboxes)
        if not new:
            return None
        message = new[0]
        await self._commit(self._marked(message, MessageState.HEARD, by))
        return WaitingMessage(
            message=message.id,
            caller=message.caller,
            left_at=message.left_at.astimezone(self._zone),
            count=len(new),
        )

    async def mark(self, seat: SeatId, message: RecordingId, action: Literal["handled", "delete"]) -> None:
        """See :class:`~ccplatform.contracts.ports.MessageDesk`."""
        who, found = self._mailboxes_at(seat), await self._get(message)
        if who is None or found.mailbox not in who[1]:
            raise NoMessage(message)
        state = MessageState.HANDLED if action == "handled" else MessageState.DELETED
        await self._commit(self._marked(found, state, who[0]))

    async def audio(self, message: RecordingId) -> FileItem:
        """See :class:`~ccplatform.contracts.ports.MessageDesk`."""
        return await asyncio.to_thread(self._audio, message)

    def _audio(self, message: RecordingId) -> FileItem:
        files = self._sounds.files
        try:
            key = self._sounds.key_of(message)
        except FileNotFoundError:  # of before sound was sealed, or gone
            return FileItem(path=str(files.plain_path_of(message)), trim=False)
        except (OSError, BadSeal, VaultClosed) as error:
            raise Unavailable(f"message {message} cannot be opened: {error}") from error
        return FileItem(path=str(files.path_of(message)), trim=False, key=key)

    # --- orders of people ---------------------------------------------------------------------------------

    async def command(self, command: MarkMessage | HandOutMessage) -> Answer:
        """Carry it out; committed before it is answered."""
        try:
            message = await self._get(command.message)
            if message.mailbox != command.mailbox:
                raise MessageMoved(message.id, message.mailbox)
            match command:
                case MarkMessage(state=state, by=by, note=note):
                    if self._book.get(message.id) is None and state in WAITING:
                        self._book.expect(message)
                    if state is not message.state or note:
                        await self._commit(self._marked(message, state, by, note))
                case HandOutMessage(to=to):
                    await self._hand_out(message, to, command.by)
                case _:
                    assert_never(command)
        except Refusal as error:
            return commands.Refused(code=error.code, message=str(error))
        except Unavailable as error:
            return commands.Refused(code="unavailable", message=f"The change was not made: {error}")
        return Done(result={"id": message.id})

    async def _hand_out(self, message: VoiceMessage, to: Mailbox, by: str) -> None:
        if not self._known(to):
            raise NoMailbox(to)
        if message.mailbox == to:
            return
        if self._book.get(message.id) is None:  # it was handled: it is work again
            self._book.expect(message)
            await self._commit(self._marked(message, MessageState.NEW, by))
        await self._commit(
            MessageHandedOut(
                contact=message.contact, message=message.id, mailbox=to, before=message.mailbox, by=by
            )
        )

    async def _get(self, message: RecordingId) -> VoiceMessage:
        return self._book.get(message) or await self._store.get(message)

    async def _commit(self, fact: Fact) -> None:
        if not self._available():
            raise Unavailable("PostgreSQL cannot be reached")
        self._facts.record(fact)
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._committed()
        except TimeoutError as error:
            raise Unavailable("PostgreSQL does not answer; it is written once it does") from error

    def _marked(self, message: VoiceMessage, state: MessageState, by: str, note: str = "") -> MessageMarked:
        done = message.state in WAITING and state not in WAITING and by != _RETENTION
        return MessageMarked(
            contact=message.contact,
            message=message.id,
            mailbox=message.mailbox,
            state=state,
            by=by,
            note=note,
            age_seconds=(self._clock.wall() - message.left_at).total_seconds() if done else None,
        )

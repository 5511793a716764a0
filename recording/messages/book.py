"""What waits in the mailboxes: a pure fold of the facts about messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from ccplatform.contracts.facts import MailboxChanged, MessageDropped, MessageHandedOut, MessageLeft, MessageMarked
from ccplatform.contracts.words import Mailbox, MessageState, RecordingId
from recording.messages.model import WAITING, VoiceMessage

MessageFact: TypeAlias = MessageLeft | MessageDropped | MessageMarked | MessageHandedOut


class MessageBook:
    """Messages that are new, or heard and not handled; handled ones are in the database only."""

    def __init__(self) -> None:
        self._waiting: dict[RecordingId, VoiceMessage] = {}
        self._boxes: dict[Mailbox, dict[RecordingId, VoiceMessage]] = {}
        self._expected: dict[RecordingId, VoiceMessage] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def get(self, message: RecordingId) -> VoiceMessage | None:
        """A message that waits."""
        return self._waiting.get(message)

    def load(self, messages: Iterable[VoiceMessage]) -> None:
        """Take what waited before."""
        for message in messages:
            self._put(message)

    def counts(self, mailbox: Mailbox) -> MailboxChanged:
        """How many wait there."""
        box = self._boxes.get(mailbox, {})
        new = sum(message.state is MessageState.NEW for message in box.values())
        return MailboxChanged(mailbox=mailbox, new=new, heard=len(box) - new)

    def mailboxes(self) -> list[Mailbox]:
        """Those in which a message waits."""
        return sorted(self._boxes)

    def new_ones(self, mailboxes: Collection[Mailbox]) -> list[VoiceMessage]:
        """The messages that nobody heard, the oldest first."""
        found = [message for box in mailboxes for message in self._boxes.get(box, {}).values()]
        return sorted(
            (one for one in found if one.state is MessageState.NEW), key=lambda one: (one.left_at, one.id)
        )

    def apply(self, fact: MessageFact, at: datetime) -> list[Mailbox]:
        """Take a fact; returns the mailboxes whose counts it changed. Taking it again changes nothing."""
        known = self._waiting.get(fact.message)
        match fact:
            case MessageLeft():
                if known is not None:
                    return []
                return self._put(_left(fact, at))
            case MessageDropped():
                return self._take(fact.message)
            case MessageMarked(state=state):
                return self._marked(fact.message, known, state)
            case MessageHandedOut(mailbox=mailbox):
                if known is None or known.mailbox == mailbox:
                    return []
                return self._take(fact.message) + self._put(
                    replace(known, mailbox=mailbox, state=MessageState.NEW)
                )

    def expect(self, message: VoiceMessage) -> None:
        """A handled message that is about to be somebody's work again: what is known of it."""
        self._expected[message.id] = message

    def _marked(self, name: RecordingId, known: VoiceMessage | None, state: MessageState) -> list[Mailbox]:
        if state not in WAITING:
            return self._take(name)
        message = known or self._expected.pop(name, None)
        if message is None or (known is not None and known.state is state):
            return []
        return self._put(replace(message, state=state))

    def _put(self, message: VoiceMessage) -> list[Mailbox]:
        self._waiting[message.id] = message
        self._boxes.setdefault(message.mailbox, {})[message.id] = message
        return [message.mailbox]

    def _take(self, message: RecordingId) -> list[Mailbox]:
        gone = self._waiting.pop(message, None)
        if gone is None:
            return []
        box = self._boxes[gone.mailbox]
        del box[message]
        if not box:
            del self._boxes[gone.mailbox]
        return [gone.mailbox]


def _left(fact: MessageLeft, at: datetime) -> VoiceMessage:
    return VoiceMessage(
        id=fact.message,
        contact=fact.contact,
        mailbox=fact.mailbox,
        state=MessageState.NEW,
        left_at=at,
        seconds=fact.seconds,
        caller=fact.caller,
    )

"""Messages that callers leave; a message has the id of its recording."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.facts.personal import personal
from ccplatform.contracts.words import ContactId, Mailbox, MessageState, RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLeft:
    """The caller left a message."""

    contact: ContactId
    message: RecordingId
    mailbox: Mailbox
    seconds: float
    caller: str = personal("")


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDropped:
    """What was recorded is no message: ``too_short``, ``silent``, ``recorded_again``, ``failed``."""

    contact: ContactId
    message: RecordingId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageMarked:
    """Somebody heard, handled or deleted a message, or did not after all; ``by`` is a user, an
    agent, or ``retention``. ``age_seconds``: how long it waited, where it is done with that."""

    contact: ContactId
    message: RecordingId
    mailbox: Mailbox
    state: MessageState
    by: str
    note: str = personal("")
    age_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHandedOut:
    """Somebody put a message into another mailbox: it is an agent's or another queue's work now."""

    contact: ContactId
    message: RecordingId
    mailbox: Mailbox
    before: Mailbox
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxChanged:
    """How many messages wait in a mailbox: those that nobody heard, and those heard but not handled."""

    mailbox: Mailbox
    new: int
    heard: int

"""Words of voice mail: what waits in mailboxes, a row, a filter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ccplatform.contracts.words import AgentId, ContactId, Mailbox, MessageState, QueueId, RecordingId

#: States of messages that are somebody's work still.
WAITING = frozenset({MessageState.NEW, MessageState.HEARD})


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceMessage:
    """A message. ``handled_by`` and ``handled_at`` are of its last mark."""

    id: RecordingId
    contact: ContactId
    mailbox: Mailbox
    state: MessageState
    left_at: datetime
    seconds: float
    caller: str = field(repr=False)
    handled_by: str = ""
    handled_at: datetime | None = None
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """What a list is narrowed to; None: everything. ``before`` is the id of the last row seen."""

    mailboxes: frozenset[Mailbox] | None = None
    states: frozenset[MessageState] | None = None
    contact: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    before: RecordingId | None = None


def queue_of(mailbox: Mailbox) -> QueueId | None:
    """The queue whose mailbox it is."""
    kind, _, name = mailbox.partition(":")
    return QueueId(name) if kind == "queue" else None


def agent_of(mailbox: Mailbox) -> AgentId | None:
    """The agent whose own mailbox it is."""
    kind, _, name = mailbox.partition(":")
    return AgentId(name) if kind == "agent" else None


def mailbox_of(queue: QueueId | None, agent: AgentId | None) -> Mailbox:
    """The mailbox of a message's recording."""
    return Mailbox(f"queue:{queue}" if queue is not None else f"agent:{agent}")

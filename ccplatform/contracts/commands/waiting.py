"""Commands of what waits for an agent without a call: call-backs and voice messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ccplatform.contracts.words import Mailbox, MessageState, QueueId, RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseCallBack:
    """Let an agent of the queue call this number. Answer: the call-back's ``id``."""

    queue: QueueId
    number: str = field(repr=False)
    by: str
    priority: int = 5
    not_before: datetime | None = None
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCallBack:
    """Nobody wants this call-back any more; a call that is being made for it ends, a talk does not."""

    call_back: str
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCallBack:
    """Make this call-back not before another hour; its place in line stays."""

    call_back: str
    not_before: datetime
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkMessage:
    """Say how far a voice message has come; refused when it is in another ``mailbox`` by now."""

    message: RecordingId
    mailbox: Mailbox = field(compare=False)  # where it was seen: not what is asked for
    state: MessageState
    by: str
    note: str = field(default="", repr=False)
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOutMessage:
    """Put a voice message into another mailbox, as new work there."""

    message: RecordingId
    mailbox: Mailbox = field(compare=False)  # where it was seen: not what is asked for
    to: Mailbox
    by: str
    key: str = ""

"""Recording: `calls` asks the policy at the start of a talk and says when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ccplatform.contracts.media import RecordingClosed, Seal
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    Direction,
    Mailbox,
    QueueId,
    RecordingId,
    RecordingMode,
    SeatId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A talk that begins, as the policy sees it."""

    contact: ContactId
    call: CallId
    queue: QueueId | None
    agent: AgentId | None
    seat: SeatId | None
    dialled: str
    direction: Direction = Direction.INBOUND
    team: str = ""  # the agent's, which the recorder knows
    asked: bool = False  # the flow asks for a recording
    about: ContactId | None = None  # a consultation about this one
    language: str = ""  # that the caller chose
    by: str = ""  # who wants it recorded, where the policy leaves that to people


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingOrder:
    """Record this talk, there, sealed with that."""

    recording: RecordingId
    path: str
    seal: Seal
    mode: RecordingMode
    on_demand: bool = False  # people may stop it
    announcement: str = ""  # a text, or a file of sounds, that both parties are to hear; '': none


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A caller begins to leave a message."""

    contact: ContactId
    call: CallId
    mailbox: Mailbox


class Recorder(Protocol):
    """The recording service, as `calls` sees it."""

    def decide(self, talk: Talk) -> RecordingOrder | None:
        """The policy's decision; an order also makes the catalogue row and the fact RecordingStarted."""

    def on_demand(self, talk: Talk) -> bool:
        """Whether the policy leaves it to people to record this talk."""

    def take_message(self, message: Message) -> RecordingOrder | None:
        """Where the message is to be written; None: it cannot be (no such mailbox, too many messages)."""

    def closed(self, closed: RecordingClosed) -> None:
        """The media engine closed the file: seal it and finish the catalogue row."""

"""Pieces of a call's state: what it waits for, and who is on it besides the caller and who has him."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    LegId,
    LegRole,
    PlaybackId,
    QueueId,
    RecordingId,
    SeatId,
    Supervision,
)


@dataclass(slots=True, kw_only=True)
class PendingKey:
    """A completed input whose answering sound has not begun; ``playback`` is the sound that will."""

    node: str
    keyed_at: float
    playback: PlaybackId | None = None


@dataclass(slots=True, kw_only=True)
class PendingQuery:
    """A query result that will be heard with ``playback``."""

    node: str
    source: str
    keyed_at: float
    playback: PlaybackId


@dataclass(frozen=True, slots=True, kw_only=True)
class RungAgent:
    """An agent whose phone rings for the caller; ``whisper`` is told to him when he answers."""

    agent: AgentId
    seat: SeatId
    whisper: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatCalled:
    """An agent whose phone a flow, or a queue, has called for the caller: his line is taken meanwhile."""

    leg: LegId
    agent: AgentId
    seat: SeatId


@dataclass(slots=True, kw_only=True)
class Consultation:
    """Somebody who is called about the caller: to be asked first, or (``transfer``) to have him at once.

    ``contact`` is his part of it: the ACD knows him by that, and with ``told`` it is a contact with a ``call`` of
    its own for whoever looks on. Without a ``leg`` phones of agents ring, or he is waited for.
    """

    contact: ContactId
    call: CallId
    to: str  # who is called, as it was asked for
    by: str  # who asks: an agent, or the seat where nobody is signed in
    begun_at: float
    transfer: bool = False
    by_phone: bool = False  # his phone asked for it, and wants to know how it goes
    told: bool = False
    queue: QueueId | None = None
    wanted: AgentId | None = None  # alone
    phone: str = ""  # the one phone of his that is to ring; empty: all of them
    leg: LegId | None = None
    agent: AgentId | None = None  # who answered
    seat: SeatId | None = None
    device: str = ""
    answered_at: float | None = None
    aside: bool = False  # he hears music: who asked him talks with the caller
    held_at: float | None = None
    hold_seconds: float = 0.0
    recording: RecordingId | None = None

    @property
    def routed(self) -> bool:
        """Whether the ACD finds who answers."""
        return self.queue is not None or self.wanted is not None


@dataclass(slots=True, kw_only=True)
class Member:
    """Somebody in the conference, besides the caller and who has him; ``contact`` is what the ACD knows him by."""

    contact: ContactId
    role: LegRole
    device: str
    joined_at: float
    agent: AgentId | None = None
    seat: SeatId | None = None
    queue: QueueId | None = None


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Somebody whose phone rings, or who listens by it."""

    by: str
    what: Supervision
    seat: SeatId
    there: bool = False

"""Recordings of talks."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.words import AgentId, ContactId, QueueId, RecordingId, RecordingMode, SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted:
    """Samples are being written."""

    contact: ContactId
    recording: RecordingId
    mode: RecordingMode
    queue: QueueId | None
    agent: AgentId | None
    seat: SeatId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEnded:
    """The recording is closed; ``complete`` is false when it was cut (worker lost, disk full)."""

    contact: ContactId
    recording: RecordingId
    seconds: float
    size_bytes: int
    complete: bool
    reason: str

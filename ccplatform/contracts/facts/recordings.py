"""Recordings of talks."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.words import AgentId, ContactId, QueueId, RecordingId, RecordingMode, SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingLeftToPeople:
    """A talk begins of which the policy says that its agent, or his supervisor, may record it."""

    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted:
    """Samples are being written; ``by`` says who wanted it, '' the policy or a flow.

    ``on_demand``: the policy leaves it to people, who may stop it.
    """

    contact: ContactId
    recording: RecordingId
    mode: RecordingMode
    queue: QueueId | None
    agent: AgentId | None
    seat: SeatId | None
    keep_days: int | None = None  # by the rule that wanted it; None: as long as all
    by: str = ""
    on_demand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPaused:
    """From now on it is silent, because somebody wanted that."""

    contact: ContactId
    recording: RecordingId
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingResumed:
    """What is said is recorded again."""

    contact: ContactId
    recording: RecordingId
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingAnnounced:
    """The parties hear from now on that they are recorded; not ``played``: there was nothing to play."""

    contact: ContactId
    recording: RecordingId
    text: str
    played: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStopped:
    """Somebody wanted no more of it; its end follows."""

    contact: ContactId
    recording: RecordingId
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEnded:
    """The recording is closed; ``complete`` is false when it was cut (worker lost, disk full).

    ``root`` (hex) is the hash that stands for the whole file; '' when it could not be closed. ``pauses``: from
    when to when it is silent on purpose, seconds; ``missing_seconds`` of it were never written.
    """

    contact: ContactId
    recording: RecordingId
    seconds: float
    size_bytes: int
    complete: bool
    reason: str
    root: str = ""
    pauses: tuple[tuple[float, float], ...] = ()
    missing_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingGap:
    """So many seconds of a talk that were to be recorded are not, nor were they paused."""

    contact: ContactId
    recording: RecordingId
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingDayProved:
    """The recordings that ended on a day (UTC), counted; ``root`` is the hash over their rows, in the audit."""

    day: str
    recordings: int
    incomplete: int
    seconds: float
    paused_seconds: float
    missing_seconds: float
    gap_seconds: float
    root: str

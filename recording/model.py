"""Words of recording: the policy's rules, what is noted beside a file, a row of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Final

from ccplatform.contracts.words import AgentId, ContactId, Direction, QueueId, RecordingId, RecordingMode, SeatId

#: Recordings are kept at least so many days (R10.1.f: ≥ 1 month, the longest month).
LEAST_RETENTION_DAYS: Final = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """A time of the week, local: ISO weekdays 1 (Monday)–7; ``end`` before ``start`` reaches past midnight."""

    days: frozenset[int] = frozenset(range(1, 8))
    start: time = time(0, 0)
    end: time = time(0, 0)  # equal to start: the whole day

    def holds(self, at: datetime) -> bool:
        """Whether the local time ``at`` lies inside."""
        clock = at.time()
        today = at.isoweekday() in self.days
        if self.start == self.end:
            return today
        if self.start < self.end:
            return today and self.start <= clock < self.end
        yesterday = (at.isoweekday() - 2) % 7 + 1 in self.days
        return (today and clock >= self.start) or (yesterday and clock < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which talks it is about (None: any) and what is done with them.

    ``percent`` is the share of a RANDOM rule, 0–100. ``windows`` are the times when a SCHEDULED one records, and
    when any other is about talks at all (none: always). What it records is kept for ``keep_days`` (None: as all
    are).
    """

    name: str
    mode: RecordingMode
    queues: frozenset[QueueId] | None = None
    agents: frozenset[AgentId] | None = None
    teams: frozenset[str] | None = None
    dialled: frozenset[str] | None = None
    directions: frozenset[Direction] | None = None
    percent: float = 100.0
    windows: tuple[TimeWindow, ...] = ()
    keep_days: int | None = None
    announce: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules in order, the first that fits a talk decides; without one, ``queue_default`` for talks from a queue.

    Everything else is recorded only when its flow asks; without ``consultations`` none of those is. ``seed``
    keeps outsiders from working out which contacts a random rule takes. ``announce``: whether parties of talks
    that no rule is about hear that they are recorded; ``announcements`` are what they hear, by language, the first
    of them who chose none.
    """

    rules: tuple[Rule, ...] = ()
    queue_default: RecordingMode = RecordingMode.FULL
    seed: str = ""
    consultations: bool = True
    announce: bool = False
    announcements: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a recording ended; ``complete`` is False when it was cut, ``reason`` says why.

    ``root`` (hex) stands for the whole file, '' when it could not be closed. ``pauses`` are where it is silent on
    purpose, ``missing_seconds`` of it were never written.
    """

    seconds: float
    size_bytes: int
    complete: bool
    reason: str = ""
    root: str = ""
    pauses: tuple[tuple[float, float], ...] = ()
    missing_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is noted beside a recording's file, so that the file can be understood without the database."""

    recording: RecordingId
    contact: ContactId
    mode: RecordingMode
    queue: QueueId | None
    agent: AgentId | None
    seat: SeatId | None
    ending: Ending | None = None
    keep_days: int | None = None
    by: str = ""
    on_demand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A row of the catalogue; ``ended_at`` is None while it is written."""

    id: RecordingId
    contact: ContactId
    mode: RecordingMode
    queue: QueueId | None
    agent: AgentId | None
    seat: SeatId | None
    started_at: datetime
    ended_at: datetime | None
    seconds: float | None
    size_bytes: int | None
    complete: bool | None
    reason: str
    held: bool
    deleted_at: datetime | None
    paused_seconds: float = 0.0
    missing_seconds: float = 0.0
    gap_seconds: float = 0.0
    keep_days: int | None = None
    hold_reason: str = ""
    held_by: str = ""
    coding: str = "pcm"
    disposition: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause that somebody declared; one that nobody ended ended with its recording."""

    at: datetime
    by: str
    reason: str
    resumed_at: datetime | None
    resumed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedRow:
    """What of a recording's row the root of its day covers."""

    id: RecordingId
    contact: str
    mode: str
    queue: str | None
    agent: str | None
    seat: str | None
    seconds: float
    paused_seconds: float
    missing_seconds: float
    gap_seconds: float
    complete: bool
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """What the file of a recording is compared with."""

    id: RecordingId
    root: str
    complete: bool
    gap_seconds: float
    deleted: bool
    stored_root: str = ""  # of the file as it rests now, if that is another one
    local: bool = True  # its file is in the directory, and not only in other stores


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFilter:
    """What a list is narrowed to; None: everything. ``before`` is the id of the last row seen; ``agents`` leaves
    those of other agents out, not those of none. Ranges have both
    their ends in them, that of lengths ends before ``longest_seconds``."""

    start: datetime | None = None
    end: datetime | None = None
    agent: str | None = None
    seat: str | None = None
    queue: str | None = None
    contact: str | None = None
    caller_digest: bytes | None = None
    disposition: str | None = None
    shortest_seconds: float | None = None
    longest_seconds: float | None = None
    lowest_score: float | None = None
    highest_score: float | None = None
    held: bool = False
    agents: frozenset[AgentId] | None = None
    before: RecordingId | None = None

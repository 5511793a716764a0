"""What the recording tests share: WAV files, ports that remember, tasks on a virtual clock."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from ccplatform.contracts.facts import Fact, RecordingEnded, RecordingStarted
from ccplatform.contracts.recordings import Talk
from ccplatform.contracts.words import AgentId, CallId, ContactId, QueueId, RecordingId, SeatId, Severity
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.key_ring import KeyRing
from recording.files import RecordingFiles
from recording.model import Note, Policy
from recording.sealed import Sounds
from recording.service import RecordingService
from tests.support.sealed import RING

ZONE = ZoneInfo("Asia/Shanghai")
CONTACT = ContactId("019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b39")


def wave_bytes(frames: int, declared: int | None = None, extra: bytes = b"") -> bytes:
    """Stereo A-law at 8 kHz; ``declared`` is what the header says instead of the truth, in bytes."""
    data = b"\x55\xd5" * frames + extra
    size = len(data) if declared is None else declared
    form = struct.pack("<HHIIHH", 6, 2, 8000, 16000, 2, 8)
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + size, 0xFFFF_FFFF))
        + b"WAVE"
        + b"fmt "
        + struct.pack("<I", len(form))
        + form
        + b"data"
        + struct.pack("<I", size)
        + data
    )


def talk(**changes: object) -> Talk:
    """A talk of queue support with agent 1004, changed as told."""
    fields: dict[str, object] = {
        "contact": CONTACT,
        "call": CallId("call-1"),
        "queue": QueueId("support"),
        "agent": AgentId("1004"),
        "seat": SeatId("seat-04"),
        "dialled": "95000",
    }
    return Talk(**{**fields, **changes})  # type: ignore[arg-type]


@dataclass
class Told:
    """Facts and alarms."""

    facts: list[Fact] = field(default_factory=list)
    alarms: dict[tuple[str, str], Severity] = field(default_factory=dict)

    def record(self, fact: Fact) -> None:
        self.facts.append(fact)

    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        self.alarms.setdefault((kind, subject), severity)

    def clear_alarm(self, kind: str, subject: str) -> None:
        self.alarms.pop((kind, subject), None)

    @property
    def started(self) -> list[RecordingStarted]:
        return [fact for fact in self.facts if isinstance(fact, RecordingStarted)]

    @property
    def ended(self) -> list[RecordingEnded]:
        return [fact for fact in self.facts if isinstance(fact, RecordingEnded)]


@dataclass
class FakeRows:
    """A catalogue in memory."""

    open: list[Note] = field(default_factory=list)
    ids: set[RecordingId] = field(default_factory=set)
    away: bool = False

    async def open_rows(self) -> list[Note]:
        return self.open

    async def known(self, recordings: Collection[RecordingId]) -> set[RecordingId]:
        if self.away:
            raise Unavailable("the database is away")
        return self.ids & set(recordings)


class Studio:
    """A recording service over a real directory."""

    def __init__(
        self,
        directory: Path,
        policy: Policy | None = None,
        *,
        clock: VirtualClock | None = None,
        rows: FakeRows | None = None,
        refusal: Callable[[], str] = lambda: "",
        team_of: Callable[[AgentId], str] = lambda _: "",
        keys: KeyRing = RING,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.ids = Ids(self.clock)
        self.told = Told()
        self.rows = rows or FakeRows()
        self.files = RecordingFiles(directory)
        self.tasks = TaskSupervisor(self.clock)
        self.service = RecordingService(
            policy=policy or Policy(),
            sounds=Sounds(files=self.files, keys=keys),
            rows=self.rows,
            facts=self.told,
            alarms=self.told,
            clock=self.clock,
            ids=self.ids,
            tasks=self.tasks,
            zone=ZONE,
            refusal=refusal,
            team_of=team_of,
        )

    async def end(self) -> None:
        await self.service.settled()
        self.service.close()
        await self.tasks.close()
        assert self.tasks.crashes == 0

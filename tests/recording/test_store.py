"""The catalogue on PostgreSQL: made of facts, searched by filters, deleted after its time with a trace."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ccplatform.contracts.facts import (
    Fact,
    FactEvent,
    RecordingEnded,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)
from ccplatform.contracts.words import AgentId, ContactId, QueueId, RecordingId, RecordingMode, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.security.audit import Audit
from ccplatform.security.sealed_sound import read_header
from ccplatform.storage.database import Database
from recording.errors import NoRecording, RecordingGone, RetentionTooShort
from recording.files import RecordingFiles, started_at_of
from recording.model import RecordingFilter
from recording.retention import Retention
from recording.store import Catalogue, CatalogueProjection
from tests.recording.kit import wave_bytes
from tests.support.database import database, postgres_dsn  # noqa: F401
from tests.support.sealed import write_sealed


class Archive:
    """A catalogue filled by facts."""

    def __init__(self, opened: Database) -> None:
        self.database = opened
        self.clock = VirtualClock()
        self.ids = Ids(self.clock)
        self.stream: Stream[Fact] = Stream(self.clock, self.ids, "default")
        self.catalogue = Catalogue(database=opened)

    async def apply(self, *facts: Fact) -> list[FactEvent]:
        events = [self.stream.publish(fact) for fact in facts]
        async with self.database.transaction() as connection:
            await CatalogueProjection().apply(connection, events)
        return events

    def start(self, agent: str = "1004", queue: str = "support") -> RecordingStarted:
        self.clock.advance(60)
        return RecordingStarted(
            contact=ContactId(self.ids.new()),
            recording=RecordingId(self.ids.new()),
            mode=RecordingMode.FULL,
            queue=QueueId(queue),
            agent=AgentId(agent),
            seat=SeatId(f"seat-{agent}"),
        )


def end(started: RecordingStarted, *, complete: bool = True, reason: str = "") -> RecordingEnded:
    return RecordingEnded(
        contact=started.contact,
        recording=started.recording,
        seconds=12.5,
        size_bytes=200_044,
        complete=complete,
        reason=reason,
    )


@pytest.fixture
def archive(database: Database) -> Archive:  # noqa: F811
    return Archive(database)


async def test_facts_make_a_row_and_the_first_end_counts(archive: Archive) -> None:
    started = archive.start()
    await archive.apply(started)
    assert [note.recording for note in await archive.catalogue.open_rows()] == [started.recording]
    [ended] = await archive.apply(end(started))
    await archive.apply(started, end(started, complete=False, reason="restart"))
    row = await archive.catalogue.get(started.recording)
    assert (row.contact, row.mode, row.queue, row.agent, row.seat) == (
        started.contact,
        RecordingMode.FULL,
        "support",
        "1004",
        "seat-1004",
    )
    assert row.started_at == started_at_of(started.recording)
    assert (row.ended_at, row.seconds, row.size_bytes, row.complete) == (ended.at, 12.5, 200_044, True)
    assert await archive.catalogue.open_rows() == []


async def test_an_unknown_recording_is_not_found(archive: Archive) -> None:
    with pytest.raises(NoRecording):
        await archive.catalogue.get(RecordingId(archive.ids.new()))
    known = archive.start()
    await archive.apply(known)
    asked = [known.recording, RecordingId(archive.ids.new())]
    assert await archive.catalogue.known(asked) == {known.recording}


async def test_lists_are_narrowed_and_paged_newest_first(archive: Archive) -> None:
    all_started = [archive.start(agent, queue) for agent in ("1001", "1004") for queue in ("sales", "support")]
    await archive.apply(*all_started)
    newest_first = [started.recording for started in reversed(all_started)]

    async def found(wanted: RecordingFilter, limit: int = 10) -> list[RecordingId]:
        return [row.id for row in await archive.catalogue.page(wanted, limit)]

    assert await found(RecordingFilter()) == newest_first
    assert await found(RecordingFilter(), 2) == newest_first[:2]
    assert await found(RecordingFilter(before=newest_first[1])) == newest_first[2:]
    assert await found(RecordingFilter(agent="1001")) == newest_first[2:]
    assert await found(RecordingFilter(seat="seat-1004", queue="sales")) == [newest_first[1]]
    assert await found(RecordingFilter(contact=all_started[0].contact)) == [newest_first[3]]
    assert await found(RecordingFilter(agents=frozenset({AgentId("1001"), AgentId("9")}))) == newest_first[2:]
    assert await found(RecordingFilter(agents=frozenset())) == []
    third = started_at_of(newest_first[1])
    assert await found(RecordingFilter(start=third)) == newest_first[:2]
    assert await found(RecordingFilter(end=third)) == newest_first[2:]


async def test_old_recordings_are_deleted_with_their_files_and_a_row_in_the_audit(
    archive: Archive, tmp_path: Path
) -> None:
    files = RecordingFiles(tmp_path)
    old, held, still_open, young = (archive.start() for _ in range(4))
    archive.clock.advance(31 * 86_400)
    young = archive.start()
    await archive.apply(old, held, still_open, young, end(old), end(held), end(young))
    async with archive.database.transaction() as connection:
        await connection.execute("UPDATE recordings SET held = true WHERE id = $1", held.recording)
    for started in (old, held, young):
        files.prepare(started.recording)
        files.path_of(started.recording).write_bytes(wave_bytes(10))
    audit = Audit(archive.database, clock=archive.clock, ids=archive.ids)
    retention = Retention(
        catalogue=archive.catalogue,
        files=files,
        database=archive.database,
        audit=audit,
        clock=archive.clock,
        days=31,
        at=time(3),
        zone=ZoneInfo("Asia/Shanghai"),
    )
    assert await retention.run_once() == 1
    assert await retention.run_once() == 0
    assert not files.path_of(old.recording).exists()
    assert files.path_of(held.recording).exists()
    assert files.path_of(young.recording).exists()
    assert (await archive.catalogue.get(old.recording)).deleted_at == archive.clock.wall()
    listed = {row.id for row in await archive.catalogue.page(RecordingFilter(), 10)}
    assert listed == {held.recording, still_open.recording, young.recording}
    [row] = await audit.page(action="recording.delete")
    assert old.recording in row.detail
    assert (await audit.verify()).intact


async def test_a_legal_hold_keeps_a_recording_and_is_in_the_audit_with_its_reason(
    archive: Archive, tmp_path: Path
) -> None:
    old, longer = archive.start(), replace(archive.start(), keep_days=90)
    await archive.apply(old, longer, end(old), end(longer))
    audit = Audit(archive.database, clock=archive.clock, ids=archive.ids)
    retention = made_with(archive, tmp_path, days=31)
    archive.clock.advance(40 * 86_400)
    catalogue = archive.catalogue
    await catalogue.set_hold(old.recording, held=True, reason="case 4711", by="anna", audit=audit)
    row = await catalogue.get(old.recording)
    assert (row.held, row.hold_reason, row.held_by, row.deleted_at) == (True, "case 4711", "anna", None)
    assert await retention.run_once() == 0
    await catalogue.set_hold(old.recording, held=False, reason="case closed", by="anna", audit=audit)
    assert await retention.run_once() == 1
    with pytest.raises(RecordingGone):
        await catalogue.set_hold(old.recording, held=True, reason="too late", by="anna", audit=audit)
    with pytest.raises(NoRecording):
        await catalogue.set_hold(
            RecordingId(archive.ids.new()), held=True, reason="nothing", by="anna", audit=audit
        )
    rows = await audit.page(limit=10)
    assert [(row.action, row.subject) for row in reversed(rows)] == [
        ("recording.hold", "anna"),
        ("recording.release", "anna"),
        ("recording.delete", "system"),
    ]
    assert "case 4711" in rows[2].detail
    archive.clock.advance(51 * 86_400)
    assert await retention.run_once() == 1  # after the 90 days of its rule


async def test_a_deleted_recording_had_its_key_destroyed_first(archive: Archive, tmp_path: Path) -> None:
    started = archive.start()
    await archive.apply(started, end(started))
    files = RecordingFiles(tmp_path)
    path = files.path_of(started.recording)
    write_sealed(path, started.recording, bytes(32_000))
    kept = tmp_path / "a second name, as of whoever copied it by link"
    kept.hardlink_to(path)
    archive.clock.advance(40 * 86_400)
    assert await made_with(archive, tmp_path, days=31).run_once() == 1
    assert not path.exists()
    _, wrapped = read_header(kept.read_bytes())
    assert not any(wrapped)


def test_a_retention_below_a_month_is_refused_by_name(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(RetentionTooShort, match=r"R10\.1\.f"):
        made_with(archive, tmp_path, days=30)


def test_the_deletion_runs_at_its_local_time(archive: Archive, tmp_path: Path) -> None:
    retention = made_with(archive, tmp_path, days=31)
    at_two = datetime(2026, 1, 4, 18, 0, tzinfo=UTC)  # 02:00 in Shanghai
    assert retention.seconds_to_next(at_two) == 3600
    assert retention.seconds_to_next(at_two + timedelta(hours=1)) == 86_400


def made_with(archive: Archive, directory: Path, days: int) -> Retention:
    return Retention(
        catalogue=archive.catalogue,
        files=RecordingFiles(directory),
        database=archive.database,
        audit=Audit(archive.database, clock=archive.clock, ids=archive.ids),
        clock=archive.clock,
        days=days,
        at=time(3),
        zone=ZoneInfo("Asia/Shanghai"),
    )


async def test_declared_pauses_say_who_and_why_however_often_they_are_told(archive: Archive) -> None:
    started = archive.start()
    contact, recording = started.contact, started.recording
    facts: list[Fact] = [started]
    for reason in ("card", "password"):
        facts += [
            RecordingPaused(contact=contact, recording=recording, by="1004", reason=reason),
            RecordingResumed(contact=contact, recording=recording, by="sup1"),
        ]
    facts.append(RecordingPaused(contact=contact, recording=recording, by="1004", reason="card"))
    events = []
    for fact in facts:
        archive.clock.advance(5)
        events.append(archive.stream.publish(fact))
    for told in (events, events[1:], events):
        async with archive.database.transaction() as connection:
            await CatalogueProjection().apply(connection, told)
    pauses = await archive.catalogue.pauses(started.recording)
    assert [(pause.by, pause.reason, pause.resumed_by) for pause in pauses] == [
        ("1004", "card", "sup1"),
        ("1004", "password", "sup1"),
        ("1004", "card", ""),
    ]
    lasted = [(pause.resumed_at - pause.at).total_seconds() for pause in pauses[:2] if pause.resumed_at]
    assert lasted == [5.0, 5.0]
    assert pauses[2].resumed_at is None

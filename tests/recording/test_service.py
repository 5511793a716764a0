"""Recording in control: orders, sealing, and what is found after a restart."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccplatform.contracts.facts import Fact, FactEvent, RecordingAnnounced
from ccplatform.contracts.media import RecordingClosed
from ccplatform.contracts.recordings import RecordingOrder
from ccplatform.contracts.words import AgentId, CallId, QueueId, RecordingId, RecordingMode, SeatId, Severity
from ccplatform.kernel.clock import SystemClock, VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Event
from ccplatform.security.errors import VaultClosed
from ccplatform.security.key_ring import KeyRing, KeySource
from recording.model import Note, Policy, Rule
from recording.service import ALARM, REPAIR_SECONDS, UNANNOUNCED_ALARM
from tests.recording.kit import CONTACT, Studio, talk
from tests.support.sealed import KEYS, write_sealed


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    studio = Studio(tmp_path / "recordings")
    yield studio
    await studio.end()


def order(studio: Studio, **changes: object) -> RecordingId:
    """Let a talk begin and its samples be written."""
    made = studio.service.decide(talk(**changes))
    assert made is not None
    path = Path(made.path)
    write_sealed(path, made.recording, bytes(32_000))
    return made.recording


def closed(recording: RecordingId, error: str = "", root: str = "ab" * 32) -> RecordingClosed:
    return RecordingClosed(
        call=CallId("call-1"), recording=recording, seconds=1.0, size_bytes=16_044, error=error, root=root
    )


def tear(studio: Studio, recording: RecordingId, seconds: int) -> None:
    """The writer died after so many whole seconds, within the next."""
    path = studio.files.path_of(recording)
    write_sealed(path, recording, bytes(32_000 * seconds + 16_000), close=False)
    path.write_bytes(path.read_bytes()[:-5])


async def after_restart(studio: Studio) -> Studio:
    """The same directory in a new control process, some minutes later."""
    await studio.end()
    studio.clock.advance(300)
    return Studio(studio.files.directory, clock=studio.clock, rows=studio.rows)


async def test_an_order_names_a_path_of_the_day_and_is_told(studio: Studio) -> None:
    made = studio.service.decide(talk())
    assert made is not None
    assert made.mode is RecordingMode.FULL
    assert made.path == str(studio.files.directory / "2026/01/05" / f"{made.recording}.sealed")
    assert Path(made.path).parent.is_dir()
    [started] = studio.told.started
    assert (started.contact, started.recording, started.queue, started.agent, started.seat) == (
        CONTACT,
        made.recording,
        "support",
        "1004",
        "seat-04",
    )


async def test_a_talk_that_no_rule_records_makes_nothing(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "recordings", Policy(queue_default=RecordingMode.NEVER))
    assert studio.service.decide(talk()) is None
    assert studio.told.facts == []
    assert not studio.files.directory.exists()
    await studio.end()


async def test_a_closed_file_is_private_and_its_end_is_told(studio: Studio) -> None:
    recording = order(studio)
    studio.service.closed(closed(recording))
    await studio.service.settled()
    assert stat.S_IMODE(studio.files.path_of(recording).stat().st_mode) == 0o600
    [ended] = studio.told.ended
    assert (ended.contact, ended.seconds, ended.size_bytes, ended.complete) == (CONTACT, 1.0, 16_044, True)
    assert studio.files.open_notes() == []
    note = studio.files.note_of(recording)
    assert note is not None
    assert note.ending is not None
    directories = [studio.files.directory, studio.files.path_of(recording).parent]
    assert {stat.S_IMODE(directory.stat().st_mode) for directory in directories} == {0o700}


async def test_an_error_of_the_writer_is_an_incomplete_recording_and_an_alarm(studio: Studio) -> None:
    bad, good = order(studio), order(studio)
    studio.service.closed(closed(bad, error="disk_full"))
    await studio.service.settled()
    assert (studio.told.ended[0].complete, studio.told.ended[0].reason) == (False, "disk_full")
    assert studio.told.alarms == {(ALARM, ""): Severity.URGENT}
    studio.service.closed(closed(good))
    await studio.service.settled()
    assert studio.told.alarms == {}


async def test_a_missing_file_is_said_to_be_missing(studio: Studio) -> None:
    recording = order(studio)
    studio.files.path_of(recording).unlink()
    studio.service.closed(closed(recording))
    await studio.service.settled()
    [ended] = studio.told.ended
    assert (ended.complete, ended.seconds) == (False, 0.0)
    assert ended.reason.startswith("file_missing")


async def test_a_directory_that_cannot_be_made_is_an_alarm_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")
    studio = Studio(tmp_path / "recordings")
    assert studio.service.decide(talk()) is not None
    await studio.service.settled()
    assert (ALARM, "") in studio.told.alarms
    await studio.end()


async def test_after_a_restart_cut_files_are_finished_and_running_ones_left(studio: Studio) -> None:
    lost, running = order(studio), order(studio)
    tear(studio, lost, 3)
    studio.rows.ids = {lost, running}
    later = await after_restart(studio)
    assert await later.service.repair(running={running}) == 1
    [ended] = later.told.ended
    assert (ended.recording, ended.contact, ended.seconds) == (lost, CONTACT, 3.0)
    assert (ended.complete, ended.reason) == (False, "restart")
    assert later.told.started == []
    later.service.closed(closed(running))
    await later.service.settled()
    assert (later.told.ended[1].recording, later.told.ended[1].complete) == (running, True)
    assert await later.service.repair(running=()) == 0
    await later.end()


async def test_a_cut_file_without_a_row_gets_its_whole_story(studio: Studio) -> None:
    lost = order(studio)
    later = await after_restart(studio)
    await later.service.repair(running=())
    assert [type(fact).__name__ for fact in later.told.facts] == ["RecordingStarted", "RecordingEnded"]
    assert later.told.started[0].recording == lost
    await later.end()


async def test_a_finished_file_whose_facts_were_lost_is_told_again_as_it_was(studio: Studio) -> None:
    rowless, half = order(studio), order(studio)
    for recording in (rowless, half):
        studio.service.closed(closed(recording))
    await studio.service.settled()
    studio.rows.ids = {half}
    studio.rows.open = [row(half)]
    later = await after_restart(studio)
    assert await later.service.repair(running=()) == 2
    assert {fact.recording for fact in later.told.started} == {rowless}
    assert [(fact.complete, fact.seconds) for fact in later.told.ended] == [(True, 1.0), (True, 1.0)]
    await later.end()


async def test_an_open_row_whose_file_is_gone_ends_with_nothing(studio: Studio) -> None:
    ghost = RecordingId(studio.ids.new())
    studio.rows.open = [row(ghost)]
    studio.rows.ids = {ghost}
    later = await after_restart(studio)
    assert await later.service.repair(running=()) == 1
    assert (later.told.ended[0].seconds, later.told.ended[0].complete) == (0.0, False)
    await later.end()


async def test_without_the_database_the_files_are_finished_all_the_same(studio: Studio) -> None:
    lost = order(studio)
    studio.rows.away = True
    later = await after_restart(studio)
    assert await later.service.repair(running=()) == 1
    assert later.told.ended[0].recording == lost
    await later.end()


async def test_what_no_key_opens_now_is_finished_once_there_are_keys_again(studio: Studio) -> None:
    cut = order(studio)
    tear(studio, cut, 3)
    await studio.end()
    source = Reachable(KEYS)
    shut = Studio(studio.files.directory, clock=studio.clock, keys=KeyRing(source))
    studio.clock.advance(300)
    source.away = True
    assert await shut.service.repair(running=()) == 0
    shut.tasks.keep_running("repairs", shut.service.run_repairs)
    await passed(studio.clock, 2 * REPAIR_SECONDS)
    assert shut.told.ended == []
    source.away = False
    while not shut.told.ended:
        await passed(studio.clock, REPAIR_SECONDS)
    await passed(studio.clock, 3 * REPAIR_SECONDS)
    assert [(ended.seconds, ended.complete) for ended in shut.told.ended] == [(3.0, False)]
    await shut.end()


async def test_rows_left_open_while_the_database_was_away_end_once_it_is_back(studio: Studio) -> None:
    ghost, cut = RecordingId(studio.ids.new()), order(studio)
    tear(studio, cut, 3)
    studio.rows.open, studio.rows.ids, studio.rows.away = [row(ghost)], {ghost}, True
    later = await after_restart(studio)
    assert await later.service.repair(running=()) == 1
    later.tasks.keep_running("repairs", later.service.run_repairs)
    studio.rows.away = False
    while len(later.told.ended) < 2:
        await passed(studio.clock, REPAIR_SECONDS)
    await passed(studio.clock, 3 * REPAIR_SECONDS)
    assert [(ended.recording, ended.seconds) for ended in later.told.ended] == [(cut, 3.0), (ghost, 0.0)]
    await later.end()


async def passed(clock: VirtualClock, seconds: float) -> None:
    """Let time pass and what waits for it go on."""
    await asyncio.sleep(0.01)
    clock.advance(seconds)
    await asyncio.sleep(0.01)


class Reachable:
    """Master keys that can be reached, or not."""

    def __init__(self, source: KeySource) -> None:
        self._source = source
        self.away = False

    def current(self) -> str:
        return self._there().current()

    def encrypt(self, key_id: str, key: bytes, context: bytes) -> bytes:
        return self._there().encrypt(key_id, key, context)

    def decrypt(self, key_id: str, data: bytes, context: bytes) -> bytes:
        return self._there().decrypt(key_id, data, context)

    def _there(self) -> KeySource:
        if self.away:
            raise VaultClosed("away")
        return self._source


async def test_what_is_no_note_or_no_wave_is_survived(studio: Studio) -> None:
    lost = order(studio)
    await studio.service.settled()
    day = studio.files.path_of(lost).parent
    (day / "junk.open.json").write_bytes(os.urandom(64))
    studio.files.path_of(lost).write_bytes(b"no recording")
    later = await after_restart(studio)
    assert await later.service.repair(running=()) == 1
    assert later.told.ended[0].reason == "restart: no header of a sealed recording"
    await later.end()


def row(recording: RecordingId) -> Note:
    return Note(
        recording=recording,
        contact=CONTACT,
        mode=RecordingMode.FULL,
        queue=QueueId("support"),
        agent=AgentId("1004"),
        seat=SeatId("seat-04"),
    )


async def test_the_end_waits_for_recordings_that_are_still_written(studio: Studio) -> None:
    mine, earlier = order(studio), RecordingId(Ids(SystemClock()).new())
    await studio.service.repair({earlier})  # a worker writes it since before this process
    ending = asyncio.ensure_future(studio.service.all_ended())
    studio.service.closed(closed(mine))
    await studio.service.settled()
    assert not ending.done()
    studio.service.closed(closed(earlier))
    await ending


async def test_who_wanted_a_recording_is_told_and_kept_with_it(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "recordings", Policy(queue_default=RecordingMode.ON_DEMAND))
    assert studio.service.decide(talk()) is None
    assert studio.service.on_demand(talk())
    made = studio.service.decide(talk(by="1004"))
    assert made is not None
    assert (made.mode, made.on_demand) == (RecordingMode.ON_DEMAND, True)
    [started] = studio.told.started
    assert (started.by, started.on_demand) == ("1004", True)
    await studio.service.settled()
    note = studio.files.note_of(made.recording)
    assert note is not None
    assert note.by == "1004"
    await studio.end()


async def test_a_recording_is_kept_as_long_as_its_rule_says(tmp_path: Path) -> None:
    longer = Rule(name="bank", mode=RecordingMode.FULL, queues=frozenset({QueueId("support")}), keep_days=400)
    studio = Studio(tmp_path / "recordings", Policy(rules=(longer,)))
    order_of(studio)
    order_of(studio, queue=QueueId("sales"))
    assert [started.keep_days for started in studio.told.started] == [400, None]
    await studio.end()


async def test_texts_are_to_be_spoken_beforehand_once_a_rule_wants_them_heard(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "recordings", Policy(announcements={"zh": "录音", "en": "recorded"}))
    assert list(studio.service.announcements()) == []
    assert (order_of(studio)).announcement == ""
    studio.service.take_rules((Rule(name="all", mode=RecordingMode.FULL, announce=True),))
    assert list(studio.service.announcements()) == ["录音", "recorded"]
    assert order_of(studio, language="en").announcement == "recorded"
    await studio.end()


def event_of(fact: Fact) -> FactEvent:
    return Event(epoch="e", seq=1, id="1", tenant="default", at=datetime.now(UTC), mono=0.0, fact=fact)


async def test_an_alarm_says_that_parties_were_not_told_until_others_are(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "recordings")
    told = RecordingAnnounced(contact=CONTACT, recording=RecordingId("r"), text="recorded.wav", played=False)
    studio.service.observe(event_of(told))
    assert studio.told.alarms == {(UNANNOUNCED_ALARM, ""): Severity.NON_URGENT}
    studio.service.observe(event_of(replace(told, played=True)))
    assert studio.told.alarms == {}
    await studio.end()


def order_of(studio: Studio, **changes: object) -> RecordingOrder:
    made = studio.service.decide(talk(**changes))
    assert made is not None
    return made

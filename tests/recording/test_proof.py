"""Proof and verification on PostgreSQL: whatever is changed behind the platform's back is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccplatform.contracts.facts import Fact, RecordingDayProved, RecordingEnded, RecordingGap, RecordingStarted
from ccplatform.contracts.words import AgentId, ContactId, QueueId, RecordingId, RecordingMode, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.security.audit import Audit
from ccplatform.storage.database import Database
from recording.days import DailyProof, day_proof
from recording.files import RecordingFiles
from recording.sealed import Sounds
from recording.store import Catalogue, CatalogueProjection
from recording.verify import Verdict, Verification
from tests.recording.kit import Told
from tests.support.database import database, postgres_dsn  # noqa: F401
from tests.support.sealed import RING, write_sealed

SECOND = bytes(range(256)) * 125


class Vault:
    """A catalogue, its files and its audit; four recordings of one day, the next day begun."""

    def __init__(self, opened: Database, directory: Path) -> None:
        self.database = opened
        self.clock = VirtualClock()
        self.ids = Ids(self.clock)
        self.told = Told()
        self.stream: Stream[Fact] = Stream(self.clock, self.ids, "default")
        self.catalogue = Catalogue(database=opened)
        self.sounds = Sounds(files=RecordingFiles(directory), keys=RING)
        self.audit = Audit(opened, clock=self.clock, ids=self.ids)
        self.day = self.clock.wall().astimezone(UTC).date()
        self.proof = DailyProof(
            catalogue=self.catalogue,
            audit=self.audit,
            facts=self.told,
            alarms=self.told,
            clock=self.clock,
            committed=self._committed,
        )

    async def _committed(self) -> None:
        pass

    async def apply(self, *facts: Fact) -> None:
        events = [self.stream.publish(fact) for fact in facts]
        async with self.database.transaction() as connection:
            await CatalogueProjection().apply(connection, events)

    async def add(self, seconds: int = 3) -> RecordingId:
        self.clock.advance(60)
        recording, contact = RecordingId(self.ids.new()), ContactId(self.ids.new())
        path = self.sounds.files.path_of(recording)
        write_sealed(path, recording, SECOND * seconds)
        with self.sounds.reader(recording) as reader:
            root = reader.root.hex()
        started = RecordingStarted(
            contact=contact,
            recording=recording,
            mode=RecordingMode.FULL,
            queue=QueueId("support"),
            agent=AgentId("1004"),
            seat=SeatId("seat-04"),
            keep_days=None,
        )
        ended = RecordingEnded(
            contact=contact,
            recording=recording,
            seconds=float(seconds),
            size_bytes=path.stat().st_size,
            complete=True,
            reason="",
            root=root,
            pauses=((0.5, 1.25),),
        )
        await self.apply(started, ended)
        return recording

    async def next_day(self) -> None:
        midnight = datetime.combine(self.day + timedelta(days=1), datetime.min.time(), UTC)
        self.clock.advance((midnight - self.clock.wall()).total_seconds() + 3600)
        await self.proof.run_once()

    async def verify(self) -> Verdict:
        verification = Verification(catalogue=self.catalogue, sounds=self.sounds, audit=self.audit)
        return await verification.run(self.day, self.day + timedelta(days=1))

    async def found(self) -> dict[str, str]:
        return {finding.recording: finding.problem for finding in (await self.verify()).findings}

    async def sql(self, text: str, *arguments: object) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(text, *arguments)

    def flip(self, recording: RecordingId, place: int) -> None:
        path = self.sounds.files.path_of(recording)
        data = bytearray(path.read_bytes())
        data[place] ^= 1
        path.write_bytes(data)


@pytest.fixture
def vault(database: Database, tmp_path: Path) -> Vault:  # noqa: F811
    return Vault(database, tmp_path)


async def test_what_nobody_changed_is_as_it_was_told(vault: Vault) -> None:
    for _ in range(3):
        await vault.add()
    await vault.next_day()
    verdict = await vault.verify()
    assert verdict.findings == []
    assert (verdict.recordings, verdict.files, verdict.days, verdict.unproved) == (3, 3, 2, 1)
    [told] = [fact for fact in vault.told.facts if isinstance(fact, RecordingDayProved)]
    assert (told.day, told.recordings, told.incomplete, told.seconds) == (vault.day.isoformat(), 3, 0, 9.0)
    assert (told.paused_seconds, told.gap_seconds) == (2.25, 0.0)
    assert (await day_proof(vault.catalogue, vault.day)).root == told.root
    assert vault.told.alarms == {}


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        (10, "header"),
        (100, "destroyed or damaged|does not open"),
        (600, "chunk 0"),
        (40_000, "chunk 1"),
        (-1, "chunk 3"),
    ],
)
async def test_one_changed_bit_is_named_with_its_place(vault: Vault, place: int, problem: str) -> None:
    await vault.add()
    recording = await vault.add()
    await vault.next_day()
    vault.flip(recording, place)
    found = await vault.found()
    assert set(found) == {recording}
    assert any(word in found[recording] for word in problem.split("|")), found


async def test_a_file_that_ends_early_or_goes_on_is_named(vault: Vault) -> None:
    short, long = await vault.add(), await vault.add()
    await vault.next_day()
    path = vault.sounds.files.path_of(short)
    path.write_bytes(path.read_bytes()[:-200])
    with vault.sounds.files.path_of(long).open("ab") as file:
        file.write(b"more")
    found = await vault.found()
    assert "it is not closed" in found[short]
    assert "something follows its end" in found[long]


async def test_a_chunk_that_was_taken_out_is_named(vault: Vault) -> None:
    recording = await vault.add(4)
    path = vault.sounds.files.path_of(recording)
    with vault.sounds.reader(recording) as reader:
        second = reader.contents.chunks[1]
    data = path.read_bytes()
    path.write_bytes(data[: second.place] + data[second.end :])
    assert set(await vault.found()) == {recording}


async def test_a_missing_file_and_another_in_its_place_are_named(vault: Vault) -> None:
    gone, other, kept = await vault.add(), await vault.add(), await vault.add()
    files = vault.sounds.files
    files.path_of(gone).unlink()
    files.path_of(other).write_bytes(files.path_of(kept).read_bytes())
    found = await vault.found()
    assert found[gone] == "its file is missing"
    assert f"the file of {kept}" in found[other]
    assert kept not in found


async def test_a_missing_row_is_named_by_its_file_and_by_the_root_of_the_day(vault: Vault) -> None:
    recording = await vault.add()
    await vault.add()
    await vault.next_day()
    await vault.sql("DELETE FROM recordings WHERE id = $1", recording)
    found = await vault.found()
    assert found[recording] == "its file is there and its row is missing"
    assert "it has 1 now and had 2" in found[""]
    vault.sounds.files.path_of(recording).unlink()  # and if its file is taken away, too
    assert set(await vault.found()) == {""}


@pytest.mark.parametrize(
    "change", ["agent = '1005'", "seconds = 2", "root = NULL", "complete = false", "paused_seconds = 3"]
)
async def test_a_changed_row_breaks_the_root_of_its_day(vault: Vault, change: str) -> None:
    recording = await vault.add()
    await vault.next_day()
    await vault.sql(f"UPDATE recordings SET {change} WHERE id = $1", recording)
    assert "" in await vault.found()


async def test_a_changed_audit_proves_nothing_and_says_so(vault: Vault) -> None:
    await vault.add()
    await vault.next_day()
    await vault.sql("ALTER TABLE audit DISABLE TRIGGER USER")
    await vault.sql("UPDATE audit SET detail = replace(detail::text, '1', '2')::json")
    await vault.sql("ALTER TABLE audit ENABLE TRIGGER USER")
    assert "the audit is broken at row 1" in (await vault.found())[""]


async def test_a_file_of_another_content_under_the_same_key_is_not_what_was_told(vault: Vault) -> None:
    recording = await vault.add()
    write_sealed(vault.sounds.files.path_of(recording), recording, bytes(len(SECOND) * 3))
    assert "its root is" in (await vault.found())[recording]


async def test_every_day_is_proved_once_and_days_of_a_stand_still_later(vault: Vault) -> None:
    await vault.add()
    await vault.next_day()
    assert await vault.proof.run_once() == []
    vault.clock.advance(3 * 86_400)
    proofs = await vault.proof.run_once()
    assert [proof.day for proof in proofs] == [vault.day + timedelta(days=days) for days in (1, 2, 3)]
    rows = await vault.audit.page(action="recording.day")
    assert len(rows) == 4


async def test_a_gap_is_counted_and_raises_an_alarm(vault: Vault) -> None:
    recording = await vault.add()
    contact = (await vault.catalogue.get(recording)).contact
    await vault.apply(RecordingGap(contact=contact, recording=recording, seconds=7.5, reason="disk full"))
    assert (await vault.catalogue.get(recording)).gap_seconds == 7.5
    await vault.next_day()
    assert [fact.gap_seconds for fact in vault.told.facts if isinstance(fact, RecordingDayProved)] == [7.5]
    assert ("recording_gap", vault.day.isoformat()) in vault.told.alarms
    assert (await vault.verify()).gap_seconds == 7.5

"""The search over the catalogue: any filters together find what a look at every row finds, in its order."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from ccplatform.calls.store import caller_digests
from ccplatform.contracts.facts import ContactNoted, SurveyAnswered
from ccplatform.contracts.words import AgentId, ContactId, QueueId, RecordingId, SeatId
from ccplatform.storage.database import Connection, Database
from recording.model import Recording, RecordingFilter
from recording.search import LENGTHS, SCORES, search
from recording.store import CatalogueProjection
from tests.recording.test_store import Archive, end
from tests.support.database import database, postgres_dsn  # noqa: F401

AGENT = AgentId("1004")


@pytest.fixture
def archive(database: Database) -> Archive:  # noqa: F811
    return Archive(database)


def fits(row: Recording, caller: bytes | None, wanted: RecordingFilter) -> bool:
    """What the filter means, said once more."""
    equal = ((wanted.agent, row.agent), (wanted.queue, row.queue), (wanted.disposition, row.disposition))
    at_least = ((wanted.shortest_seconds, row.seconds), (wanted.lowest_score, row.score))
    at_most = ((wanted.highest_score, row.score),)
    return (
        all(want is None or want == has for want, has in equal)
        and all(want is None or (has is not None and has >= want) for want, has in at_least)
        and all(want is None or (has is not None and has <= want) for want, has in at_most)
        and (wanted.longest_seconds is None or (row.seconds is not None and row.seconds < wanted.longest_seconds))
        and (wanted.start is None or row.started_at >= wanted.start)
        and (wanted.end is None or row.started_at < wanted.end)
        and (wanted.caller_digest is None or wanted.caller_digest == caller)
        and (not wanted.held or row.held)
        and (wanted.agents is None or row.agent is None or row.agent in wanted.agents)
        and (wanted.before is None or row.id < wanted.before)
        and row.deleted_at is None
    )


async def filled(archive: Archive, count: int, chance: random.Random) -> list[tuple[Recording, bytes | None]]:
    rows = []
    for _ in range(count):
        started = archive.start(agent=chance.choice(["1001", "1004"]), queue=chance.choice(["sales", "support"]))
        values: dict[str, Any] = {
            "seconds": chance.choice([None, *LENGTHS, 45.5, 7200.0]),
            "score": chance.choice([None, None, *SCORES, 0.0, 55.5, 100.0]),
            "disposition": chance.choice([None, "sold", "complaint"]),
            "caller_digest": chance.choice([None, b"a", b"b"]),
            "held": chance.random() < 0.2,
            "deleted_at": datetime.fromisoformat("2026-06-01T00:00:00Z") if chance.random() < 0.1 else None,
        }
        await archive.apply(started)
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, 2))
        async with archive.database.connection() as connection:
            await connection.execute(
                f"UPDATE recordings SET {sets} WHERE id = $1", started.recording, *values.values()
            )
        rows.append((await archive.catalogue.get(started.recording), values["caller_digest"]))
    return rows


def some_filter(chance: random.Random, rows: list[Recording]) -> RecordingFilter:
    a_time = chance.choice(rows).started_at
    every: dict[str, Any] = {
        "agent": "1004",
        "queue": "sales",
        "disposition": "complaint",
        "caller_digest": b"b",
        "held": True,
        "start": a_time - timedelta(minutes=30),
        "end": a_time,
        "shortest_seconds": chance.choice([0.0, 10.0, 44.0, 3600.0]),
        "longest_seconds": chance.choice([10.0, 46.0, 1800.0, 1e6]),
        "lowest_score": chance.choice([0.0, 50.0, 55.5]),
        "highest_score": chance.choice([9.9, 60.0, 100.0]),
        "agents": frozenset({AgentId("1001")}),
        "before": chance.choice(rows).id,
    }
    return RecordingFilter(**{name: every[name] for name in chance.sample(list(every), chance.randint(0, 3))})


async def test_any_filters_find_what_a_look_at_every_row_finds(archive: Archive) -> None:
    chance = random.Random(8)
    rows = await filled(archive, 120, chance)
    newest_first = sorted(rows, key=lambda pair: (pair[0].started_at, pair[0].id), reverse=True)
    pages = 0
    for _ in range(300):
        wanted = some_filter(chance, [row for row, _ in rows])
        expected = [row.id for row, caller in newest_first if fits(row, caller, wanted)][:20]
        assert [row.id for row in await archive.catalogue.page(wanted, 20)] == expected, wanted
        pages += bool(expected)
    assert pages > 100


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (RecordingFilter(caller_digest=b"a"), "recordings_by_caller"),
        (RecordingFilter(disposition="sold"), "recordings_by_disposition"),
        (RecordingFilter(shortest_seconds=1800), "recordings_by_length"),
        (RecordingFilter(highest_score=25), "recordings_by_score"),
        (RecordingFilter(held=True), "recordings_held"),
    ],
)
async def test_each_filter_has_an_index_that_keeps_the_order(
    archive: Archive, wanted: RecordingFilter, index: str
) -> None:
    plan = await plan_of(archive, wanted)
    assert index in plan
    assert "Sort" not in plan.replace("Sort Key", "")


@pytest.mark.parametrize(
    "wanted",
    [
        RecordingFilter(agent=AGENT, queue=QueueId("support")),
        RecordingFilter(agent=AGENT, shortest_seconds=900),
        RecordingFilter(seat=SeatId("seat-04"), disposition="sold"),
        RecordingFilter(queue=QueueId("support"), highest_score=25),
        RecordingFilter(queue=QueueId("support"), shortest_seconds=1800),
        RecordingFilter(queue=QueueId("support"), disposition="sold", shortest_seconds=1800, highest_score=50),
    ],
)
async def test_filters_together_are_decided_within_an_index(archive: Archive, wanted: RecordingFilter) -> None:
    """Rows that do not fit are not even fetched."""
    assert "Filter" not in await plan_of(archive, wanted)


async def plan_of(archive: Archive, wanted: RecordingFilter) -> str:
    """How the search is done where it pays to use an index."""
    sql, values = search("id, started_at", "default", wanted, 50)
    async with archive.database.transaction() as connection:
        for way in ("seqscan", "bitmapscan", "sort"):  # too few rows for an index to pay
            await connection.execute(f"SET LOCAL enable_{way} = off")
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {sql}", *values))


async def test_what_was_noted_and_answered_is_that_of_all_recordings_of_the_contact(archive: Archive) -> None:
    first = archive.start()
    noted = ContactNoted(
        contact=first.contact, queue=first.queue, agent=AGENT, disposition="sold", disposition_name="Sold"
    )
    answers = [
        SurveyAnswered(contact=first.contact, survey="after", question=question, score=score, scale=5)
        for question, score in (("q1", 5), ("q2", 1), ("q2", 2))
    ]
    await archive.apply(first, end(first), noted, *answers)
    await archive.apply(*answers)  # told again
    later = archive.start()
    second = type(later)(**{**_fields(later), "contact": first.contact})
    await archive.apply(second)
    for recording in (first.recording, second.recording):
        row = await archive.catalogue.get(recording)
        assert (row.disposition, row.score) == ("sold", 62.5)  # 100 and 25
    corrected = ContactNoted(
        contact=first.contact, queue=first.queue, agent=AGENT, disposition="", disposition_name=""
    )
    await archive.apply(corrected)
    assert (await archive.catalogue.get(first.recording)).disposition is None


async def test_the_caller_comes_from_the_contact_and_goes_with_the_sound(archive: Archive) -> None:
    started = archive.start()

    async def callers_of(_: Connection, tenant: str, contacts: Any) -> dict[ContactId, bytes]:
        assert (tenant, set(contacts)) == ("default", {started.contact})
        return {started.contact: b"digest"}

    event = archive.stream.publish(started)
    async with archive.database.transaction() as connection:
        await CatalogueProjection(callers_of=callers_of).apply(connection, [event])
    wanted = RecordingFilter(caller_digest=b"digest")
    assert [row.id for row in await archive.catalogue.page(wanted, 5)] == [started.recording]
    async with archive.database.transaction() as connection:
        await archive.catalogue.mark_deleted(connection, [started.recording], archive.clock.wall())
        assert await _digest(connection, started.recording) is None


async def test_contacts_tell_their_callers_digests(archive: Archive) -> None:
    known, silent = ContactId(archive.ids.new()), ContactId(archive.ids.new())
    async with archive.database.transaction() as connection:
        for contact, digest in ((known, b"x"), (silent, None)):
            await connection.execute(
                "INSERT INTO contacts (id, call, channel, direction, dialled, caller_digest, started_at) "
                "VALUES ($1, $1, 'voice', 'in', '95000', $2, now())",
                contact,
                digest,
            )
        assert await caller_digests(connection, "default", [known, silent]) == {known: b"x"}


async def _digest(connection: Connection, recording: RecordingId) -> Any:
    return await connection.fetchval("SELECT caller_digest FROM recordings WHERE id = $1", recording)


def _fields(started: Any) -> dict[str, Any]:
    return {name: getattr(started, name) for name in type(started).__dataclass_fields__}

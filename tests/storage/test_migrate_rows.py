"""Later migrations meet rows: a database of an older release keeps what is in it, in the shape of today."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ccplatform.kernel.clock import SystemClock
from ccplatform.storage.database import Database
from ccplatform.storage.migrate import migrate, shipped_migrations
from tests.support.database import empty_postgres_dsn  # noqa: F401

CONTACT = "01900000-0000-7000-8000-000000000001"


@pytest.fixture
async def empty(empty_postgres_dsn: str) -> AsyncIterator[Database]:  # noqa: F811
    database = Database(empty_postgres_dsn, clock=SystemClock())
    await database.open()
    yield database
    await database.close()


async def _older(database: Database, before: str, rows: str) -> None:
    """A database as the release before that migration left it, with rows in it."""
    await migrate(database, tuple(one for one in shipped_migrations() if one.name < before))
    async with database.connection() as connection:
        await connection.execute(rows)


async def _rows(database: Database, query: str) -> list[dict[str, Any]]:
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query)]


async def test_promises_of_call_backs_get_their_queues_age_and_end(empty: Database) -> None:
    await _older(
        empty,
        "0021",
        f"""INSERT INTO call_backs (id, contact, queue, number_sealed, state, created_at) VALUES
            (gen_random_uuid(), '{CONTACT}', 'sales', '\\x01', 'done', '2026-01-01T00:00Z'),
            (gen_random_uuid(), '{CONTACT}', 'support', '\\x02', 'open', '2026-01-02T00:00Z')""",
    )
    await migrate(empty)
    rows = await _rows(
        empty,
        "SELECT queue, state, priority, queued_at = created_at AS aged, expires_at - created_at AS lives "
        "FROM call_backs ORDER BY queue",
    )
    assert [(row["queue"], row["state"], row["priority"], row["aged"]) for row in rows] == [
        ("sales", "kept", 5, True),
        ("support", "open", 5, True),
    ]
    assert {row["lives"].days for row in rows} == {7}


async def test_trunks_and_registrations_go_on_with_defaults(empty: Database) -> None:
    await _older(
        empty,
        "0051",
        """INSERT INTO trunks (id, host, capacity) VALUES ('pstn', '192.0.2.1', 30);
           INSERT INTO seats (id, sip_user, realm, ha1_md5, ha1_sha256)
               VALUES ('seat-01', '8001', 'r', '\\x01', '\\x02')""",
    )
    await migrate(empty)
    (trunk,) = await _rows(empty, "SELECT host, port, state, proof, trusted, callers_out, transfer FROM trunks")
    assert (trunk["host"], trunk["port"], trunk["state"], trunk["proof"]) == ("192.0.2.1", 5060, "active", "ip")
    assert (trunk["trusted"], trunk["transfer"], trunk["callers_out"]) == (False, "bridge", [])
    assert await _rows(empty, "SELECT id, name, phone FROM seats") == [
        {"id": "seat-01", "name": "", "phone": "desk"}
    ]


async def test_flows_become_numbered_versions_in_the_order_of_their_publishing(empty: Database) -> None:
    await _older(
        empty,
        "0072",
        """INSERT INTO flows (tenant, id, revision, document, published_at, superseded_at) VALUES
            ('default', 'main', 'zz', '{"b": 1, "a": 2}', '2026-01-01T00:00Z', '2026-01-02T00:00Z'),
            ('default', 'main', 'aa', '{"c": 3}', '2026-01-02T00:00Z', NULL),
            ('default', 'other', 'bb', '{}', '2026-01-03T00:00Z', NULL),
            ('second', 'main', 'aa', '{}', '2026-01-04T00:00Z', NULL);
           INSERT INTO entry_points (number, flow) VALUES ('95000', 'main')""",
    )
    await migrate(empty)
    rows = await _rows(
        empty,
        "SELECT tenant, id, revision, number, document, chosen_at = published_at AS chosen, chosen_by, "
        "superseded_at IS NULL AS current FROM flows ORDER BY tenant, id, number",
    )
    assert [(row["tenant"], row["id"], row["number"], row["revision"], row["current"]) for row in rows] == [
        ("default", "main", 1, "zz", False),
        ("default", "main", 2, "aa", True),
        ("default", "other", 1, "bb", True),
        ("second", "main", 1, "aa", True),
    ]
    assert json.loads(rows[0]["document"]) == {"a": 2, "b": 1}
    assert all(row["chosen"] and row["chosen_by"] == "platform" for row in rows)
    (entry,) = await _rows(empty, "SELECT flow, calendar, closed_flow, rules FROM entry_points")
    assert (entry["flow"], entry["calendar"], entry["closed_flow"], entry["rules"]) == (
        "main",
        "",
        "",
        [],
    )


async def test_a_migration_with_a_lower_number_that_comes_later_is_applied_too(empty: Database) -> None:
    """Branches of work take numbers of their own; a database that lacks one in the middle gets it."""
    every = shipped_migrations()
    late = next(one for one in every if one.name.startswith("0060"))
    await migrate(empty, tuple(one for one in every if one is not late))
    async with empty.connection() as connection:
        await connection.execute("INSERT INTO trunks (id, host, capacity) VALUES ('pstn', '192.0.2.1', 30)")
    assert await migrate(empty) == [late.name]
    assert await _rows(empty, "SELECT transfer FROM trunks") == [{"transfer": "bridge"}]


async def test_teams_of_agents_become_named_ones(empty: Database) -> None:
    await _older(
        empty,
        "0071",
        "INSERT INTO agents (id, name, team) VALUES ('1001', 'Li Na', 'Blue team'), ('1002', 'X', '')",
    )
    await migrate(empty)
    assert [row["team"] for row in await _rows(empty, "SELECT team FROM agents ORDER BY id")] == ["Blue_team", ""]
    kinds = await _rows(empty, "SELECT kind, id FROM named_settings")
    assert {"kind": "team", "id": "Blue_team"} in kinds

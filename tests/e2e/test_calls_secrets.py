"""A card number that a caller keys in is nowhere once the query that needs it is answered (R11.4.3.i)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.centre import Centre
from tests.e2e.rig import Journal, centre_of
from tests.e2e.test_calls_flow_versions import lead, publish
from tests.support.fixtures import MakePhone
from tests.support.platform import PlatformProcess

#: No other number that a test, a stamp or a random value makes.
CARD: Final = "6226090817263548"
NUMBER: Final = "95079"
FLOW: Final = """
flow: card
languages: [en]
start: ask
on_error: end
nodes:
  ask:
    kind: collect
    secure: true
    prompt: {en: Your card}
    variable: card
    length: {min: 16, max: 16}
    valid: length(card) == 16
    next: find
    fallback: end
  find:
    kind: query
    query: card
    parameters: {number: card}
    results: {last: last}
    on_found: tell
    on_missing: end
    on_error: end
  tell:
    kind: menu
    prompt: {en: [{text: Your card ends in}, {digits: last}]}
    choices: {1: end}
    timeout: 60
    fallback: end
  end: {kind: hangup}
"""
QUERY: Final = {
    "source": "platform",
    "sql": "SELECT right($1, 2) AS last",
    "parameters": ["number"],
    "cache_seconds": 600,
}


@pytest.fixture
async def asking(tmp_path_factory: pytest.TempPathFactory, callers: Iterator[int]) -> AsyncIterator[Centre]:
    environment = {"CCP_IVR__QUERIES": json.dumps({"card": QUERY})}
    platform = PlatformProcess(tmp_path_factory.mktemp("s"), environment=environment)
    try:
        await asyncio.to_thread(platform.start)
        async with centre_of(platform, callers) as made:
            yield made
    finally:
        await asyncio.to_thread(platform.close)


async def test_a_card_number_is_nowhere_after_its_query(asking: Centre, phone: MakePhone) -> None:
    assert await publish(asking, FLOW, "card") == 1
    await lead(asking, NUMBER, "card")
    number = asking.new_caller()
    caller = await phone(number)
    call = await caller.dial(asking.number(NUMBER))
    await call.answered.wait()
    contact = (await asking.contact(number))["id"]
    await call.heard(speech=True)
    await call.press(CARD, seconds=0.06, gap=0.06)
    assert (await asking.happened(contact, "KeysEntered"))["length"] == len(CARD)
    answered = await asking.happened(contact, "QueryAnswered")
    assert answered["ok"], "the query had the whole number"

    platform = asking.platform
    pids = [pid for role in ("control", "media", "web") for pid in platform.pids(role)]

    async def held() -> int:
        return sum([await asyncio.to_thread(in_memory, pid) for pid in pids])

    await asking.eventually(held, lambda found: not found)  # what was freed is used again soon
    assert not call.ended.happened, "he is at the menu still"
    await call.hang_up()
    await asking.ended(number)
    assert CARD not in json.dumps(await asking.events(contact))
    assert not await in_tables(platform)
    assert not await asyncio.to_thread(in_files, platform.data_dir)
    assert CARD not in json.dumps(platform.lines)


def in_memory(pid: int) -> int:
    """How often the number is in the readable memory of a process."""
    found = 0
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("r"):
                continue
            first, last = (int(bound, 16) for bound in span.split("-"))
            with suppress(OSError, OverflowError, ValueError):
                found += os.pread(memory.fileno(), last - first, first).count(CARD.encode())
    return found


async def in_tables(platform: PlatformProcess) -> list[str]:
    """The tables that hold the number, as text or as bytes."""
    journal, found = Journal(platform), []
    names = await journal.rows(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    for row in names:
        where = f"FROM {row['name']} AS one WHERE position($1 in one::text) + position($2 in one::text) > 0"
        if await journal.rows(f"SELECT 1 {where}", CARD, CARD.encode().hex()):
            found.append(row["name"])
    return found


def in_files(folder: Path) -> list[str]:
    """The files of the data directory, the database's own among them, that hold the number."""
    found = []
    for path in folder.rglob("*"):
        with suppress(OSError):
            if path.is_file() and CARD.encode() in path.read_bytes():
                found.append(str(path))
    return found

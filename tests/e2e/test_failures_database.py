"""PostgreSQL dies or hangs: calls go on from memory, changes are refused, and in the end no fact is missing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.centre import CALLER_HZ, Centre
from tests.e2e.rig import Journal, centre_of, metric, once, talking
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.milestone import PATIENCE, PeerError
from tests.support.platform import PlatformProcess

#: A hanging server counts as away after two missed probes at most (ccplatform.storage.database).
NOTICED = 15.0


@pytest.fixture(scope="module")
def orphan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform whose database is taken away."""
    with PlatformProcess(tmp_path_factory.mktemp("d")) as started:
        yield started


@pytest.fixture
async def struck(orphan: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    async with centre_of(orphan, callers) as centre:
        await centre.items("alarms")  # the supervisor's token is known from here on
        yield centre
        await centre.nothing_left()


@asynccontextmanager
async def held_down(centre: Centre) -> AsyncIterator[None]:
    """PostgreSQL is killed, and the supervisor cannot start it again before the end of the block."""
    platform = centre.platform
    supervisor = psutil.Process(platform.pids("control")[0]).ppid()
    os.kill(supervisor, signal.SIGSTOP)
    try:
        platform.kill_database()
        await database_is(centre, available=False)
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)
    await database_is(centre, available=True)


@asynccontextmanager
async def frozen(centre: Centre) -> AsyncIterator[None]:
    """PostgreSQL keeps every connection and answers nothing."""
    pid = centre.platform.database_pid()
    assert pid is not None
    server = [psutil.Process(pid), *psutil.Process(pid).children()]
    for process in server:
        process.suspend()
    try:
        await database_is(centre, available=False, limit=NOTICED)
        yield
    finally:
        for process in server:
            process.resume()
    await database_is(centre, available=True, limit=NOTICED)


async def database_is(centre: Centre, *, available: bool, limit: float = PATIENCE) -> None:
    """Wait until control and web both know it, and the journal waits no more when it is back."""
    up = {"database_unavailable", "journal_waiting"}

    async def kinds() -> set[str]:
        return up & {row["kind"] for row in await centre.items("alarms", active=True)}

    if available:
        await centre.eventually(kinds, lambda seen: not seen, limit=limit)
    else:
        await centre.eventually(kinds, lambda seen: "database_unavailable" in seen, limit=limit)

    async def readiness() -> dict[str, object]:
        async with httpx.AsyncClient(base_url=centre.platform.http, timeout=PATIENCE) as client:
            seen: dict[str, object] = (await client.get("/readyz")).json()
            return seen

    await centre.eventually(readiness, lambda seen: seen["database"] is available, limit=limit)


async def check_refusals(centre: Centre) -> None:
    """What needs the database says so; what does not answers."""
    for method, path, body in (
        ("GET", "contacts", None),
        ("GET", "recordings", None),
        ("GET", "customers?number=13800000001", None),
        ("PUT", "agents/1006/state", {"state": "not_ready", "seat": "seat-06"}),
    ):
        answer = await centre.ask(method, path, json=body)
        assert answer.status_code == 503, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"]
        problem = answer.json()
        assert (problem["code"], problem["status"]) == ("unavailable", 503)
        assert "database" in problem["detail"], problem
    answer = await centre.ask("POST", "auth/login", json={"username": "admin", "password": "demo-admin"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    for path in ("agents", "queues", "calls", "compliance", "me"):
        assert (await centre.ask("GET", path)).status_code == 200
    assert (await centre.get("agents/1006"))["state"] == "signed_out"
    text = await centre.metrics()
    assert (metric(text, "cc_alarms", severity="urgent") or 0) >= 1


async def check_calls_are_taken(centre: Centre, phone: MakePhone) -> list[str]:
    """Echo and menu from what is cached; the balance cannot be told, which the caller hears. The callers."""
    echoing = await phone(centre.new_caller())
    call = await echoing.dial(centre.number("95002"), source=sources.tone(CALLER_HZ))
    await call.heard(tone=CALLER_HZ)
    await call.hang_up()
    asking = await phone(centre.new_caller())
    call = await asking.dial(centre.number("95000"))
    await call.heard(speech=True)
    await call.press("3")
    await call.heard(speech=True, since=time.monotonic() + 0.5)
    entered = await call.press("600001#", gap=0.15)
    await call.heard(speech=True, since=entered + 0.2)
    await call.hang_up()
    return [echoing.user, asking.user]


async def check_nothing_is_lost(centre: Centre, callers: list[str]) -> None:
    """Every contact has its story and its outcome, and the journal every number once."""
    for caller in callers:
        row = await centre.ended(caller)
        story = [event["type"] for event in await centre.events(row["id"])]
        once(story, "ContactArrived", "CallAnswered", "ContactEnded")
        assert story.count("ConnectionCleared") >= 1
    await Journal(centre.platform).without_gaps()


async def test_without_database_calls_go_on_and_changes_are_refused(struck: Centre, phone: MakePhone) -> None:
    async with talking(struck) as talk:
        begun = time.monotonic()
        async with held_down(struck):
            (alarm,) = [
                row for row in await struck.items("alarms", active=True) if row["kind"] == "database_unavailable"
            ]
            assert alarm["severity"] == "urgent"
            await check_refusals(struck)
            callers = await check_calls_are_taken(struck, phone)
            await talk.hear_each_other(time.monotonic())
            talk.heard_without_a_gap(begun, time.monotonic() - 0.2)
            await talk.agent.hang_up()
            await talk.caller.ended.wait()
            await struck.agent_is("1004", "wrap_up")
            answer = await struck.ask("PUT", "agents/1004/state", json={"state": "ready"})
            assert answer.status_code == 503
        await check_nothing_is_lost(struck, [talk.number, *callers])
        row = await struck.ended(talk.number)
        assert (row["outcome"], row["agent"]) == ("handled", "1004")
        assert (await struck.recording(talk.contact))["complete"]
        failed = await struck.contact(callers[1])
        await struck.happened(failed["id"], "QueryAnswered", ok=False)
        history = await struck.items("alarms")
        assert {row["kind"] for row in history if row["cleared_at"]} >= {"database_unavailable", "journal_waiting"}


async def test_a_killed_database_is_started_again_by_the_supervisor(struck: Centre) -> None:
    async with talking(struck) as talk:
        begun, mark = time.monotonic(), len(struck.platform.lines)
        struck.platform.kill_database()
        await struck.platform.logged("PostgreSQL is back", since=mark)
        print(f"PostgreSQL was away for {time.monotonic() - begun:.2f} s")
        await database_is(struck, available=True)
        await talk.hear_each_other(time.monotonic())
        await talk.caller.hang_up()
        await talk.agent.ended.wait()
        await check_nothing_is_lost(struck, [talk.number])
        await struck.set_state("1004", "ready")


async def test_a_database_that_hangs_is_a_database_that_is_away(struck: Centre, phone: MakePhone) -> None:
    async with talking(struck) as talk:
        async with frozen(struck):
            answer = await struck.ask("GET", "contacts")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            callers = await check_calls_are_taken(struck, phone)
            await talk.hear_each_other(time.monotonic())
            await talk.caller.hang_up()
            await talk.agent.ended.wait()
        await check_nothing_is_lost(struck, [talk.number, *callers])


async def test_control_that_comes_while_the_database_is_away_waits_and_the_talk_goes_on(struck: Centre) -> None:
    async with talking(struck) as talk:
        begun = time.monotonic()
        # The supervisor is stopped as well: it starts control and PostgreSQL when it is let go.
        supervisor = psutil.Process(struck.platform.pids("control")[0]).ppid()
        os.kill(supervisor, signal.SIGSTOP)
        try:
            struck.platform.kill_database()
            killed = await struck.kill_control()
            await talk.hear_each_other(time.monotonic())
        finally:
            os.kill(supervisor, signal.SIGCONT)
        await struck.platform.wait_ready_again("control", killed)
        await talk.hear_each_other(time.monotonic())
        talk.heard_without_a_gap(begun, time.monotonic() - 0.2)
        await talk.agent.hang_up()
        await talk.caller.ended.wait()
        assert (await struck.ended(talk.number))["outcome"] == "handled"
        await struck.agent_is("1004", "wrap_up")
    await Journal(struck.platform).without_gaps()


async def test_a_full_journal_refuses_new_calls_rather_than_lose_facts(
    tmp_path: Path, callers: Iterator[int], phone: MakePhone
) -> None:
    platform = PlatformProcess(tmp_path / "p", environment={"CCP_JOURNAL__BUFFER_EVENTS": "1000"})
    try:
        await asyncio.to_thread(platform.start)
        async with centre_of(platform, callers) as centre:
            await centre.items("alarms")
            talker = await phone(centre.new_caller())
            talk = await talker.dial(centre.number("95002"), source=sources.tone(CALLER_HZ))
            await talk.heard(tone=CALLER_HZ)
            taken = await _call_until_refused(centre, phone, talker.user)
            await talk.hang_up()
            answered = await (await phone(centre.new_caller())).dial(centre.number("95002"))
            await answered.answered.wait()
            await answered.hang_up()
            await check_nothing_is_lost(centre, [talker.user, taken])
            await centre.nothing_left()
            query = "SELECT data->>'sip_status' AS status FROM journal WHERE type = 'CallRefused'"
            assert {row["status"] for row in await Journal(platform).rows(query)} == {"503"}
        assert await asyncio.to_thread(platform.stop) == 0
    finally:
        platform.close()


async def _call_until_refused(centre: Centre, phone: MakePhone, talker: str) -> str:
    """Short calls from one phone while the database is away, until one is refused; the phone's number."""
    async with held_down(centre):
        short = await phone(centre.new_caller())
        for _ in range(200):
            call = await short.dial(centre.number("95002"))
            try:
                await call.answered.wait()
            except PeerError:
                break
            await call.hang_up()
        end = await call.ended.wait()
        assert (end.reason, end.status) == ("refused", 503)
        response = short.node.received[-1]
        assert response.get("retry-after"), response.summary
        await centre.platform.wait_readyz(status=503)
        async with httpx.AsyncClient(base_url=centre.platform.http, timeout=PATIENCE) as client:
            assert "journal" in (await client.get("/readyz")).json()["reason"]
        assert talker in [row["caller"] for row in await centre.items("calls")]
    return short.user

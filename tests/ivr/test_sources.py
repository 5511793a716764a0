"""Data sources beside the platform's own: slow, gone, hostile, and where they may not lead (SSRF)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import IPv4Network
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.addresses import may_connect
from ccplatform.storage.database import Database
from ivr.errors import QueryFailed
from ivr.queries import Queries
from ivr.settings import IvrSettings, QuerySettings, RequestSettings, ServiceSettings, SourceSettings
from ivr.sources.all import DataSources
from ivr.sources.answers import text_at, value_at
from ivr.sources.health import GONE, IN_A_ROW, SLOW, SourceHealth
from ivr.sources.http import HttpService
from ivr.sources.templates import names_in, path_of, query_of
from tests.support.alarms import Alarms
from tests.support.database import database, postgres_dsn, scratch_server  # noqa: F401

LOCAL = (IPv4Network("127.0.0.0/8"),)


class Bank:
    """An HTTP server of ours; ``answer`` makes the raw answer of a request line and body."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Callable[[str], bytes] = lambda _: json_answer({})
        self.hangs = False
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *rows = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows if row)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.asked.append((line, headers, body))
                if self.hangs:
                    await reader.read()
                    return
                writer.write(self.answer(line))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def json_answer(document: Any, status: str = "200 OK", *headers: str) -> bytes:
    body = json.dumps(document).encode()
    return raw_answer(body, status, *headers)


def raw_answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    made = Bank()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@asynccontextmanager
async def service(bank: Bank, path: str = "", **settings: Any) -> AsyncIterator[HttpService]:
    url = f"http://127.0.0.1:{bank.port}{path}"
    made = HttpService(ServiceSettings(url=url, **{"networks": LOCAL, **settings}))
    yield made
    await made.close()


def request(**fields: Any) -> RequestSettings:
    base = {"service": "bank", "path": "/accounts/{account}", "results": {"balance": "$.balance"}}
    return RequestSettings(**{**base, **fields})


# --- HTTP -------------------------------------------------------------------------------------------------


async def test_a_request_fills_its_templates_and_reads_its_answer(bank: Bank) -> None:
    whole = {"holder": {"name": "张伟"}, "accounts": [{"balance": 128.5, "open": True}]}
    bank.answer = lambda _: json_answer(whole)
    wanted = request(
        method="POST",
        query={"channel": "phone", "by": "{caller}"},
        body={"number": "{account}"},
        results={
            "name": "holder.name",
            "balance": "$.accounts[0].balance",
            "open": "accounts[0].open",
            "none": "$.accounts[7].balance",
            "many": "$.accounts",
        },
    )
    assert wanted.parameters == ("account", "caller")
    async with service(bank, "/v1/", headers={"X-Key": SecretStr("hush")}) as http:
        row = await http.ask(wanted, {"account": "600001", "caller": "+86 138&x=1"})
    assert row == {"name": "张伟", "balance": "128.5", "open": "true", "none": "", "many": ""}
    ((line, headers, body),) = bank.asked
    assert line == "POST /v1/accounts/600001?channel=phone&by=%2B86+138%26x%3D1 HTTP/1.1"
    assert (headers["x-key"], headers["accept-encoding"]) == ("hush", "identity")
    assert json.loads(body) == {"number": "600001"}


async def test_what_is_not_there_is_missing_by_status_or_by_path(bank: Bank) -> None:
    async with service(bank) as http:
        bank.answer = lambda _: json_answer({}, "404 Not Found")
        assert await http.ask(request(), {"account": "1"}) is None
        empties: list[dict[str, Any]] = [{"accounts": []}, {"accounts": None}, {}, {"accounts": False}]
        for empty in empties:
            bank.answer = partial(_always, json_answer(empty))
            assert await http.ask(request(found="$.accounts"), {"account": "1"}) is None
        bank.answer = lambda _: json_answer({"accounts": [1], "balance": 2})
        assert await http.ask(request(found="$.accounts"), {"account": "1"}) == {"balance": "2"}


@pytest.mark.parametrize("account", ["", ".", "..", "...", "x" * 201])
async def test_no_value_makes_or_leaves_a_step_of_the_path(bank: Bank, account: str) -> None:
    async with service(bank) as http:
        with pytest.raises(QueryFailed, match="account"):
            await http.ask(request(), {"account": account})
    assert bank.asked == []


@pytest.mark.parametrize(
    "account",
    [
        "../admin",
        "1/../../x",
        "1?x=2",
        "1#f",
        "{caller}",
        "1\r\nX: y",
        "%2e%2e",
        "\\..\\",
        "@evil",
        "//h",
        "\ud800",
    ],
)
async def test_whatever_a_caller_could_enter_stays_one_step_of_the_path(bank: Bank, account: str) -> None:
    async with service(bank) as http:
        await http.ask(request(), {"account": account, "caller": "secret"})
    ((line, headers, _),) = bank.asked
    path = line.split(" ")[1]
    assert path.startswith("/accounts/")
    assert path.count("/") == 2
    assert not set("?#\r\n{}\\@") & set(path)
    assert "x" not in headers
    assert "secret" not in line


@given(st.text(max_size=60))
def test_paths_and_queries_hold_any_value(value: str) -> None:
    filled = query_of({"q": "{value}"}, {"value": value})
    assert filled.count("=") == 1
    assert "&" not in filled
    if value.strip("."):
        path = path_of("/a/{value}/b", {"value": value})
        assert path.count("/") == 3
        assert path.isascii()


def test_braces_that_are_no_parameter_are_a_wrong_template() -> None:
    assert names_in("/a/{b}/{c_1}") == ("b", "c_1")
    for template in ("/{", "/{}", "/{A}", "/{b.c}", "/{{b}}", "/}"):
        with pytest.raises(ValueError, match="braces"):
            names_in(template)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (json_answer({}, "500 Oops"), "answered 500"),
        (json_answer({}, "302 Found", "Location: http://127.0.0.1:1/"), "answered 302"),
        (raw_answer(b"<html>"), "no JSON"),
        (raw_answer(b"\xff\xfe"), "no JSON"),
        (raw_answer(b"[" * 60_000), "no JSON"),
        (raw_answer(b" " * 70_000), "larger than 65536 bytes"),
        (raw_answer(b"{}", "200 OK", "Content-Encoding: gzip"), "compressed"),
        (b"not HTTP at all\r\n\r\n", "cannot be asked"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "cannot be asked"),
        (b"", "cannot be asked"),
    ],
)
async def test_an_answer_that_is_none_is_a_failed_query(bank: Bank, answer: bytes, says: str) -> None:
    bank.answer = lambda _: answer
    closing = not answer
    async with service(bank) as http:
        if closing:
            bank.hangs = False
            bank.answer = _gone
        with pytest.raises(QueryFailed, match=says):
            await http.ask(request(), {"account": "1"})


def _always(answer: bytes, _: str) -> bytes:
    return answer


def _gone(_: str) -> bytes:
    raise ConnectionResetError


async def test_an_answer_of_a_million_entries_is_not_read_to_its_end(bank: Bank) -> None:
    bank.answer = lambda _: json_answer({"rows": list(range(1_000_000))})
    async with service(bank) as http:
        with pytest.raises(QueryFailed, match="larger than"):
            await http.ask(request(), {"account": "1"})


async def test_numbers_are_taken_as_they_are_written(bank: Bank) -> None:
    bank.answer = lambda _: raw_answer(b'{"balance": 12345678901234567890.10}')
    async with service(bank) as http:
        assert await http.ask(request(), {"account": "1"}) == {"balance": "12345678901234567890.10"}


# --- where requests may not lead --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_private_addresses_are_not_connected_to_unless_listed(address: str, may: bool) -> None:
    assert may_connect(address, ()) is may
    assert may_connect("127.0.0.1", LOCAL)
    assert may_connect("::ffff:127.0.0.1", LOCAL)
    assert not may_connect("10.0.0.1", LOCAL)


async def test_a_private_host_is_not_connected_to(bank: Bank) -> None:
    async with service(bank, networks=()) as http:
        with pytest.raises(QueryFailed, match="no address that may be connected to"):
            await http.ask(request(), {"account": "1"})
    assert bank.asked == []


async def test_a_name_that_leads_inside_is_found_out_at_every_connection(bank: Bank) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    http = HttpService(ServiceSettings(url=f"http://bank.example:{bank.port}"), resolver=rebinding)
    for _ in range(2):
        with pytest.raises(QueryFailed, match="has no address"):
            await http.ask(request(), {"account": "1"})
    await http.close()
    assert (asked, bank.asked) == (["bank.example"] * 2, [])


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/",
        "http://",
        "http://user:secret@h/",
        "http://h/{account}",
        "http://h/?q=1",
        "http://h/#f",
        "http://h /",
        "file:///etc/passwd",
        "h",
    ],
)
def test_a_service_is_one_http_host(url: str) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(url=url)


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "accounts"},
        {"path": "/a?{b}"},
        {"path": "/{"},
        {"path": "/a b"},
        {"query": {"q": "{A}"}},
        {"results": {"x": "$..secret"}},
        {"results": {"x": "a[b]"}},
        {"results": {"x": "import os"}},
        {"method": "DELETE"},
        {"timeout_seconds": 9},
        {"missing_status": [500]},
        {"found": "$["},
    ],
)
def test_a_request_that_means_nothing_is_a_wrong_configuration(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        request(**fields)


def test_names_that_nothing_has_are_told_with_their_paths() -> None:
    settings = IvrSettings(
        queries={
            "a": QuerySettings(source="nowhere", sql="SELECT 1"),
            "b": QuerySettings(source="platform", sql=""),
        },
        requests={"b": request(service="none")},
        services={"crm": ServiceSettings(url="http://h")},
        sources={"crm": SourceSettings(url=SecretStr("postgresql:///x"))},
    )
    assert [problem.split(":")[0] for problem in settings.problems()] == [
        "ivr.queries.a.source = 'nowhere'",
        "ivr.requests.b.service = 'none'",
        "ivr.requests.b",
        "ivr.services.crm",
    ]


def test_a_path_reads_what_is_there_and_nothing_else() -> None:
    document = {"a": [{"b": "x"}, ["y"]], "c": None}
    assert value_at(document, "$.a[0].b") == "x"
    assert value_at(document, "a[1][0]") == "y"
    for path in ("a.b", "a[2]", "a[0][0]", "c.d", "x"):
        assert value_at(document, path) is None
    assert text_at({"a": "x" * 5000}, "a") == "x" * 1000


# --- slow, gone, kept -------------------------------------------------------------------------------------


async def test_a_service_that_hangs_is_given_up_in_time_and_is_an_alarm(bank: Bank) -> None:
    alarms = Alarms()
    bank.hangs = True
    async with service(bank) as http:
        queries = Queries(
            sources={},
            queries={},
            services={"bank": http},
            requests={"q": request(timeout_seconds=0.05)},
            health=SourceHealth(alarms=alarms, slow_seconds={"bank": 1.0}),
        )
        for number in range(1, IN_A_ROW + 1):
            with pytest.raises(QueryFailed):
                await queries.ask("q", {"account": "1"})
            assert ((GONE, "bank") in alarms.up) is (number == IN_A_ROW)
        assert alarms.up[GONE, "bank"][0] is Severity.URGENT
        bank.hangs = False
        bank.answer = lambda _: json_answer({"balance": "1"})
        assert await queries.ask("q", {"account": "1"}) == {"balance": "1"}
        assert alarms.up == {}


def test_three_slow_answers_in_a_row_are_an_alarm_and_one_fast_one_ends_it() -> None:
    alarms = Alarms()
    health = SourceHealth(alarms=alarms, slow_seconds={"bank": 1.0})
    for seconds in (2.0, 2.0, 0.5, 2.0, 2.0):
        health.answered("bank", seconds)
    assert alarms.up == {}
    health.answered("bank", 1.1)
    assert (SLOW, "bank") in alarms.up
    health.answered("bank", 1.0)
    assert alarms.up == {}
    health.failed("platform", "its own alarm is the database's")
    assert alarms.up == {}


async def test_only_found_answers_are_kept_and_only_where_that_is_allowed(bank: Bank) -> None:
    found: list[bool] = [False, True, True, True]
    bank.answer = lambda _: json_answer({"balance": "1"}, "200 OK" if found.pop(0) else "404 Not Found")
    async with service(bank) as http:
        queries = Queries(
            sources={},
            queries={},
            services={"bank": http},
            requests={"kept": request(cache_seconds=60), "fresh": request()},
        )
        assert await queries.ask("kept", {"account": "1"}) is None
        for _ in range(3):
            row = await queries.ask("kept", {"account": "1"})
            assert row == {"balance": "1"}
            row["balance"] = "changed by who asked"
        assert len(bank.asked) == 2
        await queries.ask("kept", {"account": "2"})
        await queries.ask("fresh", {"account": "1"})
        assert len(bank.asked) == 4


async def test_nothing_of_a_question_with_a_secret_is_kept(bank: Bank) -> None:
    async with service(bank) as http:
        queries = Queries(
            sources={}, queries={}, services={"bank": http}, requests={"kept": request(cache_seconds=60)}
        )
        await queries.ask("kept", {"account": "622123"})
        for _ in range(2):
            await queries.ask("kept", {"account": "633456"}, secret=True)
        assert len(bank.asked) == 3
        assert "622123" in repr(vars(queries))
        assert "633456" not in repr(vars(queries))


# --- other databases --------------------------------------------------------------------------------------


@pytest.fixture
def other_dsn() -> Iterator[str]:
    server = scratch_server()
    name = server.create(migrated=False)
    yield server.dsn(name)
    server.drop(name)


@pytest.fixture
async def centre(
    database: Database,  # noqa: F811
    other_dsn: str,
) -> AsyncIterator[tuple[DataSources, Alarms]]:
    queries = {
        "one": "SELECT 'x' AS a, current_database() AS db",
        "none": "SELECT 1 WHERE false",
        "many": "SELECT n FROM generate_series(1, 1000000) AS n",
        "slow": "SELECT pg_sleep(3)",
        "write": "CREATE TABLE t (x int)",
    }
    settings = IvrSettings(
        sources={"crm": SourceSettings(url=SecretStr(other_dsn), max_connections=2, acquire_seconds=0.3)},
        queries={
            name: QuerySettings(source="crm", sql=sql, timeout_seconds=0.2 if name == "slow" else 3.0)
            for name, sql in queries.items()
        },
    )
    assert list(settings.problems()) == []
    clock, alarms = SystemClock(), Alarms()
    tasks = TaskSupervisor(clock)
    data = DataSources(settings, own=database, queries=settings.queries, clock=clock, alarms=alarms)
    await data.open(tasks)
    yield data, alarms
    await tasks.close()
    await data.close()


async def test_another_database_has_its_own_pool_and_is_only_read(
    centre: tuple[DataSources, Alarms], other_dsn: str
) -> None:
    queries = centre[0].queries
    row = await queries.ask("one", {})
    assert row is not None
    assert row["db"] in other_dsn
    assert await queries.ask("none", {}) is None
    assert await queries.ask("many", {}) == {"n": "1"}
    with pytest.raises(QueryFailed, match="ReadOnlySQLTransactionError"):
        await queries.ask("write", {})


async def test_a_slow_database_keeps_nobody_longer_than_its_limit_and_its_pool_recovers(
    centre: tuple[DataSources, Alarms],
    database: Database,  # noqa: F811
) -> None:
    queries = centre[0].queries
    failures = await asyncio.gather(*(queries.ask("slow", {}) for _ in range(6)), return_exceptions=True)
    assert all(isinstance(failure, QueryFailed) for failure in failures)
    assert (GONE, "crm") in centre[1].up
    assert await queries.ask("one", {}) is not None
    assert centre[1].up == {}
    assert database.available, "the platform's own pool has nothing to do with it"


async def test_a_database_that_goes_away_is_an_alarm_without_any_caller(
    centre: tuple[DataSources, Alarms], other_dsn: str
) -> None:
    data, alarms = centre
    assert await data.queries.ask("one", {}) is not None
    scratch_server().drop(urlsplit(other_dsn).path.strip("/"))
    async with asyncio.timeout(20):
        while (GONE, "crm") not in alarms.up:
            with pytest.raises(QueryFailed):
                await data.queries.ask("one", {})
    with pytest.raises(QueryFailed, match="'crm' is away"):
        await data.queries.ask("one", {})

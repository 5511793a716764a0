"""REST of the trace: filters, following, capture files, roles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from ccplatform.contracts.words import Role, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.security.model import Principal
from ccplatform.security.routes import build_router as build_security_router
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from ccplatform.storage.journal_reader import JournalReader
from gateway.signalling.message import TracedMessage
from gateway.signalling.places import Places
from gateway.signalling.routes import build_router
from gateway.signalling.search import SignallingSearch
from gateway.signalling.service import SignallingService
from gateway.signalling.settings import SignallingSettings
from gateway.store import GatewayStore
from tests.gateway.signalling.samples import request, response, row
from tests.gateway.sip.centre import trunk
from tests.security.desk import bearer, open_desk, web
from tests.support.database import database, postgres_dsn  # noqa: F401
from tests.support.milestone import until

PRESENT: Mapping[str, Any] = {
    "trunks": {"far": {"targets": [{"address": "203.0.113.5:5080", "transport": "UDP", "name": "far.example"}]}}
}


async def seen_by(principal: Principal, messages: Sequence[TracedMessage]) -> list[TracedMessage]:
    """Narrow supervisors see nothing of 8004's."""
    return [message for message in messages if principal.only_teams is None or message.caller != "8004"]


@pytest.fixture
def service(clock: VirtualClock) -> SignallingService:
    return SignallingService(SignallingSettings(), clock=clock)


@pytest.fixture
async def client(
    database: Database,  # noqa: F811
    clock: VirtualClock,
    service: SignallingService,
) -> AsyncIterator[httpx.AsyncClient]:
    desk = open_desk(database)
    await desk.add("tech1", Role.MAINTAINER)
    await desk.add("1004", Role.AGENT)
    await desk.add("sup1", Role.SUPERVISOR, teams=["night"])
    vault = Vault(b"k" * 32)
    store = GatewayStore(database=database, vault=vault, clock=clock, realm="r")
    await store.save_seat(SeatId("seat-04"), "8004", "secret")
    await store.trunks.save(trunk("near", "192.0.2.4"))
    await store.trunks.save(trunk("far", "198.51.100.1"))
    routes = build_router(
        access=desk.access,
        service=service,
        search=SignallingSearch(memory=service.memory, history=JournalReader(database, sealer=vault)),
        places=Places(store, lambda: PRESENT),
        seen_by=seen_by,
    )
    async with web(routes, build_security_router(access=desk.access, login=desk.login, audit=desk.audit)) as made:
        made.headers = httpx.Headers(await bearer(made, "tech1"))
        yield made


async def found(client: httpx.AsyncClient, **filters: Any) -> list[str]:
    answer = await client.get("/signalling", params=filters)
    assert answer.status_code == 200, answer.text
    return [f"{item['status'] or ''}{item['method']}" for item in answer.json()["items"]]


async def test_filters_choose(client: httpx.AsyncClient, service: SignallingService, clock: VirtualClock) -> None:
    now = clock.now()
    service.take(
        [
            row(request(), at=now),
            row(response(486), at=now, outgoing=True),
            row(request("REGISTER", caller="8004", called="8004"), at=now),
            row(request("OPTIONS"), at=now, remote="203.0.113.5:5080"),
        ]
    )
    assert await found(client) == ["OPTIONS", "REGISTER", "486INVITE", "INVITE"]
    assert await found(client, method="invite") == ["486INVITE", "INVITE"]
    assert await found(client, status="4xx") == ["486INVITE"]
    assert await found(client, direction="in", address="192.0.2.0/24") == ["REGISTER", "INVITE"]
    assert await found(client, seat="seat-04") == ["REGISTER"]
    assert await found(client, trunk="near") == ["486INVITE", "INVITE"], "a phone at its address is no trunk"
    assert await found(client, trunk="far") == ["OPTIONS"], "an address that DNS told"
    assert await found(client, caller="1380", called="950", call_id="a@b", transport="UDP") == [
        "OPTIONS",
        "486INVITE",
        "INVITE",
    ]
    assert await found(client, **{"to": "2000-01-01T00:00:00Z"}) == []


@pytest.mark.parametrize(
    ("filters", "status"),
    [
        ({"trunk": "none"}, 404),
        ({"seat": "none"}, 404),
        ({"address": "nonsense"}, 409),
        ({"status": "9xx"}, 409),
        ({"transport": "SCTP"}, 422),
        ({"nonsense": "1"}, 422),
        ({"cursor": "nonsense"}, 409),
        ({"limit": "501"}, 422),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, filters: dict[str, str], status: int
) -> None:
    assert (await client.get("/signalling", params=filters)).status_code == status


async def test_pages(client: httpx.AsyncClient, service: SignallingService, clock: VirtualClock) -> None:
    service.take([row(request(call_id=f"{number}@b"), at=clock.now()) for number in range(5)])
    first = (await client.get("/signalling", params={"limit": 3})).json()
    second = (await client.get("/signalling", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    ids = [item["call_id"] for item in (*first["items"], *second["items"])]
    assert ids == [f"{number}@b" for number in (4, 3, 2, 1, 0)]
    assert second["next_cursor"] is None


async def test_the_tail_waits_for_what_fits(
    client: httpx.AsyncClient, service: SignallingService, clock: VirtualClock
) -> None:
    service.take([row(request(), at=clock.now())])
    last = (await client.get("/signalling")).json()["last"]
    nothing = (await client.get("/signalling/tail", params={"after": last})).json()
    assert (nothing["items"], nothing["last"]) == ([], last)
    parameters = {"after": last, "method": "BYE", "wait_seconds": 20}
    waiting = asyncio.ensure_future(client.get("/signalling/tail", params=parameters))
    await until(lambda: bool(service.memory._waiting), lambda: "the answer waits")
    service.take([row(request("INFO"), at=clock.now())])
    service.take([row(request("BYE"), at=clock.now())])
    told = (await waiting).json()
    assert [item["method"] for item in told["items"]] == ["BYE"]
    assert told["last"] == service.memory.last_number
    every = {"after": last, "limit": 1}
    assert (await client.get("/signalling/tail", params=every)).json()["missed"] is True


async def test_a_capture_file_holds_the_same_oldest_first(
    client: httpx.AsyncClient, service: SignallingService, clock: VirtualClock
) -> None:
    service.take([row(request(), at=clock.now()), row(request("BYE"), at=clock.now())])
    answer = await client.get("/signalling/capture")
    assert answer.headers["content-type"] == "application/vnd.tcpdump.pcap"
    assert answer.content.index(b"INVITE sip:") < answer.content.index(b"BYE sip:")
    assert b"BYE" not in (await client.get("/signalling/capture", params={"method": "INVITE"})).content


async def test_how_much_is_kept_is_told(
    client: httpx.AsyncClient, service: SignallingService, clock: VirtualClock
) -> None:
    service.take([row(request(), at=clock.now())])
    state = (await client.get("/signalling/state")).json()
    assert (state["messages"], state["hep"]) == (1, None)
    assert state["bytes"] > len(request())


async def test_agents_see_no_signalling(client: httpx.AsyncClient) -> None:
    agent = await bearer(client, "1004")
    for path in ("", "/tail?after=0", "/capture", "/state"):
        assert (await client.get(f"/signalling{path}", headers=agent)).status_code == 403


async def test_a_supervisor_of_teams_finds_what_concerns_them_alone(
    client: httpx.AsyncClient, service: SignallingService, clock: VirtualClock
) -> None:
    narrow = await bearer(client, "sup1")

    async def items(path: str = "", **parameters: Any) -> list[str]:
        answer = await client.get(f"/signalling{path}", params=parameters, headers=narrow)
        return [item["method"] for item in answer.json()["items"]]

    service.take([row(request("REGISTER", caller="8004", called="8004"), at=clock.now())])
    service.take([row(request(), at=clock.now())])
    assert (await items(), await found(client)) == (["INVITE"], ["INVITE", "REGISTER"])
    assert await items(limit=1) == ["INVITE"]
    assert await items("/tail", after=0) == ["INVITE"]
    assert b"REGISTER" not in (await client.get("/signalling/capture", headers=narrow)).content
    waiting = asyncio.ensure_future(items("/tail", after=service.memory.last_number, wait_seconds=20))
    await until(lambda: bool(service.memory._waiting), lambda: "the answer waits")
    service.take([row(request("REGISTER", caller="8004", called="8004"), at=clock.now())])
    await until(lambda: bool(service.memory._waiting), lambda: "the answer waits on")
    service.take([row(request("BYE"), at=clock.now())])
    assert await waiting == ["BYE"]

"""Trunks, seats and registrations in PostgreSQL, and the routes that show them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from ccplatform.contracts.facts import Fact, TrunkChannelsChanged
from ccplatform.contracts.words import Role, SeatId, TrunkId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Refusal
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.routes import build_router as build_security_router
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from gateway.access import SipAccess
from gateway.errors import BadTrunk
from gateway.routes import ChannelsInUse, build_router
from gateway.sip.digest import hash_a1
from gateway.sip.flows import Flow
from gateway.sip.registrar import Binding
from gateway.sip.settings import SipSettings
from gateway.sip.trunks import Trunk, TrunkDirection
from gateway.store import GatewayStore
from tests.gateway.sip.centre import FactList, FakeMedia
from tests.gateway.sip.network import Network
from tests.security.desk import bearer, open_desk, web
from tests.support.database import database, postgres_dsn  # noqa: F401

SEAT = SeatId("seat-01")
PSTN = Trunk(id=TrunkId("pstn"), peers=("127.0.0.0/8",), direction=TrunkDirection.IN, capacity=60)
LAB = Trunk(id=TrunkId("lab"), host="127.0.0.1", port=5081)


def binding(clock: VirtualClock, uri: str = "sip:8001@192.0.2.7") -> Binding:
    return Binding(
        uri=uri,
        flow=Flow("UDP", "192.0.2.7", 5060),
        call_id="reg@192.0.2.7",
        sequence=3,
        expires_at=clock.now() + 600,
        refreshed_at=clock.now() - 10,
        user_agent="Phone/1.0",
    )


def make(
    database: Database,  # noqa: F811
    clock: VirtualClock,
    realm: str = "ccplatform",
    key: bytes = b"k" * 32,
) -> GatewayStore:
    return GatewayStore(database=database, vault=Vault(key), clock=clock, realm=realm)


@pytest.fixture
def store(database: Database, clock: VirtualClock) -> GatewayStore:  # noqa: F811
    return make(database, clock)


async def test_trunks_are_kept_and_changed(store: GatewayStore) -> None:
    for trunk in (PSTN, LAB, PSTN):
        await store.save_trunk(trunk)
    assert await store.trunks() == [LAB, PSTN]


@pytest.mark.parametrize(
    "trunk",
    [
        Trunk(id=TrunkId("x"), peers=("300.0.0.0/8",), host="127.0.0.1"),
        Trunk(id=TrunkId("x"), host="trunk.example.com"),
        Trunk(id=TrunkId("x"), direction=TrunkDirection.OUT),
        Trunk(id=TrunkId("x"), host="127.0.0.1", transport="SCTP"),
        Trunk(id=TrunkId("x"), host="127.0.0.1", capacity=0),
    ],
)
async def test_a_trunk_that_makes_no_sense_is_refused(store: GatewayStore, trunk: Trunk) -> None:
    with pytest.raises(BadTrunk, match="trunk x"):
        await store.save_trunk(trunk)


async def test_secrets_of_seats_are_sealed(store: GatewayStore, database: Database, clock: VirtualClock) -> None:  # noqa: F811
    await store.save_seat(SEAT, "8001", "demo-8001")
    await store.save_seat(SEAT, "8001", "other")
    seat = (await store.seats())[0]
    assert seat.secrets.ha1_sha256 == hash_a1("SHA-256", "8001", "ccplatform", "other")
    assert seat.secrets.ha1_md5 == hash_a1("MD5", "8001", "ccplatform", "other")
    async with database.connection() as connection:
        sealed = await connection.fetchval("SELECT ha1_md5 FROM seats")
    assert seat.secrets.ha1_md5.encode() not in sealed
    assert await make(database, clock, key=b"x" * 32).seats() == []
    assert await make(database, clock, realm="another").seats() == []
    with pytest.raises(Refusal, match="seat-01"):
        await store.save_seat(SEAT, "80 01", "x")


async def test_registrations_are_kept_until_they_expire(store: GatewayStore, clock: VirtualClock) -> None:
    first, second = binding(clock), binding(clock, "sip:8001@192.0.2.8")
    await store.save_registrations({SEAT: [first, second]})
    clock.advance(100)
    found = (await store.registrations())[SEAT]
    assert [b.uri for b in found] == [first.uri, second.uri]
    assert found[0].expires_at == pytest.approx(first.expires_at)
    await store.save_registrations({SEAT: [second]})
    assert [b.uri for b in (await store.registrations())[SEAT]] == [second.uri]
    clock.advance(600)
    assert await store.registrations() == {}


async def test_the_gateway_loads_and_reloads_what_is_stored(store: GatewayStore, clock: VirtualClock) -> None:
    await store.save_seat(SEAT, "8001", "demo-8001")
    await store.save_trunk(PSTN)
    await store.save_registrations({SEAT: [binding(clock)]})
    access = SipAccess(
        settings=SipSettings(),
        clock=clock,
        ids=Ids(clock),
        tasks=TaskSupervisor(clock),
        facts=FactList(),
        media=FakeMedia("127.0.0.1"),
        listener=lambda _: None,
        accepts_calls=lambda: None,
        store=store,
        wire=Network(clock).wire("127.0.0.1"),
    )
    await access.load()
    assert access.seats.reachable(SEAT)
    assert access.trunks.of_source(Flow("UDP", "127.9.9.9", 1)) == PSTN
    await store.save_trunk(LAB)
    await access.reload()
    assert access.trunks.of_source(Flow("UDP", "127.0.0.1", 5081)) == LAB
    assert access.trunks.of_source(Flow("UDP", "127.0.0.1", 5082)) == PSTN
    assert access.trunks.of_source(Flow("UDP", "192.0.2.1", 5081)) is None


# --- routes -----------------------------------------------------------------------------------------------


@pytest.fixture
async def client(database: Database, clock: VirtualClock) -> AsyncIterator[httpx.AsyncClient]:  # noqa: F811
    desk = open_desk(database)
    await desk.add("sup1", Role.SUPERVISOR)
    await desk.add("1004", Role.AGENT)
    store = make(database, clock)
    await store.save_trunk(PSTN)
    await store.save_seat(SEAT, "8001", "demo-8001")
    await store.save_seat(SeatId("seat-02"), "8002", "demo-8002")
    await store.save_registrations({SEAT: [binding(clock)]})
    in_use = ChannelsInUse()
    stream: Stream[Fact] = Stream(clock, Ids(clock), "default")
    stream.subscribe(in_use.observe)
    stream.publish(TrunkChannelsChanged(trunk=PSTN.id, in_use=7, capacity=60))
    gateway = build_router(access=desk.access, store=store, channels_in_use=in_use)
    security = build_security_router(access=desk.access, login=desk.login, audit=desk.audit)
    async with web(gateway, security) as made:
        yield made


async def test_a_supervisor_sees_trunks_and_seats(client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "sup1")
    trunks = (await client.get("/trunks", headers=headers)).json()["items"]
    assert [(item["id"], item["direction"], item["capacity"], item["in_use"]) for item in trunks] == [
        ("pstn", "in", 60, 7)
    ]
    seats = (await client.get("/seats", headers=headers)).json()["items"]
    assert [(item["id"], item["sip_user"], item["registered"]) for item in seats] == [
        ("seat-01", "8001", True),
        ("seat-02", "8002", False),
    ]
    assert seats[0]["contacts"][0]["contact"] == "sip:8001@192.0.2.7"


async def test_an_agent_does_not(client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "1004")
    for path in ("/trunks", "/seats"):
        assert (await client.get(path, headers=headers)).status_code == 403
        assert (await client.get(path)).status_code == 401

"""Trunks, seats and registrations in PostgreSQL, and the routes that show them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from ccplatform.contracts.commands import Answer, Command, Done, Refused, ResetSeat
from ccplatform.contracts.words import Role, SeatId, TrunkId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Refusal
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.routes import build_router as build_security_router
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from gateway.access import SipAccess
from gateway.errors import BadTrunk, UnknownTrunk
from gateway.routes import build_router
from gateway.sip.bindings import Binding
from gateway.sip.digest import hash_a1
from gateway.sip.digest_client import Credentials
from gateway.sip.flows import Flow
from gateway.sip.number_rules import CallerRule, NumberRule
from gateway.sip.outbound import PhoneFlow
from gateway.sip.outbound_routes import OutboundRoute, TrunkChoice
from gateway.sip.settings import SipSettings
from gateway.sip.trunk import (
    Asserted,
    CallerRules,
    Registration,
    Trunk,
    TrunkDirection,
    TrunkProof,
    TrunkState,
)
from gateway.store import GatewayStore
from tests.gateway.sip.centre import FactList, FakeMedia
from tests.gateway.sip.network import Network
from tests.security.desk import bearer, open_desk, web
from tests.support.database import database, postgres_dsn  # noqa: F401

SEAT = SeatId("seat-01")
PSTN = Trunk(id=TrunkId("pstn"), peers=("127.0.0.0/8",), direction=TrunkDirection.IN, capacity=60)
LAB = Trunk(id=TrunkId("lab"), host="127.0.0.1", port=5081)
FULL = Trunk(
    id=TrunkId("full"),
    host="provider.example",
    transport=None,
    backups=("sip:192.0.2.7:5070;transport=tcp",),
    capacity_in=3,
    capacity_out=4,
    proof=TrunkProof.BOTH,
    credentials=Credentials(user="trunk7", password="very secret"),
    domain="provider.example",
    registration=Registration(seconds=900),
    numbers_in=(NumberRule(prefix="+86", strip=3),),
    numbers_out=(NumberRule(prefix="1", shortest=11, longest=11, add="+86"),),
    callers_out=(CallerRule(dialled="00", hidden=True), CallerRule(prefix="80", number="95000")),
    caller=CallerRules(number="01088886666", only_own=True, asserted=Asserted.ASSERTED),
    probe_seconds=30,
    trusted=True,
    state=TrunkState.BLOCKED,
)


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
    for trunk in (PSTN, LAB, FULL, PSTN):
        await store.trunks.save(trunk)
    assert await store.trunks.all() == [FULL, LAB, PSTN]
    await store.trunks.set_state(FULL.id, TrunkState.ACTIVE)
    assert (await store.trunks.get(FULL.id)).state is TrunkState.ACTIVE
    await store.trunks.delete(FULL.id)
    for change in (store.trunks.delete(FULL.id), store.trunks.set_state(FULL.id, TrunkState.ACTIVE)):
        with pytest.raises(UnknownTrunk):
            await change


async def test_trunk_passwords_are_sealed(
    store: GatewayStore,
    database: Database,  # noqa: F811
    clock: VirtualClock,
) -> None:
    await store.trunks.save(FULL)
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM trunks")
    assert "very secret" not in repr(dict(row or {}))
    other = await make(database, clock, key=b"o" * 32).trunks.get(FULL.id)
    assert other.credentials is None


async def test_routes_name_trunks_that_are_there(store: GatewayStore) -> None:
    await store.trunks.save(LAB)
    choice = TrunkChoice(trunk=LAB.id, priority=1, weight=5)
    routes = [
        OutboundRoute(prefix="", choices=(choice,)),
        OutboundRoute(prefix="110", exact=True, emergency=True, choices=(choice,)),
    ]
    await store.trunks.replace_routes(routes)
    assert await store.trunks.routes() == routes
    with pytest.raises(BadTrunk, match="in use"):
        await store.trunks.delete(LAB.id)
    for wrong in (
        [OutboundRoute(prefix="1", choices=(TrunkChoice(trunk=TrunkId("gone")),))],
        [routes[0], routes[0]],
        [OutboundRoute(prefix="1", choices=())],
    ):
        with pytest.raises(BadTrunk):
            await store.trunks.replace_routes(wrong)
    assert await store.trunks.routes() == routes


@pytest.mark.parametrize(
    "trunk",
    [
        Trunk(id=TrunkId("x"), peers=("300.0.0.0/8",), host="127.0.0.1"),
        Trunk(id=TrunkId("x"), host="trunk.example.com:5060"),
        Trunk(id=TrunkId("x"), host="trunk example"),
        Trunk(id=TrunkId("x"), host="127.0.0.1", port=65536),
        Trunk(id=TrunkId("x"), host="127.0.0.1", backups=("tel:110",)),
        Trunk(id=TrunkId("x"), host="127.0.0.1", backups=("sip:a;transport=sctp",)),
        Trunk(id=TrunkId("x"), host="127.0.0.1", capacity=5, capacity_in=6),
        Trunk(id=TrunkId("x"), host="127.0.0.1", proof=TrunkProof.DIGEST),
        Trunk(id=TrunkId("x"), host="127.0.0.1", registration=Registration()),
        Trunk(id=TrunkId("x"), host="127.0.0.1", probe_seconds=4000),
        Trunk(id=TrunkId("x"), host="127.0.0.1", caller=CallerRules(number="sip:x")),
        Trunk(id=TrunkId("x"), host="127.0.0.1", callers_out=(CallerRule(number="sip:x"),)),
        Trunk(id=TrunkId("x"), host="127.0.0.1", callers_out=(CallerRule(hidden=True, number="1"),)),
        Trunk(id=TrunkId("x"), host="127.0.0.1", callers_out=(CallerRule(number="1", add="2"),)),
        Trunk(id=TrunkId("x"), direction=TrunkDirection.OUT),
        Trunk(id=TrunkId("x"), host="127.0.0.1", transport="SCTP"),
        Trunk(id=TrunkId("x"), host="127.0.0.1", capacity=0),
    ],
)
async def test_a_trunk_that_makes_no_sense_is_refused(store: GatewayStore, trunk: Trunk) -> None:
    with pytest.raises(BadTrunk, match="trunk x"):
        await store.trunks.save(trunk)


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


async def test_the_way_to_a_phone_is_kept_with_its_registration(store: GatewayStore, clock: VirtualClock) -> None:
    path, phone = ("<sip:in.example.com;lr>", "<sip:edge.example.com;lr;ob>"), PhoneFlow("<urn:uuid:1>", 2)
    await store.save_registrations({SEAT: [replace(binding(clock), path=path, phone=phone)]})
    (found,) = (await store.registrations())[SEAT]
    assert (found.path, found.phone) == (path, phone)


async def test_two_flows_of_a_phone_with_one_contact_are_both_kept(
    store: GatewayStore, clock: VirtualClock
) -> None:
    flows = [replace(binding(clock), phone=PhoneFlow("<urn:uuid:1>", number)) for number in (0, 1, 2)]
    await store.save_registrations({SEAT: flows})
    found = (await store.registrations())[SEAT]
    assert {one.phone for one in found} == {one.phone for one in flows}


async def test_the_gateway_loads_and_reloads_what_is_stored(store: GatewayStore, clock: VirtualClock) -> None:
    await store.save_seat(SEAT, "8001", "demo-8001")
    await store.trunks.save(PSTN)
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
    await store.trunks.save(LAB)
    await access.reload()
    assert access.trunks.of_source(Flow("UDP", "127.0.0.1", 5081)) == LAB
    assert access.trunks.of_source(Flow("UDP", "127.0.0.1", 5082)) == PSTN
    assert access.trunks.of_source(Flow("UDP", "192.0.2.1", 5081)) is None


# --- routes -----------------------------------------------------------------------------------------------


class Control:
    """Knows one seat."""

    async def ask(self, command: Command) -> Answer:
        assert isinstance(command, ResetSeat)
        return Done() if command.seat == SEAT else Refused(code="not_found", message="no such seat")


@pytest.fixture
async def client(database: Database, clock: VirtualClock) -> AsyncIterator[httpx.AsyncClient]:  # noqa: F811
    desk = open_desk(database)
    await desk.add("sup1", Role.SUPERVISOR)
    await desk.add("tech1", Role.MAINTAINER)
    await desk.add("1004", Role.AGENT)
    store = make(database, clock)
    await store.save_seat(SEAT, "8001", "demo-8001")
    await store.save_seat(SeatId("seat-02"), "8002", "demo-8002")
    await store.save_registrations({SEAT: [binding(clock)]})
    gateway = build_router(access=desk.access, store=store, control=Control(), audit=desk.audit)
    security = build_security_router(access=desk.access, login=desk.login, audit=desk.audit)
    async with web(gateway, security) as made:
        yield made


async def test_a_maintainer_resets_a_seat(client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "tech1")
    assert (await client.post("/seats/seat-01/reset", headers=headers)).status_code == 204
    assert (await client.post("/seats/nowhere/reset", headers=headers)).status_code == 404
    supervisor = await bearer(client, "sup1")
    assert (await client.post("/seats/seat-01/reset", headers=supervisor)).status_code == 403


async def test_a_supervisor_sees_seats(client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "sup1")
    seats = (await client.get("/seats", headers=headers)).json()["items"]
    assert [(item["id"], item["sip_user"], item["registered"]) for item in seats] == [
        ("seat-01", "8001", True),
        ("seat-02", "8002", False),
    ]
    assert seats[0]["contacts"][0]["contact"] == "sip:8001@192.0.2.7"


async def test_an_agent_does_not(client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "1004")
    assert (await client.get("/seats", headers=headers)).status_code == 403
    assert (await client.get("/seats")).status_code == 401

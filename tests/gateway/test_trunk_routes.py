"""REST of trunks, routes, bans and listeners (R10.4.a), as maintainers, supervisors and agents may use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ccplatform.configuration.changes import Changes
from ccplatform.contracts.commands import (
    Answer,
    Command,
    Done,
    GetAccess,
    LiftBan,
    Refused,
    ReloadAccess,
    ResetPort,
    ResetTrunk,
)
from ccplatform.contracts.words import Role
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.routes import build_router as build_security_router
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from gateway.trunk_routes import build_router
from gateway.trunk_store import TrunkStore
from tests.security.desk import bearer, open_desk, web
from tests.support.database import database, postgres_dsn  # noqa: F401

PRESENT: dict[str, Any] = {
    "trunks": {
        "pstn": {
            "state": "active",
            "incoming": 3,
            "outgoing": 4,
            "targets": [
                {
                    "address": "192.0.2.1:5060",
                    "transport": "UDP",
                    "name": "a.provider.example",
                    "state": "down",
                    "missed": 5,
                    "round_trip_seconds": 0.02,
                    "rests_seconds": 0.0,
                }
            ],
            "unresolved": "",
            "registration": {"state": "lost", "reason": "403 Forbidden", "server": "", "expires_seconds": None},
        }
    },
    "bans": {
        "active": [{"source": "203.0.113.9", "fault": "digest", "since_seconds": 5.0, "left_seconds": 595.0}],
        "imposed": {"digest": 1},
        "dropped": 7,
    },
    "ports": [{"transport": "UDP", "port": 5060}],
}
TRAFFIC = {
    "carried_erlang": 21.0,
    "offered_erlang": 22.5,
    "load_erlang": 0.7,
    "load_class": "idle",
    "attempts": 100,
    "blocked": 7,
}
PSTN = {
    "host": "provider.example",
    "port": None,
    "transport": None,
    "account": "trunk7",
    "password": "very secret",
    "registration": {"seconds": 600},
    "numbers_out": [{"prefix": "0", "strip": 1, "add": "+86"}],
    "callers_out": [{"dialled": "00", "hidden": True}],
}


class Control:
    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.away = False

    async def ask(self, command: Command) -> Answer:
        if self.away:
            raise Unavailable("control is away")
        self.commands.append(command)
        match command:
            case GetAccess():
                return Done(result=PRESENT)
            case ResetPort(transport=transport) if transport != "UDP":
                return Refused(code="not_found", message="no such listener")
            case LiftBan(source=source) if source != "203.0.113.9":
                return Refused(code="not_found", message="not banned")
            case _:
                return Done()


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
async def client(database: Database, clock: VirtualClock, control: Control) -> AsyncIterator[httpx.AsyncClient]:  # noqa: F811
    desk = open_desk(database)
    await desk.add("maint1", Role.MAINTAINER)
    await desk.add("audit1", Role.AUDITOR)
    await desk.add("sup1", Role.SUPERVISOR)
    await desk.add("1004", Role.AGENT)
    trunks = build_router(
        access=desk.access,
        store=TrunkStore(database=database, vault=Vault(b"k" * 32)),
        control=control,
        audit=desk.audit,
        changes=Changes(audit=desk.audit),
        channels_in_use=lambda _: 7,
        traffic=lambda trunk: TRAFFIC if trunk == "pstn" else None,
    )
    async with web(trunks, build_security_router(access=desk.access, login=desk.login, audit=desk.audit)) as made:
        made.headers = httpx.Headers(await bearer(made, "maint1"))
        yield made


async def test_a_trunk_is_made_shown_and_taken_out(client: httpx.AsyncClient, control: Control) -> None:
    made = await client.put("/trunks/pstn", json=PSTN)
    assert made.status_code == 200, made.text
    (row,) = (await client.get("/trunks")).json()["items"]
    assert row == (await client.get("/trunks/pstn")).json()
    assert (row["id"], row["host"], row["account"], row["state"]) == (
        "pstn",
        "provider.example",
        "trunk7",
        "active",
    )
    assert (row["in_use"], row["incoming"], row["outgoing"]) == (7, 3, 4)
    assert row["targets"][0]["state"] == "down"
    assert row["traffic"] == TRAFFIC
    assert row["registered"]["reason"] == "403 Forbidden"
    assert row["numbers_out"][0]["add"] == "+86"
    assert (row["callers_out"][0]["dialled"], row["callers_out"][0]["hidden"]) == ("00", True)
    assert (await client.delete("/trunks/pstn")).status_code == 200
    assert (await client.get("/trunks/pstn")).status_code == 404
    assert [type(command) for command in control.commands if not isinstance(command, GetAccess)] == [
        ReloadAccess
    ] * 2


async def test_a_password_is_kept_when_none_is_given_and_never_shown(client: httpx.AsyncClient) -> None:
    assert "very secret" not in (await client.put("/trunks/pstn", json=PSTN)).text
    again = await client.put("/trunks/pstn", json={**PSTN, "password": None})
    assert again.status_code == 200
    assert "password" not in again.json()
    other = await client.put("/trunks/pstn", json={**PSTN, "password": None, "account": "other"})
    assert (other.status_code, other.json()["code"]) == (409, "bad_trunk")
    audit = await client.get("/audit", headers=await bearer(client, "audit1"))
    assert "trunk.save" in audit.text
    assert "very secret" not in audit.text


@pytest.mark.parametrize(
    ("change", "status"),
    [({"port": 0}, 422), ({"nonsense": 1}, 422), ({"capacity": 0}, 422), ({"peers": ["300.0.0.0/8"]}, 409)],
)
async def test_what_makes_no_sense_is_refused_before_it_takes_effect(
    client: httpx.AsyncClient, control: Control, change: dict[str, Any], status: int
) -> None:
    assert (await client.put("/trunks/pstn", json={**PSTN, **change})).status_code == status
    assert control.commands == []


@pytest.mark.parametrize(
    ("action", "state"),
    [("block", "blocked"), ("isolate", "isolated"), ("activate", "active"), ("reset", "active")],
)
async def test_a_maintainer_operates_a_trunk_and_that_is_audited(
    client: httpx.AsyncClient, control: Control, action: str, state: str
) -> None:
    await client.put("/trunks/pstn", json=PSTN)
    assert (await client.post(f"/trunks/pstn/{action}")).status_code == 204
    assert (await client.get("/trunks/pstn")).json()["state"] == state
    told = [command for command in control.commands if isinstance(command, ReloadAccess | ResetTrunk)][-1]
    assert isinstance(told, ResetTrunk if action == "reset" else ReloadAccess)
    assert told.by == "maint1"
    audit = (await client.get("/audit", headers=await bearer(client, "audit1"))).json()["items"]
    assert ("maint1", f"trunk.{action}", "pstn") in [
        (row["subject"], row["action"], row["object"]) for row in audit
    ]
    if action != "reset":
        assert (await client.post(f"/trunks/gone/{action}")).status_code == 404


async def test_routes_are_taken_as_a_whole(client: httpx.AsyncClient) -> None:
    await client.put("/trunks/pstn", json=PSTN)
    routes = {"items": [{"prefix": "110", "exact": True, "emergency": True, "choices": [{"trunk": "pstn"}]}]}
    assert (await client.put("/outbound-routes", json=routes)).status_code == 200
    (route,) = (await client.get("/outbound-routes")).json()["items"]
    assert (route["prefix"], route["emergency"], route["choices"][0]["weight"]) == ("110", True, 1)
    wrong = {"items": [{"prefix": "1", "choices": [{"trunk": "gone"}]}]}
    assert (await client.put("/outbound-routes", json=wrong)).status_code == 409
    assert (await client.delete("/trunks/pstn")).status_code == 409


async def test_bans_are_listed_and_lifted_and_listeners_shown(client: httpx.AsyncClient) -> None:
    bans = (await client.get("/sip/bans")).json()
    assert (bans["items"][0]["source"], bans["imposed"], bans["dropped"]) == ("203.0.113.9", {"digest": 1}, 7)
    assert (await client.delete("/sip/bans/203.0.113.9")).status_code == 204
    assert (await client.delete("/sip/bans/203.0.113.8")).status_code == 404
    assert (await client.get("/sip/ports")).json()["items"] == [{"transport": "UDP", "port": 5060}]


async def test_trunks_are_shown_while_control_is_away(client: httpx.AsyncClient, control: Control) -> None:
    await client.put("/trunks/pstn", json=PSTN)
    control.away = True
    (row,) = (await client.get("/trunks")).json()["items"]
    assert (row["targets"], row["registered"]) == (None, None)
    assert (await client.get("/sip/bans")).status_code == 503


async def test_a_supervisor_looks_and_an_agent_does_not(client: httpx.AsyncClient) -> None:
    supervisor, agent = await bearer(client, "sup1"), await bearer(client, "1004")
    for path in ("/trunks", "/outbound-routes", "/sip/bans", "/sip/ports"):
        assert (await client.get(path, headers=supervisor)).status_code == 200
        assert (await client.get(path, headers=agent)).status_code == 403
        assert (await client.get(path, headers={"Authorization": ""})).status_code == 401
    assert (await client.put("/trunks/pstn", json=PSTN, headers=supervisor)).status_code == 403
    assert (await client.post("/trunks/pstn/block", headers=supervisor)).status_code == 403
    assert (await client.delete("/sip/bans/1", headers=supervisor)).status_code == 403


async def test_a_maintainer_resets_a_listener_and_that_is_audited(
    client: httpx.AsyncClient, control: Control
) -> None:
    assert (await client.post("/sip/ports/udp/reset")).status_code == 204
    assert control.commands == [ResetPort(transport="UDP", by="maint1")]
    assert (await client.post("/sip/ports/sctp/reset")).status_code == 404
    supervisor = await bearer(client, "sup1")
    assert (await client.post("/sip/ports/udp/reset", headers=supervisor)).status_code == 403
    audit = await client.get("/audit", headers=await bearer(client, "audit1"))
    assert [row["action"] for row in audit.json()["items"] if row["action"] == "port.reset"] == ["port.reset"]

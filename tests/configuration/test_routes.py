"""A kind of setting over REST: revisions, histories, needs, sheets. On a real database, with a kind of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ccplatform.app.http import build_http
from ccplatform.configuration.changes import Changes
from ccplatform.configuration.kind import Document, Kind
from ccplatform.configuration.routes import add_kind
from ccplatform.configuration.users import user_kind
from ccplatform.contracts.words import Role
from ccplatform.kernel.errors import Refusal, Unavailable
from ccplatform.security.routes import build_router as build_security_router
from ccplatform.storage.database import Database
from tests.security.desk import Desk, bearer, open_desk
from tests.support.database import database, postgres_dsn  # noqa: F401


class Lamp(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    watts: int = 10
    code: str | None = None


class LampItem(BaseModel):
    id: str
    name: str
    watts: int


class Lamps:
    """A keeper in memory: no lamp is stronger than 100 watts."""

    def __init__(self) -> None:
        self.there: dict[str, Document] = {}
        self.codes: dict[str, str] = {}
        self.needed: list[str] = []
        self.away_for: set[str] = set()  # lamps that cannot be kept now

    async def all(self) -> Mapping[str, Document]:
        return dict(self.there)

    async def one(self, name: str) -> Document | None:
        return self.there.get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        if document["watts"] > 100:
            raise Refusal(f"lamp {name}: too strong", code="illegal_setting", where="watts")
        if trial:
            return
        if name in self.away_for:
            raise Unavailable("the database is not available")
        self.there[name] = {"name": document["name"], "watts": document["watts"]}
        if document["code"] is not None:
            self.codes[name] = document["code"]

    async def remove(self, name: str, *, by: str) -> None:
        del self.there[name]

    async def users(self, name: str) -> Sequence[str]:
        return self.needed


@pytest.fixture
def lamps() -> Lamps:
    return Lamps()


@pytest.fixture
async def desk(database: Database) -> Desk:  # noqa: F811
    desk = open_desk(database)
    await desk.add("boss", Role.ADMIN)
    await desk.add("other", Role.ADMIN)
    await desk.add("looks", Role.AUDITOR)
    return desk


@pytest.fixture
async def client(desk: Desk, lamps: Lamps) -> AsyncIterator[httpx.AsyncClient]:
    kind = Kind(
        word="lamp",
        path="configuration/lamps",
        wanted=Lamp,
        item=LampItem,
        keeper=lamps,
        readers=(Role.ADMIN, Role.AUDITOR, Role.SUPERVISOR),
        changers=(Role.ADMIN, Role.SUPERVISOR),
        secrets=frozenset({"code"}),
    )

    async def knows(agent: str) -> bool:
        return agent == "1004"

    async def knows_team(team: str) -> bool:
        return team == "day"

    router = APIRouter()
    for one in (kind, user_kind(users=desk.administration, knows_agent=knows, knows_team=knows_team)):
        add_kind(router, one, access=desk.access, changes=Changes(audit=desk.audit))
    security = build_security_router(access=desk.access, login=desk.login, audit=desk.audit)

    async def readiness() -> dict[str, Any]:
        return {"ready": True}

    app = build_http(
        routers=[router, security], root_routers=[], readiness=readiness, pages=None, max_body_bytes=1 << 20
    )
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://centre.test/api/v1/") as made:
        made.headers = httpx.Headers(await bearer(made, "boss"))
        yield made


LAMP = "configuration/lamps/hall"


async def test_a_supervisor_of_teams_reads_settings_and_changes_none(
    client: httpx.AsyncClient, desk: Desk, lamps: Lamps
) -> None:
    await desk.add("lead", Role.SUPERVISOR, teams=("day",))
    await desk.add("chief", Role.SUPERVISOR)
    await client.put(LAMP, json={"name": "Hall"})
    lead, chief = await bearer(client, "lead"), await bearer(client, "chief")
    assert (await client.get(LAMP, headers=lead)).status_code == 200
    for refused in (
        await client.put(LAMP, json={"name": "Mine"}, headers=lead),
        await client.delete(LAMP, headers=lead),
        await client.post("configuration/lamps.csv", content="id,name\nhall,Mine\n", headers=lead),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert lamps.there["hall"]["name"] == "Hall"
    assert (await client.put(LAMP, json={"name": "Whole"}, headers=chief)).status_code == 200


async def test_two_administrators_do_not_overwrite_each_other(client: httpx.AsyncClient) -> None:
    made = await client.put(LAMP, json={"name": "Hall"}, headers={"If-None-Match": "*"})
    assert (made.status_code, made.json()) == (200, {"id": "hall", "name": "Hall", "watts": 10})
    again = await client.put(LAMP, json={"name": "Hall 2"}, headers={"If-None-Match": "*"})
    assert (again.status_code, again.json()["code"]) == (412, "changed_meanwhile")
    read = await client.get(LAMP)
    assert read.headers["ETag"] == made.headers["ETag"]
    whole = (await client.get("configuration/lamps")).json()
    assert whole["revisions"] == {"hall": read.headers["ETag"].strip('"')}
    first = await client.put(LAMP, json={"name": "Mine"}, headers={"If-Match": read.headers["ETag"]})
    assert first.status_code == 200
    late = await client.put(
        LAMP,
        json={"name": "His"},
        headers={"If-Match": read.headers["ETag"], **await bearer(client, "other")},
    )
    assert late.status_code == 412
    assert "changed meanwhile by boss at" in late.json()["detail"]
    assert (await client.delete(LAMP, headers={"If-Match": read.headers["ETag"]})).status_code == 412
    assert (await client.get(LAMP)).json()["name"] == "Mine"
    assert (await client.delete(LAMP, headers={"If-Match": first.headers["ETag"]})).status_code == 200
    assert (await client.get(LAMP)).status_code == 404
    assert (await client.put(LAMP, json={"name": "x"}, headers={"If-Match": '"gone"'})).status_code == 412


async def test_a_history_says_who_changed_what_and_shows_no_secret(
    client: httpx.AsyncClient, lamps: Lamps
) -> None:
    await client.put(LAMP, json={"name": "Hall", "code": "hush-hush"})
    await client.put(LAMP, json={"name": "Hall", "watts": 20}, headers=await bearer(client, "other"))
    await client.put(LAMP, json={"name": "Hall", "watts": 20})  # changes nothing: no entry
    await client.delete(LAMP)
    rows = (await client.get(f"{LAMP}/history", headers=await bearer(client, "looks"))).json()["items"]
    assert [(row["by"], row["action"], row["before"], row["after"], row["secrets"]) for row in rows] == [
        ("boss", "remove", {"name": "Hall", "watts": 20}, None, []),
        ("other", "save", {"name": "Hall", "watts": 10}, {"name": "Hall", "watts": 20}, []),
        ("boss", "save", None, {"name": "Hall", "watts": 10}, ["code"]),
    ]
    assert lamps.codes == {"hall": "hush-hush"}
    assert "hush-hush" not in (await client.get("audit")).text


async def test_what_others_need_stays_and_they_are_named(client: httpx.AsyncClient, lamps: Lamps) -> None:
    await client.put(LAMP, json={"name": "Hall"})
    lamps.needed = ["room 1", "room 2"]
    assert (await client.get(f"{LAMP}/users")).json()["items"] == ["room 1", "room 2"]
    refused = await client.delete(LAMP)
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert "lamp hall is needed by room 1, room 2" in refused.json()["detail"]
    assert "hall" in lamps.there


async def test_a_refusal_names_its_field(client: httpx.AsyncClient) -> None:
    refused = await client.put(LAMP, json={"name": "Hall", "watts": 500})
    assert refused.status_code == 409
    assert refused.json()["errors"] == [{"where": "watts", "why": "lamp hall: too strong"}]
    invalid = await client.put(LAMP, json={"name": ""})
    assert [problem["where"] for problem in invalid.json()["errors"]] == ["body.name"]


async def test_a_sheet_says_line_by_line_what_it_would_change_and_then_does_it(
    client: httpx.AsyncClient, lamps: Lamps
) -> None:
    await client.put(LAMP, json={"name": "Hall"})
    await client.put("configuration/lamps/attic", json={"name": "=cmd()"})
    sheet = (await client.get("configuration/lamps.csv")).text
    assert sheet.splitlines() == ["\ufeffid,name,watts", "hall,Hall,10", "attic,'=cmd(),10"]
    changed = f"{sheet}hall2,New,30\r\n".replace("hall,Hall,10", "hall,Hall,20")
    plan = (await client.post("configuration/lamps.csv", content=changed.encode())).json()
    assert [(line["line"], line["id"], line["verdict"]) for line in plan["lines"]] == [
        (2, "hall", "change"),
        (3, "attic", "same"),
        (4, "hall2", "add"),
    ]
    assert plan["lines"][0]["changes"] == {"watts": [10, 20]}
    assert (plan["legal"], plan["applied"]) == (True, False)
    assert lamps.there["hall"] == {"name": "Hall", "watts": 10}, "nothing happened yet"
    done = await client.post(f"configuration/lamps.csv?plan={plan['plan']}", content=changed.encode())
    assert done.json()["applied"] is True
    assert lamps.there == {
        "hall": {"name": "Hall", "watts": 20},
        "attic": {"name": "=cmd()", "watts": 10},
        "hall2": {"name": "New", "watts": 30},
    }
    history = (await client.get(f"{LAMP}/history")).json()["items"]
    assert history[0]["after"] == {"name": "Hall", "watts": 20}


async def test_a_sheet_is_done_as_it_was_shown_or_not_at_all(client: httpx.AsyncClient, lamps: Lamps) -> None:
    await client.put(LAMP, json={"name": "Hall"})
    sheet = b"id,watts\r\nhall,20\r\n"
    plan = (await client.post("configuration/lamps.csv", content=sheet)).json()["plan"]
    await client.put(LAMP, json={"name": "Other"})
    late = await client.post(f"configuration/lamps.csv?plan={plan}", content=sheet)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    bad = b"id,name,watts\r\nhall,Hall,20\r\nx,,5\r\ny,Y,500\r\nhall,Again,1\r\nz,Z,many\r\n"
    refused = (await client.post("configuration/lamps.csv", content=bad)).json()
    assert [(line["verdict"], [one["where"] for one in line["problems"]]) for line in refused["lines"]] == [
        ("change", []),
        ("refused", ["name"]),
        ("refused", ["watts"]),
        ("refused", ["id"]),
        ("refused", ["watts"]),
    ]
    stopped = await client.post(f"configuration/lamps.csv?plan={refused['plan']}", content=bad)
    assert (stopped.status_code, stopped.json()["code"]) == (409, "bad_sheet")
    assert lamps.there == {"hall": {"name": "Other", "watts": 10}}


async def test_a_sheet_that_is_stopped_says_how_far_it_came_and_is_done_again(
    client: httpx.AsyncClient, lamps: Lamps
) -> None:
    sheet = b"id,name,watts\nhall,Hall,10\nyard,Yard,20\ndoor,Door,30\n"
    path = "configuration/lamps.csv"
    shown = (await client.post(path, content=sheet)).json()
    lamps.away_for = {"yard"}
    stopped = await client.post(path, content=sheet, params={"plan": shown["plan"]})
    assert stopped.status_code == 503
    assert stopped.json()["detail"] == (
        "stopped at line 3: the database is not available; lines in force before it: 1; "
        "send the sheet again to do the rest"
    )
    assert list(lamps.there) == ["hall"]
    lamps.away_for = set()
    rest = (await client.post(path, content=sheet)).json()
    assert [line["verdict"] for line in rest["lines"]] == ["same", "add", "add"]
    done = await client.post(path, content=sheet, params={"plan": rest["plan"]})
    assert done.json()["applied"] is True
    assert list(lamps.there) == ["hall", "yard", "door"]


async def test_who_may_only_look_changes_nothing(client: httpx.AsyncClient) -> None:
    looks = await bearer(client, "looks")
    assert (await client.get("configuration/lamps", headers=looks)).status_code == 200
    assert (await client.put(LAMP, json={"name": "x"}, headers=looks)).status_code == 403
    assert (await client.delete(LAMP, headers=looks)).status_code == 403
    assert (await client.post("configuration/lamps.csv", content=b"id\r\n", headers=looks)).status_code == 403


# --- users ---------------------------------------------------------------------------------------------------


USER = "configuration/users/anne"
SECRET = "a long enough password"


async def test_a_user_is_added_changed_locked_and_removed(client: httpx.AsyncClient, desk: Desk) -> None:
    made = await client.put(USER, json={"roles": ["agent"], "agent": "1004", "password": SECRET, "pin": "1234"})
    assert made.json() == {
        "id": "anne",
        "roles": ["agent"],
        "agent": "1004",
        "teams": [],
        "locked": False,
        "must_change": True,
    }
    hers = await bearer(client, "anne", SECRET)
    assert (await client.get("me", headers=hers)).json()["must_change_password"] is True
    changed = {"roles": ["agent", "supervisor"], "agent": "1004", "teams": ["day"], "locked": True}
    assert (await client.put(USER, json=changed)).json()["teams"] == ["day"]
    found = await desk.users.find("anne")
    assert found is not None
    assert found.principal.teams == {"day"}
    locked = await client.post("auth/login", json={"username": "anne", "password": SECRET})
    assert locked.status_code in (401, 403)
    assert (await client.delete(USER)).status_code == 200
    assert await desk.users.find("anne") is None
    assert SECRET not in (await client.get("audit?limit=1000")).text


@pytest.mark.parametrize(
    ("name", "document", "where"),
    [
        ("anne", {"roles": ["agent"]}, "password"),
        ("anne", {"roles": ["agent"], "password": "short"}, "password"),
        ("anne", {"roles": ["agent"], "password": SECRET, "agent": "9999"}, "agent"),
        ("anne", {"roles": ["agent"], "password": SECRET, "pin": "12"}, "pin"),
        ("an ne", {"roles": ["agent"], "password": SECRET}, "id"),
        ("anne", {"roles": ["agent"], "password": SECRET, "teams": ["day"]}, "teams"),
        ("anne", {"roles": ["supervisor"], "password": SECRET, "teams": ["night"]}, "teams"),
        ("boss", {"roles": ["auditor"]}, "roles"),
        ("boss", {"roles": ["admin"], "teams": ["day"]}, "teams"),
        ("boss", {"roles": ["admin"], "locked": True}, "locked"),
    ],
)
async def test_what_no_user_may_be_is_refused_at_its_field(
    client: httpx.AsyncClient, name: str, document: dict[str, Any], where: str
) -> None:
    refused = await client.put(f"configuration/users/{name}", json=document)
    assert refused.status_code in (409, 422), refused.text
    assert [problem["where"] for problem in refused.json()["errors"]] == [where]


async def test_nobody_removes_himself(client: httpx.AsyncClient) -> None:
    assert (await client.delete("configuration/users/boss")).status_code == 409
    assert (await client.get("configuration/users/boss")).status_code == 200


async def test_a_long_list_is_given_page_by_page(client: httpx.AsyncClient, lamps: Lamps) -> None:
    lamps.there = {f"lamp-{n}": {"name": ("Hall", "Attic")[n % 2], "watts": n % 50} for n in range(120)}
    query = {"search": "ATTIC lamp", "sort": "-watts", "limit": "25"}
    seen: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        page = (await client.get("/configuration/lamps", params={**query, **more})).json()
        assert page["total"] == 60
        assert set(page["revisions"]) == {item["id"] for item in page["items"]}
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        more = {"cursor": page["next_cursor"]}
    assert len({item["id"] for item in seen}) == len(seen) == 60
    assert [item["watts"] for item in seen] == sorted((item["watts"] for item in seen), reverse=True)
    whole = (await client.get("/configuration/lamps")).json()
    assert (len(whole["items"]), whole["total"], whole["next_cursor"]) == (120, 120, None)


@pytest.mark.parametrize(
    ("query", "status"),
    [({"cursor": "x"}, 400), ({"cursor": "WzFd"}, 400), ({"limit": "0"}, 422), ({"sort": "a b"}, 422)],
)
async def test_a_page_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, query: dict[str, str], status: int
) -> None:
    assert (await client.get("/configuration/lamps", params=query)).status_code == status

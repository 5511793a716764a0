"""REST of the customers' directory, on a real database."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fastapi import APIRouter

from ccplatform.app.http import build_http
from ccplatform.storage.database import Database
from cti.customer_routes import add_customer_routes
from cti.store import CustomerStore
from tests.cti.desk import PRINCIPALS, Desk
from tests.support.database import database, postgres_dsn  # noqa: F401

HOSTILE = "<img src=x onerror=alert(1)>"
CARD = {"phone": "+86 138 0000 0001", "name": HOSTILE}


class Directory(Desk):
    def __init__(self, database: Database) -> None:  # noqa: F811
        super().__init__()
        router = APIRouter()
        add_customer_routes(router, access=self.access, customers=CustomerStore(database=database))
        self.app = build_http(
            routers=[router],
            root_routers=[],
            readiness=lambda: cast(Any, None),
            pages=None,
            max_body_bytes=100_000,
        )


@pytest.fixture
def desk(database: Database) -> Directory:  # noqa: F811
    return Directory(database)


async def test_a_customer_is_entered_found_and_corrected(desk: Directory) -> None:
    async with desk.http("agent") as http:
        entered = await http.put("/customers/700001", json=CARD, headers={"If-None-Match": "*"})
        assert (entered.status_code, entered.headers["ETag"]) == (200, '"1"')
        assert (await http.put("/customers/700001", json=CARD, headers={"If-None-Match": "*"})).status_code == 412
        [found] = (await http.get("/customers", params={"number": "13800000001"})).json()["items"]
        assert (found["account"], found["name"], found["version"]) == ("700001", HOSTILE, 1)
        corrected = await http.put(
            "/customers/700001", json={**CARD, "city": "杭州"}, headers={"If-Match": entered.headers["ETag"]}
        )
        assert corrected.headers["ETag"] == '"2"'
        stale = await http.put("/customers/700001", json=CARD, headers={"If-Match": '"1"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
        assert (await http.get("/customers/700001")).json() == corrected.json()
        history = (await http.get("/customers/700001/history")).json()["items"]
    assert [(change["by"], change["after"]["city"]) for change in history] == [("1004", "杭州"), ("1004", "")]


@pytest.mark.parametrize(
    ("account", "document", "headers"),
    [
        ("700001", {**CARD, "phone": "none"}, {}),
        ("700001", {**CARD, "name": ""}, {}),
        ("700001", {**CARD, "note": "x" * 2001}, {}),
        ("700001", {**CARD, "version": 4}, {}),
        ("700001", CARD, {"If-Match": "1"}),
        ("a b", CARD, {}),
    ],
)
async def test_what_is_no_customer_is_refused(
    desk: Directory, account: str, document: dict[str, Any], headers: dict[str, str]
) -> None:
    async with desk.http("agent") as http:
        answer = await http.put(f"/customers/{account}", json=document, headers=headers)
        assert answer.status_code in (400, 409, 422), answer.text
        assert (await http.get("/customers/700001")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("PUT", ""), ("GET", "/history")], ids=["read", "change", "history"]
)
async def test_agents_and_supervisors_keep_the_directory(desk: Directory, method: str, path: str) -> None:
    allowed = set()
    for who in PRINCIPALS:
        async with desk.http(who) as http:
            answer = await http.request(method, f"/customers/700001{path}", json=CARD)
        if answer.status_code not in (401, 403):
            allowed.add(who)
    assert allowed == {"agent", "other-agent", "supervisor", "own-team", "other-team"}

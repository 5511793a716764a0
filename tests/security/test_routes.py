from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from ccplatform.contracts.words import Role
from ccplatform.security.routes import build_router
from ccplatform.storage.database import Database
from tests.security.desk import PASSWORD, bearer, open_desk, web
from tests.support.database import database, postgres_dsn  # noqa: F401


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:  # noqa: F811
    desk = open_desk(database)
    await desk.add("1004", Role.AGENT, agent="1004")
    await desk.add("aud1", Role.AUDITOR)
    async with web(build_router(access=desk.access, login=desk.login, audit=desk.audit)) as made:
        yield made


async def test_log_in_me_and_log_out(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/login", json={"username": "1004", "password": PASSWORD})
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("bearer", 28_800)
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    me = (await client.get("/me", headers=headers)).json()
    assert me == {"user": "1004", "roles": ["agent"], "agent": "1004", "teams": [], "must_change_password": False}
    assert (await client.post("/auth/logout", headers=headers)).status_code == 204
    assert (await client.get("/me", headers=headers)).status_code == 401


async def test_without_a_token_nothing_is_told(client: httpx.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
        assert (await client.get("/me", headers=headers)).status_code == 401
        assert (await client.get("/audit", headers=headers)).status_code == 401


async def test_the_audit_is_for_auditors_and_administrators(client: httpx.AsyncClient) -> None:
    agent = await bearer(client, "1004")
    assert (await client.get("/audit", headers=agent)).status_code == 403
    auditor = await bearer(client, "aud1")
    page = (await client.get("/audit", params={"limit": 1}, headers=auditor)).json()
    assert [(item["subject"], item["action"]) for item in page["items"]] == [("aud1", "auth.login")]
    assert page["items"][0]["detail"] == {"address": "192.0.2.7"}
    query = {"limit": 1000, "cursor": page["next_cursor"], "action": "auth.login"}
    page = (await client.get("/audit", params=query, headers=auditor)).json()
    assert ([item["subject"] for item in page["items"]], page["next_cursor"]) == (["1004"], None)
    check = (await client.get("/audit/verification", headers=auditor)).json()
    assert (check["intact"], check["rows"]) == (True, 4)


async def test_a_bad_query_is_refused(client: httpx.AsyncClient) -> None:
    auditor = await bearer(client, "aud1")
    for query in ({"from": "yesterday"}, {"from": "2026-01-05T09:00:00"}, {"limit": 0}, {"limit": 100_000}):
        assert (await client.get("/audit", params=query, headers=auditor)).status_code == 422
    for cursor in ("x", "-1", "9" * 40, "²"):
        answer = await client.get("/audit", params={"cursor": cursor}, headers=auditor)
        assert answer.json()["code"] == "bad_request"


async def test_too_many_wrong_passwords_are_answered_429(client: httpx.AsyncClient) -> None:
    body = {"username": "1004", "password": "wrong"}
    statuses = [(await client.post("/auth/login", json=body)).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


async def test_a_user_changes_his_own_password(client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "1004")
    body = {"old_password": PASSWORD, "new_password": "a new one entirely"}
    assert (await client.post("/me/password", json=body, headers=headers)).status_code == 204
    assert (await client.get("/me", headers=headers)).status_code == 401
    await bearer(client, "1004", "a new one entirely")


async def test_fields_that_do_not_exist_are_refused(client: httpx.AsyncClient) -> None:
    body = {"username": "1004", "password": PASSWORD, "admin": True}
    assert (await client.post("/auth/login", json=body)).status_code == 422

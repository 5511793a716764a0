"""What every answer of the web process has in common: problems (RFC 9457), limits, headers, health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from ccplatform.app import http_limits
from ccplatform.app.http import build_http
from ccplatform.kernel.errors import (
    LocalMisuse,
    NotFound,
    PlatformError,
    Refusal,
    RemoteViolation,
    Unavailable,
)
from ccplatform.security.errors import NotAllowed, NotAuthenticated, Throttled

LIMIT = 1000
ROOT = "http://centre.test"


class Thing(BaseModel):
    name: str


def application(error: Exception | None = None, *, ready: dict[str, Any] | None = None) -> FastAPI:
    router = APIRouter()

    @router.post("/things")
    async def make(thing: Thing) -> Thing:
        return thing

    @router.get("/broken")
    async def broken() -> None:
        assert error is not None
        raise error

    async def readiness() -> dict[str, Any]:
        return ready or {"ready": True}

    return build_http(routers=[router], root_routers=[], readiness=readiness, pages=None, max_body_bytes=LIMIT)


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=f"{ROOT}/api/v1/")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("no such thing"), 404, "not_found"),
        (Refusal("not now", code="busy"), 409, "busy"),
        (Refusal("not yet", code="not_available"), 501, "not_available"),
        (NotAuthenticated("who are you"), 401, "not_authenticated"),
        (NotAllowed("not you"), 403, "not_allowed"),
        (Throttled("slowly", retry_after=2.6), 429, "throttled"),
        (Unavailable("away"), 503, "unavailable"),
        (RemoteViolation("nonsense"), 400, "bad_request"),
        (LocalMisuse("our bug"), 500, "internal_error"),
        (PlatformError("ours"), 500, "internal_error"),
    ],
)
async def test_errors_become_problems(error: PlatformError, status: int, code: str) -> None:
    async with client_of(application(error)) as client:
        answer = await client.get("broken")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["detail"]) == (status, code, str(error))
    assert problem["type"] == "about:blank"
    assert answer.headers.get("retry-after") == {429: "3", 503: "2"}.get(status)
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


async def test_an_unexpected_error_tells_nothing_of_the_inside() -> None:
    async with client_of(application(RuntimeError("password is hunter2"))) as client:
        answer = await client.get("broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text


async def test_what_does_not_fit_a_route_names_where_and_why() -> None:
    async with client_of(application()) as client:
        answer = await client.post("things", json={"nam": "x"})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert answer.json()["errors"] == [{"where": "body.name", "why": "Field required"}]
        assert (await client.get("nothing")).json()["code"] == "not_found"
        answer = await client.get("things")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "POST"


async def test_a_body_has_a_limit_whether_declared_or_not() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LIMIT):
            yield b"x" * 100

    async with client_of(application()) as client:
        assert (await client.post("things", json={"name": "x" * (LIMIT - 20)})).status_code == 200
        for content in (b"x" * (LIMIT + 1), pieces()):
            answer = await client.post("things", content=content)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
            assert answer.headers["connection"] == "close"
        answer = await client.post("things", content=b"{}", headers={"Content-Length": "many"})
        assert answer.status_code == 413


async def refuse(pieces: list[bytes], headers: list[tuple[bytes, bytes]]) -> tuple[int, list[str]]:
    """How many pieces of a body that is too large are left unread, and what was sent, by a bare server."""
    sent: list[str] = []

    async def receive() -> Message:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(HTTPException):
            await receive()
        await send({"type": "http.response.start", "status": 413, "headers": []})
        await send({"type": "http.response.body", "body": b"too large"})

    scope = {"type": "http", "method": "POST", "path": "/things", "headers": headers}
    await http_limits.RequestLimits(app, max_body_bytes=LIMIT)(scope, receive, send)
    return len(pieces), sent


async def test_the_rest_of_a_refused_body_is_read_before_the_connection_closes() -> None:
    declared = [(b"content-length", b"9999999")]
    answered = ["http.response.start", "http.response.body"]
    assert await refuse([b"x" * LIMIT] * 4, declared) == (0, answered)
    endless = [b"x" * (1 << 20)] * 100
    assert await refuse(endless, declared) == (96, answered)
    assert await refuse([b"x"], [*declared, (b"expect", b"100-continue")]) == (1, answered)


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_limits, "BODY_SECONDS", 0.05)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with client_of(application()) as client:
        answer = await client.post("things", content=slowly())
    assert (answer.status_code, answer.json()["code"]) == (408, "too_slow")


async def test_every_answer_carries_the_security_headers() -> None:
    async with client_of(application(NotFound("no"))) as client:
        for path in ("broken", "nothing", f"{ROOT}/healthz", f"{ROOT}/"):
            answer = await client.get(path)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("ready", [True, False])
async def test_readiness_is_a_status(ready: bool) -> None:
    state = {"ready": ready, "reason": "" if ready else "draining"}
    async with client_of(application(ready=state)) as client:
        answer = await client.get(f"{ROOT}/readyz")
        assert (answer.status_code, answer.json()) == (200 if ready else 503, state)
        assert (await client.get(f"{ROOT}/healthz")).json()["status"] == "ok"


async def test_without_built_pages_the_way_to_build_them_is_told() -> None:
    async with client_of(application()) as client:
        answer = await client.get(f"{ROOT}/")
    assert answer.status_code == 200
    assert "npm run build" in answer.text

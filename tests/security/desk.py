"""The security package put together for tests, with cheap password hashes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from ccplatform.contracts.words import AgentId, Role
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Refusal, Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.errors import NotAllowed, NotAuthenticated, Throttled
from ccplatform.security.login import LogIn
from ccplatform.security.passwords import Passwords
from ccplatform.security.pins import PinCheck
from ccplatform.security.settings import PasswordSettings
from ccplatform.security.store import TokenStore, UserStore
from ccplatform.security.tokens import Tokens
from ccplatform.security.users import UserAdministration
from ccplatform.storage.database import Database

PASSWORD = "correct horse battery"
CHEAP = Passwords(PasswordSettings(time_cost=1, memory_kib=8))


@dataclass(kw_only=True)
class Desk:
    clock: VirtualClock
    database: Database
    users: UserStore
    tokens: Tokens
    audit: Audit
    login: LogIn
    access: Access
    pins: PinCheck
    administration: UserAdministration

    async def add(
        self, name: str, *roles: Role, agent: str | None = None, pin: str | None = None, teams: Iterable[str] = ()
    ) -> None:
        given = None if agent is None else AgentId(agent)
        await self.administration.add(name, PASSWORD, roles=roles, by="test", agent=given, pin=pin, teams=teams)

    async def audited(self) -> list[tuple[str, str, str]]:
        return [(row.subject, row.action, row.result) for row in reversed(await self.audit.page())]


def open_desk(database: Database) -> Desk:
    clock = VirtualClock()
    users = UserStore(database)
    audit = Audit(database, clock=clock, ids=Ids(clock))
    tokens = Tokens(TokenStore(database), clock=clock, lifetime_seconds=8 * 3600, cache_seconds=30)
    return Desk(
        clock=clock,
        database=database,
        users=users,
        tokens=tokens,
        audit=audit,
        login=LogIn(users=users, tokens=tokens, passwords=CHEAP, audit=audit, clock=clock),
        access=Access(tokens=tokens),
        pins=PinCheck(users=users, passwords=CHEAP, clock=clock),
        administration=UserAdministration(users=users, passwords=CHEAP, audit=audit, clock=clock),
    )


@asynccontextmanager
async def web(*routers: APIRouter) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with these routes; refusals become status codes as the real one does."""
    app = FastAPI()
    for router in routers:
        app.include_router(router)

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> JSONResponse:
        status = {NotAuthenticated: 401, NotAllowed: 403, Throttled: 429}.get(type(error), 409)
        status = 404 if error.code == "not_found" else status
        return JSONResponse({"code": error.code, "detail": str(error)}, status)

    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Unavailable) -> JSONResponse:
        return JSONResponse({"code": "unavailable", "detail": str(error)}, 503)

    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def bearer(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> dict[str, str]:
    answer = await client.post("/auth/login", json={"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}

"""REST of the security package. No ``from __future__ import annotations``: FastAPI reads local names here."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ccplatform.contracts.words import Role
from ccplatform.kernel.cursors import BadCursor
from ccplatform.security.access import Access, bearer
from ccplatform.security.audit import Audit, AuditRow
from ccplatform.security.errors import NotAuthenticated
from ccplatform.security.login import LogIn
from ccplatform.security.model import Principal, Session

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


class LogInRequest(BaseModel):
    """Who logs in."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=256)


class LogInAnswer(BaseModel):
    """RFC 6750 bearer token."""

    access_token: str
    token_type: str = "bearer"
    expires_in: float = Field(description="seconds")


class PasswordChange(BaseModel):
    """One's own new password."""

    model_config = ConfigDict(extra="forbid")

    old_password: str = Field(min_length=1, max_length=256)
    new_password: str = Field(min_length=1, max_length=256)


class Me(BaseModel):
    """Who the token belongs to."""

    user: str
    roles: list[Role]
    agent: str | None
    teams: list[str] = Field(description="of a supervisor: whose agents he oversees; none: everybody's")
    must_change_password: bool


class AuditItem(BaseModel):
    """One entry of the audit."""

    seq: int
    id: str
    at: datetime
    subject: str
    action: str
    object: str
    result: str
    detail: dict[str, Any]
    hash: str


class AuditList(BaseModel):
    """A page of the audit, newest first."""

    items: list[AuditItem]
    next_cursor: str | None


class AuditCheck(BaseModel):
    """Whether the chain of the audit is whole."""

    rows: int
    intact: bool
    broken_at: int | None
    head: str


def build_router(*, access: Access, login: LogIn, audit: Audit) -> APIRouter:
    """``auth/login``, ``auth/logout``, ``me``, ``me/password``, ``audit``, ``audit/verification``."""
    router = APIRouter(tags=["security"])
    logged_in = Annotated[Session, Depends(access.session)]
    reader = Annotated[Principal, Depends(access.require(Role.AUDITOR, Role.ADMIN))]

    @router.post("/auth/login")
    async def log_in(body: LogInRequest, request: Request, response: Response) -> LogInAnswer:
        """Log in; 401 for a wrong user or password, 429 with Retry-After after too many."""
        issued = await login.log_in(body.username, body.password, _address(request))
        response.headers["Cache-Control"] = "no-store"
        return LogInAnswer(access_token=issued.token, expires_in=issued.expires_in)

    @router.post("/auth/logout", status_code=204)
    async def log_out(session: logged_in, credentials: Credentials) -> None:
        """End the log-in of this token."""
        if credentials is None:
            raise NotAuthenticated
        await login.log_out(session.principal, credentials.credentials)

    @router.get("/me")
    async def me(session: logged_in) -> Me:
        """Who I am and what I may do."""
        who = session.principal
        return Me(
            user=who.user,
            roles=sorted(who.roles),
            agent=who.agent,
            teams=sorted(who.teams),
            must_change_password=session.must_change,
        )

    @router.post("/me/password", status_code=204)
    async def change_password(body: PasswordChange, session: logged_in, request: Request) -> None:
        """Change my password; all my log-ins end."""
        await login.change_password(session.principal, body.old_password, body.new_password, _address(request))

    @router.get("/audit")
    async def list_audit(
        principal: reader,
        since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
        subject: str | None = None,
        action: str | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> AuditList:
        """Who did what, newest first."""
        rows = await audit.page(
            before=_sequence(cursor), limit=limit + 1, subject=subject, action=action, since=since, until=until
        )
        more = len(rows) > limit
        return AuditList(
            items=[_item(row) for row in rows[:limit]], next_cursor=str(rows[limit - 1].seq) if more else None
        )

    @router.get("/audit/verification")
    async def verify_audit(principal: reader) -> AuditCheck:
        """Check the whole chain."""
        verdict = await audit.verify()
        return AuditCheck(
            rows=verdict.rows, intact=verdict.intact, broken_at=verdict.broken_at, head=verdict.head.hex()
        )

    return router


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else "local"


def _sequence(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise BadCursor
    return int(cursor)


def _item(row: AuditRow) -> AuditItem:
    return AuditItem(
        seq=row.seq,
        id=row.id,
        at=row.at,
        subject=row.subject,
        action=row.action,
        object=row.object,
        result=row.result,
        detail=json.loads(row.detail),
        hash=row.hash.hex(),
    )

"""REST of the alarms. No ``from __future__ import annotations``: FastAPI reads local names here."""

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ccplatform.contracts.commands import AcknowledgeAlarm, Refused
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Role, Severity
from ccplatform.kernel.errors import NotFound, Refusal, Unavailable
from ccplatform.operations.board import AlarmBoard, AlarmRow
from ccplatform.operations.store import AlarmStore
from ccplatform.security.access import Access, Principal
from ccplatform.security.audit import Audit


class AlarmItem(BaseModel):
    """An alarm; ``lasted_seconds`` once it is over."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: str
    subject: str
    severity: Severity
    text: str
    raised_at: datetime
    cleared_at: datetime | None
    lasted_seconds: float | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class AlarmList(BaseModel):
    """A page of alarms, newest first."""

    items: list[AlarmItem]
    next_cursor: str | None


def build_router(
    *, access: Access, store: AlarmStore, board: AlarmBoard, control: Control, audit: Audit
) -> APIRouter:
    """``alarms`` and ``alarms/{id}/acknowledge``."""
    router = APIRouter(tags=["operations"])
    reader = Annotated[
        Principal, Depends(access.require(Role.SUPERVISOR, Role.MAINTAINER, Role.AUDITOR, Role.ADMIN))
    ]
    operator = Annotated[Principal, Depends(access.require(Role.SUPERVISOR, Role.MAINTAINER, Role.ADMIN))]

    @router.get("/alarms")
    async def list_alarms(
        principal: reader,
        active: bool | None = None,
        severity: Severity | None = None,
        since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> AlarmList:
        """Alarms, newest first. What is up (``active=true``) is known even while the database is away."""
        before = _place(cursor)
        if active:
            rows = [row for row in board.active() if _fits(row, severity, since, until, before)][: limit + 1]
        else:
            rows = await store.page(
                active=active, severity=severity, since=since, until=until, before=before, limit=limit + 1
            )
        more = len(rows) > limit
        items = [AlarmItem.model_validate(row) for row in rows[:limit]]
        return AlarmList(items=items, next_cursor=_cursor(rows[limit - 1]) if more else None)

    @router.post("/alarms/{alarm}/acknowledge", status_code=204)
    async def acknowledge(alarm: UUID, principal: operator) -> None:
        """Say that somebody saw it."""
        answer = await control.ask(AcknowledgeAlarm(alarm=str(alarm), by=principal.user))
        if isinstance(answer, Refused):
            raise _error(answer)
        await audit.record(subject=principal.user, action="alarm.acknowledge", object=str(alarm), result="ok")

    return router


def _fits(
    row: AlarmRow,
    severity: Severity | None,
    since: datetime | None,
    until: datetime | None,
    before: tuple[datetime, str] | None,
) -> bool:
    return (
        (severity is None or row.severity is severity)
        and (since is None or row.raised_at >= since)
        and (until is None or row.raised_at < until)
        and (before is None or (row.raised_at, row.id) < before)
    )


def _error(refused: Refused) -> Exception:
    if refused.code == "not_found":
        return NotFound(refused.message)
    if refused.code == "unavailable":
        return Unavailable(refused.message)
    return Refusal(refused.message, code=refused.code)


def _cursor(row: AlarmRow) -> str:
    return base64.urlsafe_b64encode(f"{row.raised_at.isoformat()} {row.id}".encode()).decode()


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        at, ident = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        place = datetime.fromisoformat(at), str(UUID(ident))
        if place[0].tzinfo is None:
            raise ValueError("no zone")
    except (ValueError, binascii.Error):
        raise Refusal("cursor: not one that this list gave", code="bad_cursor") from None
    return place

"""REST of the alarms. No ``from __future__ import annotations``: FastAPI reads local names here."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ccplatform.contracts.commands import AcknowledgeAlarm
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Role, Severity
from ccplatform.kernel.cursors import read_moment, write_cursor
from ccplatform.operations.board import AlarmBoard, AlarmRow
from ccplatform.operations.orders import OnceBody, tell
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
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> AlarmList:
        """Alarms, newest first. What is up (``active=true``) is known even while the database is away."""
        before = read_moment(cursor)
        if active:
            rows = [row for row in board.active() if _fits(row, severity, since, until, before)][: limit + 1]
        else:
            rows = await store.page(
                active=active, severity=severity, since=since, until=until, before=before, limit=limit + 1
            )
        more = len(rows) > limit
        items = [AlarmItem.model_validate(row) for row in rows[:limit]]
        following = write_cursor((rows[limit - 1].raised_at, rows[limit - 1].id)) if more else None
        return AlarmList(items=items, next_cursor=following)

    @router.post("/alarms/{alarm}/acknowledge", status_code=204)
    async def acknowledge(alarm: UUID, principal: operator, order: OnceBody) -> None:
        """Say that somebody saw it."""
        await tell(control, AcknowledgeAlarm(alarm=str(alarm), by=principal.user, key=order.key))
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

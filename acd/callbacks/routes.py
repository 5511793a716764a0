"""REST of promised call-backs.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, Field

from acd.callbacks.model import CallBack, State
from acd.callbacks.store import CallBackFilter, CallBackStore
from ccplatform.contracts.commands import CancelCallBack, MoveCallBack, PromiseCallBack
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import QueueId, Role
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import Once, OnceKey, tell
from ccplatform.security.access import Access, Principal

_READERS = (Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)
_PROMISERS = (Role.AGENT, Role.SUPERVISOR, Role.ADMIN)
_CANCELLERS = (Role.SUPERVISOR, Role.ADMIN)


class CallBackItem(BaseModel):
    """A promised call-back."""

    id: UUID
    contact: UUID = Field(description="the contact that was promised it")
    queue: str
    number: str
    priority: int
    created_at: AwareDatetime
    queued_at: AwareDatetime = Field(description="its place in line counts from here")
    not_before: AwareDatetime
    expires_at: AwareDatetime
    state: State
    reason: str
    attempts: int
    attempt: UUID | None = Field(description="the contact of the latest call made for it")
    ended_at: AwareDatetime | None


class CallBackPage(BaseModel):
    """A page of call-backs, newest first."""

    items: list[CallBackItem]
    next_cursor: str | None


class WantedCallBack(Once):
    """Whom to call, and who."""

    queue: Annotated[str, Field(min_length=1, max_length=64)]
    number: Annotated[str, Field(pattern=r"^\+?[0-9*#]{2,32}$", examples=["13800000001"])]
    priority: Annotated[int, Field(ge=1, le=10)] = 5
    not_before: AwareDatetime | None = Field(None, description="no call before; null: as soon as it is its turn")


class OtherHour(Once):
    """When it is to be made instead."""

    not_before: AwareDatetime


class CallBackId(BaseModel):
    """The call-back that was promised; that of the earlier promise if the queue has one for the number."""

    id: UUID


def build_router(*, access: Access, store: CallBackStore, control: Control) -> APIRouter:
    """List, promise, cancel."""
    router = APIRouter(tags=["call-backs"])

    @router.get("/call-backs", response_model=CallBackPage)
    async def list_call_backs(
        principal: Annotated[Principal, Depends(access.require(*_READERS))],
        queue: Annotated[str | None, Query(max_length=64)] = None,
        state: State | None = None,
        cursor: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Any:
        """Promised call-backs, newest first."""
        wanted = CallBackFilter(queue=queue, state=state, after=_read_cursor(cursor))
        rows = await store.find(wanted, limit)
        return {"items": rows, "next_cursor": _cursor(rows[-1]) if len(rows) == limit else None}

    @router.post("/call-backs", response_model=CallBackId, status_code=201)
    async def promise_call_back(
        principal: Annotated[Principal, Depends(access.require(*_PROMISERS))], wanted: WantedCallBack
    ) -> Any:
        """Let an agent of the queue call the number in its turn; committed before it is answered."""
        command = PromiseCallBack(
            queue=QueueId(wanted.queue),
            number=wanted.number,
            by=principal.user,
            priority=wanted.priority,
            not_before=wanted.not_before,
            key=wanted.key,
        )
        return await tell(control, command)

    @router.put("/call-backs/{call_back}", response_model=CallBackId)
    async def move_call_back(
        principal: Annotated[Principal, Depends(access.require(*_CANCELLERS))],
        call_back: Annotated[UUID, Path()],
        wanted: OtherHour,
    ) -> Any:
        """Make it at another hour, in its place in line; 404 when it is over already."""
        order = MoveCallBack(
            call_back=str(call_back), not_before=wanted.not_before, by=principal.user, key=wanted.key
        )
        return await tell(control, order)

    @router.delete("/call-backs/{call_back}", response_model=CallBackId)
    async def cancel_call_back(
        principal: Annotated[Principal, Depends(access.require(*_CANCELLERS))],
        call_back: Annotated[UUID, Path()],
        key: OnceKey = "",
    ) -> Any:
        """Nobody wants it any more; 404 when it is over already."""
        return await tell(control, CancelCallBack(call_back=str(call_back), by=principal.user, key=key))

    return router


def _cursor(row: CallBack) -> str:
    return f"{row.created_at.isoformat()}_{row.id}"


def _read_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    stamp, _, name = cursor.partition("_")
    try:
        at, name = datetime.fromisoformat(stamp), str(UUID(name))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refusal("the cursor is not one that this list gave", code="bad_request")
    return at, name

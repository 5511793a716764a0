"""REST of mystery calls: what was heard, beside what the platform recorded; and a call on demand.

No ``from __future__ import annotations`` here: FastAPI reads local names.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from ccplatform.contracts.commands import OrderMysteryCall
from ccplatform.contracts.facts import FactEvent, MysteryCallCompared, MysteryCallMade
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import MysteryFate, Role
from ccplatform.kernel.cursors import read_moment, write_cursor
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import OnceBody, tell
from ccplatform.security.access import Access, Principal
from ccplatform.security.audit import Audit

Place = tuple[datetime, str]


class History(Protocol):
    """The journal, as :class:`ccplatform.storage.journal_reader.JournalReader` reads it."""

    async def backwards(
        self,
        kind: str,
        *,
        before: Place | None = None,
        until: datetime | None = None,
        since: datetime | None = None,
    ) -> tuple[list[FactEvent], Place | None]:
        """A page of the facts of one kind, newest first."""


class RecordedItem(BaseModel):
    """What the platform recorded of the same call; without a ``contact`` nothing. Seconds."""

    model_config = ConfigDict(from_attributes=True)

    contact: str | None
    connect_seconds: float | None
    key_seconds: list[float]
    query_seconds: list[float]
    packets_sent: int | None
    total_seconds: float | None
    agent_wait_seconds: float | None
    differences: list[str]


class MysteryCallItem(BaseModel):
    """What a mystery caller heard, seconds; ``recorded``: null where it could not be compared; ``for_agent``: it
    asked for an agent, and a robot at ``seat`` answered; ``staffed``: an agent of the queue was signed in."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    at: datetime
    number: str
    fate: MysteryFate
    status: int
    failed_at: str
    loopback: bool
    ordered_by: str
    connect_seconds: float | None
    key_seconds: list[float]
    query_seconds: list[float]
    packets_received: int
    packets_lost: int
    lasted_seconds: float
    prompt_pesq: list[float]
    for_agent: bool
    agent_wait_seconds: float | None
    seat: str
    staffed: bool | None
    network: str
    to_caller_seconds: float | None
    to_caller_pesq: float | None
    to_agent_seconds: float | None
    to_agent_pesq: float | None
    recorded: RecordedItem | None


class MysteryCallList(BaseModel):
    """A page of mystery calls, newest first; ``scheduled_every_seconds`` 0: none are made here."""

    items: list[MysteryCallItem]
    next_cursor: str | None
    scheduled_every_seconds: float


def build_mystery_routes(
    *, access: Access, history: History, control: Control, audit: Audit, every_seconds: float
) -> APIRouter:
    """``mystery-calls``; paths without the prefix ``/api/v1``."""
    router = APIRouter(tags=["compliance"])
    readers = access.require(Role.SUPERVISOR, Role.AUDITOR, Role.MAINTAINER, Role.ADMIN)
    operators = access.require(Role.SUPERVISOR, Role.MAINTAINER, Role.ADMIN)

    @router.get("/mystery-calls")
    async def mystery_calls(
        principal: Annotated[Principal, Depends(readers)],
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> MysteryCallList:
        """Mystery calls, newest first (10.3.2)."""
        page, further = await history.backwards("MysteryCallMade", before=read_moment(cursor))
        events = page[:limit]
        recorded = await _recorded(history, events)
        more = len(page) > limit or further is not None
        return MysteryCallList(
            items=[_item(event, recorded) for event in events],
            next_cursor=write_cursor((events[-1].at, str(events[-1].id))) if events and more else None,
            scheduled_every_seconds=every_seconds,
        )

    @router.post("/mystery-calls", status_code=202)
    async def order(principal: Annotated[Principal, Depends(operators)], order: OnceBody) -> None:
        """Make one now. It shows in the list when it is over; one call is for all who ask meanwhile."""
        if not every_seconds:
            raise Refusal("no mystery calls are made here: set probe.every_seconds", code="no_probe")
        await tell(control, OrderMysteryCall(by=principal.user, key=order.key))
        await audit.record(subject=principal.user, action="mystery_call.order", object="", result="ok")

    return router


async def _recorded(history: History, events: list[FactEvent]) -> dict[str, MysteryCallCompared]:
    """By Call-ID, what was set beside these calls: it follows each of them at once."""
    if not events:
        return {}
    facts, _ = await history.backwards("MysteryCallCompared", since=events[-1].at)
    return {event.fact.sip_call_id: event.fact for event in facts if isinstance(event.fact, MysteryCallCompared)}


def _item(event: FactEvent, recorded: dict[str, MysteryCallCompared]) -> MysteryCallItem:
    made = event.fact
    assert isinstance(made, MysteryCallMade)
    compared = recorded.get(made.sip_call_id) if made.sip_call_id else None
    return MysteryCallItem.model_validate(
        {
            **asdict(made),
            "id": str(event.id),
            "at": event.at,
            "recorded": RecordedItem.model_validate(compared) if compared is not None else None,
        }
    )

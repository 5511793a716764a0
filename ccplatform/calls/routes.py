"""REST of contacts: the list, one contact, its events and its SIP trace.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from collections.abc import Collection
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, Field

from ccplatform.calls.errors import NoSuchContact
from ccplatform.calls.store import ContactFilter, ContactStore
from ccplatform.contracts.facts import FACTS, FactEvent
from ccplatform.contracts.words import AgentId, ContactId, Outcome, Role
from ccplatform.kernel.cursors import read_moment, write_cursor
from ccplatform.security.access import Access, Principal
from ccplatform.security.model import Overseen
from ccplatform.storage.journal_reader import JournalReader

_READERS = (Role.AGENT, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)
_TRACERS = (Role.SUPERVISOR, Role.MAINTAINER, Role.AUDITOR, Role.ADMIN)
_SEES_ALL = frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN, Role.MAINTAINER})


class Contact(BaseModel):
    """One contact; durations are seconds, ``outcome`` is null while it goes on."""

    id: UUID
    call: UUID
    channel: str
    direction: str
    dialled: str
    trunk: str | None
    from_seat: str | None = Field(description="the seat that called, for internal calls")
    caller: str | None = Field(None, description="the caller's number; null once it was destroyed")
    started_at: AwareDatetime
    answered_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    outcome: Outcome | None
    cause: str | None
    queue: str | None
    agent: str | None
    seat: str | None
    total_seconds: float | None
    queue_seconds: float | None
    talk_seconds: float | None
    hold_seconds: float | None


class ContactPage(BaseModel):
    """A page of contacts, newest first."""

    items: list[Contact]
    total: int | None = Field(description="how many fit; on first pages only. 10,001: more than 10,000")
    next_cursor: str | None


class ContactEvent(BaseModel):
    """One fact of a contact's story."""

    id: UUID
    at: AwareDatetime
    type: str
    data: dict[str, Any]


class ContactEvents(BaseModel):
    """A contact's story, in order."""

    items: list[ContactEvent]
    next_cursor: None = None


def build_router(
    *, access: Access, contacts: ContactStore, journal: JournalReader, overseen: Overseen
) -> APIRouter:
    """All REST routes of `calls`; a supervisor of teams sees the contacts of their agents, and nobody's."""
    router = APIRouter(tags=["contacts"])

    @router.get("/contacts", response_model=ContactPage)
    async def list_contacts(
        principal: Annotated[Principal, Depends(access.require(*_READERS))],
        start: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
        agent: Annotated[str | None, Query(max_length=64)] = None,
        seat: Annotated[str | None, Query(max_length=64)] = None,
        queue: Annotated[str | None, Query(max_length=64)] = None,
        caller: Annotated[str | None, Query(max_length=64)] = None,
        outcome: Outcome | None = None,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Any:
        """Contacts, newest first; an agent sees his own."""
        wanted = ContactFilter(
            start=start,
            end=end,
            agent=agent if principal.roles & _SEES_ALL else principal.agent or "",
            seat=seat,
            queue=queue,
            caller=caller,
            outcome=outcome,
            agents=overseen(principal),
            after=read_moment(cursor),
        )
        rows = await contacts.find(wanted, limit)
        callers = await journal.callers(tuple(str(row["id"]) for row in rows))
        items = [{**row, "caller": callers.get(str(row["id"]))} for row in rows]
        more = len(rows) == limit
        total = None if cursor is not None else await contacts.count(wanted) if more else len(rows)
        following = write_cursor((rows[-1]["started_at"], rows[-1]["id"])) if more else None
        return {"items": items, "total": total, "next_cursor": following}

    async def row_of(contact: UUID, principal: Principal) -> dict[str, Any]:
        row = await contacts.get(ContactId(str(contact)))
        own = principal.roles & _SEES_ALL or (row is not None and row["agent"] == principal.agent)
        if row is None or not own or not _of(overseen(principal), () if row["agent"] is None else (row["agent"],)):
            raise NoSuchContact(str(contact))
        return row

    async def story_of(contact: UUID, principal: Principal, *, traces: bool) -> list[FactEvent]:
        """Its events; while it goes on, they alone say whose it is."""
        row = await row_of(contact, principal)
        events = await journal.events_of(ContactId(str(contact)), traces=traces)
        agents = {agent for event in events if (agent := getattr(event.fact, "agent", None)) is not None}
        if row["outcome"] is None and not _of(overseen(principal), agents):
            raise NoSuchContact(str(contact))
        return events

    @router.get("/contacts/{contact}", response_model=Contact)
    async def get_contact(
        principal: Annotated[Principal, Depends(access.require(*_READERS))], contact: Annotated[UUID, Path()]
    ) -> Any:
        """One contact."""
        row = await row_of(contact, principal)
        callers = await journal.callers((str(contact),))
        return {**row, "caller": callers.get(str(contact))}

    @router.get("/contacts/{contact}/events", response_model=ContactEvents)
    async def get_events(
        principal: Annotated[Principal, Depends(access.require(*_READERS))], contact: Annotated[UUID, Path()]
    ) -> Any:
        """What happened to it, in order."""
        events = await story_of(contact, principal, traces=False)
        return {"items": [_event(event) for event in events]}

    @router.get("/contacts/{contact}/trace", response_model=ContactEvents)
    async def get_trace(
        principal: Annotated[Principal, Depends(access.require(*_TRACERS))], contact: Annotated[UUID, Path()]
    ) -> Any:
        """Its SIP messages, in order (R10.4.d); secrets are masked."""
        events = await story_of(contact, principal, traces=True)
        return {"items": [_event(event) for event in events if event.fact.__class__.__name__ == "SipMessageSeen"]}

    return router


def _of(overseen: frozenset[AgentId] | None, agents: Collection[AgentId]) -> bool:
    """Whether one of these agents is overseen; nobody's is everybody's."""
    return overseen is None or not agents or not overseen.isdisjoint(agents)


def _event(event: FactEvent) -> dict[str, Any]:
    data = FACTS.encode(event.fact)
    kind = data.pop("type")
    del data["v"]
    return {"id": event.id, "at": event.at, "type": kind, "data": data}

"""REST of the signalling trace (R10.4.d). No ``from __future__ import annotations``: FastAPI reads local names."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from ccplatform.contracts.words import ContactId, Role, SeatId, TrunkId
from ccplatform.security.access import Access, Principal
from gateway.signalling.message import TracedMessage
from gateway.signalling.pcap import MEDIA_TYPE, capture
from gateway.signalling.places import Places
from gateway.signalling.search import SignallingSearch
from gateway.signalling.selection import Selection, source, status_or_class
from gateway.signalling.service import SignallingService

_TRACERS = (Role.SUPERVISOR, Role.MAINTAINER, Role.AUDITOR, Role.ADMIN)
#: Most messages of one capture file.
MAX_CAPTURED = 20_000
#: Longest that a request waits for something new, seconds; below the server's patience at its end.
MAX_WAIT_SECONDS = 25.0


#: Those of some messages that somebody may see, in their order.
SeenBy: TypeAlias = Callable[[Principal, Sequence[TracedMessage]], Awaitable[list[TracedMessage]]]


class SignallingItem(BaseModel):
    """One SIP message; secrets are masked in its text."""

    number: int = Field(description="counts up with time; 0 of messages from the journal")
    at: AwareDatetime
    outgoing: bool
    transport: str
    local: str
    remote: str
    method: str
    status: int | None = Field(description="null of a request")
    call_id: str
    caller: str = Field(description="user of From")
    called: str = Field(description="user of To")
    contact: UUID | None
    text: str


class SignallingPage(BaseModel):
    """Messages, newest first. There may be a cursor without messages: the search went only so far."""

    items: list[SignallingItem]
    next_cursor: str | None
    last: int = Field(description="number of the newest message of all, for /signalling/tail")


class SignallingTail(BaseModel):
    """What came since, oldest first."""

    items: list[SignallingItem]
    last: int
    missed: bool = Field(description="older ones were let go before they could be told")


class HepState(BaseModel):
    """Export to a capture server."""

    sent: int
    dropped: int
    errors: int


class SignallingState(BaseModel):
    """What is kept in memory; messages of contacts are in the journal as well."""

    messages: int
    bytes: int
    covers_from: AwareDatetime | None
    hep: HepState | None


class Filters(BaseModel):
    """What all routes search by."""

    model_config = {"extra": "forbid"}

    start: AwareDatetime | None = Field(None, alias="from")
    end: AwareDatetime | None = Field(None, alias="to")
    contact: UUID | None = None
    trunk: str | None = Field(None, max_length=64)
    seat: str | None = Field(None, max_length=64)
    address: str | None = Field(None, max_length=64, description="of the peer: address, network or address:port")
    transport: Literal["UDP", "TCP", "TLS", "WS", "WSS"] | None = None
    method: str | None = Field(None, max_length=32, description="of the request, or of what is answered")
    status: str | None = Field(None, max_length=3, description="486, or a class: 4xx")
    call_id: str | None = Field(None, max_length=256, description="or a part of it")
    caller: str | None = Field(None, max_length=64, description="user of From, or a part of it")
    called: str | None = Field(None, max_length=64, description="user of To, or a part of it")
    direction: Literal["in", "out"] | None = None


class Listing(Filters):
    """A page of them."""

    cursor: str | None = Field(None, max_length=200)
    limit: int = Field(100, ge=1, le=500)


class Following(Filters):
    """What is new of them."""

    after: int = Field(ge=0)
    wait_seconds: float = Field(0, ge=0, le=MAX_WAIT_SECONDS)
    limit: int = Field(500, ge=1, le=500)


class Captured(Filters):
    """A file of them."""

    limit: int = Field(5000, ge=1, le=MAX_CAPTURED)


def build_router(
    *, access: Access, service: SignallingService, search: SignallingSearch, places: Places, seen_by: SeenBy
) -> APIRouter:
    """``signalling``: a list, what is new, a capture file, and how much is kept; a supervisor of teams finds what
    concerns them."""
    router = APIRouter(prefix="/signalling", tags=["signalling"])
    Tracer = Annotated[Principal, Depends(access.require(*_TRACERS))]
    memory = service.memory

    async def selected(filters: Filters) -> Selection:
        network, port = source(filters.address) if filters.address else (None, None)
        selection = Selection(
            start=filters.start,
            end=filters.end,
            network=network,
            port=port,
            transport=filters.transport,
            method=filters.method.upper() if filters.method else None,
            status=status_or_class(filters.status) if filters.status else None,
            call_id=filters.call_id,
            caller=filters.caller,
            called=filters.called,
            outgoing=None if filters.direction is None else filters.direction == "out",
        )
        if filters.seat:
            selection = replace(selection, number=await places.number_of(SeatId(filters.seat)))
        if filters.trunk:
            selection = replace(selection, belongs=await places.belonging_to(TrunkId(filters.trunk)))
        return selection

    def item(message: TracedMessage) -> SignallingItem:
        shown = {name: getattr(message, name) for name in SignallingItem.model_fields}
        return SignallingItem(**shown | {"contact": memory.contact_of(message)})

    @router.get("")
    async def messages(principal: Tracer, filters: Annotated[Listing, Query()]) -> SignallingPage:
        """Messages, newest first: the latest of all, and further back those of contacts."""
        selection, last = await selected(filters), memory.last_number
        if filters.contact is not None:
            found = await search.of_contact(ContactId(str(filters.contact)), selection)
            seen = await seen_by(principal, found)
            return SignallingPage(items=[item(one) for one in reversed(seen)], next_cursor=None, last=last)
        page = await search.page(selection, filters.cursor, filters.limit)
        items = [item(one) for one in await seen_by(principal, page.messages)]
        return SignallingPage(items=items, next_cursor=page.next_cursor, last=last)

    @router.get("/tail")
    async def tail(principal: Tracer, filters: Annotated[Following, Query()]) -> SignallingTail:
        """What is newer than number ``after``; when there is nothing, the answer waits for it."""
        selection, last = await selected(filters), filters.after
        found: list[TracedMessage] = []
        try:
            async with asyncio.timeout(filters.wait_seconds):
                while True:
                    newest = memory.last_number
                    if found := await seen_by(principal, memory.since(last, selection)):
                        break
                    last = max(last, newest)
                    if memory.last_number == newest:
                        await memory.something_new()
        except TimeoutError:
            pass
        kept = found[-filters.limit :]
        newest = found[-1].number if found else last
        return SignallingTail(items=[item(one) for one in kept], last=newest, missed=len(kept) < len(found))

    @router.get("/capture", response_class=Response, responses={200: {"content": {MEDIA_TYPE: {}}}})
    async def capture_file(principal: Tracer, filters: Annotated[Captured, Query()]) -> Any:
        """The same as a capture file (pcap) for Wireshark: each message a UDP datagram, secrets masked."""
        selection = await selected(filters)
        if filters.contact is not None:
            found = await search.of_contact(ContactId(str(filters.contact)), selection)
        else:
            page = await search.page(selection, None, filters.limit)
            found = list(reversed(page.messages))
        data = await asyncio.to_thread(capture, await seen_by(principal, found))
        name = str(filters.contact) if filters.contact else "signalling"
        headers = {"Content-Disposition": f'attachment; filename="{name}.pcap"'}
        return Response(data, media_type=MEDIA_TYPE, headers=headers)

    @router.get("/state")
    async def state(_: Tracer) -> SignallingState:
        """How much is kept, since when, and what went to the capture server."""
        exporter = service.exporter
        return SignallingState(
            messages=len(memory),
            bytes=memory.bytes,
            covers_from=memory.covers_from,
            hep=HepState(sent=exporter.sent, dropped=exporter.dropped, errors=exporter.errors)
            if exporter is not None
            else None,
        )

    return router

"""REST of the access layer. No ``from __future__ import annotations``: FastAPI reads local names here."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from ccplatform.contracts.facts import FactEvent, TrunkChannelsChanged
from ccplatform.contracts.words import TrunkId
from ccplatform.security.access import Access, Principal, Role
from gateway.store import GatewayStore

READERS = (Role.MAINTAINER, Role.SUPERVISOR, Role.ADMIN)


class TrunkItem(BaseModel):
    """One trunk."""

    id: str
    peers: list[str] = Field(description="networks that its calls come from")
    host: str | None
    port: int
    transport: str
    direction: str
    capacity: int = Field(description="channels, both ways together")
    in_use: int | None = Field(description="channels in use now; null before the first call since the start")


class Trunks(BaseModel):
    """Every trunk."""

    items: list[TrunkItem]
    next_cursor: str | None = None


class ContactItem(BaseModel):
    """One registered contact of a seat."""

    contact: str
    transport: str
    host: str
    port: int
    user_agent: str
    expires_at: datetime


class SeatItem(BaseModel):
    """One seat; ``registered`` as far as registrations are stored (a moment behind)."""

    id: str
    sip_user: str
    registered: bool
    contacts: list[ContactItem]


class Seats(BaseModel):
    """Every seat."""

    items: list[SeatItem]
    next_cursor: str | None = None


class ChannelsInUse:
    """Folds TrunkChannelsChanged into the channels in use now, for the web process."""

    def __init__(self) -> None:
        self._in_use: dict[TrunkId, int] = {}

    def observe(self, event: FactEvent) -> None:
        """Take one fact."""
        if isinstance(event.fact, TrunkChannelsChanged):
            self._in_use[event.fact.trunk] = event.fact.in_use

    def __call__(self, trunk: TrunkId) -> int | None:
        """Channels in use; None when nothing was heard of the trunk."""
        return self._in_use.get(trunk)


def build_router(
    *, access: Access, store: GatewayStore, channels_in_use: Callable[[TrunkId], int | None]
) -> APIRouter:
    """``GET trunks`` and ``GET seats``."""
    router = APIRouter(tags=["gateway"])
    Reader = Annotated[Principal, Depends(access.require(*READERS))]

    @router.get("/trunks")
    async def trunks(_: Reader) -> Trunks:
        """Every trunk with its channels in use."""
        return Trunks(
            items=[
                TrunkItem(
                    id=trunk.id,
                    peers=list(trunk.peers),
                    host=trunk.host,
                    port=trunk.port,
                    transport=trunk.transport,
                    direction=trunk.direction,
                    capacity=trunk.capacity,
                    in_use=channels_in_use(trunk.id),
                )
                for trunk in await store.trunks()
            ]
        )

    @router.get("/seats")
    async def seats(_: Reader) -> Seats:
        """Every seat with its registered contacts."""
        return Seats(
            items=[
                SeatItem(
                    id=row.id,
                    sip_user=row.sip_user,
                    registered=bool(row.contacts),
                    contacts=[ContactItem(**contact) for contact in row.contacts],
                )
                for row in await store.seat_rows()
            ]
        )

    return router

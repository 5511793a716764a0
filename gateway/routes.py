"""REST of the seats. No ``from __future__ import annotations``: FastAPI reads local names here."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from ccplatform.security.access import Access, Principal
from gateway.store import GatewayStore
from gateway.trunk_routes import READERS


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


def build_router(*, access: Access, store: GatewayStore) -> APIRouter:
    """``GET seats``."""
    router = APIRouter(tags=["gateway"])
    Reader = Annotated[Principal, Depends(access.require(*READERS))]

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

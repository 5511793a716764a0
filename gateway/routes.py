"""REST of the seats. No ``from __future__ import annotations``: FastAPI reads local names here."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from ccplatform.contracts.commands import ResetSeat
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import SeatId
from ccplatform.operations.orders import OnceBody, tell
from ccplatform.security.access import Access, Principal
from ccplatform.security.audit import Audit
from gateway.store import GatewayStore
from gateway.trunk_routes import OPERATORS, READERS, Name


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


def build_router(*, access: Access, store: GatewayStore, control: Control, audit: Audit) -> APIRouter:
    """``seats``."""
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

    @router.post("/seats/{seat}/reset", status_code=204)
    async def reset(
        seat: Name, by: Annotated[Principal, Depends(access.require(*OPERATORS))], order: OnceBody
    ) -> None:
        """Forget where the seat is registered (R10.4.a): its phones have to register again; calls go on."""
        await tell(control, ResetSeat(seat=SeatId(seat), by=by.user, key=order.key))
        await audit.record(subject=by.user, action="seat.reset", object=seat, result="ok")

    return router

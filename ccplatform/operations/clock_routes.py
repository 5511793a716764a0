"""REST of the clock (R10.6.b). No ``from __future__ import annotations``: FastAPI reads local names here."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from ccplatform.contracts.words import Role
from ccplatform.security.access import Access, Principal


class TimeServerItem(BaseModel):
    """One server, as it answered last."""

    server: str
    offset_seconds: float | None = Field(description="above zero: our clock is behind")
    delay_seconds: float | None = Field(description="question to answer")
    distance_seconds: float | None = Field(description="what the offset may be wrong by")
    stratum: int | None = Field(description="steps from a reference clock")
    problem: str


class ClockItem(BaseModel):
    """The time of day of this node."""

    at: datetime
    source: str = Field(description="what keeps it: ntp (the kernel's clock is disciplined), or system")
    synchronised: bool | None = Field(
        description="whether the kernel says that it is disciplined; null: not known"
    )
    most_error_seconds: float | None = Field(description="what the kernel thinks it may be off by at most")
    offset_seconds: float | None = Field(description="from the servers; above zero: our clock is behind")
    limit_seconds: float
    every_seconds: float
    servers: list[TimeServerItem]


def build_router(*, access: Access, state: Callable[[], ClockItem]) -> APIRouter:
    """``clock``."""
    router = APIRouter(tags=["operations"])
    reader = Annotated[Principal, Depends(access.require(Role.SUPERVISOR, Role.MAINTAINER, Role.ADMIN))]

    @router.get("/clock")
    async def clock(_: reader) -> ClockItem:
        """What keeps the time of day, and how far it is from the time servers of the settings."""
        return state()

    return router

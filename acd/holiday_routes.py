"""REST: which lists of public holidays there are for calendars to name.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from acd.holidays import days_of, shipped, years_of
from ccplatform.contracts.words import Role
from ccplatform.security.access import Access
from ccplatform.security.model import Principal


class HolidayList(BaseModel):
    """Public holidays and make-up working days, as published."""

    id: str = Field(description="what a calendar's holidays name", examples=["cn-2026"])
    years: list[int] = Field(description="the years that it has days of")
    days: list[date] = Field(description="free days")
    make_up_days: list[date] = Field(description="days that are worked in place of others")


class HolidayLists(BaseModel):
    """All that the program ships."""

    items: list[HolidayList]
    next_cursor: None = None


def _shown(name: str) -> HolidayList:
    days, make_up_days = days_of(name)
    return HolidayList(id=name, years=years_of(name), days=days, make_up_days=make_up_days)


def build_router(access: Access) -> APIRouter:
    """``configuration/holidays``."""
    router = APIRouter(tags=["configuration"])
    reader: Any = Annotated[Principal, Depends(access.require(Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR))]

    @router.get("/configuration/holidays", response_model=HolidayLists)
    async def list_holidays(principal: reader) -> Any:
        """The lists of public holidays that calendars may name."""
        return HolidayLists(items=[_shown(name) for name in shipped()])

    return router

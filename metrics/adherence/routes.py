"""REST of adherence, for supervisors; an agent's own stands in his day (``me/day``).

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from ccplatform.contracts.words import Role
from ccplatform.security.access import Access, Principal
from ccplatform.security.model import Overseen
from metrics.adherence.model import Adherence
from metrics.adherence.plans import Plans
from metrics.model import MICROSECONDS, at_of

READERS = (Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)


class PlannedItem(BaseModel):
    """What is planned for this moment."""

    reason: str | None = Field(description="null: contacts; a reason for not being ready, '': any")
    until: AwareDatetime


class AdherenceFigures(BaseModel):
    """How far a plan was kept, from midnight of the centre's time zone until now."""

    adherence: float | None = Field(description="D-ADH: kept / planned; null: nothing was planned so far")
    planned_seconds: float
    kept_seconds: float
    planned_now: PlannedItem | None = Field(description="null: nothing is planned for this moment")


class AdherenceItem(AdherenceFigures):
    """Of one agent."""

    agent: str


class AdherenceList(BaseModel):
    """Every agent for whom something is planned today, by number."""

    items: list[AdherenceItem]
    next_cursor: str | None = None


def figures_of(found: Adherence) -> AdherenceFigures:
    """As REST says it."""
    now = found.now
    until = None if now is None else PlannedItem(reason=now.reason, until=at_of(now.end_us // MICROSECONDS))
    return AdherenceFigures(
        adherence=found.ratio,
        planned_seconds=found.planned_us / MICROSECONDS,
        kept_seconds=found.kept_us / MICROSECONDS,
        planned_now=until,
    )


def build_router(*, access: Access, plans: Plans, overseen: Overseen) -> APIRouter:
    """The route; paths without the prefix ``/api/v1``."""
    router = APIRouter(tags=["metrics"])

    @router.get("/adherence")
    async def adherence(principal: Annotated[Principal, Depends(access.require(*READERS))]) -> AdherenceList:
        """How far agents (of a supervisor's teams) kept to their shifts today, and what is planned now (R6.3)."""
        seen = overseen(principal)
        found = await plans.today()
        return AdherenceList(
            items=[
                AdherenceItem(agent=agent, **figures_of(one).model_dump())
                for agent, one in sorted(found.items())
                if seen is None or agent in seen
            ]
        )

    return router

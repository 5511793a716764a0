"""REST of evidence: the journal's days against their roots in the audit.

No ``from __future__ import annotations`` here: FastAPI could not see local names.
"""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from ccplatform.kernel.clock import Clock
from ccplatform.security.access import Access, Principal, Role
from metrics.errors import BadEvidence
from metrics.evidence.journal_days import CheckedDay, Found, JournalDays

_MAY_CHECK = (Role.AUDITOR, Role.ADMIN)
#: A day of many calls takes seconds to compute anew.
_MOST_DAYS = 31


class JournalDayItem(BaseModel):
    """A day (UTC) of the journal as it was proved, and how it is now."""

    day: date
    facts: int = Field(description="when it was proved")
    facts_now: int
    root: str = Field(description="SHA-256 over its facts, as the audit keeps it")
    found: Found = Field(description="equal, different, or removed: none are there any more")


class JournalDayList(BaseModel):
    """Proved days, the oldest first."""

    items: list[JournalDayItem]
    next_cursor: str | None = None


def build_evidence_routes(*, access: Access, days: JournalDays, clock: Clock) -> APIRouter:
    """The routes; paths without the prefix ``/api/v1``."""
    router = APIRouter(tags=["metrics"])

    @router.get("/journal/days")
    async def journal_days(
        principal: Annotated[Principal, Depends(access.require(*_MAY_CHECK))],
        first: Annotated[date | None, Query(alias="from", description="a week ago by default")] = None,
        last: Annotated[date | None, Query(alias="to", description="included; today by default")] = None,
    ) -> JournalDayList:
        """The journal's days, each computed anew and compared with its root in the chained audit."""
        end = last or clock.wall().date()
        begin = first or end - timedelta(days=7)
        if not 0 <= (end - begin).days < _MOST_DAYS:
            raise BadEvidence(f"the days must be 1 to {_MOST_DAYS}, the last not before the first")
        return JournalDayList(items=[_item(found) for found in await days.check(begin, end)])

    return router


def _item(found: CheckedDay) -> JournalDayItem:
    proved = found.proved
    return JournalDayItem(
        day=proved.day, facts=proved.facts, facts_now=found.facts, root=proved.root, found=found.found
    )

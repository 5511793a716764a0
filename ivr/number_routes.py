"""REST of numbers besides their settings: who answers one at some time.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from ivr.catalogue import answering, applying
from ivr.number_kind import READERS, NumberDocument, NumbersKept, entry_point
from ivr.simulator.playing import IsOpen


class WantedAnswer(BaseModel):
    """A number as it stands on a page, and an instant."""

    model_config = ConfigDict(extra="forbid")

    number: NumberDocument
    at: AwareDatetime


class AnsweringFlow(BaseModel):
    """Who answers then."""

    flow: str
    by: Literal["rule", "closed", "flow"]
    rule: int | None = Field(description="the place of the rule that applies, from 0")


def build_router(*, access: Access, keeper: NumbersKept, calendars: Callable[[], Awaitable[IsOpen]]) -> APIRouter:
    """``configuration/numbers/answering``."""
    router = APIRouter(tags=["configuration"])
    reader: Any = Annotated[Principal, Depends(access.require(*READERS))]

    @router.post("/configuration/numbers/answering", response_model=AnsweringFlow)
    async def who_answers(principal: reader, wanted: WantedAnswer) -> Any:
        """The flow that would answer at an instant; nothing is kept. Refused as the number would be."""
        await keeper.check("0", wanted.number)
        is_open = await calendars()

        def opened(calendar: str) -> bool | None:
            return is_open(calendar, wanted.at)

        entry = entry_point("0", wanted.number)
        rule = applying(entry, wanted.at, opened)
        flow = answering(entry, wanted.at, opened) or ""
        by = "rule" if rule is not None else "flow" if flow == entry.flow else "closed"
        return {"flow": flow, "by": by, "rule": rule}

    return router

"""REST of the stores: how far each of them is.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ccplatform.contracts.words import Role
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from recording.stores.book import MOST_COUNTED
from recording.stores.copier import Copier


class StoreRow(BaseModel):
    """A store that gets a copy of every recording."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(examples=["far"])
    copies: int = Field(description="Recordings that it has.")
    size_bytes: int
    waiting: int = Field(description=f"Recordings at rest that it lacks; {MOST_COUNTED}: as many or more.")
    oldest: AwareDatetime | None = Field(description="When the oldest of these ended.")
    removing: int = Field(description="Copies of deleted recordings that it still has.")
    problem: str = Field(description="What it said when it failed; '' since it answers.")


class StoreRows(BaseModel):
    """All of them, in the order of the settings."""

    model_config = ConfigDict(extra="forbid")

    items: list[StoreRow]


def build_router(*, access: Access, copier: Copier) -> APIRouter:
    """The routes of the stores."""
    router = APIRouter(tags=["recording"])
    reader = Annotated[Principal, Depends(access.require(Role.AUDITOR, Role.ADMIN))]

    @router.get("/recordings/stores", response_model=StoreRows)
    async def list_stores(_: reader) -> Any:
        """How far the copies of recordings are, store by store."""
        counts = await copier.counts()
        return {"items": [{**asdict(count), "problem": problem} for count, problem in counts]}

    return router

"""REST of what people configure: agents with their teams, queues, skills, calendars.

A change is checked, committed and in force when it is answered; contacts that wait keep their places. What breaks
a rule is refused with the thing, the field, the value and the rule. A skill group is what a queue needs
(``skill``, ``min_level``, ``requires``, ``rings``): queues with the same needs share one.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from acd.calendars import MAX_DAYS, MAX_SPANS
from acd.errors import UnknownSetting
from acd.model import MAX_ID, MAX_NAME, First, OverflowCause, Strategy, TargetKind
from acd.skills import MAX_TEXT
from acd.store import AcdStore
from ccplatform.contracts.commands import Configure, Setting
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Role
from ccplatform.operations.orders import tell
from ccplatform.security.access import Access, Principal

_READERS = (Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR)
_CHANGERS = (Role.SUPERVISOR, Role.ADMIN)

ItemT = TypeVar("ItemT")
_Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
_Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]
_PathId = Annotated[str, Path(min_length=1, max_length=MAX_ID)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AgentDocument(_Model):
    """An agent; ``skills`` gives levels from 1 to 10."""

    name: _Name
    team: Annotated[str, Field(max_length=MAX_NAME)] = ""
    skills: Annotated[dict[_Id, int], Field(max_length=100)] = {}
    position: int = 1000


class SkillDocument(_Model):
    """A skill."""

    name: _Name


class RingDocument(_Model):
    """From this age of a contact on, agents who meet the expression may take it, too."""

    after_seconds: float
    requires: Annotated[str, Field(max_length=MAX_TEXT)]


class OverflowDocument(_Model):
    """Where contacts go for a cause."""

    cause: OverflowCause
    kind: TargetKind
    to: _Id


class CallBackDocument(_Model):
    """How the call-backs that the queue promises are made."""

    trunk: _Id
    first: First = First.AGENT
    caller: Annotated[str, Field(max_length=32)] = ""
    attempts: int = 3
    pause_seconds: float = 300.0
    ring_seconds: float = 40.0
    expire_seconds: float = 86_400.0
    calendar: Annotated[str, Field(max_length=MAX_ID)] = ""
    prefixes: Annotated[list[Annotated[str, Field(max_length=17)]], Field(max_length=100)] = []


class QueueDocument(_Model):
    """A queue; the page of the package `acd` says what the fields mean and what they may be."""

    name: _Name
    skill: _Id
    min_level: int = 1
    requires: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    rings: Annotated[list[RingDocument], Field(max_length=10)] = []
    strategy: Strategy = Strategy.LONGEST_IDLE
    ring_seconds: float = 20.0
    rung_at_most: int = 10
    ring_more_seconds: float = 5.0
    wrap_up_seconds: float = 10.0
    weight: int = 0
    capacity: int = 100
    gives_way: bool = False
    service_level_seconds: float = 20.0
    service_level_ratio: float = 0.8
    max_waiting: int = 1000
    max_wait_seconds: float = 0.0
    overflows: Annotated[list[OverflowDocument], Field(max_length=4)] = []
    calendar: Annotated[str, Field(max_length=MAX_ID)] = ""
    music: Annotated[str, Field(max_length=MAX_NAME)] = ""
    call_back: CallBackDocument | None = None


class SpanDocument(_Model):
    """Open from ``start`` to ``end``, local time; an end not after the start is on the next day."""

    start: time
    end: time


_Spans = Annotated[list[SpanDocument], Field(max_length=MAX_SPANS)]


class CalendarDocument(_Model):
    """Opening hours: weekdays from 0 (Monday), single days (none: a holiday), days that work like a weekday."""

    zone: Annotated[str, Field(max_length=64)] = "Asia/Shanghai"
    week: Annotated[dict[Annotated[int, Field(ge=0, le=6)], _Spans], Field(max_length=7)] = {}
    days: Annotated[dict[date, _Spans], Field(max_length=MAX_DAYS)] = {}
    make_up_days: Annotated[dict[date, int], Field(max_length=MAX_DAYS)] = {}


class WantedCalendar(CalendarDocument):
    """A calendar, with the public holidays of the lists that are named; its own days count first."""

    holidays: Annotated[list[_Id], Field(max_length=20, examples=[["cn-2026"]])] = []


class AgentItem(AgentDocument):
    """A configured agent."""

    id: str


class SkillItem(SkillDocument):
    """A configured skill."""

    id: str


class QueueItem(QueueDocument):
    """A configured queue."""

    id: str


class CalendarItem(CalendarDocument):
    """A configured calendar."""

    id: str


class Items(BaseModel, Generic[ItemT]):
    """All there are, by id."""

    items: list[ItemT]
    next_cursor: None = None


class Removed(BaseModel):
    """It is no more."""

    removed: bool = True


def build_router(*, access: Access, store: AcdStore, control: Control) -> APIRouter:
    """``configuration/agents``, ``…/queues``, ``…/skills``, ``…/calendars``: list, put, delete."""
    router = APIRouter(prefix="/configuration", tags=["configuration"])
    reader = Annotated[Principal, Depends(access.require(*_READERS))]
    changer = Annotated[Principal, Depends(access.require(*_CHANGERS))]

    async def listed(setting: Setting) -> list[Mapping[str, Any]]:
        if setting is Setting.SKILL:
            return [{"id": skill, "name": name} for skill, name in (await store.skills()).items()]
        stored = await store.load_all()
        kinds = {Setting.AGENT: stored.agents, Setting.QUEUE: stored.queues, Setting.CALENDAR: stored.calendars}
        plain: list[Mapping[str, Any]] = msgspec.to_builtins(kinds[setting], str_keys=True)
        return plain

    async def put(setting: Setting, name: str, document: BaseModel, by: Principal) -> Mapping[str, Any]:
        body = document.model_dump(mode="json")
        await tell(control, Configure(setting=setting, id=name, document=body, by=by.user))
        found = next((row for row in await listed(setting) if row["id"] == name), None)
        if found is None:
            raise UnknownSetting(setting, name)  # removed again meanwhile
        return found

    async def remove(setting: Setting, name: str, by: Principal) -> Removed:
        await tell(control, Configure(setting=setting, id=name, document=None, by=by.user))
        return Removed()

    @router.get("/agents", response_model=Items[AgentItem])
    async def list_agents(principal: reader) -> Any:
        """Every configured agent."""
        return {"items": await listed(Setting.AGENT)}

    @router.put("/agents/{name}", response_model=AgentItem)
    async def put_agent(principal: changer, name: _PathId, document: AgentDocument) -> Any:
        """Add or change an agent; what he does now goes on."""
        return await put(Setting.AGENT, name, document, principal)

    @router.delete("/agents/{name}", response_model=Removed)
    async def delete_agent(principal: changer, name: _PathId) -> Any:
        """Remove an agent; he ends the call that he has."""
        return await remove(Setting.AGENT, name, principal)

    @router.get("/queues", response_model=Items[QueueItem])
    async def list_queues(principal: reader) -> Any:
        """Every configured queue."""
        return {"items": await listed(Setting.QUEUE)}

    @router.put("/queues/{name}", response_model=QueueItem)
    async def put_queue(principal: changer, name: _PathId, document: QueueDocument) -> Any:
        """Add or change a queue; contacts that wait keep their places."""
        return await put(Setting.QUEUE, name, document, principal)

    @router.delete("/queues/{name}", response_model=Removed)
    async def delete_queue(principal: changer, name: _PathId) -> Any:
        """Remove a queue that no other overflows to; contacts that wait there go back to their flows."""
        return await remove(Setting.QUEUE, name, principal)

    @router.get("/skills", response_model=Items[SkillItem])
    async def list_skills(principal: reader) -> Any:
        """Every skill."""
        return {"items": await listed(Setting.SKILL)}

    @router.put("/skills/{name}", response_model=SkillItem)
    async def put_skill(principal: changer, name: _PathId, document: SkillDocument) -> Any:
        """Add or rename a skill."""
        return await put(Setting.SKILL, name, document, principal)

    @router.delete("/skills/{name}", response_model=Removed)
    async def delete_skill(principal: changer, name: _PathId) -> Any:
        """Remove a skill that nobody has and no queue needs."""
        return await remove(Setting.SKILL, name, principal)

    @router.get("/calendars", response_model=Items[CalendarItem])
    async def list_calendars(principal: reader) -> Any:
        """Every calendar."""
        return {"items": await listed(Setting.CALENDAR)}

    @router.put("/calendars/{name}", response_model=CalendarItem)
    async def put_calendar(principal: changer, name: _PathId, document: WantedCalendar) -> Any:
        """Add or change a calendar; its queues open and close by it from now on."""
        return await put(Setting.CALENDAR, name, document, principal)

    @router.delete("/calendars/{name}", response_model=Removed)
    async def delete_calendar(principal: changer, name: _PathId) -> Any:
        """Remove a calendar that no queue uses."""
        return await remove(Setting.CALENDAR, name, principal)

    return router

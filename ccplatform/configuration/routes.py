"""REST of one kind of setting: list, read, put, delete, who needs it, its history, its sheet.

Every answer about one item has its revision as ``ETag``; a change with ``If-Match`` is refused (412) when the item
is another by now, one with ``If-None-Match: *`` when there is one already.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`add_kind`.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from ccplatform.configuration.changes import ANY, Changes
from ccplatform.configuration.errors import NoSuchItem
from ccplatform.configuration.exchange import Exchange, LineVerdict, Plan
from ccplatform.configuration.kind import MAX_ID, Kind, revision
from ccplatform.configuration.paging import page_of
from ccplatform.configuration.sheet import columns_of, write
from ccplatform.security.access import Access, Principal

ItemT = TypeVar("ItemT")
Name = Annotated[str, Path(min_length=1, max_length=MAX_ID)]
_Match = Annotated[str | None, Header(max_length=100)]


class Items(BaseModel, Generic[ItemT]):
    """A page of them, or all there are; ``revisions`` are what ``If-Match`` takes."""

    items: list[ItemT]
    revisions: dict[str, str] = {}
    total: int = Field(description="how many fit in all")
    next_cursor: str | None = None


class Removed(BaseModel):
    """It is no more."""

    removed: bool = True


class Needs(BaseModel):
    """What names the item; while there is any it is not removed."""

    items: list[str]
    next_cursor: None = None


class ChangeItem(BaseModel):
    """One change of an item; a change too large to be kept whole has neither before nor after."""

    at: datetime
    by: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    secrets: list[str] = Field(description="secrets that were set; they are not shown")


class History(BaseModel):
    """Changes of an item, newest first."""

    items: list[ChangeItem]
    next_cursor: None = None


class SheetProblem(BaseModel):
    """Why a line is refused."""

    where: str
    why: str


class SheetLine(BaseModel):
    """What a line does, or would do: before and after of each field."""

    line: int
    id: str
    verdict: LineVerdict
    changes: dict[str, tuple[Any, Any]]
    problems: list[SheetProblem]


class SheetPlan(BaseModel):
    """What a sheet does; give ``plan`` back with the same sheet to have it done."""

    lines: list[SheetLine]
    plan: str
    legal: bool
    applied: bool


def add_kind(router: APIRouter, kind: Kind, *, access: Access, changes: Changes) -> None:
    """Give the kind its routes."""
    reader: Any = Annotated[Principal, Depends(access.require(*kind.readers))]
    changer: Any = Annotated[Principal, Depends(access.require(*kind.changers, whole_centre=True))]
    if kind.listed:
        _add_reading(router, kind, reader)
    _add_changing(router, kind, changer, changes)
    _add_asking(router, kind, reader, changes)
    if kind.sheet:
        add_sheet(router, kind, access=access, changes=changes)


def _add_reading(router: APIRouter, kind: Kind, reader: Any) -> None:
    whole: Any = Items[kind.item]  # type: ignore[name-defined]

    @router.get(f"/{kind.path}", response_model=whole, summary=f"Every {kind.word}", name=f"list_{kind.word}")
    async def list_items(
        principal: reader,
        search: Annotated[str, Query(max_length=200, description="words that an item has somewhere")] = "",
        sort: Annotated[
            str, Query(max_length=64, pattern=r"^(-?\w+)?$", description="a field; -field: down")
        ] = "",
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int | None, Query(ge=1, le=1000, description="left out: all")] = None,
    ) -> Any:
        page = page_of(await kind.keeper.all(), search=search, sort=sort, cursor=cursor, limit=limit)
        return {
            "items": [{"id": name, **document} for name, document in page.items.items()],
            "revisions": {name: revision(document) for name, document in page.items.items()},
            "total": page.total,
            "next_cursor": page.next_cursor,
        }

    @router.get(
        f"/{kind.path}/{{name}}", response_model=kind.item, summary=f"One {kind.word}", name=f"get_{kind.word}"
    )
    async def get_item(principal: reader, name: Name, response: Response) -> Any:
        document = await kind.keeper.one(name)
        if document is None:
            raise NoSuchItem(kind.word, name)
        response.headers["ETag"] = f'"{revision(document)}"'
        return {"id": name, **document}


def _add_changing(router: APIRouter, kind: Kind, changer: Any, changes: Changes) -> None:
    wanted: Any = kind.wanted

    @router.put(
        f"/{kind.path}/{{name}}",
        response_model=kind.item,
        summary=f"Add or change a {kind.word}",
        name=f"put_{kind.word}",
    )
    async def put_item(
        principal: changer,
        name: Name,
        document: wanted,
        response: Response,
        if_match: _Match = None,
        if_none_match: _Match = None,
    ) -> Any:
        after = await changes.save(
            kind,
            name,
            document.model_dump(mode="json"),
            by=principal.user,
            expected="" if if_none_match == "*" else _expected(if_match),
        )
        response.headers["ETag"] = f'"{revision(after)}"'
        return {"id": name, **after}

    @router.delete(
        f"/{kind.path}/{{name}}",
        response_model=Removed,
        summary=f"Remove a {kind.word} that nothing needs",
        name=f"delete_{kind.word}",
    )
    async def delete_item(principal: changer, name: Name, if_match: _Match = None) -> Any:
        await changes.remove(kind, name, by=principal.user, expected=_expected(if_match))
        return Removed()


def _add_asking(router: APIRouter, kind: Kind, reader: Any, changes: Changes) -> None:
    @router.get(f"/{kind.path}/{{name}}/users", summary=f"What needs a {kind.word}", name=f"users_of_{kind.word}")
    async def users_of(principal: reader, name: Name) -> Needs:
        return Needs(items=await kind.users(name))

    @router.get(
        f"/{kind.path}/{{name}}/history", summary=f"Changes of a {kind.word}", name=f"history_of_{kind.word}"
    )
    async def history_of(
        principal: reader, name: Name, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> History:
        rows = await changes.history(kind, name, limit)
        return History.model_validate({"items": rows}, from_attributes=True)


def add_sheet(router: APIRouter, kind: Kind, *, access: Access, changes: Changes) -> None:
    """Give the kind the routes of its sheet alone; those of people are for the whole centre's."""
    reader: Any = Annotated[Principal, Depends(access.require(*kind.readers, whole_centre=kind.personal))]
    changer: Any = Annotated[Principal, Depends(access.require(*kind.changers, whole_centre=True))]
    exchange = Exchange(changes=changes)
    csv: Any = {"text/csv": {"schema": {"type": "string"}}}

    @router.get(
        f"/{kind.path}.csv",
        response_class=Response,
        responses={200: {"content": csv}},
        summary=f"Every {kind.word} as CSV",
        name=f"export_{kind.word}",
    )
    async def export_items(principal: reader) -> Response:
        columns = columns_of(kind.wanted, kind.secrets)
        # The mark tells spreadsheets that it is UTF-8.
        there = await kind.keeper.all()
        text = "\ufeff" + await asyncio.to_thread(write, there, kind.wanted, columns)
        await changes.taken(kind, len(there), by=principal.user)
        name = kind.path.rpartition("/")[2]
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    @router.post(
        f"/{kind.path}.csv",
        openapi_extra={"requestBody": {"required": True, "content": csv}},
        summary=f"Add and change {kind.word}s by CSV: without a plan only say what would change",
        name=f"import_{kind.word}",
    )
    async def import_items(
        principal: changer, request: Request, plan: Annotated[str | None, Query(max_length=64)] = None
    ) -> SheetPlan:
        body = await request.body()
        if plan is None:
            return _plan(await exchange.plan(kind, body, by=principal.user), applied=False)
        return _plan(await exchange.apply(kind, body, plan, by=principal.user), applied=True)


def _plan(plan: Plan, *, applied: bool) -> SheetPlan:
    lines = [
        SheetLine(
            line=line.line,
            id=line.id,
            verdict=line.verdict,
            changes=line.changes,
            problems=[SheetProblem(where=where, why=why) for where, why in line.problems],
        )
        for line in plan.lines
    ]
    return SheetPlan(lines=lines, plan=plan.token, legal=plan.legal, applied=applied)


def _expected(if_match: str | None) -> str:
    return ANY if if_match is None else if_match.removeprefix("W/").strip('"')

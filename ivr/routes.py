"""REST of flows: their drafts, versions, differences and problems.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ccplatform.configuration.changes import ANY, Changes
from ccplatform.configuration.errors import NoSuchItem
from ccplatform.configuration.kind import Document, Kind, revision
from ccplatform.configuration.routes import add_kind
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from ivr.differences import differences
from ivr.errors import FlowProblem, NoSuchFlow
from ivr.flow_kind import CHANGERS, READERS, FlowItem, FlowsKept
from ivr.plain import plain_of, yaml_of
from ivr.schema import flow_schema
from ivr.versions import Version, Versions

FlowName = Annotated[str, Path(min_length=1, max_length=64, examples=["main"])]
_Match = Annotated[str | None, Header(max_length=100)]

_TEXT: Any = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}


class FlowSummary(BaseModel):
    """A flow in a list."""

    id: str
    title: str
    version: int | None = Field(description="the version that new sessions run; null: none")
    published_at: AwareDatetime | None
    published_by: str | None
    changed_at: AwareDatetime | None = Field(description="when its draft was changed last; null: no draft")
    changed_by: str | None


class FlowList(BaseModel):
    """Every flow that has a version in service or a draft."""

    items: list[FlowSummary]
    next_cursor: None = None


class Problem(BaseModel):
    """Why a flow may not be published."""

    path: str = Field(examples=["nodes.menu.choices.2"])
    reason: str


class Names(BaseModel):
    """What there is of the things that nodes name."""

    queues: list[str]
    trunks: list[str]
    queries: list[str]
    calendars: list[str]
    bots: list[str]


class Problems(BaseModel):
    """What is wrong with a document; the first hundred of it."""

    legal: bool
    problems: list[Problem]
    flow: str = Field(description="the flow that the document names; '': none")
    revision: str | None = Field(
        description="what importing the document replaces, for If-Match; null: there is no such flow"
    )


class FlowDetail(FlowItem):
    """A flow with what is wrong with its document."""

    problems: list[Problem] | None = Field(description="null: they were not asked for")


class VersionItem(BaseModel):
    """A published version."""

    number: int
    published_at: AwareDatetime
    published_by: str
    note: str
    chosen_at: AwareDatetime = Field(description="when it was made the current one last")
    chosen_by: str
    current: bool


class PublishedItem(VersionItem):
    """A version that was made the current one."""

    in_force: bool = Field(
        description="false: stored, but the real-time side was away: it takes it when it can be reached"
    )


class VersionDetail(VersionItem):
    """A published version with its document."""

    document: dict[str, Any]


class VersionList(BaseModel):
    """Versions, newest first."""

    items: list[VersionItem]
    next_cursor: None = None


class NodeName(BaseModel):
    """A node that came or went."""

    node: str
    kind: str


class FieldChange(BaseModel):
    """A value at a path below the node, or the flow."""

    path: str
    before: Any
    after: Any


class NodeChange(NodeName):
    """A node that is in both."""

    fields: list[FieldChange]


class FlowDifferences(BaseModel):
    """From one document of a flow to another."""

    added: list[NodeName]
    removed: list[NodeName]
    changed: list[NodeChange]
    fields: list[FieldChange] = Field(description="of the flow itself, beside its nodes")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Publication(_Body):
    """What the version is for."""

    note: Annotated[str, Field(max_length=500)] = ""


class RollBack(_Body):
    """Which version new sessions are to run."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]


_Which = Annotated[
    str, Query(pattern=r"^(draft|current|[1-9][0-9]{0,5})$", description="draft, current or a number")
]


def build_router(
    *, access: Access, kind: Kind, keeper: FlowsKept, versions: Versions, changes: Changes
) -> APIRouter:
    """Look, change, check, compare, publish, roll back."""
    router = APIRouter(tags=["flows"])
    reader: Any = Annotated[Principal, Depends(access.require(*READERS))]
    changer: Any = Annotated[Principal, Depends(access.require(*CHANGERS))]
    _add_reading(router, reader, keeper, versions)
    _add_texts(router, reader, changer, kind, keeper, changes)
    _add_acts(router, changer, kind, keeper, versions, changes)
    add_kind(router, kind, access=access, changes=changes)
    return router


async def _there(keeper: FlowsKept, name: str) -> Document:
    found = await keeper.one(name)
    if found is None:
        raise NoSuchItem("flow", name)
    return found


async def _number(versions: Versions, name: str, which: str) -> int | None:
    """The number of ``draft`` (None), ``current`` or a number."""
    if which == "draft":
        return None
    if which != "current":
        return int(which)
    current = await versions.current(name)
    if current is None:
        raise NoSuchFlow(f"flow {name} has no version in service")
    return current[0].number


def _add_reading(router: APIRouter, reader: Any, keeper: FlowsKept, versions: Versions) -> None:
    @router.get("/flows", response_model=FlowList)
    async def list_flows(principal: reader) -> Any:
        """Every flow with its current version and its draft."""
        return {"items": await versions.all()}

    @router.get("/flow-schema", response_model=dict[str, Any])
    async def get_flow_schema(principal: reader) -> Any:
        """The JSON schema of flow documents; ``format`` says what a text stands for: node, variable, queue…"""
        return flow_schema()

    @router.get("/flow-names", response_model=Names)
    async def get_flow_names(principal: reader) -> Any:
        """What nodes may name: queues, trunks, queries, calendars and bots of this centre."""
        around = await keeper.around("")
        return {
            "queues": sorted(around.queues),
            "trunks": sorted(around.trunks),
            "queries": sorted(around.queries),
            "calendars": sorted(around.calendars),
            "bots": sorted(around.bots),
        }

    @router.get("/flows/{name}", response_model=FlowDetail)
    async def get_flow(
        principal: reader,
        name: FlowName,
        response: Response,
        check: Annotated[bool, Query(description="tell why it could not be published")] = True,
    ) -> Any:
        """The draft, or without one the current version, and why it could not be published."""
        there = await _there(keeper, name)
        response.headers["ETag"] = f'"{revision(there)}"'
        problems = _shown(await keeper.problems(name, there["document"])) if check else None
        return {"id": name, **there, "problems": problems}

    @router.get("/flows/{name}/versions", response_model=VersionList)
    async def list_versions(principal: reader, name: FlowName) -> Any:
        """Every published version, also of a flow that is out of service."""
        rows = await versions.versions(name)
        if not rows:
            await _there(keeper, name)
        return {"items": rows}

    @router.get("/flows/{name}/versions/{number}", response_model=VersionDetail)
    async def get_version(
        principal: reader, name: FlowName, number: Annotated[int, Path(ge=1, le=1_000_000)]
    ) -> Any:
        """One version as it was published."""
        version, document = await versions.version(name, number)
        return {**asdict(version), "document": document}

    @router.get("/flows/{name}/differences", response_model=FlowDifferences)
    async def get_differences(
        principal: reader,
        name: FlowName,
        before: Annotated[_Which, Query(alias="from")] = "current",
        after: Annotated[_Which, Query(alias="to")] = "draft",
    ) -> Any:
        """Nodes added, removed and changed from one version, or the draft, to another."""
        old = await keeper.document_at(name, await _number(versions, name, before))
        new = await keeper.document_at(name, await _number(versions, name, after))
        found = differences(old, new)
        return {
            "added": [{"node": node, "kind": kind} for node, kind in found.added],
            "removed": [{"node": node, "kind": kind} for node, kind in found.removed],
            "changed": [asdict(change) for change in found.changed],
            "fields": [asdict(change) for change in found.fields],
        }

    @router.get("/flows/{name}/export", response_class=Response)
    async def export_flow(
        principal: reader,
        name: FlowName,
        version: _Which = "draft",
        form: Annotated[Literal["yaml", "json"], Query(alias="format")] = "yaml",
    ) -> Response:
        """The document as a file; POST flows/import takes it back."""
        document = dict(await keeper.document_at(name, await _number(versions, name, version)))
        document.pop("recordings", None)
        headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}
        if form == "json":
            text = json.dumps(document, indent=2, ensure_ascii=False)
            return Response(text, media_type="application/json", headers=headers)
        return Response(yaml_of(document), media_type="application/yaml; charset=utf-8", headers=headers)


def _add_texts(
    router: APIRouter, reader: Any, changer: Any, kind: Kind, keeper: FlowsKept, changes: Changes
) -> None:
    @router.post("/flows/validate", response_model=Problems, openapi_extra=_TEXT)
    async def validate_flow(principal: reader, request: Request) -> Any:
        """Check a document, YAML or JSON, without keeping it."""
        document = plain_of(await request.body())
        name = _named(document)
        problems = await keeper.problems(name, document)
        there = await keeper.one(name) if name else None
        return {
            "legal": not problems,
            "problems": _shown(problems),
            "flow": name,
            "revision": None if there is None else revision(there),
        }

    @router.post("/flows/import", response_model=FlowItem, openapi_extra=_TEXT)
    async def import_flow(
        principal: changer,
        request: Request,
        response: Response,
        if_match: _Match = None,
        if_none_match: _Match = None,
    ) -> Any:
        """Take a document, YAML or JSON, as the draft of the flow that it names; with If-None-Match: * only as a
        new one."""
        document = plain_of(await request.body())
        name = _named(document)
        if not name:
            raise NoSuchFlow("the document does not say of which flow it is: flow: NAME")
        base = "" if if_none_match == "*" else expected(if_match)
        after = await changes.save(kind, name, {"document": document}, by=principal.user, expected=base)
        response.headers["ETag"] = f'"{revision(after)}"'
        return {"id": name, **after}


def _add_acts(
    router: APIRouter, changer: Any, kind: Kind, keeper: FlowsKept, versions: Versions, changes: Changes
) -> None:
    async def current_number(name: str) -> int | None:
        current = await versions.current(name)
        return None if current is None else current[0].number

    @router.post("/flows/{name}/publish", response_model=PublishedItem)
    async def publish_flow(
        principal: changer, name: FlowName, wanted: Publication, if_match: _Match = None
    ) -> Any:
        """Make the draft the version that new sessions run; running ones finish on theirs. 422: its problems."""

        async def publish(there: Document | None) -> tuple[Document, Document]:
            before = await current_number(name)
            version = await keeper.publish(name, there, by=principal.user, note=wanted.note)
            return {"version": before}, {"version": version.number, "note": wanted.note}

        await changes.act(kind, name, "publish", publish, by=principal.user, expected=expected(if_match))
        in_force = await keeper.put_in_force(principal.user)
        return {**asdict(await _current(versions, name)), "in_force": in_force}

    @router.post("/flows/{name}/roll-back", response_model=PublishedItem)
    async def roll_back_flow(principal: changer, name: FlowName, wanted: RollBack, if_match: _Match = None) -> Any:
        """Make an earlier version the one that new sessions run; the draft stays as it is."""

        async def roll_back(there: Document | None) -> tuple[Document, Document]:
            before = await current_number(name)
            version = await keeper.roll_back(name, wanted.version, by=principal.user)
            return {"version": before}, {"version": version.number}

        await changes.act(kind, name, "roll_back", roll_back, by=principal.user, expected=expected(if_match))
        in_force = await keeper.put_in_force(principal.user)
        return {**asdict(await _current(versions, name)), "in_force": in_force}


def _named(document: object) -> str:
    """The flow that a document names; '' if it names none."""
    name = document.get("flow") if isinstance(document, dict) else None
    return name if isinstance(name, str) and 0 < len(name) <= 64 else ""


async def _current(versions: Versions, name: str) -> Version:
    current = await versions.current(name)
    if current is None:
        raise NoSuchFlow(f"flow {name} was taken out of service meanwhile")
    return current[0]


def _shown(problems: list[FlowProblem]) -> list[dict[str, str]]:
    return [{"path": problem.path, "reason": problem.reason} for problem in problems]


def expected(if_match: str | None) -> str:
    """The revision that a change starts from."""
    return ANY if if_match is None else if_match.removeprefix("W/").strip('"')

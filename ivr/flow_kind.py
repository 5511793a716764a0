"""Flows as a kind of setting: what is changed is the draft; publishing and rolling back are acts of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ccplatform.configuration.kind import Document, Kind, Users
from ccplatform.contracts.commands import ReloadFlows
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import Role
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal, Unavailable
from ccplatform.operations.orders import tell
from ivr.document import document_of
from ivr.errors import FlowProblem, NoSuchFlow
from ivr.model import Flow
from ivr.numbers import Language
from ivr.plain import check_bounds
from ivr.recordings import Recordings
from ivr.surroundings import Surroundings, flows_of, problems_of, publishable, recordings_of, with_recordings
from ivr.versions import Version, Versions

#: Who looks at flows, and who changes them.
READERS: Final = (Role.SUPERVISOR, Role.MAINTAINER, Role.ADMIN, Role.AUDITOR)
CHANGERS: Final = (Role.SUPERVISOR, Role.ADMIN)

#: Most flows of a centre.
MAX_FLOWS: Final = 1000

#: What publishing fills in; a draft has none.
_FILLED_IN: Final = "recordings"


class FlowDraft(BaseModel):
    """A flow document; it need not be legal before it is published."""

    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any]


class FlowItem(BaseModel):
    """A flow: its draft, or without one its current version."""

    id: str
    document: dict[str, Any]
    draft: bool = Field(description="something was changed since the last version")
    version: int | None = Field(description="the version that new sessions run; null: none")


class FlowsKept:
    """See :class:`~ccplatform.configuration.kind.Keeper`; ``around`` gives what flows may name."""

    def __init__(
        self,
        *,
        versions: Versions,
        recordings: Recordings,
        control: Control,
        clock: Clock,
        around: Callable[[], Awaitable[Surroundings]],
        essential: Collection[str] = (),
    ) -> None:
        self._versions = versions
        self._recordings = recordings
        self._control = control
        self._clock = clock
        self._around = around
        self._essential = frozenset(essential)

    # --- the keeper ---------------------------------------------------------------------------------------

    async def all(self) -> Mapping[str, Document]:
        """See Keeper."""
        found = {row.id: await self.one(row.id) for row in await self._versions.all()}
        return {name: document for name, document in found.items() if document is not None}

    async def one(self, name: str) -> Document | None:
        """See Keeper."""
        draft, current = await self._versions.draft(name), await self._versions.current(name)
        if draft is None and current is None:
            return None
        version, published = (None, {}) if current is None else (current[0].number, current[1])
        document = draft if draft is not None else _written(published)
        return {"document": document, "draft": draft is not None, "version": version}

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        """See Keeper."""
        wanted = _draft(name, document["document"])
        current = await self._versions.current(name)
        if current is None and await self._versions.draft(name) is None:
            await self._check_room(name)
        if trial:
            return
        if current is not None and wanted == _written(current[1]):
            await self._versions.drop_draft(name)
        else:
            await self._versions.save_draft(name, wanted, at=self._clock.wall(), by=by)

    async def remove(self, name: str, *, by: str) -> None:
        """See Keeper. The versions stay: running sessions finish on theirs."""
        await self._versions.withdraw(name, at=self._clock.wall())
        await tell(self._control, ReloadFlows(by=by))

    async def users(self, name: str) -> Sequence[str]:
        """See Keeper."""
        others = {**await self._versions.current_documents(), **await self._versions.drafts()}
        found = ["the platform itself"] if name in self._essential else []
        for other, document in others.items():
            try:
                flow = Flow.model_validate(document)
            except ValidationError:
                continue
            if other != name and name in flows_of(flow):
                found.append(f"flow {other}")
        return found

    # --- acts ---------------------------------------------------------------------------------------------

    async def around(self, name: str) -> Surroundings:
        """What the flow may name."""
        return replace(await self._around(), recordings=await self._recordings.contents(name))

    async def problems(self, name: str, document: Mapping[str, Any]) -> list[FlowProblem]:
        """Why the document may not be published."""
        return await asyncio.to_thread(problems_of, document, name, await self.around(name))

    async def publish(self, name: str, there: Document | None, *, by: str, note: str) -> Version:
        """Make the draft the next version; raises FlowError with its problems."""
        if there is None:
            raise NoSuchFlow(f"there is no flow {name}")
        flow = await asyncio.to_thread(publishable, there["document"], name, await self.around(name))
        return await self._versions.publish(flow, at=self._clock.wall(), by=by, note=note)

    async def roll_back(self, name: str, number: int, *, by: str) -> Version:
        """Make an earlier version the current one; raises FlowError when the centre lacks what it needs."""
        _, document = await self._versions.version(name, number)
        known = replace(await self._around(), recordings=document.get(_FILLED_IN, {}))
        await asyncio.to_thread(publishable, document, name, known)
        return await self._versions.choose(name, number, at=self._clock.wall(), by=by)

    async def put_in_force(self, by: str) -> bool:
        """Let control take what is published now; False while it is away: it takes it when it comes back."""
        try:
            await tell(self._control, ReloadFlows(by=by))
        except Unavailable:
            return False
        return True

    async def document_at(self, name: str, version: int | None) -> Mapping[str, Any]:
        """The document of a version, or with None the draft as it would be published, as far as it can be told."""
        if version is not None:
            return (await self._versions.version(name, version))[1]
        there = await self.one(name)
        if there is None:
            raise NoSuchFlow(f"there is no flow {name}")
        document: Mapping[str, Any] = there["document"]
        try:
            flow = Flow.model_validate(document)
        except ValidationError:
            return document
        return document_of(with_recordings(flow, await self._recordings.contents(name)))

    async def played(self, name: str) -> dict[tuple[str, Language], list[str]]:
        """Where the draft and the current version of a flow play its recordings, by name and language."""
        documents: dict[str, Mapping[str, Any] | None] = {"draft": await self._versions.draft(name)}
        current = await self._versions.current(name)
        if current is not None:
            documents[f"version {current[0].number}"] = current[1]
        found: dict[tuple[str, Language], list[str]] = {}
        for which, document in documents.items():
            try:
                flow = Flow.model_validate(document) if document is not None else None
            except ValidationError:
                continue
            for path, recording, language in recordings_of(flow) if flow is not None else ():
                found.setdefault((recording, language), []).append(f"{which}, {path}")
        return found

    async def _check_room(self, name: str) -> None:
        if len(await self._versions.all()) >= MAX_FLOWS:
            raise Refusal(f"flow {name}: there are {MAX_FLOWS} flows already", code="too_many")


def flow_kind(keeper: FlowsKept, *, also: tuple[Users, ...] = ()) -> Kind:
    """``flows``."""
    return Kind(
        word="flow",
        path="flows",
        wanted=FlowDraft,
        item=FlowItem,
        keeper=keeper,
        readers=READERS,
        changers=CHANGERS,
        also=also,
        sheet=False,
        listed=False,
        acts=("publish", "roll_back", "upload", "drop_recording"),
    )


def _draft(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it is kept: with its name, in its own types where it fits the schema."""
    check_bounds(given)
    document = _written({"flow": name, **given})
    if document["flow"] != name:
        raise Refusal(
            f"flow {name}: the document is of another flow", code="illegal_setting", where="document.flow"
        )
    try:
        return document_of(Flow.model_validate(document))
    except ValidationError:
        return document


def _written(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != _FILLED_IN}

"""REST of recorded prompts, of spoken ones before they are published, and of where callers went.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ccplatform.configuration.changes import Changes
from ccplatform.configuration.errors import NeededByOthers, NoSuchItem
from ccplatform.configuration.kind import Document, Kind
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from ivr.flow_kind import CHANGERS, READERS, FlowsKept
from ivr.heat import HeatStore
from ivr.numbers import Language
from ivr.previews import Previews
from ivr.prompt_model import PromptText, RecordingName, VariableName
from ivr.recordings import Recordings
from ivr.uploads import Uploads
from ivr.versions import Versions

#: Longest time that a heat map is made of.
LONGEST_RANGE = timedelta(days=93)

_Name = Annotated[str, Path(min_length=1, max_length=64, examples=["main"])]
_Recording = Annotated[RecordingName, Path(examples=["welcome"])]
_AUDIO: Any = {200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}}}
_UPLOAD: Any = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("audio/wav", "audio/flac", "audio/ogg", "audio/mpeg")
        },
    }
}


class RecordingItem(BaseModel):
    """A recorded prompt in one language."""

    name: str
    language: Language
    seconds: float
    gain_db: float = Field(description="what brought it to the level of prompts")
    uploaded_at: AwareDatetime
    uploaded_by: str


class PlayedRecording(RecordingItem):
    """A recorded prompt in a list."""

    used: list[str] = Field(
        description="where the draft and the current version play it; while they do it is not removed"
    )


class RecordingList(BaseModel):
    """The recordings of a flow."""

    items: list[PlayedRecording]
    next_cursor: None = None


class WantedPreview(BaseModel):
    """A prompt in one language, as it stands in a flow; ``variables`` are what a call would fill in."""

    model_config = ConfigDict(extra="forbid")

    language: Language
    prompt: PromptText
    variables: Annotated[dict[VariableName, Annotated[str, Field(max_length=200)]], Field(max_length=50)] = {}
    flow: Annotated[str, Field(max_length=64, description="whose recordings it may play")] = ""


class Exit(BaseModel):
    """Where callers went from a node."""

    to: str = Field(description="the node; that of a sub-flow has its flow before it: part/ask")
    times: int


class NodeHeatItem(BaseModel):
    """What callers did at a node."""

    node: str
    came: int = Field(description="visits")
    hung_up: int = Field(description="of them ended by the caller")
    failed: int = Field(description="of them ended by a system cause")
    ended: int = Field(description="of them ended by the flow, or handed on to a queue or trunk")
    exits: list[Exit]


class HeatMap(BaseModel):
    """Where callers went in a flow and left it; nodes most visited first."""

    sessions: int = Field(description="that began in this flow")
    nodes: list[NodeHeatItem]


def build_router(
    *,
    access: Access,
    kind: Kind,
    keeper: FlowsKept,
    recordings: Recordings,
    versions: Versions,
    heat: HeatStore,
    uploads: Uploads,
    previews: Previews,
    changes: Changes,
    clock: Clock,
) -> APIRouter:
    """Upload, hear, remove; preview; heat map."""
    router = APIRouter(tags=["flows"])
    reader: Any = Annotated[Principal, Depends(access.require(*READERS))]
    changer: Any = Annotated[Principal, Depends(access.require(*CHANGERS))]

    @router.get("/flows/{name}/recordings", response_model=RecordingList)
    async def list_recordings(principal: reader, name: _Name) -> Any:
        """What a flow's prompts may play, by name."""
        played = await keeper.played(name)
        rows = await recordings.all(name)
        return {"items": [{**asdict(row), "used": played.get((row.name, row.language), [])} for row in rows]}

    @router.put(
        "/flows/{name}/recordings/{recording}/{language}", response_model=RecordingItem, openapi_extra=_UPLOAD
    )
    async def upload_recording(
        principal: changer, name: _Name, recording: _Recording, language: Language, request: Request
    ) -> Any:
        """Upload WAV, FLAC, Ogg (Opus, Vorbis) or MP3; callers hear it once the flow is published."""
        sound = await uploads.prompt(await request.body())
        made: list[Any] = []

        async def upload(there: Document | None) -> tuple[Document, Document]:
            if there is None:
                raise NoSuchItem("flow", name)
            row = await recordings.save(name, recording, language, sound, at=clock.wall(), by=principal.user)
            made.append(row)
            return {}, {"recording": recording, "language": language, "seconds": row.seconds}

        await changes.act(kind, name, "upload", upload, by=principal.user)
        return asdict(made[0])

    @router.get("/flows/{name}/recordings/{recording}/{language}", response_class=Response, responses=_AUDIO)
    async def hear_recording(
        principal: reader, name: _Name, recording: _Recording, language: Language
    ) -> Response:
        """Listen to a recording as callers hear it."""
        return _wav(await recordings.wav(name, recording, language))

    @router.delete("/flows/{name}/recordings/{recording}/{language}", status_code=204)
    async def delete_recording(principal: changer, name: _Name, recording: _Recording, language: Language) -> None:
        """Remove a recording that neither the draft nor the current version plays."""

        async def drop(there: Document | None) -> tuple[Document, Document]:
            players = (await keeper.played(name)).get((recording, language))
            if players:
                raise NeededByOthers(f"recording {recording} in {language}", players)
            await recordings.remove(name, recording, language)
            return {"recording": recording, "language": language}, {}

        await changes.act(kind, name, "drop_recording", drop, by=principal.user)

    @router.post("/flows/preview", response_class=Response, responses=_AUDIO)
    async def preview_prompt(principal: reader, wanted: WantedPreview) -> Response:
        """Speak a prompt as callers would hear it."""
        contents = await recordings.contents(wanted.flow) if wanted.flow else {}
        return _wav(await previews.wav(wanted.prompt, wanted.language, wanted.variables, contents))

    @router.get("/flows/{name}/heat", response_model=HeatMap)
    async def heat_map(
        principal: reader,
        name: _Name,
        version: Annotated[int | None, Query(ge=1, le=1_000_000, description="null: every version")] = None,
        start: Annotated[AwareDatetime | None, Query(alias="from", description="null: a week ago")] = None,
        end: Annotated[AwareDatetime | None, Query(alias="to", description="null: now")] = None,
    ) -> Any:
        """Per node how many callers came, went where, hung up there."""
        until = end or clock.wall()
        since = start or until - timedelta(days=7)
        if not timedelta(0) < until - since <= LONGEST_RANGE:
            raise Refusal(
                f"from must be before to, by {LONGEST_RANGE.days} days at most", code="bad_request", where="from"
            )
        revision = None if version is None else (await versions.version(name, version))[0].revision
        found = await heat.heat(name, revision, since, until)
        return {
            "sessions": found.sessions,
            "nodes": [
                {**asdict(node), "exits": [{"to": to, "times": times} for to, times in sorted(node.exits.items())]}
                for node in found.nodes
            ],
        }

    return router


def _wav(data: bytes) -> Response:
    return Response(data, media_type="audio/wav", headers={"Cache-Control": "no-store"})

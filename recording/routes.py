"""REST of recording: the catalogue, and listening.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from ccplatform.contracts.words import RecordingId, RecordingMode, Role
from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.model import Principal
from recording.errors import BadCursor, NoRecording, RangeNotSatisfiable, RecordingGone, StillRecording
from recording.files import RecordingFiles
from recording.model import Recording, RecordingFilter
from recording.ranges import Span, pieces, wanted_span
from recording.store import Catalogue

#: Who finds and hears recordings; agents do not (R10.1.f: confidential).
LISTENERS = (Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)

_Name = Annotated[str | None, Query(max_length=64)]


class RecordingRow(BaseModel):
    """A recording of a talk."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(examples=["019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b3a"])
    contact: str = Field(examples=["019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b39"])
    mode: RecordingMode = Field(description="Why it was recorded.")
    queue: str | None = Field(examples=["support"])
    agent: str | None = Field(description="Agent number (工号).", examples=["1004"])
    seat: str | None = Field(description="Seat (座席号).", examples=["seat-04"])
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = Field(description="null while it is written.")
    seconds: float | None = Field(description="Length of the audio.", examples=[137.2])
    size_bytes: int | None = Field(examples=[4390444])
    complete: bool | None = Field(description="False: it was cut, `reason` says why.")
    reason: str = Field(examples=["", "restart"])
    held: bool = Field(description="Legal hold: not deleted, however old.")
    deleted_at: AwareDatetime | None = Field(description="When its audio was deleted at the end of its retention.")


class RecordingPage(BaseModel):
    """A list, newest first."""

    model_config = ConfigDict(extra="forbid")

    items: list[RecordingRow]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null: no more.")


def build_router(*, access: Access, catalogue: Catalogue, files: RecordingFiles, audit: Audit) -> APIRouter:
    """All REST routes of the package."""
    router = APIRouter(tags=["recording"])
    listener = Annotated[Principal, Depends(access.require(*LISTENERS))]

    @router.get("/recordings", response_model=RecordingPage)
    async def list_recordings(
        principal: listener,
        start: Annotated[AwareDatetime | None, Query(alias="from", description="Began then or later.")] = None,
        end: Annotated[AwareDatetime | None, Query(alias="to", description="Began before then.")] = None,
        agent: _Name = None,
        seat: _Name = None,
        queue: _Name = None,
        contact: UUID | None = None,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Any:
        """Recordings whose audio is kept, newest first."""
        wanted = RecordingFilter(
            start=start,
            end=end,
            agent=agent,
            seat=seat,
            queue=queue,
            contact=None if contact is None else str(contact),
            before=_cursor(cursor),
        )
        rows = await catalogue.page(wanted, limit + 1)
        more = len(rows) > limit
        return {
            "items": [asdict(row) for row in rows[:limit]],
            "next_cursor": rows[limit - 1].id if more else None,
        }

    @router.get("/recordings/{recording_id}", response_model=RecordingRow)
    async def get_recording(principal: listener, recording_id: UUID) -> Any:
        """One recording; still there after its audio was deleted."""
        return asdict(await catalogue.get(_known_form(recording_id)))

    @router.get(
        "/recordings/{recording_id}/audio",
        response_class=Response,
        responses={
            200: {"content": {"audio/wav": {}}, "description": "The whole recording: caller left, agent right."},
            206: {"content": {"audio/wav": {}}, "description": "The range asked for."},
            416: {"description": "The range is not in the recording, or is several ranges."},
        },
    )
    async def get_audio(
        principal: listener,
        recording_id: UUID,
        range_header: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
        if_range: Annotated[str | None, Header(alias="If-Range", max_length=200)] = None,
    ) -> Response:
        """Listen: the whole, or one range of bytes (RFC 9110). Every listening is audited before it begins."""
        recording = await catalogue.get(_known_form(recording_id))
        _check_playable(recording)
        size = await asyncio.to_thread(files.size_of, recording.id)
        etag = f'"{recording.id}-{size}"'
        try:
            span = wanted_span(range_header if if_range in (None, etag) else None, size)
        except RangeNotSatisfiable as error:
            return _not_satisfiable(error)
        await audit.record(
            subject=principal.user,
            action="recording.listen",
            object=recording.id,
            result="ok",
            detail={"contact": recording.contact, "agent": recording.agent, "range": range_header or ""},
        )
        return _audio(recording, files, span, size, etag)

    return router


def _audio(recording: Recording, files: RecordingFiles, span: Span | None, size: int, etag: str) -> Response:
    sent = span or Span(0, size - 1)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
        "Content-Disposition": f'inline; filename="{recording.id}.wav"',
        "Content-Length": str(sent.length),
        "ETag": etag,
    }
    if span is not None:
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{size}"
    return StreamingResponse(
        pieces(files.path_of(recording.id), sent),
        status_code=200 if span is None else 206,
        headers=headers,
        media_type="audio/wav",
    )


def _not_satisfiable(error: RangeNotSatisfiable) -> Response:
    problem = {
        "type": "about:blank",
        "title": "range not satisfiable",
        "status": 416,
        "code": error.code,
        "detail": str(error),
    }
    headers = {"Content-Range": f"bytes */{error.size}"}
    return JSONResponse(problem, status_code=416, headers=headers, media_type="application/problem+json")


def _check_playable(recording: Recording) -> None:
    if recording.ended_at is None:
        raise StillRecording(recording.id)
    if recording.deleted_at is not None:
        raise RecordingGone(recording.id, "its retention is over")


def _known_form(recording: UUID) -> RecordingId:
    if recording.version != 7:
        raise NoRecording(str(recording))
    return RecordingId(str(recording))


def _cursor(cursor: str | None) -> RecordingId | None:
    if cursor is None:
        return None
    try:
        return _known_form(UUID(cursor))
    except (ValueError, NoRecording) as error:
        raise BadCursor from error

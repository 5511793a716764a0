"""REST of what people do with a recording: its shape, comments, links that end, exports.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

import asyncio
from collections.abc import Collection
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from fastapi import Path as InPath
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ccplatform.contracts.words import RecordingId, Role
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import Once, OnceKey
from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.model import Overseen, Principal
from recording.errors import NoRecording
from recording.listening import AUDIO_RESPONSES, Listening
from recording.model import Recording
from recording.routes import LISTENERS, check_playable, known_form
from recording.sealed import Sounds
from recording.sharing.links import MAX_TOKEN, Link, Links
from recording.sharing.sounds import POINTS, MarkedSound, peaks_of
from recording.sharing.store import Comment as Said
from recording.sharing.store import SharingStore
from recording.store import Catalogue


class Comment(BaseModel):
    """What somebody said of a moment of a recording."""

    model_config = ConfigDict(extra="forbid")

    id: str
    at_seconds: float = Field(examples=[73.5])
    text: str
    by: str = Field(examples=["sup1"])
    made_at: AwareDatetime


class Comments(BaseModel):
    """All of a recording, in the order of their moments."""

    model_config = ConfigDict(extra="forbid")

    items: list[Comment]


class CommentWanted(Once):
    """A comment to be made."""

    at_seconds: float = Field(ge=0, le=1_000_000, allow_inf_nan=False, description="From the beginning.")
    text: str = Field(min_length=1, max_length=1000)


class WaveformRow(BaseModel):
    """The loudest sample of each part of a recording, 255 is full scale."""

    model_config = ConfigDict(extra="forbid")

    left: list[int] = Field(description=f"The caller: {POINTS} parts of equal length.")
    right: list[int] = Field(description="The agent, and whoever else is in the talk.")


class RecordingLink(BaseModel):
    """An address of the sound of one recording, for a short time, for whoever has it."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="Path of this server; takes Range.")
    expires_at: AwareDatetime
    may_export: bool = Field(description="Whether who asked may let copies leave the platform.")


class ExportWanted(Once):
    """A copy that is to leave the platform."""

    reason: str = Field(min_length=3, max_length=500, description="Why; in the audit.", examples=["case 4711"])


class ExportMade(RecordingLink):
    """An export: its sound has its number as a mark."""

    number: int


class _Desk:
    """What the routes share."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        sounds: Sounds,
        store: SharingStore,
        links: Links,
        audit: Audit,
        overseen: Overseen,
        mark_key: bytes,
        exporters: Collection[Role],
    ) -> None:
        self.catalogue = catalogue
        self.sounds = sounds
        self.store = store
        self.links = links
        self.audit = audit
        self.overseen = overseen
        self.listening = Listening(sounds=sounds, audit=audit)
        self.mark_key = mark_key
        self.exporters = frozenset(exporters)
        self.one_at_a_time = asyncio.Lock()  # the whole recording is opened for its shape

    async def seen(self, principal: Principal, recording: UUID) -> Recording:
        """The recording, if it can be heard; for those who may not see it there is none."""
        found = await self.catalogue.get(known_form(recording))
        agents = self.overseen(principal)
        if agents is not None and found.agent is not None and found.agent not in agents:
            raise NoRecording(found.id)
        check_playable(found)
        return found

    def address(self, recording: RecordingId, principal: Principal, export: int = 0) -> dict[str, Any]:
        token, link = self.links.make(recording, principal.user, export)
        return {
            "url": f"/api/v1/recordings/linked/{token}",
            "expires_at": link.expires_at,
            "may_export": not principal.roles.isdisjoint(self.exporters),
        }

    async def peaks(self, recording: RecordingId) -> bytes:
        """From the table, or worked out and kept."""
        async with self.one_at_a_time:
            kept = await self.store.waveform(recording)
            if kept is None:
                kept = await asyncio.to_thread(self._peaks, recording)
                await self.store.keep_waveform(recording, kept)
        return kept

    def _peaks(self, recording: RecordingId) -> bytes:
        sound = self.sounds.open(recording)
        try:
            return peaks_of(sound)
        finally:
            sound.close()


def build_router(
    *,
    access: Access,
    catalogue: Catalogue,
    sounds: Sounds,
    store: SharingStore,
    links: Links,
    audit: Audit,
    overseen: Overseen,
    mark_key: bytes,
    exporters: Collection[Role],
) -> APIRouter:
    """All of it; ``exporters`` may let copies leave the platform."""
    router = APIRouter(tags=["recording"])
    desk = _Desk(
        catalogue=catalogue,
        sounds=sounds,
        store=store,
        links=links,
        audit=audit,
        overseen=overseen,
        mark_key=mark_key,
        exporters=exporters,
    )
    _add_comments(router, desk, access)
    _add_sound(router, desk, access)
    return router


def _add_comments(router: APIRouter, desk: _Desk, access: Access) -> None:
    listener = Annotated[Principal, Depends(access.require(*LISTENERS))]

    @router.get("/recordings/{recording_id}/waveform", response_model=WaveformRow)
    async def get_waveform(principal: listener, recording_id: UUID) -> Any:
        """The shape of a recording, side by side; worked out once."""
        peaks = await desk.peaks((await desk.seen(principal, recording_id)).id)
        return {"left": list(peaks[:POINTS]), "right": list(peaks[POINTS:])}

    @router.get("/recordings/{recording_id}/comments", response_model=Comments)
    async def list_comments(principal: listener, recording_id: UUID) -> Any:
        """What was said of its moments."""
        found = await desk.seen(principal, recording_id)
        return {"items": [_row(comment) for comment in await desk.store.comments(found.id)]}

    @router.post("/recordings/{recording_id}/comments", response_model=Comment, status_code=201)
    async def add_comment(principal: listener, recording_id: UUID, wanted: CommentWanted) -> Any:
        """Say something of a moment; audited without its text. A recording takes 500."""
        found = await desk.seen(principal, recording_id)
        if wanted.at_seconds > (found.seconds or 0.0):
            raise Refusal("the recording is shorter than that", code="bad_request", where="at_seconds")
        comment = await desk.store.add_comment(
            found.id, at_seconds=wanted.at_seconds, text=wanted.text, by=principal.user, key=wanted.key
        )
        if comment.recording != found.id:
            raise Refusal("the key is that of a comment of another recording", code="bad_request", where="key")
        return _row(comment)

    @router.delete("/recordings/{recording_id}/comments/{comment_id}", status_code=204)
    async def remove_comment(principal: listener, recording_id: UUID, comment_id: UUID, key: OnceKey = "") -> None:
        """Take back one's own comment; administrators anybody's. Audited."""
        found = await desk.seen(principal, recording_id)
        any_of = Role.ADMIN in principal.roles
        await desk.store.remove_comment(found.id, str(comment_id), by=principal.user, any_of=any_of)


def _add_sound(router: APIRouter, desk: _Desk, access: Access) -> None:
    listener = Annotated[Principal, Depends(access.require(*LISTENERS))]
    exporter = Annotated[Principal, Depends(access.require(*desk.exporters))]

    @router.post("/recordings/{recording_id}/links", response_model=RecordingLink, status_code=201)
    async def make_link(principal: listener, recording_id: UUID) -> Any:
        """An address for a player, for a short time; audited, as is each use."""
        found = await desk.seen(principal, recording_id)
        await desk.audit.record(
            subject=principal.user, action="recording.link", object=found.id, result="ok", detail={}
        )
        return desk.address(found.id, principal)

    @router.post("/recordings/{recording_id}/exports", response_model=ExportMade, status_code=201)
    async def export_recording(principal: exporter, recording_id: UUID, wanted: ExportWanted) -> Any:
        """Let a copy leave the platform: its number is in its sound, its reason in the audit."""
        found = await desk.seen(principal, recording_id)
        made = await desk.store.export(found.id, by=principal.user, reason=wanted.reason, key=wanted.key)
        if made.recording != found.id:
            raise Refusal("the key is that of an export of another recording", code="bad_request", where="key")
        return {"number": made.number, **desk.address(found.id, principal, made.number)}

    @router.get("/recordings/linked/{token}", response_class=Response, responses=AUDIO_RESPONSES)
    async def get_linked(
        token: Annotated[str, InPath(max_length=MAX_TOKEN)],
        range_header: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
        if_range: Annotated[str | None, Header(alias="If-Range", max_length=200)] = None,
    ) -> Response:
        """What a link is about: no log-in, one recording, for a short time. Audited for who asked for the link."""
        link = desk.links.read(token)
        found = await desk.catalogue.get(link.recording)
        check_playable(found)
        return await desk.listening.send(
            found.id,
            listener=link.by,
            detail={"contact": found.contact, "agent": found.agent, **_told_of(link)},
            range_header=range_header,
            if_range=if_range,
            wrap=partial(MarkedSound, number=link.export, key=desk.mark_key) if link.export else None,
            name=f"{found.id}-{link.export}" if link.export else None,
        )


def _row(comment: Said) -> dict[str, Any]:
    return {name: value for name, value in asdict(comment).items() if name != "recording"}


def _told_of(link: Link) -> dict[str, Any]:
    return {"export": link.export} if link.export else {"link_until": link.expires_at.isoformat()}

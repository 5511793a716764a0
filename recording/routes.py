"""REST of recording: the catalogue, and listening.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ccplatform.contracts.words import RecordingId, RecordingMode, Role
from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.model import Overseen, Principal
from recording.days import kept_proof
from recording.errors import BadCursor, NoRecording, RecordingGone, StillRecording
from recording.listening import AUDIO_RESPONSES, Listening
from recording.model import Recording, RecordingFilter
from recording.proof import DAY_ACTION
from recording.sealed import Sounds
from recording.store import Catalogue

#: Who puts recordings under legal hold and sees the proof of each day.
KEEPERS = (Role.AUDITOR, Role.ADMIN)
#: Who finds and hears recordings; agents do not (R10.1.f: confidential).
LISTENERS = (Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)

_Name = Annotated[str | None, Query(max_length=64)]
_Seconds = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
_Score = Annotated[float | None, Query(ge=0, le=100, allow_inf_nan=False)]
#: The numbers of the callers of some contacts, where they are still known.
Callers: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]


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
    paused_seconds: float = Field(description="Of it silent on purpose.")
    missing_seconds: float = Field(description="Of it never written: the writer was gone.")
    gap_seconds: float = Field(description="Of the talk wanted by the policy, neither recorded nor paused.")
    keep_days: int | None = Field(description="By the rule that wanted it; null: as long as all.")
    hold_reason: str = Field(examples=["case 4711"])
    held_by: str
    disposition: str | None = Field(description="Id of what the agent noted of the contact; null: nothing.")
    score: float | None = Field(
        description="Mean of what the caller answered in surveys: 0 the lowest answer, 100 the highest."
    )
    caller: str | None = Field(None, description="In lists: the caller's number; null once it was destroyed.")
    coding: str = Field(description="How it rests: pcm, flac or opus. It is played as WAV.", examples=["flac"])


class DeclaredPause(BaseModel):
    """A pause that somebody declared."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime
    by: str = Field(examples=["1004"])
    reason: str = Field(examples=["card number"])
    resumed_at: AwareDatetime | None = Field(description="null: not before the recording's end.")
    resumed_by: str


class RecordingDetail(RecordingRow):
    """A recording, with who paused it and why."""

    pauses: list[DeclaredPause]


class Hold(BaseModel):
    """Whether it is kept however old it gets."""

    model_config = ConfigDict(extra="forbid")

    held: bool
    reason: str = Field(min_length=3, max_length=500, description="Why; in the audit.", examples=["case 4711"])


class RecordingDay(BaseModel):
    """The recordings that ended on a day (UTC), as the audit keeps them."""

    model_config = ConfigDict(extra="forbid")

    day: date
    recordings: int
    incomplete: int
    seconds: float
    paused_seconds: float = Field(description="Silent on purpose.")
    missing_seconds: float = Field(description="Within recordings: their writer was gone.")
    gap_seconds: float = Field(description="Of talks that a policy wanted: neither recorded nor paused.")
    root: str = Field(description="SHA-256 over the rows of the day.")


class RecordingDays(BaseModel):
    """A list, newest first."""

    model_config = ConfigDict(extra="forbid")

    items: list[RecordingDay]


class RecordingPage(BaseModel):
    """A list, newest first."""

    model_config = ConfigDict(extra="forbid")

    items: list[RecordingRow]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null: no more.")


def build_router(
    *,
    access: Access,
    catalogue: Catalogue,
    sounds: Sounds,
    audit: Audit,
    overseen: Overseen,
    digest: Callable[[str], bytes],
    callers: Callers,
) -> APIRouter:
    """All REST routes of the package; a supervisor of teams finds and hears what their agents said.

    ``digest`` is that of callers' numbers, ``callers`` the numbers themselves.
    """
    router = APIRouter(tags=["recording"])
    listening = Listening(sounds=sounds, audit=audit)
    keeper = Annotated[Principal, Depends(access.require(*KEEPERS))]
    listener = Annotated[Principal, Depends(access.require(*LISTENERS))]

    async def seen(principal: Principal, recording: UUID) -> Recording:
        """The recording; for those who may not see it there is none."""
        found = await catalogue.get(known_form(recording))
        agents = overseen(principal)
        if agents is not None and found.agent is not None and found.agent not in agents:
            raise NoRecording(found.id)
        return found

    @router.get("/recordings", response_model=RecordingPage)
    async def list_recordings(
        principal: listener,
        start: Annotated[AwareDatetime | None, Query(alias="from", description="Began then or later.")] = None,
        end: Annotated[AwareDatetime | None, Query(alias="to", description="Began before then.")] = None,
        agent: _Name = None,
        seat: _Name = None,
        queue: _Name = None,
        contact: UUID | None = None,
        caller: Annotated[str | None, Query(max_length=64, description="The whole number.")] = None,
        disposition: _Name = None,
        shortest: Annotated[_Seconds | None, Query(description="Seconds of sound, at least.")] = None,
        longest: Annotated[_Seconds | None, Query(description="Seconds of sound, less than.")] = None,
        lowest_score: _Score = None,
        highest_score: _Score = None,
        held: Annotated[bool, Query(description="Only those under legal hold.")] = False,
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
            caller_digest=digest(caller) if caller else None,
            disposition=disposition,
            shortest_seconds=shortest,
            longest_seconds=longest,
            lowest_score=lowest_score,
            highest_score=highest_score,
            held=held,
            agents=overseen(principal),
            before=cursor_of(cursor),
        )
        rows = await catalogue.page(wanted, limit + 1)
        more = len(rows) > limit
        numbers = await callers(tuple({row.contact for row in rows[:limit]}))
        return {
            "items": [{**asdict(row), "caller": numbers.get(row.contact)} for row in rows[:limit]],
            "next_cursor": rows[limit - 1].id if more else None,
        }

    @router.get("/recordings/days", response_model=RecordingDays)
    async def list_days(_: keeper, limit: Annotated[int, Query(ge=1, le=400)] = 31) -> Any:
        """The proof of each day: what was recorded, paused, missing, and the root of its rows in the audit."""
        rows = await audit.page(action=DAY_ACTION, limit=limit)
        return {"items": [asdict(kept_proof(row.detail)) for row in rows]}

    @router.put("/recordings/{recording_id}/hold", response_model=RecordingRow)
    async def hold_recording(principal: keeper, recording_id: UUID, wanted: Hold) -> Any:
        """Legal hold: as long as it is held, no retention deletes it. Audited with its reason."""
        recording = known_form(recording_id)
        await catalogue.set_hold(recording, held=wanted.held, reason=wanted.reason, by=principal.user, audit=audit)
        return asdict(await catalogue.get(recording))

    @router.get("/recordings/{recording_id}", response_model=RecordingDetail)
    async def get_recording(principal: listener, recording_id: UUID) -> Any:
        """One recording; still there after its audio was deleted."""
        found = await seen(principal, recording_id)
        pauses = [asdict(pause) for pause in await catalogue.pauses(found.id)]
        return {**asdict(found), "pauses": pauses}

    @router.get(
        "/recordings/{recording_id}/audio",
        response_class=Response,
        responses=AUDIO_RESPONSES,
    )
    async def get_audio(
        principal: listener,
        recording_id: UUID,
        range_header: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
        if_range: Annotated[str | None, Header(alias="If-Range", max_length=200)] = None,
    ) -> Response:
        """Listen: the whole, or one range of bytes (RFC 9110). Every listening is audited before it begins."""
        recording = await seen(principal, recording_id)
        check_playable(recording)
        return await listening.send(
            recording.id,
            listener=principal.user,
            detail={"contact": recording.contact, "agent": recording.agent},
            range_header=range_header,
            if_range=if_range,
        )

    return router


def check_playable(recording: Recording) -> None:
    """Raise StillRecording, RecordingGone unless it can be heard."""
    if recording.ended_at is None:
        raise StillRecording(recording.id)
    if recording.deleted_at is not None:
        raise RecordingGone(recording.id, "its retention is over")


def known_form(recording: UUID) -> RecordingId:
    """The id of a recording; raises NoRecording for one that is none of ours."""
    if recording.version != 7:
        raise NoRecording(str(recording))
    return RecordingId(str(recording))


def cursor_of(cursor: str | None) -> RecordingId | None:
    """The id after which a list goes on; raises BadCursor."""
    if cursor is None:
        return None
    try:
        return known_form(UUID(cursor))
    except (ValueError, NoRecording) as error:
        raise BadCursor from error

"""REST of voice mail.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from ccplatform.contracts.commands import HandOutMessage, MakeCall, MarkMessage, PromiseCallBack
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import AgentId, Mailbox, MessageState, QueueId, Role
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import Once, OnceKey, tell
from ccplatform.security.access import Access
from ccplatform.security.audit import Audit
from ccplatform.security.errors import NotAllowed
from ccplatform.security.model import Principal
from recording.errors import NoMessage
from recording.listening import AUDIO_RESPONSES, Listening
from recording.messages.model import MessageFilter, VoiceMessage, queue_of
from recording.messages.store import MessageStore
from recording.routes import check_playable, cursor_of, known_form
from recording.sealed import Sounds
from recording.store import Catalogue

#: Who hears messages; an agent only those of his queues and his own.
READERS = (Role.AGENT, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)
#: Who works on them.
WORKERS = (Role.AGENT, Role.SUPERVISOR)

_MAILBOX = r"^(queue|agent):[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """What somebody may see: these mailboxes (None: all), and numbers as ``shown``.

    ``hands_to``: into which mailboxes he may put it (None: all).
    """

    mailboxes: frozenset[Mailbox] | None
    shown: Callable[[str], str]
    hands_to: frozenset[Mailbox] | None = None


class Message(BaseModel):
    """A voice message; its id is that of its recording."""

    id: str = Field(examples=["019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b3a"])
    contact: str = Field(examples=["019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b39"])
    mailbox: str = Field(description="`queue:<id>` or `agent:<id>`.", examples=["queue:support"])
    state: MessageState
    left_at: AwareDatetime
    seconds: float = Field(examples=[12.4])
    caller: str = Field(description="Masked for agents.", examples=["138****0001"])
    handled_by: str = Field(description="Who marked it last, '' when nobody did.", examples=["1004"])
    handled_at: AwareDatetime | None
    note: str


class MessagePage(BaseModel):
    """A list, newest first."""

    items: list[Message]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null: no more.")


class MessageMark(Once):
    """How far it has come."""

    state: Literal["new", "heard", "handled"]
    note: str = Field("", max_length=2000, description="'' leaves the note as it is.")


class HandOut(Once):
    """Whose work it is from now on."""

    to: str = Field(pattern=_MAILBOX, examples=["agent:1004", "queue:sales"])


class CallerWanted(Once):
    """Who calls back."""

    queue: str | None = Field(
        None, max_length=64, description="null: the queue that the message is for, or the agent whose it is."
    )
    not_before: AwareDatetime | None = None


class MessageCalledBack(BaseModel):
    """The call-back that a queue promised (the message is handled), or the agent's own call (it is heard)."""

    id: str
    call_back: str | None
    call: str | None = Field(description="His phone rings, then the caller is called.")


class _Desk:
    """What the routes share: messages as one may see them."""

    def __init__(self, *, store: MessageStore, control: Control, viewer: Callable[[Principal], Viewer]) -> None:
        self.store = store
        self.control = control
        self.viewer = viewer

    async def seen(self, principal: Principal, message: UUID) -> VoiceMessage:
        """The message; for those who may not see it there is none."""
        found = await self.store.get(known_form(message))
        boxes = self.viewer(principal).mailboxes
        if boxes is not None and found.mailbox not in boxes:
            raise NoMessage(found.id)
        return found

    def shown(self, principal: Principal, message: VoiceMessage) -> dict[str, Any]:
        row = {name: getattr(message, name) for name in Message.model_fields}
        return {**row, "caller": self.viewer(principal).shown(message.caller)}

    async def mark(
        self, principal: Principal, message: VoiceMessage, state: MessageState, *, note: str = "", key: str = ""
    ) -> None:
        """Committed before it is answered."""
        name, mailbox, by = message.id, message.mailbox, principal.user
        await tell(
            self.control, MarkMessage(message=name, mailbox=mailbox, state=state, by=by, note=note, key=key)
        )

    async def call_from(self, principal: Principal, message: VoiceMessage, wanted: CallerWanted) -> str:
        """Have his phone call who left it; whether that handles it, he says himself."""
        if message.mailbox != f"agent:{principal.agent}":
            raise Refusal("the message is an agent's: name the queue that calls back", code="bad_request")
        if wanted.not_before is not None:
            raise Refusal("an agent calls back at once: name the queue that calls later", code="bad_request")
        order = MakeCall(
            agent=AgentId(str(principal.agent)), number=message.caller, by=principal.user, key=wanted.key
        )
        call: str = (await tell(self.control, order))["call"]
        if message.state is MessageState.NEW:
            await self.mark(principal, message, MessageState.HEARD)
        return call


def build_router(
    *,
    access: Access,
    store: MessageStore,
    catalogue: Catalogue,
    sounds: Sounds,
    audit: Audit,
    control: Control,
    viewer: Callable[[Principal], Viewer],
) -> APIRouter:
    """List, hear, mark, hand out, delete, call back."""
    router = APIRouter(tags=["messages"])
    desk = _Desk(store=store, control=control, viewer=viewer)
    _add_reading(router, desk, access, catalogue, Listening(sounds=sounds, audit=audit))
    _add_work(router, desk, access)
    return router


def _add_reading(
    router: APIRouter, desk: _Desk, access: Access, catalogue: Catalogue, listening: Listening
) -> None:
    reader = Annotated[Principal, Depends(access.require(*READERS))]

    @router.get("/messages", response_model=MessagePage)
    async def list_messages(
        principal: reader,
        mailbox: Annotated[str | None, Query(pattern=_MAILBOX)] = None,
        state: Annotated[list[Literal["new", "heard", "handled"]] | None, Query(max_length=3)] = None,
        contact: UUID | None = None,
        start: Annotated[AwareDatetime | None, Query(alias="from", description="Left then or later.")] = None,
        end: Annotated[AwareDatetime | None, Query(alias="to", description="Left before then.")] = None,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Any:
        """Messages of the mailboxes that one may see, newest first; deleted ones are in none."""
        boxes = desk.viewer(principal).mailboxes
        if mailbox is not None:
            boxes = frozenset({Mailbox(mailbox)}) if boxes is None else boxes & {Mailbox(mailbox)}
        wanted = MessageFilter(
            mailboxes=boxes,
            states=frozenset(MessageState(one) for one in state) if state else None,
            contact=None if contact is None else str(contact),
            start=start,
            end=end,
            before=cursor_of(cursor),
        )
        rows = await desk.store.page(wanted, limit + 1)
        return {
            "items": [desk.shown(principal, row) for row in rows[:limit]],
            "next_cursor": rows[limit - 1].id if len(rows) > limit else None,
        }

    @router.get("/messages/{message_id}", response_model=Message)
    async def get_message(principal: reader, message_id: UUID) -> Any:
        """One message."""
        return desk.shown(principal, await desk.seen(principal, message_id))

    @router.get("/messages/{message_id}/audio", response_class=Response, responses=AUDIO_RESPONSES)
    async def get_message_audio(
        principal: reader,
        message_id: UUID,
        range_header: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
        if_range: Annotated[str | None, Header(alias="If-Range", max_length=200)] = None,
    ) -> Response:
        """Listen: the whole, or one range of bytes (RFC 9110). Audited; marking it as heard is another request."""
        message = await desk.seen(principal, message_id)
        check_playable(await catalogue.get(message.id))
        return await listening.send(
            message.id,
            listener=principal.user,
            detail={"contact": message.contact, "mailbox": message.mailbox},
            range_header=range_header,
            if_range=if_range,
        )


def _add_work(router: APIRouter, desk: _Desk, access: Access) -> None:
    worker = Annotated[Principal, Depends(access.require(*WORKERS))]

    @router.put("/messages/{message_id}/state", response_model=Message)
    async def mark_message(principal: worker, message_id: UUID, mark: MessageMark) -> Any:
        """Say how far it has come, with a note; committed before it is answered."""
        message = await desk.seen(principal, message_id)
        await desk.mark(principal, message, MessageState(mark.state), note=mark.note, key=mark.key)
        return desk.shown(principal, await desk.store.get(message.id))

    @router.post("/messages/{message_id}/hand-out", response_model=Message)
    async def hand_out_message(principal: worker, message_id: UUID, wanted: HandOut) -> Any:
        """Put it into another mailbox, as new work there."""
        message = await desk.seen(principal, message_id)
        to, hands_to = Mailbox(wanted.to), desk.viewer(principal).hands_to
        if hands_to is not None and to not in hands_to:
            raise NotAllowed("the mailbox is of an agent of none of your teams")
        name, mailbox, by = message.id, message.mailbox, principal.user
        await tell(desk.control, HandOutMessage(message=name, mailbox=mailbox, to=to, by=by, key=wanted.key))
        return desk.shown(principal, await desk.store.get(message.id))

    @router.delete("/messages/{message_id}", status_code=204)
    async def delete_message(principal: worker, message_id: UUID, key: OnceKey = "") -> None:
        """Take it out of its mailbox; its recording is kept until its retention is over (R10.1.f)."""
        await desk.mark(principal, await desk.seen(principal, message_id), MessageState.DELETED, key=key)

    @router.post("/messages/{message_id}/call-back", response_model=MessageCalledBack, status_code=201)
    async def call_back_caller(principal: worker, message_id: UUID, wanted: CallerWanted) -> Any:
        """Promise the caller a call-back of a queue, or call him at once from one's own mailbox."""
        message = await desk.seen(principal, message_id)
        queue = QueueId(wanted.queue) if wanted.queue is not None else queue_of(message.mailbox)
        if queue is None:
            return {"id": message.id, "call_back": None, "call": await desk.call_from(principal, message, wanted)}
        promise = PromiseCallBack(
            queue=queue,
            number=message.caller,
            by=principal.user,
            not_before=wanted.not_before,
            key=wanted.key,
        )
        name = (await tell(desk.control, promise))["id"]
        await desk.mark(principal, message, MessageState.HANDLED)
        return {"id": message.id, "call_back": name, "call": None}

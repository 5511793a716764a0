"""REST of an agent's work after a call: what the contact came to, and the time for it.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of the function below.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path

from ccplatform.contracts.commands import ExtendWrapUp, FinishWrapUp, NoteContact
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import AgentId, ContactId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import OnceBody, tell
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from cti import permissions as may
from cti.live import LiveView
from cti.noting import schema
from cti.noting.notes import Desk, Dispositions, Note, NotedContacts
from cti.schema import Accepted
from cti.settings import CtiSettings


def build_router(
    *,
    access: Access,
    live: LiveView,
    control: Control,
    contacts: NotedContacts,
    dispositions: Dispositions,
    clock: Clock,
    settings: CtiSettings,
) -> APIRouter:
    """``me/contacts/{contact}/note`` and ``me/wrap-up``."""
    router = APIRouter(tags=["cti"])
    desk = Desk(live=live, contacts=contacts, hours=settings.note_hours)
    owner = Annotated[Principal, Depends(access.require(*may.DESK))]
    path = Annotated[UUID, Path()]

    async def written(contact: ContactId, agent: AgentId) -> Note | None:
        notes = await contacts.notes([contact])
        return next((note for note in notes if note.agent == agent), None)

    @router.get("/me/contacts/{contact}/note", response_model=schema.NoteForm)
    async def get_note(principal: owner, contact: path) -> Any:
        """What I can say of a contact of mine, and have said: at the call, and `cti.note_hours` after."""
        agent, name = may.own_agent(principal), ContactId(str(contact))
        queue = await desk.queue_of(name, agent, clock.wall())
        note = await written(name, agent)
        return {
            "contact": name,
            "queue": queue,
            "dispositions": msgspec.to_builtins(await dispositions.dispositions(queue)),
            "disposition": "" if note is None else note.disposition,
            "note": "" if note is None else note.note,
            "saved_at": None if note is None else note.at,
        }

    @router.put("/me/contacts/{contact}/note", response_model=schema.SavedNote)
    async def put_note(principal: owner, contact: path, wanted: schema.WantedNote) -> Any:
        """Keep what the contact came to, in place of what I said before."""
        agent, name = may.own_agent(principal), ContactId(str(contact))
        queue = await desk.queue_of(name, agent, clock.wall())
        offered = {each.id: each.name for each in await dispositions.dispositions(queue)}
        if wanted.disposition and wanted.disposition not in offered:
            raise Refusal(
                f"there is no disposition {wanted.disposition} for this contact",
                code="unknown_disposition",
                where="disposition",
            )
        order = NoteContact(
            contact=name,
            agent=agent,
            by=principal.user,
            queue=queue,
            disposition=wanted.disposition,
            disposition_name=offered.get(wanted.disposition, ""),
            note=wanted.note,
            key=wanted.key,
        )
        await tell(control, order)
        return {"saved_at": clock.wall()}

    @router.post("/me/wrap-up/extend", response_model=schema.WrapUpLeft)
    async def extend_wrap_up(principal: owner, order: OnceBody) -> Any:
        """More time for my wrap-up: `acd.wrap_up_extension_seconds`, up to `acd.longest_wrap_up_seconds`."""
        agent = may.own_agent(principal)
        return await tell(control, ExtendWrapUp(agent=agent, by=principal.user, key=order.key))

    @router.post("/me/wrap-up/finish", response_model=Accepted)
    async def finish_wrap_up(principal: owner, order: OnceBody) -> Any:
        """I am done with my wrap-up: what I asked for last begins."""
        await tell(control, FinishWrapUp(agent=may.own_agent(principal), by=principal.user, key=order.key))
        return {"done": True}

    return router

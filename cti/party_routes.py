"""REST of the parties of a call: consult, hand over, confer, let one go.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`add_party_routes`.
"""

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Path

from ccplatform.contracts.commands import ConsultCall, ControlParties, DropParty, MoveCall
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import AgentId, CallId, LegId, PartyAct, QueueId, SeatId
from ccplatform.operations.orders import OnceBody, OnceKey, tell
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from cti import permissions as may
from cti import schema
from cti.live import LiveView

#: What is done with the parties of a call.
PartyOrder: TypeAlias = ConsultCall | ControlParties | DropParty | MoveCall
_ID = Path(min_length=1, max_length=64)


def add_party_routes(router: APIRouter, *, access: Access, live: LiveView, control: Control) -> None:
    """Add them; an agent acts on his own calls, a supervisor on those of his teams."""
    handler = Annotated[Principal, Depends(access.require(*may.CALL_HANDLERS))]

    async def act(principal: Principal, command: PartyOrder, call_id: str) -> dict[str, bool]:
        may.controlled_call(principal, live, CallId(call_id), command.key)
        await tell(control, command)
        return {"done": True}

    def calling(principal: Principal, call_id: str, whom: schema.Somebody, *, transfer: bool) -> ConsultCall:
        return ConsultCall(
            call=CallId(call_id),
            by=principal.user,
            queue=QueueId(whom.queue) if whom.queue is not None else None,
            agent=AgentId(whom.agent) if whom.agent is not None else None,
            seat=SeatId(whom.seat) if whom.seat is not None else None,
            number=whom.number,
            transfer=transfer,
            key=whom.key,
        )

    def order(principal: Principal, call_id: str, what: PartyAct, key: str) -> ControlParties:
        return ControlParties(call=CallId(call_id), act=what, by=principal.user, key=key)

    @router.post("/calls/{call_id}/transfer", response_model=schema.Accepted)
    async def transfer_call(principal: handler, call_id: Annotated[str, _ID], to: schema.Somebody) -> Any:
        """Hand the caller over: to a queue at once, with his priority and age; to an agent, a seat or a number as
        soon as it answers, and until then he stays the agent's."""
        if to.queue is not None:
            move = MoveCall(call=CallId(call_id), queue=QueueId(to.queue), by=principal.user, key=to.key)
            return await act(principal, move, call_id)
        return await act(principal, calling(principal, call_id, to, transfer=True), call_id)

    @router.post("/calls/{call_id}/consult", response_model=schema.Accepted)
    async def consult(principal: handler, call_id: Annotated[str, _ID], whom: schema.Somebody) -> Any:
        """Call somebody about the caller, who hears music meanwhile: who answers from a queue, an agent, a seat, a
        number."""
        return await act(principal, calling(principal, call_id, whom, transfer=False), call_id)

    @router.post("/calls/{call_id}/complete", response_model=schema.Accepted)
    async def complete(principal: handler, call_id: Annotated[str, _ID], by: OnceBody) -> Any:
        """Join the caller and who was consulted; the agent is free. While it rings: as soon as it answers."""
        return await act(principal, order(principal, call_id, PartyAct.COMPLETE, by.key), call_id)

    @router.post("/calls/{call_id}/cancel", response_model=schema.Accepted)
    async def cancel(principal: handler, call_id: Annotated[str, _ID], by: OnceBody) -> Any:
        """Let go of who was consulted, and back to the caller."""
        return await act(principal, order(principal, call_id, PartyAct.CANCEL, by.key), call_id)

    @router.post("/calls/{call_id}/swap", response_model=schema.Accepted)
    async def swap(principal: handler, call_id: Annotated[str, _ID], by: OnceBody) -> Any:
        """Talk with the one who waits; the other hears music."""
        return await act(principal, order(principal, call_id, PartyAct.SWAP, by.key), call_id)

    @router.post("/calls/{call_id}/conference", response_model=schema.Accepted)
    async def conference(principal: handler, call_id: Annotated[str, _ID], by: OnceBody) -> Any:
        """Let all talk with one another: the caller, the agent, who was consulted, and who joined before."""
        return await act(principal, order(principal, call_id, PartyAct.CONFERENCE, by.key), call_id)

    @router.delete("/calls/{call_id}/parties/{leg}", response_model=schema.Accepted)
    async def drop_party(
        principal: handler,
        call_id: Annotated[str, _ID],
        leg: Annotated[str, _ID],
        key: OnceKey = "",
    ) -> Any:
        """Let one party of a conference go; the others talk on."""
        drop = DropParty(call=CallId(call_id), leg=LegId(leg), by=principal.user, key=key)
        return await act(principal, drop, call_id)

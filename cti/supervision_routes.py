"""REST of supervision: listen to a talk, whisper to its agent, speak with all, take it over.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of the function below.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path

from ccplatform.contracts.commands import SuperviseCall
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import AgentId, CallId, SeatId, Supervision
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import tell
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from cti import permissions as may
from cti import schema
from cti.live import LiveView

_ID = Path(min_length=1, max_length=64)


def add_supervision_routes(router: APIRouter, *, access: Access, live: LiveView, control: Control) -> None:
    """Add them. The supervisor's own phone rings first; later orders change what he does. Hanging up ends it."""
    listener = Annotated[Principal, Depends(access.require(*may.LISTENERS))]
    listening = Annotated[schema.Listening, Body(default_factory=schema.Listening)]

    async def act(principal: Principal, call_id: str, what: Supervision, by: schema.Listening) -> Any:
        call = may.controlled_call(principal, live, CallId(call_id), by.key)
        own = live.agents.get(AgentId(principal.agent)) if principal.agent is not None else None
        seat = by.seat if by.seat is not None else own.seat if own is not None else None
        if seat is None:
            raise Refusal("say at which seat your phone is", code="no_seat")
        if seat == call.seat:
            raise Refusal("that is the phone of the agent himself", code="own_call")
        order = SuperviseCall(call=CallId(call_id), what=what, by=principal.user, seat=SeatId(seat), key=by.key)
        await tell(control, order)
        return {"done": True}

    @router.post("/calls/{call_id}/monitor", response_model=schema.Accepted)
    async def monitor(principal: listener, call_id: Annotated[str, _ID], by: listening) -> Any:
        """Hear the caller and the agent, who are not told."""
        return await act(principal, call_id, Supervision.MONITOR, by)

    @router.post("/calls/{call_id}/whisper", response_model=schema.Accepted)
    async def whisper(principal: listener, call_id: Annotated[str, _ID], by: listening) -> Any:
        """Speak to the agent; the caller does not hear it."""
        return await act(principal, call_id, Supervision.WHISPER, by)

    @router.post("/calls/{call_id}/barge", response_model=schema.Accepted)
    async def barge(principal: listener, call_id: Annotated[str, _ID], by: listening) -> Any:
        """Speak with the caller and the agent."""
        return await act(principal, call_id, Supervision.BARGE, by)

    @router.post("/calls/{call_id}/take-over", response_model=schema.Accepted)
    async def take_over(principal: listener, call_id: Annotated[str, _ID], by: listening) -> Any:
        """Have the caller oneself, while one listens; the agent is free."""
        return await act(principal, call_id, Supervision.TAKE_OVER, by)

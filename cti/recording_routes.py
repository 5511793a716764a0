"""REST of what is recorded while it is said: pause it for a secret and let it go on, start and stop it.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of the function below.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path

from ccplatform.contracts.commands import ControlRecording
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import CallId, RecordingAct
from ccplatform.operations.orders import OnceBody, tell
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from cti import permissions as may
from cti import schema
from cti.live import LiveView

_ID = Path(min_length=1, max_length=64)


def add_recording_routes(router: APIRouter, *, access: Access, live: LiveView, control: Control) -> None:
    """Add them; an agent acts on his own calls, a supervisor on those of his teams."""
    handler = Annotated[Principal, Depends(access.require(*may.CALL_HANDLERS))]
    wish = Annotated[schema.RecordingWish, Body(default_factory=schema.RecordingWish)]

    async def act(principal: Principal, call_id: str, what: RecordingAct, key: str, reason: str = "") -> Any:
        may.controlled_call(principal, live, CallId(call_id), key)
        await tell(
            control, ControlRecording(call=CallId(call_id), act=what, by=principal.user, reason=reason, key=key)
        )
        return {"done": True}

    @router.post("/calls/{call_id}/recording/pause", response_model=schema.Accepted)
    async def pause_recording(principal: handler, call_id: Annotated[str, _ID], why: schema.RecordingPause) -> Any:
        """From now on the recording is silent, sample by sample; who wanted it and why is kept."""
        return await act(principal, call_id, RecordingAct.PAUSE, why.key, why.reason)

    @router.post("/calls/{call_id}/recording/resume", response_model=schema.Accepted)
    async def resume_recording(principal: handler, call_id: Annotated[str, _ID], by: OnceBody) -> Any:
        """What is said is recorded again."""
        return await act(principal, call_id, RecordingAct.RESUME, by.key)

    @router.post("/calls/{call_id}/recording/start", response_model=schema.Accepted)
    async def start_recording(principal: handler, call_id: Annotated[str, _ID], why: wish) -> Any:
        """Record the talk from now on, where the policy leaves that to people (`on_demand`)."""
        return await act(principal, call_id, RecordingAct.START, why.key, why.reason)

    @router.post("/calls/{call_id}/recording/stop", response_model=schema.Accepted)
    async def stop_recording(principal: handler, call_id: Annotated[str, _ID], why: wish) -> Any:
        """Record no more of the talk, where the policy leaves that to people; it can be started again."""
        return await act(principal, call_id, RecordingAct.STOP, why.key, why.reason)

"""REST of the desk side: agents, queues, calls, customers, screen pop.

No ``from __future__ import annotations`` here: the routes' annotations hold objects of :func:`build_router`.
"""

from typing import Annotated, Any, TypeAlias

import msgspec
from fastapi import APIRouter, Depends, Path, Request

from ccplatform.contracts.commands import (
    HangUpCall,
    HoldCall,
    MakeCall,
    PickUpCall,
    SendCallDigits,
    SetAgentState,
)
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import AgentId, AgentState, CallId, QueueId, Role, SeatId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import NotFound, Refusal
from ccplatform.operations.orders import OnceBody, OnceKey, tell
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from cti import permissions as may
from cti import schema
from cti.customer_routes import add_customer_routes
from cti.errors import NotAvailable
from cti.linking.links import Links
from cti.live import LiveView
from cti.looking_up import LookUp
from cti.party_routes import add_party_routes
from cti.pop import ContactHistory, call_in_front
from cti.reasons import Reasons, check_reason
from cti.recording_routes import add_recording_routes
from cti.rows import agent_row, queue_detail, visible_call
from cti.scripting.scripts import Scripts
from cti.settings import CtiSettings
from cti.softphone import HeldSeats, Softphones
from cti.store import CustomerStore
from cti.supervision_routes import add_supervision_routes

#: What is done to a call here.
CallOrder: TypeAlias = HangUpCall | HoldCall | SendCallDigits | PickUpCall
#: Ids in paths: no longer than this.
_ID = Path(min_length=1, max_length=64)


def build_router(
    *,
    access: Access,
    live: LiveView,
    control: Control,
    customers: CustomerStore,
    reasons: Reasons,
    clock: Clock,
    history: ContactHistory | None = None,
    links: Links | None = None,
    scripts: Scripts | None = None,
    softphones: Softphones | None = None,
    settings: CtiSettings | None = None,
) -> APIRouter:
    """All REST routes of the package. ``live`` is the web process's view, ``history`` finds earlier contacts,
    ``links`` lead into the operator's CRM, ``scripts`` are what agents say,
    ``softphones`` has the accounts of browsers."""
    settings = settings or CtiSettings()
    router = APIRouter(tags=["cti"])
    _add_agents(router, access=access, live=live, control=control, reasons=reasons)
    _add_queues(router, access=access, live=live, clock=clock)
    _add_calls(router, access=access, live=live, control=control)
    add_party_routes(router, access=access, live=live, control=control)
    add_supervision_routes(router, access=access, live=live, control=control)
    add_recording_routes(router, access=access, live=live, control=control)
    add_customer_routes(router, access=access, customers=customers)
    look_up = LookUp(live, customers, history, links, scripts)
    _add_pop(router, access=access, live=live, look_up=look_up)
    held = HeldSeats(clock, settings.seats_per_user)
    _add_softphone(router, access=access, live=live, softphones=softphones, held=held)
    return router


def _add_agents(router: APIRouter, *, access: Access, live: LiveView, control: Control, reasons: Reasons) -> None:
    @router.get("/me/reasons", response_model=schema.Page[schema.ReasonChoice])
    async def my_reasons(principal: Annotated[Principal, Depends(access.require(*may.VIEWERS))]) -> Any:
        """The reasons for not being ready that are configured, in their order."""
        return {"items": msgspec.to_builtins(await reasons.reasons()), "next_cursor": None}

    @router.get("/agents", response_model=schema.Page[schema.Agent])
    async def list_agents(principal: Annotated[Principal, Depends(access.require(*may.VIEWERS))]) -> Any:
        """Every agent and his state; a supervisor of teams sees theirs."""
        seen = [agent for agent in live.agents.values() if may.sees(principal, live, agent.id)]
        return {"items": [agent_row(agent) for agent in seen], "next_cursor": None}

    @router.get("/agents/{agent_id}", response_model=schema.Agent)
    async def get_agent(
        principal: Annotated[Principal, Depends(access.require(*may.VIEWERS))], agent_id: Annotated[str, _ID]
    ) -> Any:
        """One agent."""
        row = _agent(live, agent_id)
        may.check_sees(principal, live, AgentId(agent_id))
        return row

    @router.put("/agents/{agent_id}/state", response_model=schema.Agent)
    async def set_agent_state(
        principal: Annotated[Principal, Depends(access.require(*may.STATE_CHANGERS))],
        agent_id: Annotated[str, _ID],
        wish: schema.SetState,
    ) -> Any:
        """Sign in (`not_ready` with a `seat`), out, ready, not ready for one of the configured reasons or none;
        during a call it takes effect after it."""
        agent = AgentId(agent_id)
        row = _agent(live, agent_id)
        may.check_state_change(principal, live, agent)
        await check_reason(reasons, AgentState(wish.state), wish.reason)
        result = await tell(
            control,
            SetAgentState(
                agent=agent,
                state=AgentState(wish.state),
                by=principal.user,
                reason=wish.reason,
                seat=SeatId(wish.seat) if wish.seat is not None else None,
                key=wish.key,
            ),
        )
        # The event may reach this process after the answer: what control says is newer than the live view.
        return row | {key: value for key, value in result.items() if key in row and key != "id"}


def _agent(live: LiveView, agent_id: str) -> dict[str, Any]:
    agent = live.agents.get(AgentId(agent_id))
    if agent is None:
        raise NotFound(f"no agent {agent_id}")
    return agent_row(agent)


def _add_queues(router: APIRouter, *, access: Access, live: LiveView, clock: Clock) -> None:
    @router.get("/queues", response_model=schema.Page[schema.QueueDetail])
    async def list_queues(principal: Annotated[Principal, Depends(access.require(*may.VIEWERS))]) -> Any:
        """Every queue with its figures now and today."""
        now = clock.wall()
        return {"items": [queue_detail(live, queue, now) for queue in live.queues], "next_cursor": None}

    @router.get("/queues/{queue_id}", response_model=schema.QueueDetail)
    async def get_queue(
        principal: Annotated[Principal, Depends(access.require(*may.VIEWERS))], queue_id: Annotated[str, _ID]
    ) -> Any:
        """One queue."""
        if queue_id not in live.queues:
            raise NotFound(f"no queue {queue_id}")
        return queue_detail(live, QueueId(queue_id), clock.wall())


def _add_calls(router: APIRouter, *, access: Access, live: LiveView, control: Control) -> None:
    handler = Annotated[Principal, Depends(access.require(*may.CALL_HANDLERS))]

    async def act(principal: Principal, call_id: str, command: CallOrder) -> dict[str, bool]:
        may.controlled_call(principal, live, CallId(call_id), command.key)
        await tell(control, command)
        return {"done": True}

    @router.get("/calls", response_model=schema.Page[schema.Call])
    async def list_calls(principal: Annotated[Principal, Depends(access.require(*may.VIEWERS))]) -> Any:
        """Every live call, for a supervisor of teams those of their agents and of nobody; numbers in clear for
        supervisors, auditors, administrators and the call's own agent."""
        clear = may.sees_numbers(principal)
        seen = [call for call in live.calls.values() if may.sees_call(principal, live, call)]
        calls = [visible_call(call, clear=clear, own=principal.agent) for call in seen]
        return {"items": calls, "next_cursor": None}

    @router.post("/calls", response_model=schema.CallMade, status_code=201)
    async def make_call(principal: handler, wanted: schema.CallOut) -> Any:
        """Have an agent's phone call a number: it rings first. An agent his own, a supervisor his teams'."""
        agent = may.caller_of(principal, live, wanted.agent)
        order = MakeCall(
            agent=agent,
            number=wanted.to,
            by=principal.user,
            key=wanted.key,
            caller=wanted.caller_id,
            queue=QueueId(wanted.queue) if wanted.queue is not None else None,
            customer=wanted.customer,
            supervisor=Role.SUPERVISOR in principal.roles,
        )
        return await tell(control, order)

    @router.delete("/calls/{call_id}", response_model=schema.Accepted)
    async def end_call(principal: handler, call_id: Annotated[str, _ID], key: OnceKey = "") -> Any:
        """End the call for all, whatever it is doing and whoever talks."""
        return await act(principal, call_id, HangUpCall(call=CallId(call_id), by=principal.user, key=key))

    @router.post("/calls/{call_id}/hold", response_model=schema.Accepted)
    async def hold_call(principal: handler, call_id: Annotated[str, _ID], by: OnceBody) -> Any:
        """Put the caller on hold."""
        command = HoldCall(call=CallId(call_id), hold=True, by=principal.user, key=by.key)
        return await act(principal, call_id, command)

    @router.post("/calls/{call_id}/retrieve", response_model=schema.Accepted)
    async def retrieve_call(principal: handler, call_id: Annotated[str, _ID], by: OnceBody) -> Any:
        """Take the caller back from hold."""
        command = HoldCall(call=CallId(call_id), hold=False, by=principal.user, key=by.key)
        return await act(principal, call_id, command)

    @router.post("/calls/{call_id}/dtmf", response_model=schema.Accepted)
    async def send_digits(principal: handler, call_id: Annotated[str, _ID], keys: schema.Digits) -> Any:
        """Send DTMF towards the caller."""
        command = SendCallDigits(call=CallId(call_id), digits=keys.digits, by=principal.user, key=keys.key)
        return await act(principal, call_id, command)

    @router.post("/calls/{call_id}/pickup", response_model=schema.Accepted)
    async def pick_up(
        principal: Annotated[Principal, Depends(access.require(*may.LISTENERS))],
        call_id: Annotated[str, _ID],
        by: schema.PickUp,
    ) -> Any:
        """Ring an agent, a supervisor himself if no other is named, for a waiting caller out of his turn."""
        agent = by.agent if by.agent is not None else principal.agent
        if agent is None:
            raise Refusal("you have no agent number: say which agent", code="no_agent_number")
        may.check_oversees(principal, live, AgentId(agent))
        command = PickUpCall(call=CallId(call_id), agent=AgentId(agent), by=principal.user, key=by.key)
        return await act(principal, call_id, command)

    @router.post("/calls/{call_id}/hangup", response_model=schema.Accepted)
    async def hang_up(principal: handler, call_id: Annotated[str, _ID], by: OnceBody) -> Any:
        """Hang up: an agent leaves a conference, in which the others talk on; any other call ends, and so does the
        one that a supervisor hangs up for its agent."""
        call = CallId(call_id)
        agent = may.parting_agent(principal, live, call, by.key)
        await tell(control, HangUpCall(call=call, agent=agent, by=principal.user, key=by.key))
        return {"done": True}


def _add_pop(router: APIRouter, *, access: Access, live: LiveView, look_up: LookUp) -> None:
    @router.get("/me/pop", response_model=schema.ScreenPop | None)
    async def get_pop(principal: Annotated[Principal, Depends(access.require(*may.DESK))]) -> Any:
        """What is known of the contact that rings me, talks with me or that I wrap up; null when there is none."""
        call = call_in_front(live, principal.agent) if principal.agent is not None else None
        if call is None or principal.agent is None:
            return None
        return msgspec.to_builtins(await look_up.pop(call, principal.agent))


def _add_softphone(
    router: APIRouter, *, access: Access, live: LiveView, softphones: Softphones | None, held: HeldSeats
) -> None:
    @router.post("/me/softphone", response_model=schema.SoftphoneAccount)
    async def softphone(
        principal: Annotated[Principal, Depends(access.require(*may.PHONES))],
        wish: schema.Softphone,
        request: Request,
    ) -> Any:
        """A short-lived SIP account for the browser, as the phone of the seat at which I am signed in; of a
        supervisor, of a seat where no agent is."""
        seat = SeatId(wish.seat)
        may.check_seat(principal, live, seat)
        if softphones is None:
            raise NotAvailable("the browser softphone")
        held.check(principal.user, seat)
        account = await softphones.account(seat, request.url.hostname or "")
        held.keep(principal.user, seat, account.ends_at)
        return msgspec.to_builtins(account)

"""Calls that people of the centre make, by their phones or by REST: judged, begun, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from ccplatform.calls.errors import CannotCall
from ccplatform.calls.inputs import CallInput, CallOutBegins
from ccplatform.calls.placing import Placing, order_key
from ccplatform.calls.ports import CallPorts
from ccplatform.calls.switchboard import Switchboard
from ccplatform.contracts.commands import Answer, Done, MakeCall, Refused
from ccplatform.contracts.facts import CallRefused
from ccplatform.contracts.legs import DialTarget, LegOffered, ReleaseLeg
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import CallId, ContactId, ReleaseCause
from ccplatform.kernel.errors import Refusal
from ccplatform.kernel.ids import Ids

#: What a phone is told that may not, or cannot, call.
_STATUS: Final = {ReleaseCause.NOT_FOUND: 404, ReleaseCause.FORBIDDEN: 403, ReleaseCause.BUSY: 486}

_log = structlog.get_logger("calls")


class CallsOut:
    """Part of the call service; ``post`` hands what begins to the core."""

    def __init__(
        self,
        *,
        core: Switchboard,
        ports: Callable[[], CallPorts],
        post: Callable[[CallInput], None],
        placing: Placing,
        facts: Facts,
        ids: Ids,
    ) -> None:
        self._core = core
        self._ports = ports
        self._post = post
        self._placing = placing
        self._facts = facts
        self._ids = ids

    def make(self, order: MakeCall) -> Answer:
        """An agent's phone is to call a number; the same order again means the same call."""
        made = self._core.made_by(order_key(order))
        if made is not None:
            return Done(result={"call": made[0], "contact": made[1]})
        call, contact = CallId(self._ids.new()), ContactId(self._ids.new())
        try:
            begins = self._placing.clicked(order, call, contact, self._ports())
        except Refusal as refusal:
            return Refused(code=refusal.code, message=str(refusal))
        wait = self._ports().throttle.refuses_order(begins.number, call)
        if wait is not None:
            return self._hold_back(begins, wait)
        _log.info("call out begins", contact=contact, call=call, agent=order.agent, by=order.by)
        self._post(begins)
        return Done(result={"call": call, "contact": contact})

    def _hold_back(self, begins: CallOutBegins, wait: float) -> Refused:
        _log.info("call held back", agent=begins.agent, by=begins.by, seconds=wait)
        cause, seat = ReleaseCause.OVERLOAD, begins.seat
        refused = CallRefused(trunk=None, dialled=begins.number, cause=cause, sip_status=503, seat=seat)
        self._facts.record(refused)
        text = "the centre has more to do than it can, or is stopping; try again later"
        return Refused(code="unavailable", message=text, retry_after=wait)

    def dialled(self, offer: LegOffered) -> None:
        """No flow answers the number: a phone of the centre may reach somebody by it, others do not."""
        call, contact = CallId(self._ids.new()), ContactId(self._ids.new())
        try:
            if offer.seat is None:
                raise CannotCall("not_found", "nobody has this number", ReleaseCause.NOT_FOUND)
            begins = self._placing.dialled(offer, call, contact, self._ports())
        except CannotCall as refusal:
            self._refuse(offer, refusal)
            return
        _log.info("call out begins", contact=contact, call=call, seat=offer.seat, agent=begins.agent)
        self._post(begins)

    def for_flow(self, number: str) -> DialTarget | None:
        """How a number is dialled that a flow has called; None: it is not."""
        return self._placing.for_flow(number, self._ports())

    def _refuse(self, offer: LegOffered, refusal: CannotCall) -> None:
        _log.info("call refused", seat=offer.seat, trunk=offer.trunk, code=refusal.code)
        refused = CallRefused(
            trunk=offer.trunk,
            dialled=offer.dialled,
            cause=refusal.cause,
            sip_status=_STATUS.get(refusal.cause, 480),
            seat=offer.seat,
        )
        self._facts.record(refused)
        self._ports().legs.perform(ReleaseLeg(leg=offer.leg, cause=refusal.cause))

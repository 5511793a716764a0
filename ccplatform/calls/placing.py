"""Before a call out begins: what the number reaches, whether who calls may call it, and which number he shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ccplatform.calls.calling_rules import CallerGroup, CallingRules
from ccplatform.calls.dial_plan import NumberClass, plain_number
from ccplatform.calls.errors import CannotCall
from ccplatform.calls.inputs import CallOutBegins
from ccplatform.calls.ports import CallPorts
from ccplatform.calls.settings import OutSettings
from ccplatform.contracts.commands import MakeCall
from ccplatform.contracts.legs import DialTarget, LegOffered, NumberTarget, SeatTarget
from ccplatform.contracts.words import AgentId, CallId, ContactId, Direction, ReleaseCause, SeatId

#: What a caller asks for who does not want to be known (RFC 3323).
ANONYMOUS: Final = "anonymous"
#: The class of emergency numbers, as facts tell it.
EMERGENCY: Final = "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reached:
    """What a number reaches. ``seat`` is one of ours, with the ``agent`` who sits there."""

    number: str
    kind: str
    seat: SeatId | None = None
    agent: AgentId | None = None


def order_key(order: MakeCall) -> str:
    """What an order is known by when it comes again; empty: it is not."""
    return f"{order.agent} {order.key}" if order.key else ""


class Placing:
    """Judges calls out by the settings and ``rules``; raises :class:`CannotCall`."""

    def __init__(self, settings: OutSettings) -> None:
        self._settings = settings
        self.rules = CallingRules.of(settings)

    def dialled(self, offer: LegOffered, call: CallId, contact: ContactId, ports: CallPorts) -> CallOutBegins:
        """A phone dialled a number that no flow answers."""
        assert offer.seat is not None
        agent = ports.router.agent_at(offer.seat)
        reached = self._reach(offer.dialled, offer.seat, ports)
        self._permit(reached, agent, CallerGroup.AGENTS if agent is not None else CallerGroup.SEATS)
        shown = offer.caller if reached.seat is not None else self._shown(agent, offer.seat, "", ports)
        name = offer.caller_name if reached.seat is not None else ""
        begins = self._begins(reached, call, contact, offer.seat, agent, shown, agent or offer.seat)
        return replace(begins, offer=offer, shown_name=name, party_phone=offer.dialled_phone)

    def clicked(self, order: MakeCall, call: CallId, contact: ContactId, ports: CallPorts) -> CallOutBegins:
        """Somebody wants an agent's phone to call a number."""
        router = ports.router
        router.check_call(order.agent)  # he is signed in, free, and his phone can ring
        seat = router.seat_of(order.agent)
        assert seat is not None
        reached = self._reach(order.number, seat, ports)
        group = CallerGroup.SUPERVISORS if order.supervisor else CallerGroup.AGENTS
        self._permit(reached, order.agent, group)
        shown = self._shown(order.agent, seat, order.queue or "", ports)
        if reached.seat is not None:
            shown = ports.numbers.number_of(seat)
        elif order.caller:
            shown = self._wanted(order, shown)
        begins = self._begins(reached, call, contact, seat, order.agent, shown, order.by)
        return replace(begins, key=order_key(order), customer=order.customer)

    def for_flow(self, number: str, ports: CallPorts) -> DialTarget | None:
        """How a number is dialled that a flow has called; None when nobody has it, or flows may not call it."""
        plain = plain_number(number)
        target = None if plain is None else ports.numbers.reach(plain)
        if plain is None or not isinstance(target, NumberTarget) or ports.numbers.is_emergency(plain):
            return target
        kind = self.rules.class_of(plain, self._settings.country_code)
        return target if kind in self.rules.may(CallerGroup.FLOWS) else None

    def _reach(self, dialled: str, own: SeatId, ports: CallPorts) -> _Reached:
        number = plain_number(dialled)
        if number is None:
            raise CannotCall("bad_number", "that is no telephone number", ReleaseCause.NOT_FOUND)
        if ports.numbers.is_emergency(number):
            return _Reached(number=number, kind=EMERGENCY)
        seat = self._seat(number, ports)
        if seat is None:
            if ports.numbers.reach(number) is None:
                raise CannotCall("not_found", f"no route is for {number}", ReleaseCause.NOT_FOUND)
            return _Reached(number=number, kind=self.rules.class_of(number, self._settings.country_code))
        agent = ports.router.agent_at(seat)
        if seat == own or (agent is not None and ports.router.has_contact(agent)):
            raise CannotCall("busy", f"{number} is busy", ReleaseCause.BUSY)
        return _Reached(number=number, kind=NumberClass.INTERNAL, seat=seat, agent=agent)

    def _seat(self, number: str, ports: CallPorts) -> SeatId | None:
        """The seat with that number, or that of the agent with that number."""
        target = ports.numbers.reach(number)
        if isinstance(target, SeatTarget):
            return target.seat
        agent = AgentId(number)
        if not ports.router.knows_agent(agent):
            return None
        seat = ports.router.seat_of(agent)
        if seat is None:
            raise CannotCall("not_signed_in", f"agent {number} is not signed in", ReleaseCause.UNREACHABLE)
        return seat

    def _permit(self, reached: _Reached, agent: AgentId | None, group: CallerGroup) -> None:
        if reached.kind != EMERGENCY and reached.kind not in self.rules.may(group, agent):
            who = f"agent {agent}" if agent is not None else "this phone"
            raise CannotCall("forbidden", f"{who} may not call {reached.kind} numbers", ReleaseCause.FORBIDDEN)

    def _shown(self, agent: AgentId | None, seat: SeatId, queue: str, ports: CallPorts) -> str:
        """The number of the queue for which he calls, else his own, else his seat's, else that of all."""
        settings = self._settings
        own = self.rules.caller(agent)
        return settings.queue_callers.get(queue, "") or own or ports.numbers.shown_by(seat) or settings.caller

    def _wanted(self, order: MakeCall, otherwise: str) -> str:
        """The number that somebody wants to show, if it is one of the centre's for him."""
        own = {ANONYMOUS, otherwise, self._settings.caller, *self._settings.queue_callers.values()}
        own |= {self.rules.caller(order.agent)} - {""}
        if order.caller not in own:
            raise CannotCall("caller_not_allowed", f"{order.caller} cannot be shown", ReleaseCause.FORBIDDEN)
        return order.caller

    def _begins(
        self,
        reached: _Reached,
        call: CallId,
        contact: ContactId,
        seat: SeatId,
        agent: AgentId | None,
        shown: str,
        by: str,
    ) -> CallOutBegins:
        settings = self._settings
        return CallOutBegins(
            call=call,
            contact=contact,
            seat=seat,
            agent=agent,
            number=reached.number,
            number_class=reached.kind,
            direction=Direction.OUTBOUND if reached.seat is None else Direction.INTERNAL,
            shown=shown,
            party_seat=reached.seat,
            party_agent=reached.agent,
            by=by,
            auto_answer=settings.auto_answer,
            prompt_seconds=settings.prompt_seconds,
            ring_seconds=settings.ring_seconds,
            wrap_up_seconds=settings.wrap_up_seconds if reached.seat is None else 0.0,
        )

"""Orders of people about calls, given by REST or by a seat's phone, as the sagas take them.

Every order is checked before it is carried out, and says what is wrong; one whose key the call remembers was
carried out already and is not again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

import structlog

from ccplatform.calls.conferring import check_act, check_drop, check_hang_up
from ccplatform.calls.consulting import check_consult
from ccplatform.calls.errors import NobodyThere, NotRecorded, QueueClosed
from ccplatform.calls.inputs import CallInput, ConsultOrder, PhoneJoin, PhonePickUp, PhoneTransfer
from ccplatform.calls.moving import check_move, check_pick_up
from ccplatform.calls.picking_up import calls, rings_past_queues
from ccplatform.calls.ports import CallPorts
from ccplatform.calls.recording_orders import check_recording
from ccplatform.calls.saga import CallSaga
from ccplatform.calls.supervising import check_supervise
from ccplatform.calls.switchboard import Switchboard
from ccplatform.calls.talk import talk_of
from ccplatform.contracts.commands import (
    Answer,
    CallCommand,
    ConsultCall,
    ControlParties,
    ControlRecording,
    Done,
    DropParty,
    HangUpCall,
    HoldCall,
    MoveCall,
    PickUpCall,
    Refused,
    SendCallDigits,
    SuperviseCall,
)
from ccplatform.contracts.legs import DialTarget, LegPickUpAsked, LegTransferAsked, SeatTarget
from ccplatform.contracts.media import SendDigits
from ccplatform.contracts.words import AgentId, RecordingAct, ReleaseCause
from ccplatform.kernel.errors import Refusal

_log = structlog.get_logger("calls")


class Orders:
    """Part of the call service; ``post`` hands an order to the core."""

    def __init__(
        self,
        *,
        core: Switchboard,
        ports: Callable[[], CallPorts],
        post: Callable[[CallInput], None],
        max_parties: int,
    ) -> None:
        self._core = core
        self._ports = ports
        self._post = post
        self._max_parties = max_parties

    def command(self, command: CallCommand) -> Answer:
        """An order by REST."""
        try:
            find = self._core.saga_with if isinstance(command, HangUpCall) else self._core.saga
            self._carry_out(find(command.call), command)
        except Refusal as refusal:
            return Refused(code=refusal.code, message=str(refusal))
        return Done(result={"call": command.call})

    def transfer_asked(self, asked: LegTransferAsked) -> None:
        """A phone hands its caller on to a number, or to whom it called by another call."""
        if asked.replaces is not None:
            self._post(PhoneJoin(leg=asked.leg, other=asked.replaces))
            return
        ports, number, leg = self._ports(), asked.number, asked.leg
        flow = ports.flows.entry_point(number, from_seat=False)
        if flow is not None:
            self._post(PhoneTransfer(leg=leg, number=number, flow=flow))
            return
        target = ports.numbers.target(number)
        if isinstance(target, SeatTarget) and asked.phone:
            target = replace(target, phone=asked.phone)
        agent = self._agent_at(target)
        if agent is None:
            self._post(PhoneTransfer(leg=leg, number=number, target=target))
            return
        try:
            ports.router.check_call(agent)
        except Refusal:
            self._post(PhoneTransfer(leg=leg, number=number, refusal=ReleaseCause.BUSY))
        else:
            self._post(PhoneTransfer(leg=leg, number=number, agent=agent, phone=asked.phone))

    def pick_up_asked(self, asked: LegPickUpAsked) -> None:
        """A phone wants the call for which that of another seat rings. What an agent was offered the ACD has him
        rung for who asks, if he may have it."""
        saga, router = self._core.saga_of(asked.leg), self._ports().router
        if saga is None:
            return
        agent, rung = router.agent_at(asked.seat), saga.state.rung.get(asked.leg)
        if rung is None:
            self._take_call(saga, asked, agent)
            return
        contact = saga.state.rung_for
        if agent is None or not (
            router.may_pick_up(agent, contact, rung.agent) or self._one_group(asked, agent, rung.agent)
        ):
            return
        try:
            router.pick_up(contact, agent)
        except Refusal as refusal:
            _log.info("call not picked up", contact=contact, agent=agent, reason=refusal.code)

    def _take_call(self, saga: CallSaga, asked: LegPickUpAsked, agent: AgentId | None) -> None:
        """Of a call that no queue gave. Who has a contact already takes no other."""
        router = self._ports().router
        if not rings_past_queues(saga.state, asked.leg) or calls(saga.state, asked.seat):
            return
        busy = agent is not None and router.has_contact(agent)
        if not busy and self._one_group(asked, agent, router.agent_at(asked.rings_at)):
            wish = PhonePickUp(leg=asked.leg, rings_at=asked.rings_at, seat=asked.seat, agent=agent)
            self._post(wish)

    def _one_group(self, asked: LegPickUpAsked, agent: AgentId | None, rung: AgentId | None) -> bool:
        """Whether the two phones are of one group, or those who sit there of one team."""
        ports = self._ports()
        if ports.numbers.in_one_group(asked.seat, asked.rings_at):
            return True
        return agent is not None and rung is not None and ports.router.one_team(agent, rung)

    def _carry_out(self, saga: CallSaga, command: CallCommand) -> None:
        match command:
            case HangUpCall():
                check_hang_up(saga.state, command)
                self._post(command)
            case HoldCall():
                saga.check_hold(command.hold)
                self._post(command)
            case MoveCall():
                check_move(saga.state)
                self._check_queue(command)
                self._post(command)
            case PickUpCall():
                check_pick_up(saga.state)
                self._ports().router.pick_up(saga.state.contact, command.agent)
            case SendCallDigits():
                digits = SendDigits(leg=saga.state.caller_leg, digits=command.digits)
                self._ports().media.perform(digits)
            case ConsultCall() | ControlParties() | DropParty() | SuperviseCall() | ControlRecording():
                if not command.key or command.key not in saga.state.keys:
                    self._parties(saga, command)
            case _:
                assert_never(command)

    def _parties(
        self,
        saga: CallSaga,
        command: ConsultCall | ControlParties | DropParty | SuperviseCall | ControlRecording,
    ) -> None:
        match command:
            case ConsultCall():
                check_consult(saga.state)
                self._post(self._consult(command))
            case ControlParties():
                check_act(saga.state, command.act, self._max_parties)
                self._post(command)
            case DropParty():
                check_drop(saga.state, command)
                self._post(command)
            case SuperviseCall():
                check_supervise(saga.state, command)
                self._post(command)
            case ControlRecording():
                check_recording(saga.state, command)
                if command.act is RecordingAct.START and not self._ports().recorder.on_demand(talk_of(saga.state)):
                    raise NotRecorded(command.call, "not_on_demand")
                self._post(command)

    def _consult(self, command: ConsultCall) -> ConsultOrder:
        """Who is meant; raises a Refusal when he cannot be called now."""
        agent, target = command.agent, None
        if command.queue is not None:
            self._check_queue(command)
        elif agent is None:
            target = self._target(command)
            agent = self._agent_at(target)
        if agent is not None:
            self._ports().router.check_call(agent)
            target = None
        return ConsultOrder(
            call=command.call,
            to=command.queue or command.agent or command.seat or command.number or "",
            by=command.by,
            queue=command.queue,
            agent=agent,
            target=target,
            transfer=command.transfer,
            key=command.key,
        )

    def _target(self, command: ConsultCall) -> DialTarget:
        if command.seat is not None:
            return SeatTarget(seat=command.seat)
        number = command.number or ""
        target = self._ports().numbers.target(number)
        if target is None:
            raise NobodyThere(number)
        return target

    def _agent_at(self, target: DialTarget | None) -> AgentId | None:
        return self._ports().router.agent_at(target.seat) if isinstance(target, SeatTarget) else None

    def _check_queue(self, command: MoveCall | ConsultCall) -> None:
        assert command.queue is not None
        reason = self._ports().router.refusal(command.queue)
        if reason:
            raise QueueClosed(command.queue, reason)

"""Calls that media workers kept while control was away are taken back, whatever of them is still there.

Nobody is left waiting for something that did not come back: a caller without his flow is released, one without
his place in the queue queues again with his age, a phone that cannot ring on loses its offer.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ccplatform.calls.errors import BadSnapshot
from ccplatform.calls.inputs import CallInput
from ccplatform.calls.model import Stage
from ccplatform.calls.ports import CallPorts
from ccplatform.calls.saga import CallSaga
from ccplatform.calls.snapshot import KeptCall, read_kept
from ccplatform.calls.switchboard import Switchboard
from ccplatform.contracts.facts import FlowLeft
from ccplatform.contracts.flows import FlowAsked, FlowFinished
from ccplatform.contracts.legs import LegEnded, ReleaseLeg, SurvivingCall
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.routing import (
    EngageAgent,
    OfferFailed,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    TalkHeld,
)
from ccplatform.contracts.words import ContactId, FlowOutcome, LegId, OfferEnd, QueueId, ReleaseCause
from ccplatform.kernel.clock import Clock

_log = structlog.get_logger("calls")


class Restorer:
    """Part of the call service."""

    def __init__(
        self,
        *,
        core: Switchboard,
        ports: Callable[[], CallPorts],
        post: Callable[[CallInput], None],
        clock: Clock,
        facts: Facts,
    ) -> None:
        self._core = core
        self._ports = ports
        self._post = post
        self._clock = clock
        self._facts = facts

    def restore(self, survivor: SurvivingCall) -> ContactId | None:
        """Take a call back; returns its contact, None when there is nothing to take back."""
        if not survivor.snapshot:
            return None
        try:
            kept = read_kept(survivor.snapshot)
            saga = self._core.restore(kept.call, self._clock.now(), self._clock.wall())
        except BadSnapshot as error:
            _log.error("call not taken back", call=survivor.call, reason=str(error))
            return None
        state = saga.state
        legs = sorted(
            state.live_legs, key=lambda leg: leg != state.caller_leg
        )  # his carrier may be asked for others
        restored = {leg for leg in legs if self._restore_leg(leg, kept, media=leg in survivor.legs)}
        lost = [leg for leg in state.live_legs if leg not in restored]
        _log.info("call taken back", contact=state.contact, stage=state.stage, lost_legs=len(lost))
        if kept.row is not None:
            self._ports().rows.restore_call(kept.row)
        placed = self._restore_places(saga, kept)
        self._restore_phones(saga, placed, lost)
        self._seek_place(saga, placed)
        self._restore_flow(saga, kept)
        if state.agent_asked is not None and state.stage is Stage.QUEUED:
            withdrawn = OfferWithdrawn(contact=state.contact, agent=state.agent_asked, end=OfferEnd.WITHDRAWN)
            self._post(withdrawn)
        self._engage_again(saga, placed)
        for leg in lost:
            self._post(LegEnded(leg=leg, cause=ReleaseCause.FAILED, by_remote=False))
        return state.contact

    def _restore_leg(self, leg: LegId, kept: KeptCall, *, media: bool) -> bool:
        data = kept.legs.get(leg)
        return data is not None and self._ports().legs.restore(leg, data, media=media)

    def _restore_places(self, saga: CallSaga, kept: KeptCall) -> set[ContactId]:
        """Give each contact of the call its place, its offers or its agent back; those that have theirs."""
        ports, contact = self._ports(), saga.state.contact
        for further in kept.further.values():
            if further.row is not None:
                ports.rows.restore_call(further.row)
        routes = {contact: kept.route, **{other: further.route for other, further in kept.further.items()}}
        return {
            contact
            for contact, route in routes.items()
            if route is not None and ports.router.restore(contact, route)
        }

    def _restore_phones(self, saga: CallSaga, placed: set[ContactId], lost: list[LegId]) -> None:
        """Phones ring on for whom the ACD knows. Of one that cannot it is told; nobody is to blame for that."""
        state, ports = saga.state, self._ports()
        contact = state.rung_for
        silent = [leg for leg in state.rung if contact not in placed or leg in lost]
        for leg, rung in saga.forget_phones(silent).items():
            if leg in lost:
                lost.remove(leg)
            else:
                ports.legs.perform(ReleaseLeg(leg=leg, cause=ReleaseCause.CANCELLED))
            if contact in placed:
                ports.router.perform(OfferFailed(contact=contact, agent=rung.agent, end=OfferEnd.WITHDRAWN))

    def _seek_place(self, saga: CallSaga, placed: set[ContactId]) -> None:
        """Who waits and has no place any more queues again; who was called about him cannot be found any more."""
        state, second = saga.state, saga.state.second
        if state.stage is Stage.QUEUED and state.contact not in placed and state.queue is not None:
            waited = self._clock.now() - state.queued_at if state.queued_at is not None else 0.0
            again = QueueContact(
                contact=state.contact,
                queue=state.queue,
                priority=state.priority,
                waited_seconds=max(0.0, waited),
                patient=bool(state.promise),
                mystery=state.mystery,
            )
            self._ports().router.perform(again)
        if second is None or second.answered_at is not None or not second.routed:
            return
        if second.contact not in placed or (second.wanted is not None and not state.rung):
            queue = second.queue or QueueId("")
            self._post(QueueRefused(contact=second.contact, queue=queue, reason="lost_in_restart"))

    def _engage_again(self, saga: CallSaga, placed: set[ContactId]) -> None:
        """Who called, or was called by his number, is busy still: the ACD keeps no place for such talks."""
        state, second, perform = saga.state, saga.state.second, self._ports().router.perform
        if second is not None and second.agent is not None and second.answered_at is None:
            perform(EngageAgent(contact=second.contact, agent=second.agent, seat=second.seat))
        if state.stage is Stage.ENDING:
            return
        if state.outward and state.agent is not None and state.contact not in placed:
            again = EngageAgent(
                contact=state.contact,
                agent=state.agent,
                wrap_up_seconds=state.wrap_up_seconds,
                seat=state.agent_seat,
            )
            perform(again)
            if state.hold_at is not None:
                perform(TalkHeld(contact=state.contact, agent=state.agent, held=True))
        if state.party_agent is not None:
            perform(EngageAgent(contact=state.contact, agent=state.party_agent, seat=state.party_seat))
        if (called := state.seat_called) is not None:
            perform(EngageAgent(contact=state.contact, agent=called.agent, seat=called.seat))

    def _restore_flow(self, saga: CallSaga, kept: KeptCall) -> None:
        state = saga.state
        if state.flow is None or (kept.flow is not None and self._ports().flows.restore(state.contact, kept.flow)):
            return
        outcome = FlowOutcome.FAILED
        left = FlowLeft(contact=state.contact, flow=state.flow, outcome=outcome, cause="lost_in_restart")
        self._facts.record(left)
        self._post(FlowAsked(contact=state.contact, request=FlowFinished(outcome=outcome)))

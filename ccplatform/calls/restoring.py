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
from ccplatform.contracts.routing import EngageAgent, OfferFailed, QueueContact, QueueRefused, TalkHeld
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
        restored = {leg for leg in state.live_legs if leg in survivor.legs and self._restore_leg(leg, kept)}
        lost = [leg for leg in state.live_legs if leg not in restored]
        _log.info("call taken back", contact=state.contact, stage=state.stage, lost_legs=len(lost))
        if kept.row is not None:
            self._ports().rows.restore_call(kept.row)
        self._restore_route(saga, kept, lost)
        self._restore_further(saga, kept)
        self._restore_flow(saga, kept)
        if kept.route is None:
            self._engage_again(saga)
        for leg in lost:
            self._post(LegEnded(leg=leg, cause=ReleaseCause.FAILED, by_remote=False))
        return state.contact

    def _restore_leg(self, leg: LegId, kept: KeptCall) -> bool:
        data = kept.legs.get(leg)
        return data is not None and self._ports().legs.restore(leg, data)

    def _restore_route(self, saga: CallSaga, kept: KeptCall, lost: list[LegId]) -> None:
        """Give the contact its place in the queue or its agent back."""
        state, ports = saga.state, self._ports()
        placed = kept.route is not None and ports.router.restore(state.contact, kept.route)
        alone = len(state.rung) == 1 and not state.rung.keys() & set(lost)  # the ACD gives one offer back
        if state.stage is Stage.RINGING and not (placed and alone):
            for leg, rung in saga.forget_offers().items():
                if leg in lost:
                    lost.remove(leg)
                else:
                    ports.legs.perform(ReleaseLeg(leg=leg, cause=ReleaseCause.CANCELLED))
                if placed:
                    failed = OfferFailed(contact=state.contact, agent=rung.agent, end=OfferEnd.WITHDRAWN)
                    ports.router.perform(failed)
        if state.stage is Stage.QUEUED and not placed and state.queue is not None:
            waited = self._clock.now() - state.queued_at if state.queued_at is not None else 0.0
            again = QueueContact(
                contact=state.contact,
                queue=state.queue,
                waited_seconds=max(0.0, waited),
                patient=bool(state.promise),
            )
            ports.router.perform(again)

    def _restore_further(self, saga: CallSaga, kept: KeptCall) -> None:
        """Give who was called about the caller his place back, or tell that he cannot be found any more."""
        ports, second = self._ports(), saga.state.second
        for contact, further in kept.further.items():
            if further.row is not None:
                ports.rows.restore_call(further.row)
            placed = further.route is not None and ports.router.restore(contact, further.route)
            waits = second is not None and second.contact == contact and second.answered_at is None
            if waits and second is not None and second.routed and not placed:
                for leg in saga.forget_phones():
                    ports.legs.perform(ReleaseLeg(leg=leg, cause=ReleaseCause.CANCELLED))
                queue = second.queue or QueueId("")
                self._post(QueueRefused(contact=contact, queue=queue, reason="lost_in_restart"))

    def _engage_again(self, saga: CallSaga) -> None:
        """Who called, or was called by his number, is busy still: the ACD keeps no place for such contacts."""
        state, perform = saga.state, self._ports().router.perform
        if not state.outward:
            return
        if state.agent is not None:
            again = EngageAgent(contact=state.contact, agent=state.agent, wrap_up_seconds=state.wrap_up_seconds)
            perform(again)
            if state.stage is Stage.HELD:
                perform(TalkHeld(contact=state.contact, agent=state.agent, held=True))
        if state.party_agent is not None:
            perform(EngageAgent(contact=state.contact, agent=state.party_agent))

    def _restore_flow(self, saga: CallSaga, kept: KeptCall) -> None:
        state = saga.state
        if state.flow is None or (kept.flow is not None and self._ports().flows.restore(state.contact, kept.flow)):
            return
        outcome = FlowOutcome.FAILED
        left = FlowLeft(contact=state.contact, flow=state.flow, outcome=outcome, cause="lost_in_restart")
        self._facts.record(left)
        self._post(FlowAsked(contact=state.contact, request=FlowFinished(outcome=outcome)))

"""Dialogs that take the place of others: what a phone may name by Replaces (RFC 3891), and what becomes of it.

A phone of a seat may take over what another one of the same seat does (its user is the same: section 3), the call
that it talks in or the one that rings there. That is no matter of the call, whose leg stays: the leg has another
dialog, and its media go elsewhere.

A phone of another seat may have what rings (directed pick-up), if `calls` lets it: then its seat is rung for the
same contact, and the INVITE that asked for it is what rings, and is answered.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ccplatform.contracts.legs import DialLeg, LegEvent, LegPickUpAsked, LegTransferAsked, SeatTarget
from ccplatform.contracts.words import ReleaseCause
from gateway.leg_state import Leg
from gateway.leg_table import LegTable
from gateway.negotiating import Negotiating
from gateway.sip.causes import status_of
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.incoming import IncomingCall
from gateway.sip.invite_events import ReferArrived, Release, ReportRefer
from gateway.sip.refer import MAX_NUMBER
from gateway.sip.service import SipService

_log = structlog.get_logger("legs")


class Replacing:
    """INVITEs and REFERs with Replaces. ``listen`` is told of the dialog that a leg has from then on, ``tell`` of
    transfers that are asked for."""

    def __init__(
        self,
        legs: LegTable,
        sip: SipService,
        negotiating: Negotiating,
        listen: Callable[[Leg, DialogRunner], None],
        tell: Callable[[LegEvent], None],
    ) -> None:
        self._legs = legs
        self._sip = sip
        self._negotiating = negotiating
        self._listen = listen
        self._tell = tell
        self._wanting: IncomingCall | None = None  # while `calls` is asked

    def transfer_asked(self, leg: Leg, dialog: DialogRunner, refer: ReferArrived) -> None:
        """REFER. Only the phone of a seat may connect others at our expense, and it may name no calls but those of
        its seat."""
        other = self._legs.named_by(refer.replaces, leg.seat) if refer.replaces is not None else None
        if leg.ended or leg.seat is None or (refer.replaces is not None and other is None):
            dialog.tell(ReportRefer(status_of(ReleaseCause.REJECTED)))
            return
        replaces = other.id if other is not None else None
        number, phone = self._sip.registrations.dialled(refer.uri)
        self._tell(LegTransferAsked(leg=leg.id, number=number[:MAX_NUMBER], phone=phone, replaces=replaces))

    def arrived(self, call: IncomingCall) -> None:
        """Take the leg over, or refuse: nothing has changed then."""
        assert call.replaces is not None
        leg = self._legs.named_by(call.replaces, call.seat)
        if leg is None:
            self._pick_up(call, self._legs.anybodys(call.replaces))
            return
        refusal = _refusal(leg, early_only=call.replaces.early_only)
        if refusal:
            call.dialog.tell(Release(status=refusal))
            return
        _log.info("leg taken over", leg=leg.id, seat=leg.seat, rang=not leg.answered)
        self._listen(leg, call.dialog)
        if leg.contact is not None:
            self._sip.adopt_trace(call.dialog.call_id, leg.contact, leg.id)
        self._negotiating.taken_over(leg, call.dialog, call.offer, call.flow.transport)

    def rings(self, leg: Leg, command: DialLeg) -> bool:
        """The leg of a seat that is dialled because its phone asked for the call: it is answered."""
        call = self._wanting
        if call is None or not isinstance(command.target, SeatTarget) or command.target.seat != call.seat:
            return False
        self._wanting = None
        _log.info("call picked up", leg=leg.id, seat=leg.seat)
        leg.dialogs, leg.offer, leg.transport = [call.dialog], call.offer, call.flow.transport
        leg.ip_version = self._negotiating.ip_version(call.flow, call.offer)
        self._listen(leg, call.dialog)
        self._sip.adopt_trace(call.dialog.call_id, command.contact, leg.id)
        leg.answering = True
        self._negotiating.open(leg, self._negotiating.answer)
        return True

    def _pick_up(self, call: IncomingCall, leg: Leg | None) -> None:
        """Refused as what cannot be replaced, unless it rings at a seat and that of this phone may have it."""
        if leg is None:
            call.dialog.tell(Release(status=481))
            return
        if call.seat is not None and leg.seat is not None and not (leg.incoming or leg.answered or leg.ended):
            self._wanting = call
            self._tell(LegPickUpAsked(leg=leg.id, seat=call.seat, rings_at=leg.seat))
            if self._wanting is None:
                return
            self._wanting = None
        call.dialog.tell(Release(status=403))


def _refusal(leg: Leg, *, early_only: bool) -> int:
    """The status that refuses to replace a dialog of this leg; 0: none does."""
    if leg.answered and early_only:
        return 486
    if not leg.answered and leg.incoming:
        return 481  # an early dialog that we did not begin
    return 491 if leg.audio is None or leg.move is not None else 0

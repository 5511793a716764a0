"""Offers and answers inside an INVITE dialog (RFC 3264, RFC 3311), and the 2xx that brings an answer.

A pure core, the same for both sides. One offer is open at a time: the peer's, until our user accepts or refuses
it, or one of ours (:mod:`gateway.sip.own_offer`). What else a dialog does is :mod:`gateway.sip.invite_dialog`.
"""

from __future__ import annotations

from typing import Final

from gateway.errors import IllegalEvent
from gateway.sip.dialogs import Dialog, Identity
from gateway.sip.invite_events import DialogResponse, DialogState, InviteEffect, OfferArrived
from gateway.sip.message import ALLOWED_METHODS, SipRequest, SipResponse
from gateway.sip.own_offer import OwnOffer, PeerOffer, takes_updates
from gateway.sip.replies import with_abilities
from gateway.sip.responses import response_to
from gateway.sip.transaction_layer import ServerKey
from gateway.sip.transactions import TimerValues
from gateway.sip.unacknowledged import Unacknowledged

#: The states in which media may flow.
UP: Final = (DialogState.ANSWERED, DialogState.CONFIRMED)


class DialogOffers:
    """The session of a dialog: who offers what."""

    def __init__(self, *, identity: Identity, timers: TimerValues, dialog: Dialog | None) -> None:
        self.state = DialogState.NEW
        self.dialog = dialog
        self._identity = identity
        self._timers = timers
        self._unacknowledged: Unacknowledged | None = None
        self._pending: PeerOffer | None = None
        self._own_offer = OwnOffer(timers.session)

    # --- of the peer --------------------------------------------------------------------------------------

    def _reinvite(self, key: ServerKey, request: SipRequest, now: float) -> list[InviteEffect]:
        if self.state not in UP or self._pending or (self._unacknowledged and self._unacknowledged.offered):
            return [self._refusal(key, request, 491 if self.state in UP else 500, retry_after=True)]
        return self._offer(key, request)

    def _update(self, key: ServerKey, request: SipRequest, now: float) -> list[InviteEffect]:
        if self.state not in UP or self._pending or (self._unacknowledged and self._unacknowledged.offered):
            return [self._refusal(key, request, 500, retry_after=True)]
        if not request.body:
            assert self.dialog is not None
            self.dialog.refresh_target(request)
            response = self._with_contact(response_to(request, 200))
            self._own_offer.session.answer(request, response, now)
            return [DialogResponse(key, response)]
        return self._offer(key, request)

    def _offer(self, key: ServerKey, request: SipRequest) -> list[InviteEffect]:
        if self._own_offer.open:  # glare (section 14.2, RFC 3311 section 5.2)
            return [self._refusal(key, request, 491)]
        if request.body and request.content_type != "application/sdp":
            refusal = self._refusal(key, request, 415)
            refusal.response.headers.put("accept", "application/sdp")
            return [refusal]
        self._pending = PeerOffer(key, request)
        return [OfferArrived(request.body or None)]

    def _accept_offer(self, sdp: bytes, now: float) -> list[InviteEffect]:
        pending, dialog = self._pending, self.dialog
        if pending is None or dialog is None:
            raise IllegalEvent(f"no offer to accept in a dialog that is {self.state}")
        self._pending = None
        dialog.refresh_target(pending.request)
        response = self._with_contact(response_to(pending.request, 200, body=sdp))
        if pending.request.method == "UPDATE":
            self._own_offer.last_sdp = sdp
            self._own_offer.session.answer(pending.request, response, now)
            return [DialogResponse(pending.transaction, response)]
        return [self._answer(pending.transaction, pending.request, response, now)]

    def _refuse_offer(self, warning: str) -> list[InviteEffect]:
        pending, self._pending = self._pending, None
        if pending is None:
            raise IllegalEvent(f"no offer to refuse in a dialog that is {self.state}")
        refusal = self._refusal(pending.transaction, pending.request, 488)
        refusal.response.headers.put("warning", warning)
        return [refusal]

    def _answer(self, key: ServerKey, invite: SipRequest, response: SipResponse, now: float) -> DialogResponse:
        """A 2xx to an INVITE: repeated until acknowledged."""
        self._own_offer.last_sdp = response.body
        self._own_offer.peer_updates = takes_updates(invite)
        self._own_offer.session.answer(invite, response, now)
        self._unacknowledged = Unacknowledged.sent(key, invite, response, self._timers, now)
        self.state = DialogState.ANSWERED
        return DialogResponse(key, response)

    # --- of ours ------------------------------------------------------------------------------------------

    def _reoffer(self, sdp: bytes) -> list[InviteEffect]:
        if self.state not in UP or not self._own_offer.free:
            raise IllegalEvent(f"no offer can be made in a dialog that is {self.state}")
        self._own_offer.begin(sdp)
        return self._send_own_offer() if self._unacknowledged is None else []

    def _send_own_offer(self) -> list[InviteEffect]:
        assert self.dialog is not None
        return self._own_offer.send(self.dialog, self._identity)

    # --- building -----------------------------------------------------------------------------------------

    def _refusal(
        self, key: ServerKey, request: SipRequest, status: int, *, retry_after: bool = False
    ) -> DialogResponse:
        response = response_to(request, status, to_tag=self.dialog.local_tag if self.dialog else "")
        if status == 405:
            response.headers.put("allow", ALLOWED_METHODS)
        if retry_after:
            response.headers.put("retry-after", "1")
        return DialogResponse(key, response)

    def _with_contact(self, response: SipResponse) -> SipResponse:
        assert self.dialog is not None
        response.headers.put("contact", self.dialog.contact(self._identity))
        return with_abilities(response, self._identity.user_agent)

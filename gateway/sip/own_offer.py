"""Our own re-INVITE (RFC 3261 section 14.1): one at a time, not before the ACK of a 2xx that we sent."""

from __future__ import annotations

from gateway.sip.dialogs import Dialog, Identity
from gateway.sip.invite_events import DialogAck, DialogRequest, InviteEffect, OfferAnswered, OfferRefused
from gateway.sip.message import ALLOWED_METHODS, SipRequest, SipResponse


class OwnOffer:
    """What an established dialog knows of the offer that it makes."""

    def __init__(self) -> None:
        self._sdp: bytes | None = None
        self._sequence = 0  # of the re-INVITE that is under way; 0: it waits
        self._accepted = 0  # of the last one that was: its 2xx may be repeated

    @property
    def open(self) -> bool:
        """Whether an offer waits to be sent or to be answered."""
        return self._sdp is not None

    def begin(self, sdp: bytes) -> None:
        """Note what is to be offered; :meth:`send` follows when the dialog is free for it."""
        self._sdp, self._sequence = sdp, 0

    def send(self, dialog: Dialog, identity: Identity) -> list[InviteEffect]:
        """The re-INVITE, if one waits."""
        if self._sdp is None or self._sequence:
            return []
        invite = dialog.request("INVITE", identity)
        invite.headers.put("allow", ALLOWED_METHODS)
        invite.headers.put("content-type", "application/sdp")
        invite.body = self._sdp
        self._sequence = invite.cseq.number
        return [DialogRequest(invite, dialog.destination())]

    def answered(self, response: SipResponse, dialog: Dialog, identity: Identity) -> list[InviteEffect]:
        """A final response. A 2xx is acknowledged each time it comes, whatever has become of the dialog."""
        sequence = response.cseq.number
        if response.status >= 300:
            return self.refused(sequence, response.status)
        first = self._sdp is not None and sequence == self._sequence
        if not first and sequence != self._accepted:
            return []
        ack: SipRequest = dialog.request("ACK", identity, cseq=sequence)
        if not first:
            return [DialogAck(ack, dialog.destination())]
        self._sdp, self._accepted = None, sequence
        dialog.refresh_target(response)
        return [DialogAck(ack, dialog.destination()), OfferAnswered(response.body)]

    def refused(self, sequence: int, status: int) -> list[InviteEffect]:
        """It was refused, or nobody answered it."""
        if self._sdp is None or sequence != self._sequence:
            return []
        self._sdp = None
        return [OfferRefused(status)]

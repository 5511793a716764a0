"""Our own re-INVITEs and UPDATEs in an established dialog: new offers (RFC 3261 section 14.1), one at a time and
not before the ACK of a 2xx that we sent, and refreshes of the session (RFC 4028), which say what was said last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.errors import SipParseError
from gateway.sip.dialogs import Dialog, Identity
from gateway.sip.invite_events import DialogAck, DialogRequest, InviteEffect, OfferAnswered, OfferRefused
from gateway.sip.message import ALLOWED_METHODS, SUPPORTED, SipRequest, SipResponse
from gateway.sip.session_timer import SessionTimer
from gateway.sip.transaction_layer import ServerKey


@dataclass(slots=True)
class PeerOffer:
    """A re-INVITE or UPDATE of the peer's that waits for the answer to its offer."""

    transaction: ServerKey
    request: SipRequest


class OwnOffer:
    """What an established dialog knows of its session and of the offer that it makes."""

    def __init__(self, session_seconds: int) -> None:
        self.session = SessionTimer(session_seconds)
        #: What we offered or answered last.
        self.last_sdp = b""
        #: Whether the peer takes UPDATE.
        self.peer_updates = False
        #: The peer does not know this dialog any more: a refresh was answered so.
        self.lost = False
        self._sdp: bytes | None = None
        self._sequence = 0  # of the re-INVITE that is under way; 0: it waits
        self._accepted = 0  # of the last one that was: its 2xx may be repeated
        self._refreshing = False
        self._queued: bytes | None = None

    @property
    def open(self) -> bool:
        """Whether an offer waits to be sent or to be answered."""
        return self._sdp is not None

    @property
    def free(self) -> bool:
        """Whether another offer may be given: none is open, but for a refresh, after which its turn comes."""
        return self._sdp is None or (self._refreshing and self._queued is None)

    def begin(self, sdp: bytes) -> None:
        """Note what is to be offered; :meth:`send` follows when the dialog is free for it."""
        if self._refreshing:
            self._queued = sdp
        else:
            self._sdp, self._sequence, self.last_sdp = sdp, 0, sdp

    def send(self, dialog: Dialog, identity: Identity) -> list[InviteEffect]:
        """The re-INVITE, if one waits."""
        if self._sdp is None or self._sequence:
            return []
        invite = dialog.request("INVITE", identity)
        invite.headers.put("allow", ALLOWED_METHODS)
        invite.headers.put("content-type", "application/sdp")
        invite.body = self._sdp
        self._sequence = invite.cseq.number
        return [DialogRequest(self.with_session(invite), dialog.destination())]

    def refresh(self, dialog: Dialog, identity: Identity) -> list[InviteEffect]:
        """An UPDATE without an offer if the peer takes it, else a re-INVITE with the same session as before."""
        if self.open:
            return []
        if self.peer_updates:
            update = self.with_session(dialog.request("UPDATE", identity))
            return [DialogRequest(update, dialog.destination())]
        if not self.last_sdp:
            return []
        self.begin(self.last_sdp)
        self._refreshing = True
        return self.send(dialog, identity)

    def with_session(self, request: SipRequest) -> SipRequest:
        """The request with our wish for a session timer."""
        request.headers.put("supported", SUPPORTED)
        self.session.ask(request)
        return request

    def renumbered(self, sequence: int, again: int) -> None:
        """A request was sent once more under another number."""
        if sequence == self._sequence:
            self._sequence = again

    # --- answers ------------------------------------------------------------------------------------------

    def answered(
        self, response: SipResponse, dialog: Dialog, identity: Identity, now: float
    ) -> list[InviteEffect]:
        """A final response to a re-INVITE. A 2xx is acknowledged each time it comes, whatever has become of the
        dialog."""
        sequence = response.cseq.number
        if response.status >= 300:
            return self.refused(sequence, response.status, dialog, identity, refusal=response)
        first = self._sdp is not None and sequence == self._sequence
        if not first and sequence != self._accepted:
            return []
        ack = DialogAck(dialog.request("ACK", identity, cseq=sequence), dialog.destination())
        if not first:
            return [ack]
        self._sdp, self._accepted = None, sequence
        dialog.refresh_target(response)
        self.accepted(response, now)
        return [ack, *self._told(OfferAnswered(response.body), dialog, identity)]

    def accepted(self, response: SipResponse, now: float) -> None:
        """A 2xx to our INVITE or UPDATE: what it says of the session."""
        self.session.answered(response, now)
        self.peer_updates = self.peer_updates or takes_updates(response)

    def updated(self, response: SipResponse, now: float) -> None:
        """A final response to an UPDATE that refreshes."""
        if response.status < 300:
            self.accepted(response, now)
        else:
            self._not_refreshed(response.status, response)

    def refused(
        self,
        sequence: int,
        status: int,
        dialog: Dialog,
        identity: Identity,
        refusal: SipResponse | None = None,
    ) -> list[InviteEffect]:
        """It was refused, or nobody answered it."""
        if self._sdp is None or sequence != self._sequence:
            return []
        self._sdp = None
        if self._refreshing:
            self._not_refreshed(status, refusal)
        return self._told(OfferRefused(status), dialog, identity)

    def _not_refreshed(self, status: int, refusal: SipResponse | None) -> None:
        if status in (408, 481):  # RFC 4028 section 10
            self.lost = True
        elif refusal is not None:
            self.session.longer(refusal)

    def _told(self, news: OfferAnswered | OfferRefused, dialog: Dialog, identity: Identity) -> list[InviteEffect]:
        """A refresh is told to nobody; what was to be offered meanwhile is offered now."""
        if not self._refreshing:
            return [news]
        self._refreshing = False
        queued, self._queued = self._queued, None
        if queued is None:
            return []
        self.begin(queued)
        return self.send(dialog, identity)

    # --- over a restart -----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """JSON-able data with which the session can be refreshed."""
        sdp = self.last_sdp.decode("utf-8", "surrogateescape")
        return {"timer": self.session.snapshot(), "updates": self.peer_updates, "sdp": sdp}

    def restore(self, data: dict[str, Any], now: float) -> None:
        """Take :meth:`snapshot` back."""
        self.session.restore(data["timer"], now)
        self.peer_updates = bool(data["updates"])
        self.last_sdp = str(data["sdp"]).encode("utf-8", "surrogateescape")


def takes_updates(message: SipRequest | SipResponse) -> bool:
    """Whether the peer's Allow names UPDATE; one that cannot be read names nothing."""
    try:
        return "update" in message.headers.tokens("allow")
    except SipParseError:
        return False

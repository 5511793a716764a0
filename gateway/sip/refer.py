"""REFER inside a dialog (RFC 3515): whom the peer wants to be connected to instead of us, and how far that is.

A REFER makes a subscription of its own: NOTIFY after NOTIFY carries the status line that the new call has come to,
as message/sipfrag (RFC 3420). A peer that wants none of that says so (RFC 4488). Pure.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.errors import SipParseError
from gateway.sip.dialogs import Dialog, Identity
from gateway.sip.invite_events import DialogRequest, DialogResponse, InviteEffect
from gateway.sip.message import REASONS, SipRequest
from gateway.sip.replaces import Replaces, replaces_in
from gateway.sip.responses import response_to
from gateway.sip.transaction_layer import ServerKey
from gateway.sip.uri import SipUri

#: How long the subscription lasts at most, seconds: longer than a party may ring.
SUBSCRIPTION_SECONDS: Final = 120
#: Longest number that somebody may be connected to.
MAX_NUMBER: Final = 64


class Referring:
    """The REFERs of one dialog, one after the other. ``over``: none is under way that anybody hears of."""

    def __init__(self) -> None:
        self.wanted: tuple[SipUri, Replaces | None]  # of the last one
        self.over = True
        self._transaction: ServerKey | None = None  # of a REFER that is not answered
        self._request: SipRequest | None = None
        self._told = True
        self._event = ""

    def snapshot(self) -> dict[str, Any] | None:
        """JSON-able data of the one that is under way; None: there is none, or it has no answer yet."""
        if self.over or self._request is not None:
            return None
        return {"told": self._told, "event": self._event}

    def restore(self, data: dict[str, Any]) -> None:
        """Go on with the one that :meth:`snapshot` described."""
        self._told, self._event, self.over = bool(data["told"]), str(data["event"]), False

    def arrived(self, transaction: ServerKey, request: SipRequest) -> bool:
        """Take a REFER: False while another one is under way. Raises :class:`SipParseError` when it does not say
        whom to call."""
        if not self.over:
            return False
        self.wanted = _target_of(request)
        self._told = _wants_news(request)
        self._event = f"refer;id={request.cseq.number}" if self._event else "refer"
        self._transaction, self._request, self.over = transaction, request, False
        return True

    def report(self, status: int, dialog: Dialog | None, identity: Identity) -> list[InviteEffect]:
        """Answer the REFER (202 and a first NOTIFY, or a refusal), later tell how far the new call is: a final
        status is the last. Nothing without a ``dialog``."""
        if self.over or dialog is None:
            return []
        if self._transaction is None or self._request is None:
            return self._notify(status, dialog, identity)
        response = response_to(self._request, status, to_tag=dialog.local_tag)
        response.headers.put("contact", dialog.contact(identity))
        if not self._told:
            response.headers.put("refer-sub", "false")
        answer = DialogResponse(self._transaction, response)
        self._transaction = self._request = None
        self.over = status >= 300
        return [answer] if self.over else [answer, *self._notify(100, dialog, identity)]

    def abandoned(self) -> list[DialogResponse]:
        """The dialog is over: a REFER that nobody answered is."""
        key, request = self._transaction, self._request
        self._transaction = self._request = None
        self.over = True
        return [DialogResponse(key, response_to(request, 487))] if key is not None and request is not None else []

    def _notify(self, status: int, dialog: Dialog, identity: Identity) -> list[InviteEffect]:
        self.over = status >= 200
        if not self._told:
            return []
        request = dialog.request("NOTIFY", identity)
        request.headers.put("event", self._event)
        state = "terminated;reason=noresource" if self.over else f"active;expires={SUBSCRIPTION_SECONDS}"
        request.headers.put("subscription-state", state)
        request.headers.put("content-type", "message/sipfrag;version=2.0")
        request.body = f"SIP/2.0 {status} {REASONS.get(status, 'Failure')}\r\n".encode()
        return [DialogRequest(request, dialog.destination())]


def _target_of(request: SipRequest) -> tuple[SipUri, Replaces | None]:
    """Whom to call, or the dialog whose other side is meant: then the URI says nothing."""
    targets = request.addresses("refer-to")
    if len(targets) != 1:
        raise SipParseError(f"{len(targets)} values where one must be", "Refer-To")
    uri = targets[0].uri
    if uri.param("method") not in (None, "INVITE"):
        raise SipParseError("only INVITE can be sent on behalf of a phone", "Refer-To")
    replaces = replaces_in(uri, "Refer-To")
    if replaces is None and not 0 < len(uri.name) <= MAX_NUMBER:
        raise SipParseError("no number to call", "Refer-To")
    return uri, replaces


def _wants_news(request: SipRequest) -> bool:
    return (request.headers.first("refer-sub") or "true").partition(";")[0].strip().lower() != "false"

"""Our REFER inside a dialog (RFC 3515): the peer is to call somebody instead of us.

It tells by NOTIFY how far it is, with the status line that it has come to (message/sipfrag, RFC 3420). Pure.

One dialog carries one at most: what a peer refused once is not asked of it again.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gateway.errors import SipParseError
from gateway.sip.dialogs import Dialog, Identity
from gateway.sip.invite_events import DialogRequest, DialogResponse, InviteEffect, Refer, ReferProgress
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.responses import response_to
from gateway.sip.transaction_layer import ServerKey

_STATUS_LINE: Final = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: |\r|\n|$)", re.IGNORECASE)
#: What a subscription that ends without a final status stands for: nobody will tell us more.
_UNTOLD: Final = 480


class Referral:
    """The REFER of one dialog that we send. ``begun``: there was one; ``over``: nothing more is told of it."""

    def __init__(self) -> None:
        self.begun = False
        self.over = True

    def snapshot(self) -> list[bool]:
        """JSON-able data."""
        return [self.begun, self.over]

    def restore(self, data: list[Any]) -> None:
        """What :meth:`snapshot` described."""
        self.begun, self.over = bool(data[0]), bool(data[1])

    def begin(self, refer: Refer, dialog: Dialog, identity: Identity) -> list[InviteEffect]:
        """Send it."""
        if self.begun:
            return [ReferProgress(491)]
        self.begun, self.over = True, False
        request = dialog.request("REFER", identity)
        request.headers.put("refer-to", refer.to)
        request.headers.put("referred-by", dialog.local_party)
        return [DialogRequest(request, dialog.destination())]

    def answered(self, response: SipResponse) -> list[InviteEffect]:
        """A response to it: 202 is no more than that the peer tries."""
        return self._progress(100 if 200 <= response.status < 300 else response.status)

    def failed(self, status: int) -> list[InviteEffect]:
        """Nobody answered it, or it could not be sent."""
        return self._progress(status)

    def notified(self, key: ServerKey, request: SipRequest, dialog: Dialog) -> list[InviteEffect]:
        """A NOTIFY: answered, and told when it is news. Raises :class:`SipParseError` for one that cannot be
        read."""
        package = (request.headers.first("event") or "").partition(";")[0].strip().lower()
        if package != "refer" or not self.begun:
            return [DialogResponse(key, response_to(request, 481 if package == "refer" else 489))]
        status = _status_in(request)
        state = (request.headers.first("subscription-state") or "").partition(";")[0].strip().lower()
        if status < 200 and state == "terminated":
            status = _UNTOLD
        answer = DialogResponse(key, response_to(request, 200, to_tag=dialog.local_tag))
        return [answer, *self._progress(status, told=True)]

    def _progress(self, status: int, *, told: bool = False) -> list[InviteEffect]:
        if self.over:
            return []
        self.over = status >= 200
        return [ReferProgress(status, told=told)]


def _status_in(request: SipRequest) -> int:
    found = _STATUS_LINE.match(request.body) if request.content_type == "message/sipfrag" else None
    if found is None:
        raise SipParseError("no status line of SIP in it (RFC 3420)", "body")
    return int(found[1])

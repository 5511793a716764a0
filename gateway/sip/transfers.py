"""The REFERs of one dialog, both ways: those of the peer (:mod:`.refer`) and ours (:mod:`.referral`). Pure."""

from __future__ import annotations

from typing import Any, Final

from gateway.sip.dialogs import Dialog, Identity
from gateway.sip.invite_events import DialogResponse, InviteEffect, Refer, ReferArrived, ReportRefer
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.refer import Referring
from gateway.sip.referral import Referral
from gateway.sip.responses import response_to
from gateway.sip.transaction_layer import ServerKey

#: Whose responses are for this.
METHODS: Final = ("REFER", "NOTIFY")


class Transfers:
    """What a dialog has to do with them."""

    def __init__(self) -> None:
        self._asked = Referring()
        self._asking = Referral()

    def snapshot(self) -> dict[str, Any] | None:
        """JSON-able data; None when there was no REFER."""
        asked = self._asked.snapshot()
        return {"asked": asked, "asking": self._asking.snapshot()} if asked or self._asking.begun else None

    def restore(self, data: dict[str, Any]) -> None:
        """What :meth:`snapshot` described; raises KeyError, TypeError or ValueError for other data."""
        self._asking.restore(data["asking"])
        if data["asked"] is not None:
            self._asked.restore(data["asked"])

    def command(
        self, command: ReportRefer | Refer, dialog: Dialog | None, identity: Identity
    ) -> list[InviteEffect]:
        """Of the user; without an established ``dialog`` nothing can be done."""
        if isinstance(command, ReportRefer):
            return self._asked.report(command.status, dialog, identity)
        return [] if dialog is None else self._asking.begin(command, dialog, identity)

    def request(self, key: ServerKey, request: SipRequest, dialog: Dialog) -> list[InviteEffect]:
        """A REFER or a NOTIFY of the peer; raises SipParseError."""
        if request.method == "NOTIFY":
            return self._asking.notified(key, request, dialog)
        if not self._asked.arrived(key, request):
            return [DialogResponse(key, response_to(request, 491, to_tag=dialog.local_tag))]
        return [ReferArrived(*self._asked.wanted)]

    def answered(self, response: SipResponse) -> list[InviteEffect]:
        """A response to one of ours."""
        if response.cseq.method == "REFER":
            return self._asking.answered(response)
        if response.status >= 300:
            self._asked.over = True  # that subscription is lost (RFC 6665 section 4.2.2)
        return []

    def failed(self, method: str, status: int) -> list[InviteEffect]:
        """Nobody answered one of ours."""
        if method == "REFER":
            return self._asking.failed(status)
        self._asked.over = True
        return []

    def abandoned(self) -> list[DialogResponse]:
        """The dialog is over."""
        return self._asked.abandoned()

"""The established part of an INVITE dialog, the same for both sides: requests inside it, and its end.

A pure core. :mod:`gateway.sip.dialog_offers` has its offers; :class:`~gateway.sip.uas.InviteServer` and
:class:`~gateway.sip.uac.InviteClient` add how it begins.
A 2xx is repeated until its ACK comes (RFC 3261 section 13.3.1.4); when none comes, the dialog ends with a BYE.
A session timer that was agreed is kept (RFC 4028): refreshed by UPDATE, or by a re-INVITE with the same session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ccplatform.kernel.core import DeadlineReached
from gateway.errors import IllegalEvent, SipParseError
from gateway.sip.causes import q850_of
from gateway.sip.challenged import sent_again
from gateway.sip.dialog_offers import UP, DialogOffers
from gateway.sip.dialogs import Dialog, Identity
from gateway.sip.digest_client import DigestClient
from gateway.sip.dtmf_info import answer_to_info
from gateway.sip.headers import NameAddr
from gateway.sip.invite_events import (
    AcceptOffer,
    Acknowledged,
    DialogAck,
    DialogEnded,
    DialogGone,
    DialogRequest,
    DialogResponse,
    DialogState,
    DigitSignalled,
    InviteEffect,
    InviteEvent,
    Refer,
    RefuseOffer,
    Release,
    Reoffer,
    ReportRefer,
)
from gateway.sip.message import KNOWN_METHODS, SipRequest, SipResponse
from gateway.sip.replies import refusal_of_extensions, with_abilities
from gateway.sip.responses import response_to
from gateway.sip.session_timer import Due, refusal_of_brief_session
from gateway.sip.transaction_layer import RequestArrived, RequestFailed, ResponseArrived, ServerKey
from gateway.sip.transactions import TimerValues
from gateway.sip.transfers import METHODS, Transfers


class InviteDialog(DialogOffers):
    """What both sides of an INVITE dialog do once it is established."""

    def __init__(self, *, identity: Identity, timers: TimerValues, dialog: Dialog | None) -> None:
        super().__init__(identity=identity, timers=timers, dialog=dialog)
        self.digest: DigestClient | None = None  # who answers the peer's challenges
        self._bye_owed = ""  # Reason of a BYE that has to wait for the ACK; a blank one is " "
        self._ended = False
        self._transfers = Transfers()

    @classmethod
    def restored(cls, data: dict[str, Any], identity: Identity, timers: TimerValues, now: float) -> InviteDialog:
        """A confirmed dialog from :meth:`snapshot`."""
        core = cls(identity=identity, timers=timers, dialog=Dialog.restore(data))
        core.state = DialogState.CONFIRMED
        if "session" in data:  # not in those of earlier versions
            core._own_offer.restore(data["session"], now)
        if data.get("transfers") is not None:
            core._transfers.restore(data["transfers"])
        return core

    def snapshot(self) -> dict[str, Any] | None:
        """The dialog as JSON-able data, None unless it is established."""
        if self.dialog is None or self.state not in UP:
            return None
        transfers = self._transfers.snapshot()
        return {**self.dialog.snapshot(), "session": self._own_offer.snapshot(), "transfers": transfers}

    def remote_tags(self) -> tuple[str, ...]:
        """The tag of the peer; of an early dialog there may be several."""
        return (self.dialog.remote_tag,) if self.dialog is not None else ()

    def next_deadline(self) -> float | None:
        """When a 2xx must be repeated or given up, else when the session must be refreshed."""
        waiting = self._unacknowledged
        if waiting is not None:
            return waiting.next_deadline()
        return self._own_offer.session.next_deadline() if self.state is DialogState.CONFIRMED else None

    def handle(self, event: InviteEvent | DeadlineReached, now: float) -> list[InviteEffect]:
        """Take one event."""
        match event:
            case RequestArrived(key, request):
                try:
                    return self._request(event, now)
                except SipParseError as error:
                    return [self._refusal(key, request, error.status)] if key is not None else []
            case ResponseArrived(_, response, request):
                try:
                    again = sent_again(request, response, self.dialog, self.digest, self._own_offer)
                    return again or self._response(response, now)
                except SipParseError:
                    return []
            case RequestFailed(_, request, timed_out):
                return self._request_failed(request, 408 if timed_out else 503)
            case AcceptOffer(sdp):
                return self._accept_offer(sdp, now)
            case RefuseOffer(warning):
                return self._refuse_offer(warning)
            case Reoffer(sdp):
                return self._reoffer(sdp)
            case ReportRefer() | Refer():
                return self._transfers.command(event, self.dialog if self.state in UP else None, self._identity)
            case Release():
                return self._release(event, now)
            case DeadlineReached():
                return self._deadline(now)
            case _:
                raise IllegalEvent(f"{type(event).__name__} does not fit a dialog that is {self.state}")

    # --- requests of the peer -----------------------------------------------------------------------------

    def _request(self, arrived: RequestArrived, now: float) -> list[InviteEffect]:
        request, key = arrived.request, arrived.transaction
        if request.method == "ACK":
            return self._acknowledge(request)
        if key is None:
            return []
        if request.method == "CANCEL":  # Too late for it: the INVITE has its final response (section 9.2).
            return [DialogResponse(key, response_to(request, 200 if arrived.cancels else 481))]
        dialog = self.dialog
        if dialog is None or self.state is DialogState.GONE or not self._from_remote(request.from_):
            return [self._refusal(key, request, 481)]
        if not dialog.accepts_sequence(request.cseq.number):
            return [self._refusal(key, request, 500, retry_after=True)]
        if request.method == "BYE":
            return self._bye_arrived(key, request)
        refusal = refusal_of_extensions(request, dialog.local_tag)
        if refusal is None and request.method in ("INVITE", "UPDATE"):
            refusal = refusal_of_brief_session(request, dialog.local_tag)
        if refusal is not None:
            return [DialogResponse(key, refusal)]
        handler = _IN_DIALOG.get(request.method)
        if handler is not None:
            return handler(self, key, request, now)
        return [self._refusal(key, request, 405 if request.method in KNOWN_METHODS else 501)]

    def _bye_arrived(self, key: ServerKey, request: SipRequest) -> list[InviteEffect]:
        answer, ended = DialogResponse(key, response_to(request, 200)), DialogEnded(True, 0, q850_of(request))
        return [answer, *self._end_quietly(), *self._ended_once(ended), *self._gone()]

    def _end_quietly(self) -> list[InviteEffect]:
        """What else is open when the peer's BYE comes."""
        self._unacknowledged = None
        pending, self._pending = self._pending, None
        return [self._refusal(pending.transaction, pending.request, 487)] if pending else []

    def _options(self, key: ServerKey, request: SipRequest, now: float) -> list[InviteEffect]:
        return [DialogResponse(key, with_abilities(response_to(request, 200), self._identity.user_agent))]

    def _info(self, key: ServerKey, request: SipRequest, now: float) -> list[InviteEffect]:
        assert self.dialog is not None
        response, digit = answer_to_info(request, self.dialog.local_tag)
        return [DialogResponse(key, response), *([DigitSignalled(digit)] if digit is not None else [])]

    def _transfer(self, key: ServerKey, request: SipRequest, now: float) -> list[InviteEffect]:
        assert self.dialog is not None
        up = self.state in UP
        return self._transfers.request(key, request, self.dialog) if up else [self._refusal(key, request, 481)]

    def _acknowledge(self, ack: SipRequest) -> list[InviteEffect]:
        waiting = self._unacknowledged
        if waiting is None or ack.cseq.number != waiting.sequence:
            return []
        self._unacknowledged = None
        if self.state is DialogState.ENDING:
            return [self._bye(self._bye_owed.strip())]
        self.state = DialogState.CONFIRMED
        acknowledged = Acknowledged((ack.body or b"") if waiting.offered else None)
        return [acknowledged, *self._send_own_offer()]

    def _deadline(self, now: float) -> list[InviteEffect]:
        waiting = self._unacknowledged
        if waiting is None:
            return self._session_due(now)
        if now >= waiting.give_up_at:
            self._unacknowledged = None
            if self.state is DialogState.ENDING:
                return [self._bye(self._bye_owed.strip())]
            self.state = DialogState.ENDING
            return [self._bye('SIP;cause=408;text="ACK missing"'), *self._ended_once(DialogEnded(True, 408))]
        again = waiting.repeats(now, self._timers.t2)
        return [DialogResponse(waiting.transaction, waiting.response)] if again else []

    # --- refreshes of the session, and answers to offers of ours ------------------------------------------

    def _session_due(self, now: float) -> list[InviteEffect]:
        if self.state is not DialogState.CONFIRMED or self.dialog is None:
            return []
        due = self._own_offer.session.due(now)
        if due is Due.END:
            return self._end_session()
        if due is Due.NOTHING or self._pending:
            return []
        return self._own_offer.refresh(self.dialog, self._identity)

    def _end_session(self) -> list[InviteEffect]:
        self.state = DialogState.ENDING
        return [self._bye('SIP;cause=408;text="session timer"'), *self._ended_once(DialogEnded(True, 408))]

    def _reinvite_answered(self, response: SipResponse, now: float) -> list[InviteEffect]:
        if self.dialog is None or not response.final:
            return []
        return self._while_up(self._own_offer.answered(response, self.dialog, self._identity, now))

    def _offer_failed(self, request: SipRequest, status: int) -> list[InviteEffect]:
        if self.dialog is None:
            return []
        refused = self._own_offer.refused(request.cseq.number, status, self.dialog, self._identity)
        return self._while_up(refused)

    def _updated(self, response: SipResponse, now: float) -> list[InviteEffect]:
        if response.final:
            self._own_offer.updated(response, now)
        return self._while_up([])

    def _while_up(self, effects: list[InviteEffect]) -> list[InviteEffect]:
        """A dialog that is being released tells nothing more of its offers; one that the peer lost ends."""
        if self.state not in UP:
            return [effect for effect in effects if isinstance(effect, DialogAck)]
        return self._end_session() if self._own_offer.lost else effects

    # --- the end ------------------------------------------------------------------------------------------

    def _release(self, release: Release, now: float) -> list[InviteEffect]:
        if self.state not in UP:
            return []
        effects: list[InviteEffect] = []
        pending, self._pending = self._pending, None
        if pending is not None:
            effects.append(self._refusal(pending.transaction, pending.request, 487))
        self.state = DialogState.ENDING
        if self._unacknowledged is None:
            effects.append(self._bye(release.reason))
        else:  # No BYE before the ACK (section 15).
            self._bye_owed = release.reason or " "
        return [*effects, *self._ended_once(DialogEnded(False))]

    def _bye(self, reason: str) -> DialogRequest:
        assert self.dialog is not None
        bye = self.dialog.request("BYE", self._identity)
        if reason:
            bye.headers.put("reason", reason)
        return DialogRequest(bye, self.dialog.destination())

    def _response(self, response: SipResponse, now: float) -> list[InviteEffect]:
        if response.cseq.method == "INVITE":
            return self._reinvite_answered(response, now)
        if response.cseq.method == "UPDATE":
            return self._updated(response, now)
        if response.cseq.method in METHODS:
            return self._transfers.answered(response)
        return self._gone() if response.final and self._is_ended_by(response.cseq.method) else []

    def _request_failed(self, request: SipRequest, status: int) -> list[InviteEffect]:
        if request.method == "INVITE":
            return self._offer_failed(request, status)
        if request.method == "UPDATE" and self.state in UP:
            return self._end_session()  # nobody answered it, or nothing could be sent (RFC 4028 section 10)
        if request.method in METHODS:
            return self._transfers.failed(request.method, status)
        return self._gone() if self._is_ended_by(request.method) else []

    def _is_ended_by(self, method: str) -> bool:
        """Whether the end of this transaction is ours. A BYE that another branch of a fork got ends us early, at
        worst: the transaction of our own BYE goes on without us."""
        return method == "BYE" and self.state is DialogState.ENDING

    def _from_remote(self, party: NameAddr) -> bool:
        # A peer of RFC 2543 may have no tag.
        return self.dialog is not None and self.dialog.remote_tag in ("", party.tag)

    def _ended_once(self, ended: DialogEnded) -> list[InviteEffect]:
        if self._ended:
            return []
        self._ended = True
        return [*self._transfers.abandoned(), ended]

    def _gone(self) -> list[InviteEffect]:
        if self.state is DialogState.GONE:
            return []
        self.state = DialogState.GONE
        self._unacknowledged = None
        return [DialogGone()]

    def _ack(self, dialog: Dialog, sequence: int) -> DialogAck:
        return DialogAck(dialog.request("ACK", self._identity, cseq=sequence), dialog.destination())


_Handler = Callable[[InviteDialog, ServerKey, SipRequest, float], list[InviteEffect]]
_IN_DIALOG: Final[dict[str, _Handler]] = {
    "INVITE": InviteDialog._reinvite,
    "UPDATE": InviteDialog._update,
    "INFO": InviteDialog._info,
    "OPTIONS": InviteDialog._options,
    "REFER": InviteDialog._transfer,
    "NOTIFY": InviteDialog._transfer,
}

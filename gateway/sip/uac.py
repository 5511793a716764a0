"""The calling side of an INVITE dialog (RFC 3261 sections 9.1, 12.1.2, 13.2), a pure core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ccplatform.kernel.core import DeadlineReached
from gateway.errors import IllegalEvent, SipParseError
from gateway.sip.causes import q850_of
from gateway.sip.dialogs import MAX_FORWARDS, Dialog, Identity
from gateway.sip.digest_client import DigestClient
from gateway.sip.flows import Flow, flow_to
from gateway.sip.headers import Headers
from gateway.sip.invite_dialog import InviteDialog
from gateway.sip.invite_events import (
    DialogEnded,
    DialogRequest,
    DialogState,
    Invite,
    InviteEffect,
    InviteEvent,
    Release,
    RemoteAnswered,
    RemoteRinging,
)
from gateway.sip.message import ALLOWED_METHODS, SipRequest, SipResponse
from gateway.sip.parser import parse_message
from gateway.sip.reliable import sequence_of
from gateway.sip.responses import cancel_of, retry_after
from gateway.sip.transaction_layer import RequestFailed, ResponseArrived
from gateway.sip.transactions import TimerValues
from gateway.sip.uri import parse_uri

#: Longest time a called party may ring, seconds (timer C of RFC 3261 section 16.6).
RING_LIMIT: Final = 180.0
#: How long a peer may say nothing at all to an INVITE, seconds. A living one says 100 at once (section 17.2.1)
#: and got four copies by then; timer B alone (32 s) would leave the caller in front of a dead phone or trunk.
NO_REPLY_LIMIT: Final = 6.0

#: Early dialogs of one INVITE: branches of a fork that want their provisional responses acknowledged.
MAX_EARLY: Final = 16

_UNANSWERED: Final = (DialogState.CALLING, DialogState.PROCEEDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingCall:
    """What an INVITE is made of. ``from_party`` and ``to_party`` are name-addr texts without tag; ``digest``
    answers challenges."""

    uri: str
    from_party: str
    to_party: str
    call_id: str
    local_tag: str
    flow: Flow
    pinned: bool
    headers: tuple[tuple[str, str], ...] = ()
    digest: DigestClient | None = None
    routes: tuple[str, ...] = ()


class InviteClient(InviteDialog):
    """An INVITE that we send: NEW → CALLING → PROCEEDING → CONFIRMED → ENDING → GONE, or CANCELLING → GONE.

    Of several answers of a forking proxy the first counts; the others get ACK and BYE (section 13.2.2.4).
    """

    def __init__(self, call: OutgoingCall, *, identity: Identity, timers: TimerValues) -> None:
        super().__init__(identity=identity, timers=timers, dialog=None)
        self.digest = call.digest
        self._call = call
        self._invite: SipRequest | None = None
        self._cancel_sent = False
        self._cancel_reason = ""
        self._give_up_at: float | None = None
        self._early: dict[str, tuple[Dialog, int]] = {}  # by To tag, with the last RSeq
        self._early_answer = b""
        self._rang: dict[str, None] = {}  # To tags of those who ring, in order

    @property
    def key(self) -> tuple[str, str]:
        """Call-ID and our tag."""
        return self._call.call_id, self._call.local_tag

    def next_deadline(self) -> float | None:
        """The limit of the peer's silence, of ringing or of a CANCEL's effect, later that of a 2xx."""
        if self.state in (*_UNANSWERED, DialogState.CANCELLING):
            return self._give_up_at
        return super().next_deadline()

    def handle(self, event: InviteEvent | DeadlineReached, now: float) -> list[InviteEffect]:
        """Take one event."""
        match event:
            case Invite(offer) if self.state is DialogState.NEW:
                return self._send_invite(offer, now)
            case Invite():
                raise IllegalEvent(f"the INVITE was sent already, the dialog is {self.state}")
            case Release() if self.state is DialogState.NEW:
                return [*self._ended_once(DialogEnded(False)), *self._gone()]
            case Release() if self.state in _UNANSWERED:
                return self._cancel(event.reason, DialogEnded(False), now)
            case ResponseArrived(_, response) if self._is_first(response):
                try:
                    return self._invite_response(response, now)
                except SipParseError:  # as good as no answer
                    return []
            case RequestFailed(_, request, timed_out) if self._is_first(request):
                return self._failed(408 if timed_out else 503)
            case DeadlineReached() if self.state in (*_UNANSWERED, DialogState.CANCELLING):
                return self._expired(now)
            case _:
                return super().handle(event, now)

    def remote_tags(self) -> tuple[str, ...]:
        """Those of all who ring, until one answers."""
        return tuple(self._rang) if self.state in _UNANSWERED else super().remote_tags()

    def _is_first(self, message: SipRequest | SipResponse) -> bool:
        """Whether it is about the INVITE that began the dialog."""
        return self._invite is not None and message.cseq == self._invite.cseq

    # --- over a restart -----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any] | None:
        """While it rings: the INVITE as it was sent; later as any dialog."""
        if self.state not in _UNANSWERED or self._invite is None:
            return super().snapshot()
        return {
            "invite": self._invite.encode().decode("utf-8", "surrogateescape"),
            "flow": self._call.flow.snapshot(),
            "pinned": self._call.pinned,
        }

    @classmethod
    def ringing_again(cls, data: dict[str, Any], identity: Identity, timers: TimerValues) -> InviteClient:
        """An unanswered call from :meth:`snapshot`: told to invite, it sends the same INVITE once more.

        The peer takes that for a repetition (section 17.2.3) and repeats what it answered last. Raises KeyError,
        TypeError, ValueError or SipParseError for other data.
        """
        invite = parse_message(data["invite"].encode("utf-8", "surrogateescape"))
        if not isinstance(invite, SipRequest):
            raise ValueError("an INVITE is a request")
        flow = Flow.restore(data["flow"])
        if flow.reliable:  # its connection ended with the process that made it
            flow = flow_to(parse_uri(invite.uri_text)) or flow
        call = OutgoingCall(
            uri=invite.uri_text,
            from_party=invite.from_.party(),
            to_party=invite.to.party(),
            call_id=invite.call_id,
            local_tag=invite.from_.tag or "",
            flow=flow,
            pinned=bool(data["pinned"]),
        )
        core = cls(call, identity=identity, timers=timers)
        core._invite = invite
        return core

    # --- sending ------------------------------------------------------------------------------------------

    def _send_invite(self, offer: bytes, now: float) -> list[InviteEffect]:
        if self._invite is None:
            self._invite = self._new_invite(offer)
        self.state = DialogState.CALLING
        self._give_up_at = now + NO_REPLY_LIMIT
        return [DialogRequest(self._invite, self._call.flow)]

    def _new_invite(self, offer: bytes) -> SipRequest:
        call, headers = self._call, Headers()
        headers.put("max-forwards", MAX_FORWARDS)
        headers.put_all("route", list(call.routes))
        headers.put("from", f"{call.from_party};tag={call.local_tag}")
        headers.put("to", call.to_party)
        headers.put("call-id", call.call_id)
        headers.put("cseq", "1 INVITE")
        headers.put("contact", self._identity.contact(call.flow, secure=call.uri.startswith("sips:")))
        headers.put("allow", ALLOWED_METHODS)
        headers.put("user-agent", self._identity.user_agent)
        for name, value in call.headers:
            headers.add(name, value)
        headers.put("content-type", "application/sdp")
        self._own_offer.last_sdp = offer
        return self._own_offer.with_session(SipRequest("INVITE", call.uri, headers, offer))

    def _cancel(self, reason: str, ended: DialogEnded, now: float) -> list[InviteEffect]:
        heard = self.state is DialogState.PROCEEDING
        self.state = DialogState.CANCELLING
        self._cancel_reason = reason
        self._give_up_at = None
        # Before a provisional response a CANCEL could overtake its INVITE (section 9.1): it waits for one.
        effects = self._send_cancel(now) if heard else []
        return [*effects, *self._ended_once(ended)]

    def _send_cancel(self, now: float) -> list[InviteEffect]:
        assert self._invite is not None
        cancel = cancel_of(self._invite)
        if self._cancel_reason:
            cancel.headers.put("reason", self._cancel_reason)
        self._cancel_sent = True
        self._give_up_at = now + 64 * self._timers.t1
        return [DialogRequest(cancel, self._call.flow)]

    def _expired(self, now: float) -> list[InviteEffect]:
        if self._give_up_at is None or now < self._give_up_at:
            return []
        if self.state is DialogState.CANCELLING:
            return self._gone()
        silent = self.state is DialogState.CALLING
        return self._cancel("", DialogEnded(silent, 408), now)

    # --- answers ------------------------------------------------------------------------------------------

    def _invite_response(self, response: SipResponse, now: float) -> list[InviteEffect]:
        if response.status < 200:
            return self._provisional(response, now)
        if response.status == 422 and self.state in _UNANSWERED and self._own_offer.session.longer(response):
            return self._invite_longer(now)
        if self.digest is not None and self.state in _UNANSWERED and self._invite is not None:
            again = self.digest.answer(self._invite, response, self._invite.cseq.number + 1)
            if again is not None:
                self._invite = again
                return self._send_invite(again.body, now)
        if response.status >= 300:
            return self._failed(response.status, q850_of(response), retry_after(response))
        if self.state in _UNANSWERED:
            return self._accepted(response, now)
        return self._accepted_again(response)

    def _provisional(self, response: SipResponse, now: float) -> list[InviteEffect]:
        if self.state is DialogState.CANCELLING:
            return [] if self._cancel_sent else self._send_cancel(now)
        if self.state not in _UNANSWERED:
            return []
        if self.state is DialogState.CALLING:
            self._give_up_at = now + RING_LIMIT
        self.state = DialogState.PROCEEDING
        acknowledged = self._acknowledge_ringing(response)
        sdp = response.body if response.content_type == "application/sdp" else b""
        if response.status > 100 and len(self._rang) < MAX_EARLY:
            self._rang[response.to.tag or ""] = None
        return [*acknowledged, RemoteRinging(response.status, sdp)] if response.status > 100 else []

    def _acknowledge_ringing(self, response: SipResponse) -> list[InviteEffect]:
        """The PRACK of a reliable provisional response, in the early dialog of its To tag (RFC 3262 section 4)."""
        number, tag = sequence_of(response), response.to.tag
        if number is None or tag is None or (tag not in self._early and len(self._early) >= MAX_EARLY):
            return []
        dialog, last = self._early.get(tag) or (self._dialog_of(response), number - 1)
        if number != last + 1:
            return []
        self._early[tag] = dialog, number
        if response.content_type == "application/sdp":
            self._early_answer = response.body  # the 2xx need not repeat it (section 5)
        prack = dialog.request("PRACK", self._identity)
        prack.headers.put("rack", f"{number} {response.cseq}")
        return [DialogRequest(prack, dialog.destination())]

    def _invite_longer(self, now: float) -> list[InviteEffect]:
        """Once more, with the session timer that the peer wants (RFC 4028 section 7.3)."""
        assert self._invite is not None
        again = SipRequest("INVITE", self._invite.uri_text, self._invite.headers.copy(), self._invite.body)
        again.headers.remove("via")
        again.headers.put("cseq", f"{self._invite.cseq.number + 1} INVITE")
        self._invite = self._own_offer.with_session(again)
        return self._send_invite(again.body, now)

    def _accepted(self, response: SipResponse, now: float) -> list[InviteEffect]:
        self.dialog = self._dialog_of(response)
        self.state = DialogState.CONFIRMED
        self._own_offer.accepted(response, now)
        sdp = response.body if response.content_type in ("application/sdp", "") else b""
        return [self._ack(self.dialog, response.cseq.number), RemoteAnswered(sdp or self._early_answer)]

    def _accepted_again(self, response: SipResponse) -> list[InviteEffect]:
        """A repeated 2xx, that of another branch, or one that crossed our CANCEL."""
        if self.dialog is not None and response.to.tag == self.dialog.remote_tag:
            return [self._ack(self.dialog, response.cseq.number)]
        other = self._dialog_of(response)
        ack = self._ack(other, response.cseq.number)
        bye = DialogRequest(other.request("BYE", self._identity), other.destination())
        if self.state is DialogState.CANCELLING:
            self.dialog = other
            self.state = DialogState.ENDING
        return [ack, bye]

    def _dialog_of(self, response: SipResponse) -> Dialog:
        assert self._invite is not None
        dialog = Dialog.from_response(self._invite, response, self._call.flow, pinned=self._call.pinned)
        early, _ = self._early.get(dialog.remote_tag, (dialog, 0))
        dialog.local_seq = early.local_seq
        return dialog

    def _failed(
        self, status: int, q850: int | None = None, retry_after: float | None = None
    ) -> list[InviteEffect]:
        if self.state not in (*_UNANSWERED, DialogState.CANCELLING):
            return []
        ended = DialogEnded(True, status, q850, retry_after=retry_after)
        return [*self._ended_once(ended), *self._gone()]

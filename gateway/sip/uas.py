"""The called side of an INVITE dialog (RFC 3261 sections 9.2, 12.1.1, 13.3), a pure core."""

from __future__ import annotations

from typing import Final

from ccplatform.kernel.core import DeadlineReached
from gateway.errors import IllegalEvent, SipParseError
from gateway.sip.dialogs import Dialog, Identity
from gateway.sip.invite_dialog import InviteDialog
from gateway.sip.invite_events import (
    Answer,
    DialogEnded,
    DialogResponse,
    DialogState,
    InviteEffect,
    InviteEvent,
    Release,
    Ring,
)
from gateway.sip.message import SipRequest
from gateway.sip.reliable import ReliableRinging, wants_reliable
from gateway.sip.responses import response_to
from gateway.sip.transaction_layer import RequestArrived, ServerKey
from gateway.sip.transactions import TimerValues

#: Longest time an INVITE may stand unanswered, seconds.
UNANSWERED_LIMIT: Final = 300.0

_UNANSWERED: Final = (DialogState.OFFERED, DialogState.RINGING)


class InviteServer(InviteDialog):
    """An INVITE that came in: OFFERED → (RINGING) → ANSWERED → CONFIRMED → ENDING → GONE.

    ``invite`` was given a 100 by whoever made this. Raises :class:`SipParseError` when its Contact or Record-Route
    cannot be used.
    """

    def __init__(
        self,
        invite: RequestArrived,
        *,
        local_tag: str,
        pinned: bool,
        identity: Identity,
        timers: TimerValues,
        now: float,
    ) -> None:
        if invite.transaction is None:
            raise IllegalEvent("an INVITE without a transaction")
        dialog = Dialog.from_request(invite.request, local_tag, invite.flow, pinned=pinned)
        super().__init__(identity=identity, timers=timers, dialog=dialog)
        self.state = DialogState.OFFERED
        self._key: ServerKey = invite.transaction
        self._invite: SipRequest = invite.request
        self._give_up_at = now + UNANSWERED_LIMIT
        self._ringing: ReliableRinging | None = None
        self._acknowledged_ringing = False

    def next_deadline(self) -> float | None:
        """The limit of an unanswered INVITE, later that of the 2xx."""
        if self.state not in _UNANSWERED:
            return super().next_deadline()
        ringing = self._ringing if not self._acknowledged_ringing else None
        return self._give_up_at if ringing is None else min(self._give_up_at, ringing.next_deadline())

    def handle(self, event: InviteEvent | DeadlineReached, now: float) -> list[InviteEffect]:
        """Take one event."""
        if isinstance(event, RequestArrived) and event.request.method == "PRACK":
            return self._prack(event)
        if self.state not in _UNANSWERED:
            return super().handle(event, now)
        match event:
            case Ring(sdp):
                return self._ring(sdp, now)
            case Answer(sdp):
                response = response_to(self._invite, 200, to_tag=self._local_tag, body=sdp)
                return [self._answer(self._key, self._invite, self._with_contact(response), now)]
            case Release():
                return self._refuse(event, DialogEnded(False))
            case DeadlineReached() if now >= self._give_up_at:
                return self._refuse(Release(480), DialogEnded(False, 408))
            case DeadlineReached() if self._ringing is not None:
                return self._ring_again(self._ringing, now)
            case RequestArrived(key, request) if key is not None and request.method in ("CANCEL", "BYE"):
                return self._withdrawn(event)
            case _:
                return super().handle(event, now)

    def _ring(self, sdp: bytes, now: float) -> list[InviteEffect]:
        """Once reliably for who insists (RFC 3262), and then without a session: ours are answers to be."""
        reliable = wants_reliable(self._invite)
        if reliable and self._ringing is not None:
            return []
        self.state = DialogState.RINGING
        early = sdp if not reliable else b""
        status = 183 if early else 180
        response = self._with_contact(response_to(self._invite, status, to_tag=self._local_tag, body=early))
        if reliable:
            self._ringing = ReliableRinging.made(response, self._timers, now)
        return [DialogResponse(self._key, response)]

    @property
    def _local_tag(self) -> str:
        assert self.dialog is not None
        return self.dialog.local_tag

    def _refuse(self, release: Release, ended: DialogEnded) -> list[InviteEffect]:
        response = response_to(self._invite, max(release.status, 400), to_tag=self._local_tag)
        for name, value in (("reason", release.reason), ("warning", release.warning)):
            if value:
                response.headers.put(name, value)
        if release.retry_after_seconds is not None:
            response.headers.put("retry-after", str(release.retry_after_seconds))
        return [DialogResponse(self._key, response), *self._ended_once(ended), *self._gone()]

    def _ring_again(self, ringing: ReliableRinging, now: float) -> list[InviteEffect]:
        if self._acknowledged_ringing:
            return []
        if now >= ringing.give_up_at:  # no PRACK came (RFC 3262 section 3)
            return self._refuse(Release(504), DialogEnded(True, 408))
        return [DialogResponse(self._key, ringing.response)] if ringing.repeats(now) else []

    def _prack(self, arrived: RequestArrived) -> list[InviteEffect]:
        request, key = arrived.request, arrived.transaction
        if key is None or self.dialog is None:
            return []
        try:
            known = self._ringing is not None and self._ringing.acknowledged_by(request)
        except SipParseError:
            return [self._refusal(key, request, 400)]
        if not known or self._acknowledged_ringing or not self._from_remote(request.from_):
            return [self._refusal(key, request, 481)]
        if not self.dialog.accepts_sequence(request.cseq.number):
            return [self._refusal(key, request, 500, retry_after=True)]
        self._acknowledged_ringing = True
        return [DialogResponse(key, response_to(request, 200))]

    def _withdrawn(self, arrived: RequestArrived) -> list[InviteEffect]:
        """A CANCEL, or a BYE of the early dialog: the caller gave up."""
        request, key = arrived.request, arrived.transaction
        assert key is not None
        ours = arrived.cancels == self._key if request.method == "CANCEL" else self._from_remote(request.from_)
        if not ours:
            return [self._refusal(key, request, 481)]
        answer = DialogResponse(key, response_to(request, 200, to_tag=self._local_tag))
        return [answer, *self._refuse(Release(487), DialogEnded(True, 487, cancelled=True))]

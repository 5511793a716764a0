"""Between a span and the centre: each call of one is a call of the other (RFC 3398 for the steps and causes)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ccplatform.kernel.clock import Clock, TimerHandle
from gateway.errors import SdpError, SipParseError
from gateway.isdn import causes
from gateway.isdn.bearers import Bearer
from gateway.isdn.numbering import NumberPlan
from gateway.isdn.sip_peer import SipPeer
from gateway.isdn.span import Span
from gateway.isdn.span_calls import CallState, SpanCall
from gateway.media.codecs import usable_codecs
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.caller_identity import calling_party
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.diversion import forwarded
from gateway.sip.invite_events import (
    AcceptOffer,
    Answer,
    DialogEnded,
    DialogNews,
    Invite,
    OfferArrived,
    ReferArrived,
    RefuseOffer,
    Release,
    RemoteAnswered,
    RemoteRinging,
    ReportRefer,
    Ring,
)
from gateway.sip.media_protection import MediaProtection, ProtectionRules
from gateway.sip.message import SipRequest
from gateway.sip.offer_answer import AudioNegotiation
from gateway.sip.replaces import Replaces

#: How long the switch may take to join two calls, seconds; less than the centre waits.
TRANSFER_SECONDS: Final = 10.0
#: The time slot's octets as they are; keys come as tones, which the media engine hears.
_POLICY: Final = AudioPolicy(codecs=usable_codecs(("PCMA",)), comfort_noise=False, telephone_event=False)


@dataclass(slots=True)
class Crossing:
    """One call on both sides. ``dialog`` is None while the number is not complete."""

    call: SpanCall
    bearer: Bearer
    negotiation: AudioNegotiation
    dialog: DialogRunner | None = None
    offer: bytes = b""  # of a call out, until its answer
    waiting: TimerHandle | None = None
    asks: TimerHandle | None = None  # the centre asked by REFER for another call's party; until the line says no
    asked_for: SpanCall | None = None


class Front:
    """The user of one span. ``digits_seconds`` is how long the next digit is waited for (T302)."""

    def __init__(
        self,
        span: Span,
        peer: SipPeer,
        *,
        plan: NumberPlan,
        clock: Clock,
        digits_seconds: float = 4.0,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.span, self._peer, self._plan, self._clock = span, peer, plan, clock
        self._digits_seconds = digits_seconds
        self._changed = changed

    # --- calls from the line ------------------------------------------------------------------------------

    def call_arrived(self, call: SpanCall) -> None:
        """See SpanUser."""
        crossing = self._crossing(call)
        call.context = crossing
        if call.complete and call.called:
            self._invite(crossing)
        else:
            self._await_digits(crossing)

    def digits_arrived(self, call: SpanCall) -> None:
        """See SpanUser."""
        crossing = call.context
        if crossing is None or crossing.dialog is not None:
            return
        if call.complete:
            self._invite(crossing)
        else:
            self._await_digits(crossing)

    def _await_digits(self, crossing: Crossing) -> None:
        if crossing.waiting is not None:
            crossing.waiting.cancel()
        due = self._clock.now() + self._digits_seconds
        crossing.waiting = self._clock.call_at(due, lambda: self._invite(crossing))

    def _invite(self, crossing: Crossing) -> None:
        if crossing.waiting is not None:
            crossing.waiting.cancel()
        call = crossing.call
        if crossing.dialog is not None or call.state is not CallState.DIALLING:
            return
        if not call.called:
            self.span.hang_up(call, causes.INVALID_NUMBER)
            return
        self.span.proceed(call)
        party, headers = self._plan.identity(call, self._peer.host)
        crossing.dialog = self._peer.new_call(
            self._plan.called(call.called), party, headers, lambda news: self._news(crossing, news)
        )
        crossing.dialog.tell(Invite(crossing.negotiation.offer()))

    # --- calls from the centre ----------------------------------------------------------------------------

    def invited(self, request: SipRequest, dialog: DialogRunner) -> None:
        """The centre calls a number of the line."""
        number = self._plan.outgoing(request.uri.name)
        caller, _ = calling_party(request, trusted=True)
        if not number:
            dialog.tell(Release(484, causes.reason_of(causes.INVALID_NUMBER)))
            return
        first = forwarded(request)
        call = self.span.call(number, **self._plan.own_identity(caller, first.number, first.reason))
        if call is None:
            dialog.tell(Release(503, causes.reason_of(causes.NO_CHANNEL)))
            return
        crossing = self._crossing(call)
        call.context, crossing.dialog = crossing, dialog
        dialog.listener = lambda news: self._news(crossing, news)
        try:
            crossing.offer = (
                crossing.negotiation.answer(request.body) if request.body else crossing.negotiation.offer()
            )
        except (SdpError, SipParseError):
            dialog.tell(Release(488, causes.reason_of(88)))
            self.span.hang_up(call, 88)
            return
        self._connect(crossing)

    def call_progressed(self, call: SpanCall, *, inband: bool) -> None:
        """See SpanUser."""
        crossing = call.context
        if crossing is None or crossing.dialog is None or not call.outgoing:
            return
        if call.state is CallState.RINGING or inband:
            crossing.dialog.tell(Ring(crossing.offer if inband else b""))

    def call_answered(self, call: SpanCall) -> None:
        """See SpanUser."""
        crossing = call.context
        if crossing is not None and crossing.dialog is not None:
            crossing.dialog.tell(Answer(crossing.offer))

    # --- both ---------------------------------------------------------------------------------------------

    def call_ended(self, call: SpanCall) -> None:
        """See SpanUser."""
        crossing = call.context
        if crossing is None:
            return
        self._joined_or_not(call)
        call.context = None
        if crossing.waiting is not None:
            crossing.waiting.cancel()
        if crossing.dialog is not None:
            crossing.dialog.tell(Release(causes.status_of(call.cause), causes.reason_of(call.cause)))
        crossing.bearer.close()
        self.span.counters.rows_put_in += crossing.bearer.rows.lost
        self.span.counters.rows_left_out += crossing.bearer.rows.dropped

    def span_changed(self) -> None:
        """See SpanUser."""
        self._changed()

    def _news(self, crossing: Crossing, news: DialogNews) -> None:
        call = crossing.call
        if call.context is not crossing:
            return
        match news:
            case RemoteRinging(_, sdp):
                self._agree(crossing, sdp)
                if call.state is not CallState.RINGING:
                    self.span.ring(call, inband=bool(sdp))
            case RemoteAnswered(sdp):
                self._agree(crossing, sdp)
                self.span.answer(call)
            case OfferArrived(sdp):
                self._offered(crossing, sdp)
            case ReferArrived(_, replaces):
                self._referred(crossing, replaces)
            case DialogEnded(_, status, q850):
                self.span.hang_up(call, causes.cause_of(status, q850))
            case _:
                pass

    def _referred(self, crossing: Crossing, replaces: Replaces | None) -> None:
        """The centre wants two of its calls on this span joined by the switch (RFC 5589 section 7). A number that
        is to be called is the centre's to dial."""
        assert crossing.dialog is not None
        other = self._named(replaces) if replaces is not None else None
        ready = other is not None and crossing.call.state is other.state is CallState.CONNECTED
        if other is None or not ready or other is crossing.call or crossing.asked_for is not None:
            crossing.dialog.tell(ReportRefer(501 if replaces is None else 603))
            return
        crossing.dialog.tell(ReportRefer(202))
        crossing.asked_for = other
        due = self._clock.now() + TRANSFER_SECONDS
        crossing.asks = self._clock.call_at(due, lambda: self._refused(crossing))
        self.span.transfer(crossing.call, other)

    def _named(self, replaces: Replaces) -> SpanCall | None:
        for call in self.span.calls:
            dialog = call.context.dialog.dialog if call.context is not None and call.context.dialog else None
            if dialog is not None and replaces.matches(dialog.call_id, dialog.local_tag, dialog.remote_tag):
                return call
        return None

    def _refused(self, crossing: Crossing) -> None:
        crossing.asked_for = None
        if crossing.dialog is not None:
            crossing.dialog.tell(ReportRefer(503))

    def _joined_or_not(self, ended: SpanCall) -> None:
        """A call is over, which may be what was asked for: the switch ends both when it has joined them."""
        for call in (ended, *self.span.calls):
            crossing = call.context
            if crossing is None or crossing.asked_for is None or ended not in (call, crossing.asked_for):
                continue
            crossing.asked_for = None
            crossing.asks.cancel()
            crossing.dialog.tell(ReportRefer(200 if ended.cause == causes.NORMAL else 503))

    def transfer_asked(self, call: SpanCall, other: SpanCall) -> bool:
        """See SpanUser: whoever is connected here stays so."""
        return False

    def _agree(self, crossing: Crossing, sdp: bytes) -> None:
        if not sdp:
            return
        try:
            crossing.negotiation.take_answer(sdp)
        except SdpError:
            self.span.hang_up(crossing.call, 88)
            return
        self._connect(crossing)

    def _offered(self, crossing: Crossing, sdp: bytes | None) -> None:
        assert crossing.dialog is not None
        negotiation = crossing.negotiation
        try:
            answer = negotiation.offer() if sdp is None else negotiation.answer(sdp)
        except SdpError as error:
            crossing.dialog.tell(RefuseOffer(str(error)))
            return
        crossing.dialog.tell(AcceptOffer(answer))
        self._connect(crossing)

    def _connect(self, crossing: Crossing) -> None:
        if crossing.negotiation.remote is not None:
            crossing.bearer.connect(crossing.negotiation.remote)

    def _crossing(self, call: SpanCall) -> Crossing:
        bearer = Bearer(self._peer.host, ssrc=secrets.randbits(32))
        protection = MediaProtection(ProtectionRules(), secrets.randbits)
        call.hear, call.say = bearer.hear, bearer.say
        return Crossing(call, bearer, AudioNegotiation(bearer.local, secrets.randbits(32), _POLICY, protection))

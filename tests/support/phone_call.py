"""One call of a :class:`tests.support.phone.SipPhone`: its dialog (RFC 3261, 12 and 14), milestones and sound."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tests.gateway.media.dtmf import key_tone
from tests.support import sdp, sip, sources
from tests.support.ear import Ear, Recording
from tests.support.g711 import PAYLOAD_TYPES, RATE
from tests.support.milestone import PATIENCE, Milestone, PeerError
from tests.support.node import ClientTransaction, ServerTransaction
from tests.support.rtp import RtpStream
from tests.support.sip import Message, reply
from tests.support.sources import Source
from tests.support.wire import Channel

if TYPE_CHECKING:
    from tests.support.phone import SipPhone


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnd:
    """How a call ended. ``by``: ``us``, ``peer``; ``status`` is the refusing SIP status, 0 after a BYE."""

    reason: str  # bye, cancelled, refused, vanished
    by: str
    status: int = 0


class PhoneCall:
    """A call, out or in. Instants (``.at`` of the milestones) are monotonic seconds."""

    def __init__(self, phone: SipPhone, *, outgoing: bool, call_id: str, codecs: tuple[str, ...]) -> None:
        self.phone = phone
        self.outgoing = outgoing
        self.call_id = call_id
        self.local_tag = sip.new_tag()
        self.invite = Message()
        self.started_at = time.monotonic()
        self.trying: Milestone[int] = Milestone("answered in any way", self.story)
        self.ringing: Milestone[int] = Milestone("ringing", self.story)
        self.answered: Milestone[int] = Milestone("answered", self.story)
        self.ended: Milestone[CallEnd] = Milestone("ended", self.story)
        self.rtp = RtpStream(phone.host)
        self.remote_holds = False
        self.told: list[str] = []  # how far a transfer is that this call asked for: status lines
        self.referred: Milestone[str] = Milestone("asked to call somebody", self.story)  # Refer-To
        self.refuse_refer = 0  # the status that a REFER gets; 0: it is accepted
        self.refuse_offers = 0  # the status that a re-INVITE gets; 0: it is accepted
        self._history: list[str] = []
        self._codecs = {name: PAYLOAD_TYPES[name] for name in codecs}
        self._description = 0
        self._direction = "sendrecv"
        self._agreed: sdp.Agreed | None = None
        self._offered = False
        self._pending: ClientTransaction | None = None
        self._incoming: ServerTransaction | None = None
        self._local = self._remote = self._target = ""
        self._headers: dict[str, str] = {}  # of the first INVITE, besides those that every one has
        self._early_tag = ""  # of the other side, before its answer
        self._routes: list[str] = []
        self._cseq = 0
        self._channel: Channel | None = None
        self._acks: dict[int, Message] = {}
        self._auto_answer: asyncio.TimerHandle | None = None
        self.rtp.open()

    # --- what tests ask ------------------------------------------------------------------------------------

    @property
    def ear(self) -> Ear:
        """What this call's phone hears."""
        return self.rtp.ear

    @property
    def codec(self) -> str:
        return self._agreed.codec if self._agreed else ""

    @property
    def media_port(self) -> int:
        """Where the peer wants our RTP."""
        return self._agreed.remote[1] if self._agreed else 0

    @property
    def caller(self) -> str:
        """User part of the From header."""
        return sip.user_of(self.invite.get("from"))

    def story(self) -> str:
        """What happened in this call, for failures."""
        return f"{self.phone.name}: " + ("; ".join(self._history) or "nothing happened")

    async def heard(
        self,
        *,
        tone: float | None = None,
        speech: bool = False,
        since: float | None = None,
        limit: float = PATIENCE,
    ) -> float:
        """Wait for a tone, speech or any sound; see :meth:`tests.support.ear.Ear.heard`."""
        try:
            return await self.ear.heard(tone=tone, speech=speech, since=since, limit=limit)
        except PeerError as error:
            raise PeerError(f"{error}; {self.story()}") from None

    def recording(self) -> Recording:
        """Everything heard so far."""
        return self.ear.recording()

    def play(self, source: Source) -> None:
        """Say this from now on."""
        self.rtp.play(source)

    async def press(self, keys: str, *, seconds: float = 0.1, gap: float = 0.1) -> float:
        """Send keys (RFC 4733); returns the monotonic instant of the last key's first end packet."""
        if self._agreed is None or self._agreed.dtmf is None:
            raise PeerError(f"no telephone-event was agreed on; {self.story()}")
        return await self.rtp.press(keys, seconds=seconds, gap=gap)

    def press_tones(self, keys: str, *, seconds: float = 0.15, gap: float = 0.15) -> None:
        """Send keys as tones in the audio, as a phone without telephone-event does (ITU-T Q.23)."""
        tones = [np.concatenate([key_tone(key, seconds), np.zeros(round(gap * RATE))]) for key in keys]
        self.play(sources.signal(np.rint(np.concatenate(tones)).astype(np.int16), name=f"tones {keys}"))

    async def answer(self) -> None:
        """200 OK to an incoming call; returns when the ACK is there."""
        assert self._incoming is not None
        self._accept(self._incoming, early=False)
        await self.answered.wait()

    def ring(self) -> None:
        """180 Ringing to an incoming call."""
        assert self._incoming is not None
        self._incoming.respond(self._response(self._incoming, 180))
        self.ringing.reach(180)
        self.note("180 sent")

    def reject(self, status: int = 486) -> None:
        """Refuse an incoming call."""
        assert self._incoming is not None
        self._incoming.answer(status, to_tag=self.local_tag)
        self._end(CallEnd(reason="refused", by="us", status=status))

    async def hang_up(self, limit: float = PATIENCE) -> None:
        """BYE, or CANCEL before the answer, or 486 to an incoming call; returns when the peer confirmed."""
        if self.ended.happened:
            return
        if not self.answered.happened:
            if self.outgoing:
                await self.cancel(limit)
            else:
                self.reject(486)
            return
        self._end(CallEnd(reason="bye", by="us"))
        await self.phone.node.ask(self._request("BYE"), self._way(), limit)

    async def cancel(self, limit: float = PATIENCE) -> None:
        """CANCEL an unanswered outgoing call; ends with the peer's 487."""
        assert self._pending is not None
        await self.trying.wait(limit)
        if self.ended.happened or self.answered.happened:
            return
        invite = self._pending.request
        cancel = Message(method="CANCEL", uri=invite.uri)
        for name, value in invite.headers:
            if name.lower() in ("via", "from", "to", "call-id", "max-forwards", "route"):
                cancel.add(name, value)
        cancel.add("CSeq", f"{invite.cseq[0]} CANCEL")
        self.note("CANCEL sent")
        await self.phone.node.ask(cancel, self._pending.channel, limit)
        await self.ended.wait(limit)

    async def hold(self, direction: str = "sendonly") -> None:
        """Re-INVITE with ``sendonly`` (or ``inactive``)."""
        await self._reinvite(direction)

    async def retrieve(self) -> None:
        """Re-INVITE back to ``sendrecv``."""
        await self._reinvite("sendrecv")

    def replaces(self) -> str:
        """This dialog as its other side knows it, for a Replaces that is to reach that side (RFC 3891)."""
        theirs = sip.tag_of(self._remote) or self._early_tag
        return f"{self.call_id};to-tag={theirs};from-tag={sip.tag_of(self._local)}"

    async def refer(self, to: str) -> int:
        """REFER to that Refer-To; the status of its answer."""
        request = self._request("REFER")
        request.add("Refer-To", to)
        request.add("Referred-By", self._local.partition(";tag=")[0])
        response = await self.phone.node.ask(request, self._way())
        self.note(f"REFER: {response.status} {response.reason}")
        return response.status

    async def tell(self, status: int, *, last: bool = False) -> int:
        """NOTIFY how far the call is that the peer asked for by REFER; the status of its answer."""
        request = self._request("NOTIFY")
        request.add("Event", "refer")
        request.add("Subscription-State", "terminated;reason=noresource" if last else "active;expires=60")
        request.add("Content-Type", "message/sipfrag;version=2.0")
        request.body = f"SIP/2.0 {status} Progress\r\n".encode()
        response = await self.phone.node.ask(request, self._way(), 20.0)
        self.note(f"NOTIFY {status}: {response.status}")
        return response.status

    def go_silent(self) -> None:
        """Stop sending RTP for good, without a word of SIP."""
        self.rtp.silenced = True

    def note(self, what: str, at: float | None = None) -> None:
        """Keep a line for :meth:`story`."""
        self._history.append(f"+{(at or time.monotonic()) - self.started_at:.3f} {what}")

    # --- outgoing ------------------------------------------------------------------------------------------

    async def start(self, uri: str, caller: str, name: str, headers: dict[str, str]) -> None:
        """Send the INVITE."""
        host, port = self.phone.node.address
        self._target, self._remote = uri, f"<{uri}>"
        shown = f'"{name}" ' if name else ""
        self._local = f"{shown}<sip:{caller}@{host}:{port}>;tag={self.local_tag}"
        self._channel = await self.phone.node.sockets.channel(sip.address_of(uri))
        self.started_at = time.monotonic()
        self._headers = headers
        self._send_invite(headers)

    def _send_invite(self, headers: dict[str, str]) -> None:
        request = self._request("INVITE")
        for name, value in headers.items():
            request.add(name, value)
        request.add("Content-Type", "application/sdp")
        request.body = sdp.write(self._mine(), version=self._next_version())
        self._offered = True
        self.invite = request
        self.note("INVITE sent")
        self._pending = self.phone.node.start(request, self._way(), self._on_invite_response)

    def _on_invite_response(self, response: Message, at: float) -> None:
        self.note(f"{response.status} {response.reason}", at)
        self.trying.reach(response.status, at)
        if response.status < 200:
            self._early_tag = sip.tag_of(response.get("to"))
            if response.status in (180, 183):
                self.ringing.reach(response.status, at)
            if response.body:
                self._agree(response.body, offered_by_them=False)
            return
        if response.status < 300:
            self._on_answer(response, at)
            return
        request = self.invite
        again = self.phone.authorize(response, request)
        if again is not None and "uthorization" not in "".join(name for name, _ in request.headers):
            self._send_invite({**self._headers, again[0]: again[1]})
            return
        reason = "cancelled" if response.status == 487 else "refused"
        self._end(CallEnd(reason=reason, by="peer", status=response.status), at)

    def _on_answer(self, response: Message, at: float) -> None:
        number, _ = response.cseq
        if number not in self._acks:
            self._remote = response.get("to")
            self._target = sip.uri_of(response.get("contact")) or self._target
            self._routes = response.all("record-route")[::-1]
            self._acks[number] = self._request("ACK", number)
            if response.body:
                self._agree(response.body, offered_by_them=False)
        self.phone.node.send(self._way(), self._acks[number])
        self.answered.reach(response.status, at)

    async def _reinvite(self, direction: str) -> None:
        self._direction = direction
        request = self._request("INVITE")
        request.add("Content-Type", "application/sdp")
        request.body = sdp.write(self._mine(), version=self._next_version())
        response = await self.phone.node.ask(request, self._way())
        self.note(f"re-INVITE {direction}: {response.status} {response.reason}")
        if response.status >= 300:
            raise PeerError(f"re-INVITE refused with {response.status} {response.reason}; {self.story()}")
        ack = self._request("ACK", request.cseq[0])
        self.phone.node.send(self._way(), ack)
        self._agree(response.body, offered_by_them=False)

    # --- incoming ------------------------------------------------------------------------------------------

    def offered(self, transaction: ServerTransaction) -> None:
        """An INVITE without a dialog came in."""
        request = transaction.request
        self.invite, self._incoming = request, transaction
        self.started_at = transaction.at
        self._local = f"{request.get('to')};tag={self.local_tag}"
        self._remote = request.get("from")
        self._target = sip.uri_of(request.get("contact"))
        self._routes = request.all("record-route")
        self._channel = transaction.channel
        self.note("INVITE received", transaction.at)

    def answer_after(self, seconds: float) -> None:
        """Answer later, by itself."""
        self._auto_answer = asyncio.get_running_loop().call_later(seconds, self._answer_now)

    def _answer_now(self) -> None:
        if self._incoming is not None and not self.ended.happened:
            self._accept(self._incoming, early=False)

    def _accept(self, transaction: ServerTransaction, *, early: bool) -> None:
        response = self._response(transaction, 183 if early else 200)
        body = transaction.request.body
        try:
            if body:
                self._agree(body, offered_by_them=True)
            self._offered = not body
            mine = self._mine() if self._agreed is None or not body else sdp.answer(self._agreed, self.rtp.address)
        except ValueError as error:
            transaction.answer(488, to_tag=self.local_tag)
            self._end(CallEnd(reason="refused", by="us", status=488))
            self.note(f"488 sent: {error}")
            return
        response.add("Content-Type", "application/sdp")
        response.body = sdp.write(mine, version=self._next_version())
        transaction.respond(response)
        self.note(f"{response.status} sent")

    def on_ack(self, ack: Message, at: float) -> None:
        """The ACK of a 2xx."""
        self.note("ACK", at)
        if ack.body and self._offered:
            self._agree(ack.body, offered_by_them=False)
        if not self.outgoing:
            self.answered.reach(200, at)

    def on_cancel(self) -> None:
        """The caller gave up."""
        if self._incoming is not None and not self.answered.happened:
            self._incoming.answer(487, to_tag=self.local_tag)
            self._end(CallEnd(reason="cancelled", by="peer"))

    def on_request(self, transaction: ServerTransaction) -> None:
        """A request inside the dialog."""
        method = transaction.request.method
        self.note(f"{method} received", transaction.at)
        if method == "BYE":
            transaction.answer(200)
            self._end(CallEnd(reason="bye", by="peer"), transaction.at)
        elif method == "INVITE" and self.refuse_offers:
            transaction.answer(self.refuse_offers)
        elif method in ("INVITE", "UPDATE"):
            self._target = sip.uri_of(transaction.request.get("contact")) or self._target
            if method == "UPDATE" and not transaction.request.body:
                transaction.respond(self._response(transaction, 200))
            else:
                self._accept(transaction, early=False)
        elif method == "REFER":
            transaction.respond(self._response(transaction, self.refuse_refer or 202))
            self.referred.reach(transaction.request.get("refer-to"), transaction.at)
        elif method in ("OPTIONS", "INFO", "NOTIFY"):
            if method == "NOTIFY":
                self.told.append(transaction.request.body.decode().strip())
            transaction.answer(200)
        else:
            transaction.answer(405)

    # --- both ----------------------------------------------------------------------------------------------

    def vanish(self) -> None:
        """Power cut: nothing is sent or heard any more."""
        self.rtp.deafen()
        self._end(CallEnd(reason="vanished", by="us"))

    def close(self) -> None:
        if self._auto_answer is not None:
            self._auto_answer.cancel()
        self.rtp.close()

    def _end(self, end: CallEnd, at: float | None = None) -> None:
        self.note(f"ended: {end.reason} by {end.by} {end.status or ''}".rstrip(), at)
        self.rtp.silenced = True
        self.ended.reach(end, at)
        for milestone in (self.trying, self.ringing, self.answered):
            milestone.fail(f"the call ended ({end.reason} by {end.by} {end.status or ''})")
        if self._auto_answer is not None:
            self._auto_answer.cancel()

    def _mine(self) -> sdp.Audio:
        return sdp.Audio(
            address=self.rtp.address,
            codecs=self._codecs,
            dtmf=sdp.DTMF_PAYLOAD_TYPE if self.phone.telephone_event else None,
            direction=self._direction,
        )

    def _agree(self, body: bytes, *, offered_by_them: bool) -> None:
        theirs = sdp.read(body)
        self._agreed = sdp.agree(self._mine(), theirs, offered_by_them=offered_by_them)
        self.remote_holds = theirs.direction in ("sendonly", "inactive")
        self.rtp.connect(self._agreed)

    def _next_version(self) -> int:
        self._description += 1
        return self._description

    def _way(self) -> Channel:
        assert self._channel is not None
        next_hop = sip.uri_of(self._routes[0]) if self._routes else self._target
        return self.phone.node.sockets.beside(self._channel, sip.address_of(next_hop))

    def _contact(self) -> str:
        return self.phone.contact

    def _response(self, transaction: ServerTransaction, status: int) -> Message:
        response = reply(transaction.request, status, to_tag=self.local_tag)
        response.add("Contact", self._contact())
        return response

    def _request(self, method: str, number: int | None = None) -> Message:
        """A request of this dialog; ``number`` for the ACK of an INVITE, otherwise the next CSeq."""
        if number is None:
            self._cseq += 1
            number = self._cseq
        request = Message(method=method, uri=self._target)
        request.add("Via", self.phone.node.via())
        request.add("Max-Forwards", "70")
        for route in self._routes:
            request.add("Route", route)
        request.add("From", self._local)
        request.add("To", self._remote)
        request.add("Call-ID", self.call_id)
        request.add("CSeq", f"{number} {method}")
        request.add("Contact", self._contact())
        request.add("User-Agent", "test phone")
        return request

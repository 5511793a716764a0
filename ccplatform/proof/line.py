"""The prober's telephone line: calls over one UDP socket, each with its voice. The shell of the SIP cores."""

from __future__ import annotations

import asyncio
import secrets
from ipaddress import ip_address
from typing import Final, Protocol

from ccplatform import __version__
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.call import Ended, Voice
from ccplatform.proof.networks import Network
from ccplatform.proof.port import Front, Lateness
from gateway.errors import SdpError, SipParseError
from gateway.media.audio import TICK_SECONDS
from gateway.media.codecs import usable_codecs
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.dialogs import Identity
from gateway.sip.digest_client import DigestClient
from gateway.sip.endpoint import SipEndpoint, Told
from gateway.sip.flows import Flow
from gateway.sip.invite_events import (
    AcceptOffer,
    Acknowledged,
    Answer,
    DialogEnded,
    DialogNews,
    Invite,
    OfferArrived,
    RefuseOffer,
    Release,
    RemoteAnswered,
    RemoteRinging,
    Ring,
)
from gateway.sip.media_protection import MediaProtection, ProtectionRules
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.offer_answer import AudioNegotiation
from gateway.sip.replies import answer_outside_dialog, answer_to_malformed
from gateway.sip.responses import response_to
from gateway.sip.transaction_layer import RequestArrived, ServerKey
from gateway.sip.uac import OutgoingCall
from gateway.sip.uri import host_text

_POLICY: Final = AudioPolicy(codecs=usable_codecs(("PCMA", "PCMU")), comfort_noise=False)
_USER_AGENT: Final = f"ccplatform-probe/{__version__}"


class ProbeCall:
    """A call that we make, or answer. Instants are monotonic seconds of the clock, None until they came."""

    def __init__(
        self, line: Line, voice: Voice, negotiation: AudioNegotiation, clock: Clock, *, sip_call_id: str
    ) -> None:
        self.line = line
        self.voice = voice
        self.sip_call_id = sip_call_id
        self.begun_at = clock.now()
        self.answered_at: float | None = None
        self.ended: Ended | None = None
        self.channel = 0  # of a circuit: none
        self.changed = asyncio.Event()  # answered or ended
        self._negotiation = negotiation
        self._clock = clock
        self._dialog: DialogRunner | None = None

    def begin(self, dialog: DialogRunner) -> None:
        """Send the INVITE."""
        self._dialog = dialog
        dialog.listener = self._news
        dialog.tell(Invite(self._negotiation.offer()))

    def take(self, dialog: DialogRunner, offer: bytes) -> None:
        """Answer the INVITE that came."""
        self._dialog = dialog
        dialog.listener = self._news
        dialog.tell(Ring())
        try:
            sdp = self._negotiation.answer(offer) if offer else self._negotiation.offer()
        except SdpError as error:
            dialog.tell(Release(488, warning=str(error)))
            return
        dialog.tell(Answer(sdp))
        self.answered_at = self._clock.now()
        if self._negotiation.remote is not None:
            self.voice.connect(self._negotiation.remote)

    def hang_up(self) -> None:
        """End it, in whatever state it is; nothing if it has ended."""
        if self._dialog is not None and self.ended is None:
            self._dialog.tell(Release())

    def leave(self) -> None:
        """End it if it goes on, and forget its sound."""
        self.line.leave(self)

    def _news(self, news: DialogNews) -> None:
        match news:
            case RemoteRinging(_, sdp) if sdp:
                self._agree(sdp)
            case RemoteAnswered(sdp):
                self.answered_at = self._clock.now()
                self._agree(sdp)
                self.changed.set()
            case Acknowledged(sdp):
                self._agree(sdp or b"")
                self.changed.set()
            case OfferArrived(sdp):
                self._offered(sdp)
            case DialogEnded(by_remote, status, q850):
                self.ended = Ended(at=self._clock.now(), by_remote=by_remote, status=status, q850=q850)
                self.changed.set()
            case _:
                pass

    def _agree(self, sdp: bytes) -> None:
        try:
            if sdp:
                self._negotiation.take_answer(sdp)
        except SdpError:  # no sound will come: the visit says so
            return
        if self._negotiation.remote is not None:
            self.voice.connect(self._negotiation.remote)

    def _offered(self, sdp: bytes | None) -> None:
        assert self._dialog is not None
        try:
            answer = self._negotiation.offer() if sdp is None else self._negotiation.answer(sdp)
        except SdpError as error:
            self._dialog.tell(RefuseOffer(str(error)))
            return
        self._dialog.tell(AcceptOffer(answer))
        if self._negotiation.remote is not None:
            self.voice.connect(self._negotiation.remote)


class Answerer(Protocol):
    """Who takes calls that come to us."""

    def wants(self, user: str, caller: str) -> bool:
        """Whether the phone of ``user`` answers this caller."""

    def answers(self, user: str, caller: str, call: ProbeCall) -> None:
        """It is about to: the call is to be given back by :meth:`Line.leave`."""


class Line:
    """Calls to one centre at ``target``. ``caller`` is the number that they come from; ``answerer`` takes those
    that the centre makes to us (None: nobody is there); ``way`` is a network that is on the way to the centre and
    back, besides that of a call.
    """

    def __init__(self, *, target: Flow, host: str, caller: str, clock: Clock, tasks: TaskSupervisor) -> None:
        self.target = target
        self.host = host
        self.answerer: Answerer | None = None
        self.way: Network | None = None
        self._caller = caller
        self._clock = clock
        self.tasks = tasks
        self._voices: set[Voice] = set()
        self._closed = False
        self._endpoint = SipEndpoint(
            host=host, user_agent=_USER_AGENT, asked=self._request, clock=clock, tasks=tasks
        )
        self.lateness = Lateness()

    @property
    def front(self) -> Front:
        """SIP over UDP."""
        loopback = ip_address(self.target.host).is_loopback
        return Front(kind="sip", address=self.target.address(), loopback=loopback, environment={"front": "SIP"})

    @property
    def identity(self) -> Identity:
        """Where we are, once the line is open."""
        return self._endpoint.identity

    async def open(self) -> None:
        """Bind the socket and start the beat of the voices."""
        await self._endpoint.open()
        self.tasks.run_once("probe voices", self._beat())

    def close(self) -> None:
        """Free the socket; calls must have ended."""
        self._closed = True
        self._endpoint.close()

    def call(
        self,
        number: str,
        *,
        network: Network | None = None,
        seed: int = 0,
        caller: str = "",
        digest: DigestClient | None = None,
    ) -> ProbeCall:
        """Dial a number, with an account where ``digest`` is given; what comes of it shows in the call. It must be
        given back by :meth:`leave`."""
        host = host_text(self.host)
        call = self._new_call(f"{secrets.token_hex(12)}@{host}")
        call.voice.impair(network, seed or secrets.randbits(32), self.way)
        uri = f"sip:{number}@{self.target.address()}"
        outgoing = OutgoingCall(
            uri=uri,
            from_party=f"<sip:{caller or self._caller}@{host}>",
            to_party=f"<{uri}>",
            call_id=call.sip_call_id,
            local_tag=secrets.token_hex(8),
            flow=self.target,
            pinned=True,
            digest=digest,
        )
        call.begin(self._endpoint.dial(outgoing))
        return call

    def ask(self, request: SipRequest, flow: Flow, told: Told) -> None:
        """Send a request outside any dialog."""
        self._endpoint.ask(request, flow, told)

    def leave(self, call: ProbeCall) -> None:
        """End a call if it goes on, and forget its voice."""
        call.hang_up()
        self._voices.discard(call.voice)
        call.voice.close()

    def _new_call(self, sip_call_id: str) -> ProbeCall:
        voice = Voice(self.host, ssrc=secrets.randbits(32), clock=self._clock, peer=self.target.host)
        self._voices.add(voice)
        protection = MediaProtection(ProtectionRules(), secrets.randbits)
        negotiation = AudioNegotiation(voice.local, secrets.randbits(32), _POLICY, protection)
        return ProbeCall(self, voice, negotiation, self._clock, sip_call_id=sip_call_id)

    def _request(self, arrived: RequestArrived, key: ServerKey) -> None:
        request = arrived.request
        known = arrived.flow.host == self.target.host  # as a registrar's calls come from where one registered
        if known and request.method == "INVITE" and request.to.tag is None and self.answerer is not None:
            self._rings(arrived, key, self.answerer)
        else:
            self._endpoint.reply(key, _stranger(request))

    def _rings(self, arrived: RequestArrived, key: ServerKey, answerer: Answerer) -> None:
        request = arrived.request
        try:
            user, caller = request.uri.name, request.from_.uri.name
            if not answerer.wants(user, caller):
                self._endpoint.reply(key, response_to(request, 480))
                return
            dialog = self._endpoint.accept(arrived, key)
        except SipParseError as error:
            self._endpoint.reply(key, answer_to_malformed(request, error))
            return
        call = self._new_call(request.call_id)
        answerer.answers(user, caller, call)
        call.take(dialog, request.body)

    async def _beat(self) -> None:
        """Every voice speaks each 20 ms; turns that were missed are made up for at once."""
        due = self._clock.now()
        while not self._closed:
            if self._voices:
                self.lateness.note(self._clock.now() - due)
            for voice in tuple(self._voices):
                voice.tick(self._clock.now())
            due += TICK_SECONDS
            await sleep(self._clock, max(0.0, due - self._clock.now()))


def _stranger(request: SipRequest) -> SipResponse:
    if request.method in ("OPTIONS", "INVITE"):
        return answer_outside_dialog(request) if request.method == "OPTIONS" else response_to(request, 480)
    return response_to(request, 481)

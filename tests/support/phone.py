"""A small SIP phone for tests. It shares no code with the product, so that the product meets a stranger.

Use::

    async with SipPhone("8004", password="demo-8004") as phone:
        await phone.register(("127.0.0.1", 5060))
        call = await phone.next_call()
        await call.answer()
        call.play(sources.tone(440))
        await call.heard(tone=700)
        await call.hang_up()
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from types import TracebackType

from tests.support import sip
from tests.support.milestone import PATIENCE, PeerError
from tests.support.node import ServerTransaction, SipNode
from tests.support.phone_call import PhoneCall
from tests.support.sip import Address, Credentials, Message
from tests.support.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoAnswer:
    """Ring, and answer after so many seconds."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RingOnly:
    """Ring; the test decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Refuse every call."""

    status: int = 486


Incoming = AutoAnswer | RingOnly | Reject


class SipPhone:
    """One phone with one SIP address. ``incoming`` says what it does with calls; ``source`` what it says first.

    ``codecs`` in order of preference out of ``PCMA`` and ``PCMU``; ``algorithm`` forces ``MD5`` or ``SHA-256``;
    ``telephone_event``: whether it knows RFC 4733.
    """

    def __init__(
        self,
        user: str = "phone",
        *,
        password: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
        transport: str = "udp",
        codecs: tuple[str, ...] = ("PCMA", "PCMU"),
        algorithm: str | None = None,
        incoming: Incoming | None = None,
        source: Source | None = None,
        telephone_event: bool = True,
    ) -> None:
        self.user = user
        self.telephone_event = telephone_event
        self.host = host
        self.incoming: Incoming = incoming or RingOnly()
        self.calls: list[PhoneCall] = []
        self.node = SipNode(transport, self._on_request, self._on_ack)
        self.name = f"phone {user}"
        self._by_call_id: dict[str, PhoneCall] = {}
        self._port = port
        self._codecs = codecs
        self._source = source
        self._credentials = Credentials(user=user, password=password, algorithm=algorithm)
        self._registrar: Address | None = None
        self._registration = (f"{secrets.token_hex(8)}@{host}", 0)
        self._offered: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self._lamps: dict[str, asyncio.Queue[str]] = {}

    async def open(self) -> None:
        """Bind the SIP address."""
        await self.node.open(self.host, self._port)

    async def close(self) -> None:
        """Hang up, unregister (as far as somebody answers) and release every socket."""
        if not self.node.sockets.muted:
            for call in self.calls:
                with contextlib.suppress(PeerError, OSError):
                    await call.hang_up(1.0)
            if self._registrar is not None:
                with contextlib.suppress(PeerError, OSError):
                    await self.register(self._registrar, expires=0, limit=1.0)
        for call in self.calls:
            call.close()
        await self.node.close()

    async def __aenter__(self) -> SipPhone:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def uri(self) -> str:
        """Where this phone can be called directly."""
        host, port = self.node.address
        suffix = "" if self.node.sockets.transport == "udp" else f";transport={self.node.sockets.transport}"
        return f"sip:{self.user}@{host}:{port}{suffix}"

    @property
    def contact(self) -> str:
        return f"<{self.uri}>"

    async def register(self, registrar: Address, *, expires: int = 300, limit: float = PATIENCE) -> Message:
        """REGISTER, answering one challenge; returns the 200, raises :class:`PeerError` for anything else."""
        channel = await self.node.sockets.channel(registrar)
        response = await self.node.ask(self._register(registrar, expires), channel, limit)
        answer = self.authorize(response, Message(method="REGISTER", uri=_domain(registrar)))
        if answer is not None:
            response = await self.node.ask(self._register(registrar, expires, answer), channel, limit)
        if response.status != 200:
            raise PeerError(f"{self.name}: REGISTER got {response.status} {response.reason}")
        self._registrar = registrar if expires else None
        return response

    async def dial(
        self,
        uri: str,
        *,
        caller: str = "",
        name: str = "",
        codecs: tuple[str, ...] | None = None,
        source: Source | None = None,
        headers: dict[str, str] | None = None,
    ) -> PhoneCall:
        """Send an INVITE from ``"name" <sip:caller@…>`` and return at once; wait for ``call.answered`` or so."""
        if self.node.sockets.transport == "tcp" and ";transport=" not in uri:
            uri += ";transport=tcp"
        call = PhoneCall(
            self, outgoing=True, call_id=f"{secrets.token_hex(10)}@{self.host}", codecs=codecs or self._codecs
        )
        self._add(call, source)
        await call.start(uri, caller or self.user, name, headers or {})
        return call

    async def next_call(self, limit: float = PATIENCE) -> PhoneCall:
        """The next call that came in and was not returned before."""
        try:
            async with asyncio.timeout(limit):
                return await self._offered.get()
        except TimeoutError:
            seen = "; ".join(message.summary for message in self.node.received[-10:]) or "nothing"
            raise PeerError(f"{self.name}: no call within {limit:g} s; received: {seen}") from None

    async def options(self, address: Address, limit: float = PATIENCE) -> Message:
        """OPTIONS and its final response."""
        request = self._outside("OPTIONS", _domain(address))
        return await self.node.ask(request, await self.node.sockets.channel(address), limit)

    async def watch(self, registrar: Address, user: str) -> asyncio.Queue[str]:
        """Have a lamp for another seat (RFC 4235): the documents that are told of it, as they come."""
        channel = await self.node.sockets.channel(registrar)
        request = self._subscribe(registrar, user)
        response = await self.node.ask(request, channel)
        answer = self.authorize(response, request)
        if answer is not None:
            request = self._subscribe(registrar, user, answer)
            told = self._lamps[request.get("call-id")] = asyncio.Queue()
            response = await self.node.ask(request, channel)
        if response.status != 200:
            raise PeerError(f"{self.name}: SUBSCRIBE got {response.status} {response.reason}")
        return told

    def vanish(self) -> None:
        """Power cut: nothing is sent or read any more, no BYE, no ICMP. :meth:`close` frees the sockets later."""
        self.node.sockets.deafen()
        for call in self.calls:
            call.vanish()

    def authorize(self, response: Message, request: Message) -> tuple[str, str] | None:
        """The header that answers a challenge, if this is one and there is a password."""
        if response.status not in (401, 407) or not self._credentials.password:
            return None
        return self._credentials.answer(response, request.method, request.uri)

    def _add(self, call: PhoneCall, source: Source | None) -> None:
        self.calls.append(call)
        self._by_call_id[call.call_id] = call
        chosen = source or self._source
        if chosen is not None:
            call.play(chosen)

    def _outside(self, method: str, uri: str) -> Message:
        call_id, number = self._registration
        self._registration = (call_id, number + 1)
        request = Message(method=method, uri=uri)
        request.add("Via", self.node.via())
        request.add("Max-Forwards", "70")
        address = uri.replace("sip:", f"sip:{self.user}@", 1)
        request.add("From", f"<{address}>;tag={sip.new_tag()}")
        request.add("To", f"<{address}>")
        request.add("Call-ID", call_id)
        request.add("CSeq", f"{number + 1} {method}")
        request.add("Contact", self.contact)
        request.add("User-Agent", "test phone")
        return request

    def _register(self, registrar: Address, expires: int, answer: tuple[str, str] | None = None) -> Message:
        request = self._outside("REGISTER", _domain(registrar))
        request.add("Expires", str(expires))
        if answer is not None:
            request.add(*answer)
        return request

    def _subscribe(self, registrar: Address, user: str, answer: tuple[str, str] | None = None) -> Message:
        own, watched = (_domain(registrar).replace("sip:", f"sip:{name}@", 1) for name in (self.user, user))
        request = Message(method="SUBSCRIBE", uri=watched)
        request.add("Via", self.node.via())
        request.add("Max-Forwards", "70")
        request.add("From", f"<{own}>;tag={sip.new_tag()}")
        request.add("To", f"<{watched}>")
        request.add("Call-ID", f"{secrets.token_hex(8)}@{self.host}")
        request.add("CSeq", "1 SUBSCRIBE")
        request.add("Contact", self.contact)
        request.add("Event", "dialog")
        request.add("Expires", "300")
        if answer is not None:
            request.add(*answer)
        return request

    def _find(self, message: Message) -> PhoneCall | None:
        return self._by_call_id.get(message.get("call-id"))

    def _on_request(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        call = self._find(request)
        if request.method == "CANCEL":
            known = self.node.invite_of(request.branch) is not None and call is not None
            transaction.answer(200 if known else 481, to_tag=call.local_tag if call else sip.new_tag())
            if call is not None:
                call.on_cancel()
        elif request.method == "NOTIFY" and (told := self._lamps.get(request.get("call-id"))) is not None:
            told.put_nowait(request.body.decode())
            transaction.answer(200)
        elif sip.tag_of(request.get("to")):
            if call is None or call.ended.happened:
                transaction.answer(481)
            else:
                call.on_request(transaction)
        elif request.method == "INVITE":
            self._on_invite(transaction)
        else:
            transaction.answer(200 if request.method == "OPTIONS" else 405, to_tag=sip.new_tag())

    def _on_invite(self, transaction: ServerTransaction) -> None:
        call = PhoneCall(self, outgoing=False, call_id=transaction.request.get("call-id"), codecs=self._codecs)
        self._add(call, None)
        call.offered(transaction)
        self._offered.put_nowait(call)
        match self.incoming:
            case Reject(status=status):
                call.reject(status)
            case AutoAnswer(seconds=seconds):
                call.ring()
                call.answer_after(seconds)
            case RingOnly():
                call.ring()

    def _on_ack(self, ack: Message, at: float) -> None:
        call = self._find(ack)
        if call is not None:
            call.on_ack(ack, at)


def _domain(address: Address) -> str:
    return f"sip:{address[0]}:{address[1]}"

"""The transaction layer of the tests' peers (RFC 3261, 17): retransmissions, matching, ACK of refused INVITEs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from tests.support.milestone import PATIENCE, PeerError
from tests.support.sip import Address, Message, new_branch, reply
from tests.support.wire import Channel, SipSockets

T1: Final = 0.5
_GIVE_UP: Final = 64 * T1

OnResponse = Callable[[Message, float], None]


class ClientTransaction:
    """A request on its way; ``on_response`` gets every response, 2xx to INVITE also when repeated."""

    def __init__(self, node: SipNode, request: Message, channel: Channel, on_response: OnResponse) -> None:
        self.request = request
        self.channel = channel
        self.provisional = False
        self.sent_at = time.monotonic()
        self._node = node
        self._on_response = on_response
        self._timer: asyncio.TimerHandle | None = None
        self._final = False
        self._interval = T1
        node.send(channel, request)
        self._arm()

    def receive(self, response: Message, at: float) -> None:
        self.provisional = True
        invite = self.request.method == "INVITE"
        if invite or response.status >= 200:
            self.stop()
        if response.status >= 300 and invite:
            self._node.send(self.channel, self._ack(response))
        if response.status >= 200:
            if self._final and not (invite and response.status < 300):
                return
            self._final = True
        self._on_response(response, at)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if not self.channel.reliable:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._again)

    def _again(self) -> None:
        if time.monotonic() - self.sent_at < _GIVE_UP:
            self._node.send(self.channel, self.request)
            self._interval = self._interval * 2 if self.request.method == "INVITE" else min(self._interval * 2, 4)
            self._arm()

    def _ack(self, response: Message) -> Message:
        number, _ = self.request.cseq
        ack = Message(method="ACK", uri=self.request.uri)
        for name, value in self.request.headers:
            if name.lower() in ("via", "from", "call-id", "max-forwards", "route"):
                ack.add(name, value)
        ack.add("To", response.get("to"))
        ack.add("CSeq", f"{number} ACK")
        return ack


class ServerTransaction:
    """A request that came in; repeats of it get the last response again, INVITE finals are repeated until ACK."""

    def __init__(self, node: SipNode, request: Message, channel: Channel, at: float) -> None:
        self.request = request
        self.channel = channel
        self.at = at
        self.acknowledged = False
        self.status = 0
        self._node = node
        self._last: Message | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._interval = T1

    def respond(self, response: Message) -> None:
        """Send; a second final response is ignored."""
        if self.status >= 200:
            return
        self._last, self.status = response, response.status
        self._node.send(self.channel, response)
        if self.request.method == "INVITE" and response.status >= 200:
            self._arm()

    def answer(self, status: int, *, to_tag: str = "", reason: str = "") -> None:
        self.respond(reply(self.request, status, to_tag=to_tag, reason=reason))

    def repeat(self) -> None:
        if self._last is not None:
            self._node.send(self.channel, self._last)

    def stop(self) -> None:
        """The ACK came, or the node closes."""
        self.acknowledged = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._interval < _GIVE_UP:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._again)

    def _again(self) -> None:
        self.repeat()
        self._interval *= 2
        self._arm()


OnRequest = Callable[[ServerTransaction], None]
OnAck = Callable[[Message, float], None]


class SipNode:
    """A SIP address with its transactions. ``on_request`` gets each new request once, ``on_ack`` ACKs of 2xx."""

    def __init__(self, transport: str, on_request: OnRequest, on_ack: OnAck) -> None:
        self.sockets = SipSockets(transport, self._message)
        self.sent: list[Message] = []
        self.received: list[Message] = []
        self._on_request = on_request
        self._on_ack = on_ack
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[tuple[str, str], ServerTransaction] = {}

    @property
    def address(self) -> Address:
        return self.sockets.address

    async def open(self, host: str, port: int) -> None:
        await self.sockets.open(host, port)

    async def close(self) -> None:
        for client in self._clients.values():
            client.stop()
        for server in self._servers.values():
            server.stop()
        await self.sockets.close()

    def via(self, branch: str = "") -> str:
        host, port = self.address
        return f"SIP/2.0/{self.sockets.transport.upper()} {host}:{port};rport;branch={branch or new_branch()}"

    def send(self, channel: Channel, message: Message) -> None:
        if not self.sockets.muted:
            self.sent.append(message)
            channel.send(message)

    def start(self, request: Message, channel: Channel, on_response: OnResponse) -> ClientTransaction:
        """Send a request in a transaction of its own."""
        transaction = ClientTransaction(self, request, channel, on_response)
        self._clients[request.branch, request.method] = transaction
        return transaction

    async def ask(self, request: Message, channel: Channel, limit: float = PATIENCE) -> Message:
        """Send a request and wait for its final response."""
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def on_response(response: Message, at: float) -> None:
            if response.status >= 200 and not answered.done():
                answered.set_result(response)

        transaction = self.start(request, channel, on_response)
        try:
            async with asyncio.timeout(limit):
                return await answered
        except TimeoutError:
            raise PeerError(f"no final response to {request.summary} within {limit:g} s") from None
        finally:
            transaction.stop()

    def invite_of(self, branch: str) -> ServerTransaction | None:
        """The INVITE that a CANCEL with this branch means."""
        return self._servers.get((branch, "INVITE"))

    def _message(self, message: Message, channel: Channel, at: float) -> None:
        self.received.append(message)
        if message.status:
            client = self._clients.get((message.branch, message.cseq[1]))
            if client is not None:
                client.receive(message, at)
        elif message.method == "ACK":
            self._ack(message, at)
        else:
            known = self._servers.get((message.branch, message.method))
            if known is not None:
                known.repeat()
                return
            transaction = ServerTransaction(self, message, channel, at)
            self._servers[message.branch, message.method] = transaction
            self._on_request(transaction)

    def _ack(self, ack: Message, at: float) -> None:
        number, _ = ack.cseq
        for transaction in self._servers.values():
            request = transaction.request
            if request.method == "INVITE" and request.get("call-id") == ack.get("call-id"):
                first = not transaction.acknowledged
                if request.cseq[0] == number and transaction.status >= 200:
                    transaction.stop()
                    if transaction.status < 300 and first:
                        self._on_ack(ack, at)

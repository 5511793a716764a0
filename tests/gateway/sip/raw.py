"""SIP written by hand: a peer that says exactly what a test wants."""

from __future__ import annotations

import itertools

from gateway.sip.digest import authorization
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse_message
from tests.gateway.sip.network import Network

SDP = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
)


class RawPeer:
    """One user agent that keeps no state but its numbers."""

    def __init__(
        self, network: Network, host: str, target: str, *, user: str = "13800000001", port: int = 5060
    ) -> None:
        self._target = (target, 5060)
        self._stranger = network.stranger(host, port)
        self._branches = itertools.count(1)
        self.sequence = 0
        self.host = host
        self.port = port
        self.user = user
        self.to_tag = ""
        self.call_id = f"raw@{host}"

    def sdp(self, direction: str = "sendrecv", host: str = "") -> str:
        host = host or self.host
        text = SDP.format(host=host, direction=direction)
        return text.replace("IP4", "IP6") if ":" in host else text

    def request(
        self,
        method: str,
        body: str = "",
        *,
        content_type: str = "application/sdp",
        extra: str = "",
        sequence: int | None = None,
        uri: str = "",
        branch: str = "",
        to: str = "",
    ) -> bytes:
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        to_tag = f";tag={self.to_tag}" if self.to_tag else ""
        lines = [
            f"{method} {uri or f'sip:95000@{self._target[0]}'} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch={branch or f'z9hG4bK{next(self._branches)}'};rport",
            f"From: <sip:{self.user}@{self.host}>;tag=raw",
            f"To: {to or f'<sip:95000@{self._target[0]}>'}{to_tag}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:{self.user}@{self.host}:{self.port}>",
            "Max-Forwards: 70",
            *([extra] if extra else []),
            *([f"Content-Type: {content_type}"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def send(self, data: bytes) -> None:
        self._stranger.send(data, self._target)

    def heard(self) -> list[SipRequest | SipResponse]:
        messages = [parse_message(text.encode()) for text in self._stranger.heard()]
        for message in messages:
            if isinstance(message, SipResponse) and message.cseq.method == "INVITE" and message.status > 100:
                self.to_tag = self.to_tag or message.to.tag or ""
        return messages

    def ask(self, data: bytes) -> SipResponse:
        """Send a request; its last response so far."""
        self.send(data)
        answers = [message for message in self.heard() if isinstance(message, SipResponse)]
        assert answers, "no answer"
        return answers[-1]

    def statuses(self) -> list[int]:
        return [message.status for message in self.heard() if isinstance(message, SipResponse)]

    def ack(self, body: str = "") -> None:
        self.send(self.request("ACK", body, sequence=self.sequence))

    def with_credentials(
        self,
        method: str,
        challenge: SipResponse,
        password: str,
        *,
        body: str = "",
        extra: str = "",
        uri: str = "",
        to: str = "",
        choice: int | None = None,
    ) -> bytes:
        offered = challenge.headers.all("www-authenticate")
        value = authorization(
            offered if choice is None else [offered[choice]],
            user=self.user,
            password=password,
            method=method,
            uri=uri or f"sip:95000@{self._target[0]}",
            cnonce="abc",
        )
        header = f"Authorization: {value}" + (f"\r\n{extra}" if extra else "")
        return self.request(method, body, extra=header, uri=uri, to=to)

"""One gateway in memory, between peers that are nothing but templates: what the stack itself costs."""

from __future__ import annotations

import time
import tracemalloc
from collections import deque

from ccplatform.contracts.legs import (
    AdoptLeg,
    AnswerLeg,
    DialLeg,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegOffered,
    ReleaseLeg,
    TrunkTarget,
)
from ccplatform.contracts.words import CallId, ContactId, LegId, LegRole, ReleaseCause, TrunkId
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.connections import FlowUser
from gateway.sip.digest import authorization
from gateway.sip.flows import Flow
from gateway.sip.parser import parse_message
from gateway.sip.settings import SipSettings
from tests.gateway.sip.centre import Centre, seat, trunk

US, CALLER, CALLEE = "192.0.2.1", "192.0.2.4", "192.0.2.5"
SDP = (
    "v=0\r\no=sipp 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    "a=ptime:20\r\na=sendrecv\r\n"
)
REPEATED = (b"Via:", b"From:", b"To:", b"Call-ID:", b"CSeq:")


class Wire:
    """Collects what the gateway sends."""

    def __init__(self) -> None:
        self.ports = {"UDP": 5060, "TCP": 5060}
        self.user: FlowUser | None = None
        self.sent: deque[tuple[bytes, Flow]] = deque()

    async def open(self, user: FlowUser) -> None:
        self.user = user

    async def close(self) -> None:
        self.user = None

    def send(self, data: bytes, flow: Flow) -> None:
        self.sent.append((data, flow))


class StackBench:
    """Runs calls through a gateway; ``cpu_seconds`` is what the gateway used of it."""

    def __init__(self, *, trace: bool = True) -> None:
        self.clock = VirtualClock()
        self.wire = Wire()
        trunks = [trunk("caller", CALLER, capacity=100_000), trunk("callee", CALLEE, capacity=100_000)]
        settings = SipSettings(bind_ip=US, trace=trace)
        self.centre = Centre(US, self.clock, self.wire, trunks=trunks, settings=settings)
        self.centre.on_event = self._react
        self.cpu_seconds = 0.0
        self._number = 1_000_000
        self._partner: dict[LegId, LegId] = {}
        self._callers = {CALLER: Flow("UDP", CALLER, 5060), CALLEE: Flow("UDP", CALLEE, 5060)}

    async def open(self) -> None:
        """Start it."""
        await self.centre.open()

    def calls(self, count: int) -> float:
        """Calls from INVITE to BYE, one after the other; CPU seconds that the gateway used for each."""
        used = self.cpu_seconds
        for _ in range(count):
            self._number += 1
            self.end(self._number, self.begin(self._number))
        self.rest(40)
        return (self.cpu_seconds - used) / count

    def begin(self, number: int) -> str:
        """A caller's call up to his ACK; returns our tag."""
        host, call = CALLER, f"{number}@{CALLER}"
        body = SDP.format(host=host)
        self._give(host, request("INVITE", call, 1, "", number, body))
        tag = ""
        for answer in self._serve():
            if answer.startswith(b"SIP/2.0 200"):
                tag = answer.split(b"\r\nTo: ", 1)[1].split(b"\r\n", 1)[0].partition(b";tag=")[2].decode()
        self._give(host, request("ACK", call, 1, tag, number))
        return tag

    def end(self, number: int, tag: str) -> None:
        """The caller's BYE, and what it brings about."""
        self._give(CALLER, request("BYE", f"{number}@{CALLER}", 2, tag, number))
        self._serve()

    def rest(self, seconds: float) -> None:
        """Let time pass."""
        begun = time.thread_time()
        self.clock.advance(seconds)
        self.cpu_seconds += time.thread_time() - begun
        self.centre.told.clear()
        self.centre.facts.all.clear()

    def kept_bytes(self, calls: int) -> float:
        """Memory of one standing two-leg call, in bytes."""
        tags = [self.begin(number) for number in range(100)]
        tracemalloc.start()
        self.rest(40)
        before = tracemalloc.get_traced_memory()[0]
        tags += [self.begin(number) for number in range(100, 100 + calls)]
        self.rest(40)
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        for number, tag in enumerate(tags):
            self.end(number, tag)
        self.rest(40)
        return grown / calls

    # --- the peers ----------------------------------------------------------------------------------------

    def _serve(self) -> list[bytes]:
        """The callee answers all that reached him; what reached the caller."""
        heard = []
        while self.wire.sent:
            data, flow = self.wire.sent.popleft()
            if flow.host == CALLER:
                heard.append(data)
            elif data.startswith(b"INVITE"):
                self._give(CALLEE, _answer(data, b"180 Ringing", ""))
                self._give(CALLEE, _answer(data, b"200 OK", SDP.format(host=CALLEE)))
            elif data.startswith(b"BYE"):
                self._give(CALLEE, _answer(data, b"200 OK", ""))
        return heard

    def _give(self, host: str, data: bytes) -> None:
        user, flow = self.wire.user, self._callers[host]
        assert user is not None
        begun = time.thread_time()
        user.received(parse_message(data), flow)
        self.cpu_seconds += time.thread_time() - begun

    # --- the call -----------------------------------------------------------------------------------------

    def _react(self, event: LegEvent) -> None:
        legs, ids = self.centre.legs, self.centre.ids
        match event:
            case LegOffered(leg=leg):
                call, contact, other = CallId(ids.new()), ContactId(ids.new()), LegId(ids.new())
                self._partner[leg], self._partner[other] = other, leg
                legs.perform(AdoptLeg(leg=leg, call=call, contact=contact, role=LegRole.CALLER))
                target = TrunkTarget(trunk=TrunkId("callee"), number=event.dialled)
                legs.perform(
                    DialLeg(
                        leg=other,
                        call=call,
                        contact=contact,
                        role=LegRole.PARTY,
                        target=target,
                        caller=event.caller,
                    )
                )
            case LegAnswered(leg=leg):
                legs.perform(AnswerLeg(leg=self._partner[leg]))
            case LegEnded(leg=leg):
                legs.perform(ReleaseLeg(leg=self._partner.pop(leg), cause=ReleaseCause.NORMAL))
            case _:
                pass


def request(method: str, call: str, sequence: int, tag: str, number: int, body: str = "") -> bytes:
    """A request of the caller."""
    to_tag = f";tag={tag}" if tag else ""
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"{method} sip:95004@{US}:5060 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {CALLER}:5060;rport;branch=z9hG4bK-{number}-{method}\r\n"
        f"From: <sip:13800000001@{CALLER}:5060>;tag=f{number}\r\nTo: <sip:95004@{US}:5060>{to_tag}\r\n"
        f"Call-ID: {call}\r\nCSeq: {sequence} {method}\r\nContact: <sip:13800000001@{CALLER}:5060>\r\n"
        f"Max-Forwards: 70\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def request_texts() -> dict[str, bytes]:
    """Messages as they are in calls."""
    invite = request("INVITE", f"77@{CALLER}", 1, "", 77, SDP.format(host=CALLER))
    return {
        "INVITE with SDP": invite,
        "200 with SDP": _answer(invite, b"200 OK", SDP.format(host=CALLEE)),
        "BYE": request("BYE", f"77@{CALLER}", 2, "abc", 77),
    }


class RegistrarBench:
    """Phones that register and refresh, with digest; one gateway."""

    def __init__(self, phones: int) -> None:
        self.clock = VirtualClock()
        self.wire = Wire()
        self.centre = Centre(US, self.clock, self.wire, seats=[seat(number) for number in range(phones)])
        self._phones = [_Phone(number) for number in range(phones)]

    async def open(self) -> None:
        """Start it."""
        await self.centre.open()

    def round(self) -> float:
        """Each phone once, over 60 s; the share of a core that the gateway used."""
        used = 0.0
        user = self.wire.user
        assert user is not None
        for phone in self._phones:
            for _ in range(2):  # once more when it is challenged
                data = phone.register()
                begun = time.thread_time()
                user.received(parse_message(data), phone.flow)
                used += time.thread_time() - begun
                if phone.heard(self.wire.sent.popleft()[0]):
                    break
            self.wire.sent.clear()
        begun = time.thread_time()
        self.clock.advance(60)
        return (used + time.thread_time() - begun) / 60


class _Phone:
    """Registers with the nonce it knows, as phones do."""

    def __init__(self, number: int) -> None:
        self.user = str(8000 + number)
        host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        self.flow = Flow("UDP", host, 5060)
        self._number = number
        self._sequence = 0
        self._count = 0
        self._challenge = ""

    def register(self) -> bytes:
        self._sequence += 1
        self._count += 1
        value = authorization(
            [self._challenge], user=self.user, password="secret", method="REGISTER", uri=f"sip:{US}", cnonce="abc",
            count=self._count,
        ) if self._challenge else None  # fmt: skip
        credentials = f"Authorization: {value}\r\n" if value else ""
        return (
            f"REGISTER sip:{US} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.flow.host};rport;branch=z9hG4bK{self._sequence}\r\n"
            f"From: <sip:{self.user}@{US}>;tag=r\r\nTo: <sip:{self.user}@{US}>\r\nCall-ID: r{self._number}\r\n"
            f"CSeq: {self._sequence} REGISTER\r\nContact: <sip:{self.user}@{self.flow.host}>;expires=120\r\n"
            f"User-Agent: bench\r\n{credentials}Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        ).encode()

    def heard(self, data: bytes) -> bool:
        """Whether it is registered now; else the challenge is kept."""
        if data.startswith(b"SIP/2.0 200"):
            return True
        self._challenge, self._count = parse_message(data).headers.all("www-authenticate")[0], 0
        return False


def _answer(request: bytes, status: bytes, body: str) -> bytes:
    lines = [b"SIP/2.0 " + status]
    for line in request.split(b"\r\n\r\n", 1)[0].split(b"\r\n"):
        if line.startswith(REPEATED):
            lines.append(line + (b";tag=callee" if line.startswith(b"To:") and b"tag=" not in line else b""))
    lines.append(f"Contact: <sip:95004@{CALLEE}:5060>".encode())
    if body:
        lines.append(b"Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return b"\r\n".join(lines)

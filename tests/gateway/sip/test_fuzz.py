"""Mutated and misplaced messages against a whole gateway: it never crashes, and nothing of them stays behind.

Half of what is sent has a sense of its own: requests and responses of few dialogs, branches and numbers, so that
they meet live transactions and dialogs in every state, also as answers to what the gateway itself sends. The rest
are the torture messages. A share of all has bytes changed. Time goes on meanwhile, by ticks and by leaps.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace
from typing import Final

import pytest

from ccplatform.contracts.legs import (
    HandOn,
    LegAnswered,
    LegEvent,
    LegOffered,
    LegPickUpAsked,
    LegReferred,
    SeatTarget,
)
from ccplatform.contracts.words import ReleaseCause, SeatId
from ccplatform.kernel.clock import VirtualClock
from gateway.errors import SipParseError
from gateway.sip.bindings import Binding
from gateway.sip.connections import FlowUser
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest
from gateway.sip.parser import parse_message
from gateway.sip.responses import response_to
from gateway.sip.trunk import TrunkTransfer
from tests.gateway.sip.centre import Centre, seat, to_trunk, trunk
from tests.gateway.sip.messages import INVALID, VALID, torture
from tests.gateway.sip.raw import SDP

US, PEER, STRANGER, PHONE = "192.0.2.1", "192.0.2.4", "203.0.113.9", "192.0.2.7"
METHODS: Final = ("INVITE", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "REGISTER", "PRACK",
                  "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "invite", "X")  # fmt: skip
STATUSES: Final = (100, 180, 183, 199, 200, 200, 202, 302, 401, 407, 422, 481, 486, 487, 491, 500, 503, 603, 699)
BITS: Final = (
    b'"',
    b"<",
    b">",
    b";",
    b",",
    b"\\",
    b"\r\n ",
    b"%00",
    b"@",
    b"\0",
    b"\xff",
    b"\r\n\r\n",
    b"=",
    b":",
)


class Ether:
    """The wire: remembers the last that the gateway sent."""

    def __init__(self) -> None:
        self.ports = {"UDP": 5060, "TCP": 5060}
        self.user: FlowUser | None = None
        self.sent: deque[tuple[bytes, Flow]] = deque(maxlen=40)

    async def open(self, user: FlowUser) -> None:
        self.user = user

    async def close(self) -> None:
        self.user = None

    def send(self, data: bytes, flow: Flow) -> None:
        self.sent.append((data, flow))

    def give(self, data: bytes, flow: Flow) -> None:
        assert self.user is not None
        try:
            message = parse_message(data)
        except SipParseError as error:
            self.user.malformed(error, flow)
        else:
            self.user.received(message, flow)


class Chaos:
    """Makes messages out of one seed."""

    def __init__(self, seed: int, ether: Ether, *, mutating: bool = True) -> None:
        self._mutating = mutating
        self._random = random.Random(seed)
        self._ether = ether
        self._torture = [torture(name) for name in (*VALID, *INVALID)]
        self._tags = deque(["t1", "t2"], maxlen=12)

    def step(self, centre: Centre, clock: VirtualClock) -> None:
        dice = self._random
        flow = Flow(dice.choice(("UDP", "UDP", "TCP")), dice.choice((PEER, PEER, PEER, PHONE, STRANGER)), 5060)
        self._ether.give(self._mutated(self._message(flow)), flow)
        if dice.random() < 0.05:
            clock.advance(dice.choice((0.01, 0.1, 0.6, 4.0, 33.0)))
        if dice.random() < 0.02:
            self._dial(centre)

    def _dial(self, centre: Centre) -> None:
        """Call somebody, who may be for another one: then the carrier is asked first, or afterwards."""
        dice = self._random
        legs = sorted(centre.media.open)
        command = centre.dialled(to_trunk("peer") if dice.random() < 0.5 else SeatTarget(seat=SeatId("seat-01")))
        if legs and dice.random() < 0.5:
            command = replace(command, transfers=dice.choice(legs))
        centre.legs.perform(command)
        if legs and dice.random() < 0.3:
            centre.legs.perform(HandOn(leg=dice.choice(legs), to=dice.choice(legs)))

    def _message(self, flow: Flow) -> bytes:
        dice = self._random
        choice = dice.random()
        if choice < 0.2:
            return dice.choice(self._torture)
        if choice < 0.5 and self._ether.sent:
            return self._answer(*dice.choice(self._ether.sent))
        return self._request(flow)

    def _answer(self, data: bytes, flow: Flow) -> bytes:
        """A response to a request of the gateway, or its own response once more, its tag remembered."""
        try:
            message = parse_message(data)
        except SipParseError:
            return data
        if not isinstance(message, SipRequest):
            if message.to.tag:
                self._tags.append(message.to.tag)
            return data
        self._tags.append(message.from_.tag or "")
        status = self._random.choice(STATUSES)
        body = SDP.format(host=PEER, direction="sendrecv").encode() if self._random.random() < 0.7 else b""
        response = response_to(message, status, to_tag=self._random.choice(("p1", "p2")), body=body)
        response.headers.put("contact", f"<sip:x@{flow.host}:5060>")
        return response.encode()

    def _request(self, flow: Flow) -> bytes:
        dice = self._random
        method = dice.choice(METHODS)
        tag = f";tag={dice.choice(self._tags)}" if dice.random() < 0.6 else ""
        body = (
            SDP.format(host=PEER, direction=dice.choice(("sendrecv", "sendonly", "x")))
            if dice.random() < 0.5
            else ""
        )
        if method == "NOTIFY" and dice.random() < 0.8:
            body = f"SIP/2.0 {dice.choice((100, 180, 200, 486, 'x'))} y\r\n"
        extras = [
            f"Require: {dice.choice(('100rel', 'timer', 'x'))}",
            f"Reason: Q.850;cause={dice.choice((16, 17, 999999))}",
            f"Session-Expires: {dice.choice((0, 90, 1800, 'x'))};refresher={dice.choice(('uac', 'uas', 'x'))}",
            "Record-Route: <sip:192.0.2.4;lr>, <sip:192.0.2.5>",
            f"RAck: {dice.choice((1, 2, 3))} 1 INVITE",
            "Refer-To: <sip:95001@192.0.2.1?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>",
            "Event: refer\r\nSubscription-State: " + dice.choice(("active", "terminated;reason=noresource")),
            "Replaces: c1;to-tag=t1;from-tag=f1",
            "Supported: 100rel, timer, replaces, path",
            f"Expires: {dice.choice((0, 60, 99999999999))}",
        ]
        lines = [
            f"{method} sip:95000@{US} SIP/2.0",
            f"Via: SIP/2.0/{flow.transport} {flow.host};branch=z9hG4bK{dice.randint(1, 30)}"
            + dice.choice(("", ";rport")),
            f"From: <sip:{dice.choice(('138', '8001'))}@{flow.host}>;tag=f{dice.randint(1, 2)}",
            f"To: <sip:95000@{US}>{tag}",
            f"Call-ID: {dice.choice(self._call_ids())}",
            f"CSeq: {dice.randint(1, 6)} {method}",
            *([f"Contact: <sip:138@{flow.host}:5060>"] if dice.random() < 0.9 else []),
            *dice.sample(extras, dice.choice((0, 0, 1, 2))),
            *([f"Content-Type: {_type_of(body, dice)}"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")

    def _call_ids(self) -> list[str]:
        """Those of strangers' calls, and of the last that the gateway made."""
        lines = [line for data, _ in list(self._ether.sent)[-2:] for line in data.decode("latin-1").split("\r\n")]
        return ["c1", "c2", "c3", *(line[9:] for line in lines if line.startswith("Call-ID: "))]

    def _mutated(self, data: bytes) -> bytes:
        dice = self._random
        if dice.random() < 0.6 or not self._mutating:
            return data
        octets = bytearray(data)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(octets) + 1)
            match dice.randrange(4):
                case 0:
                    octets[at : at + 1] = bytes([dice.randrange(256)])
                case 1:
                    del octets[at : at + dice.randint(1, 20)]
                case 2:
                    octets[at:at] = octets[at : at + dice.randint(1, 20)]
                case _:
                    octets[at:at] = dice.choice(BITS)
        return bytes(octets)


def _type_of(body: str, dice: random.Random) -> str:
    if body.startswith("SIP/2.0"):
        return "message/sipfrag"
    return dice.choice(("application/sdp", "application/dtmf-relay"))


def reacting(centre: Centre, dice: random.Random) -> None:
    """Answer, ring, refuse or leave alone whatever comes; hang up some of it."""

    def react(event: LegEvent) -> None:
        centre.told.clear()
        centre.facts.all.clear()
        if isinstance(event, LegOffered):
            centre.adopt(event)
            choice = dice.random()
            if choice < 0.5:
                centre.rings(event.leg)
            if choice < 0.8:
                centre.answers(event.leg)
            elif choice < 0.9:
                centre.release(event.leg, ReleaseCause.BUSY)
        elif isinstance(event, LegAnswered) and dice.random() < 0.3:
            centre.release(event.leg)
        elif isinstance(event, LegPickUpAsked) and dice.random() < 0.5:
            centre.dial(SeatTarget(seat=event.seat))
        elif isinstance(event, LegReferred):
            centre.release(event.leg)
            centre.release(event.to)

    centre.on_event = react


async def bombard(seed: int, messages: int) -> None:
    clock = VirtualClock()
    ether = Ether()
    centre = Centre(
        US,
        clock,
        ether,
        trunks=[replace(trunk("peer", PEER, capacity=50), transfer=TrunkTransfer.REFER)],
        seats=[seat(1)],
        random_bytes=random.Random(seed).randbytes,
    )
    binding = Binding(uri=f"sip:8001@{PHONE}", flow=Flow("UDP", PHONE, 5060), call_id="r", sequence=1,
                      expires_at=clock.now() + 1e9, refreshed_at=clock.now())  # fmt: skip
    await centre.open()
    centre.access.registrations.load({SeatId("seat-01"): [binding]})
    reacting(centre, random.Random(seed))
    chaos = Chaos(seed, ether)
    for number in range(messages):
        chaos.step(centre, clock)
        assert centre.crashes == [], f"message {number} of seed {seed}"
    centre.on_event = lambda _: None
    for leg in list(centre.media.open):
        centre.release(leg)
    clock.advance(1000)
    ether.give(torture("rfc4475/3.1.1.6-lwsdisp"), Flow("UDP", PEER, 5060))
    assert centre.is_clean(), f"seed {seed}"
    assert centre.access.sip.transactions == 0, f"seed {seed}"
    assert len(centre.access.sip.trace) <= 1, f"seed {seed}"


@pytest.mark.parametrize("seed", range(4))
async def test_misplaced_and_broken_messages_neither_crash_nor_stay(seed: int) -> None:
    await bombard(seed, 1500)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1020))
async def test_a_million_misplaced_and_broken_messages_neither_crash_nor_stay(seed: int) -> None:
    await bombard(seed, 50_000)

"""A phone with several flows (RFC 5626): it rings once, and by another flow when one fails."""

from __future__ import annotations

import pytest

from ccplatform.contracts.legs import LegAnswered, LegEnded, SeatTarget
from ccplatform.contracts.words import LegId, ReleaseCause, SeatId
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.bindings import Binding
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest
from gateway.sip.outbound import PhoneFlow
from gateway.sip.parser import parse_message
from gateway.sip.responses import response_to
from gateway.sip.uac import NO_REPLY_LIMIT
from tests.gateway.sip.centre import Centre
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import SDP

CENTRE = ("10.0.0.2", 5060)
FLOWS = (("10.0.0.71", 5060), ("10.0.0.72", 5060), ("10.0.0.73", 5060))


class Phone:
    """One phone behind three edge proxies, the first of which was refreshed last."""

    def __init__(self, network: Network, centre: Centre, clock: VirtualClock) -> None:
        self._clock, self._centre = clock, centre
        self._edges = [network.stranger(*flow) for flow in FLOWS]
        self._invites: dict[int, SipRequest] = {}
        bindings = [
            Binding(
                uri=f"sip:8001@10.0.0.70:{5060 + number}",
                flow=Flow("UDP", *flow),
                call_id=f"{number}@x",
                sequence=1,
                expires_at=clock.now() + 3600,
                refreshed_at=clock.now() - number,
                phone=PhoneFlow("<urn:uuid:1>", number + 1),
            )
            for number, flow in enumerate(FLOWS)
        ]
        centre.access.registrations.load({SeatId("seat-01"): bindings})

    def is_called(self) -> LegId:
        leg = self._centre.dial(SeatTarget(seat=SeatId("seat-01")), caller="13800000001")
        self._clock.advance(0.1)
        return leg

    def invited(self) -> list[int]:
        """By which of its flows an INVITE came since it was asked last."""
        self._invites = {}
        for number, edge in enumerate(self._edges):
            for text in edge.heard():
                message = parse_message(text.encode())
                if isinstance(message, SipRequest) and message.method == "INVITE":
                    self._invites[number] = message
        return list(self._invites)

    def answers(self, number: int, status: int) -> None:
        body = SDP.format(host=FLOWS[number][0], direction="sendrecv").encode() if status == 200 else b""
        answer = response_to(self._invites[number], status, to_tag="phone", body=body)
        answer.headers.put("contact", "<sip:8001@10.0.0.70>")
        self._edges[number].send(answer.encode(), CENTRE)
        self._clock.advance(0.1)


@pytest.fixture
async def phone(network: Network, called: Centre, clock: VirtualClock) -> Phone:
    return Phone(network, called, clock)


@pytest.mark.parametrize("status", [430, 503])
async def test_the_next_flow_is_tried_when_one_failed(phone: Phone, called: Centre, status: int) -> None:
    phone.is_called()
    for number in range(2):
        assert phone.invited() == [number]
        phone.answers(number, status)
    assert phone.invited() == [2]
    phone.answers(2, 200)
    assert called.of(LegAnswered)
    assert called.of(LegEnded) == []


async def test_an_edge_that_says_nothing_is_left_as_well(phone: Phone, clock: VirtualClock) -> None:
    phone.is_called()
    assert phone.invited() == [0]
    clock.advance(NO_REPLY_LIMIT + 1)
    assert 1 in phone.invited()


async def test_what_the_phone_itself_says_is_final(phone: Phone, called: Centre) -> None:
    phone.is_called()
    phone.invited()
    phone.answers(0, 486)
    assert phone.invited() == []
    assert called.ended() == [(ReleaseCause.BUSY, True)]


async def test_without_another_flow_the_phone_is_out_of_reach(
    phone: Phone, called: Centre, clock: VirtualClock
) -> None:
    phone.is_called()
    for number in range(3):
        assert phone.invited() == [number]
        phone.answers(number, 430)
    assert called.ended() == [(ReleaseCause.UNREACHABLE, True)]
    clock.advance(100)
    assert called.is_clean()


async def test_a_call_that_is_given_up_tries_no_other_flow(phone: Phone, called: Centre) -> None:
    leg = phone.is_called()
    phone.invited()
    called.release(leg, ReleaseCause.CANCELLED)
    phone.answers(0, 430)
    assert phone.invited() == []

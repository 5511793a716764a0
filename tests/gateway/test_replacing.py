"""INVITE with Replaces (RFC 3891): a phone takes over what another phone of its seat does, or is told why not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccplatform.contracts.legs import LegAnswered, LegEnded, LegEvent, LegOffered, LegPickUpAsked, SeatTarget
from ccplatform.contracts.words import LegId, LegRole, ReleaseCause, SeatId
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.bindings import Binding
from gateway.sip.event_packages import dialog_info
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse_message
from gateway.sip.responses import response_to
from tests.gateway.sip.centre import Centre
from tests.gateway.sip.network import Network, Stranger
from tests.gateway.sip.raw import SDP, RawPeer

DESK, CENTRE = ("10.0.0.9", 5060), ("10.0.0.2", 5060)


class Desk:
    """The desk phone of seat-01, which the centre called: rings, answers, and hears requests."""

    def __init__(self, network: Network, centre: Centre, clock: VirtualClock) -> None:
        self._stranger: Stranger = network.stranger(*DESK)
        binding = Binding(
            uri=f"sip:8001@{DESK[0]}",
            flow=Flow("UDP", *DESK),
            call_id="r",
            sequence=1,
            expires_at=clock.now() + 3600,
            refreshed_at=clock.now(),
        )
        centre.access.registrations.load({SeatId("seat-01"): (binding,)})
        self.leg: LegId = centre.dial(SeatTarget(seat=SeatId("seat-01")), caller="13800000001")
        (self.invite,) = self.requests("INVITE")

    def says(self, status: int) -> None:
        sdp = SDP.format(host=DESK[0], direction="sendrecv").encode() if status == 200 else b""
        answer = response_to(self.invite, status, to_tag="desk", body=sdp)
        answer.headers.put("contact", f"<sip:8001@{DESK[0]}>")
        self._stranger.send(answer.encode(), CENTRE)
        self.requests()

    def requests(self, method: str = "") -> list[SipRequest]:
        """What it was asked since; everything but INVITE is answered 200."""
        heard = [parse_message(text.encode()) for text in self._stranger.heard()]
        requests = [message for message in heard if isinstance(message, SipRequest)]
        for request in requests:
            if request.method not in ("INVITE", "ACK"):
                self._stranger.send(response_to(request, 200).encode(), CENTRE)
            if request.method == "CANCEL":
                self._stranger.send(response_to(self.invite, 487, to_tag="desk").encode(), CENTRE)
        return [request for request in requests if not method or request.method == method]

    @property
    def replaces(self) -> str:
        return f"{self.invite.call_id};to-tag={self.invite.from_.tag};from-tag=desk"


@pytest.fixture
def desk(called: Centre, clock: VirtualClock, network: Network) -> Desk:
    return Desk(network, called, clock)


def takes_over(
    network: Network, replaces: str, *, user: str = "8001", body: bool = True
) -> tuple[RawPeer, SipResponse]:
    """The softphone of a seat asks for a call; its last answer."""
    phone = RawPeer(network, "10.0.0.8", CENTRE[0], user=user)
    header, sdp = f"Replaces: {replaces}\r\nRequire: replaces", phone.sdp() if body else ""
    challenge = phone.ask(phone.request("INVITE", sdp, extra=header))
    if challenge.status != 401:
        return phone, challenge
    phone.ack()
    phone.to_tag = ""
    phone.send(phone.with_credentials("INVITE", challenge, "secret", body=sdp, extra=header))
    answers = [message for message in phone.heard() if isinstance(message, SipResponse)]
    return phone, answers[-1]


async def test_a_talk_goes_on_at_another_phone_of_the_seat(
    called: Centre, desk: Desk, network: Network, clock: VirtualClock
) -> None:
    desk.says(200)
    phone, answer = takes_over(network, desk.replaces)
    assert answer.status == 200
    assert "replaces" in (answer.headers.first("supported") or "")
    phone.ack()
    assert len(desk.requests("BYE")) == 1
    leg, remote = called.media.connected[-1]
    assert (leg, remote.host) == (desk.leg, "10.0.0.8")
    assert called.of(LegEnded) == []
    assert called.of(LegOffered) == []
    assert len(called.of(LegAnswered)) == 1
    assert phone.ask(phone.request("BYE")).status == 200
    assert [ended.leg for ended in called.of(LegEnded)] == [desk.leg]
    clock.advance(200)
    assert called.is_clean()


async def test_a_ringing_call_is_answered_at_another_phone_of_the_seat(
    called: Centre, desk: Desk, network: Network, clock: VirtualClock
) -> None:
    desk.says(180)
    phone, answer = takes_over(network, f"{desk.replaces};early-only")
    assert answer.status == 200
    phone.ack()
    (cancel,) = desk.requests("CANCEL")
    assert "Call completed elsewhere" in (cancel.headers.first("reason") or "")
    assert [answered.leg for answered in called.of(LegAnswered)] == [desk.leg]
    called.release(desk.leg)
    clock.advance(0.1)
    assert [message.method for message in phone.heard() if isinstance(message, SipRequest)] == ["BYE"]
    phone.send(phone.request("OPTIONS"))
    clock.advance(200)
    assert called.of(LegEnded)[0].leg == desk.leg


async def test_the_phone_that_takes_over_may_let_us_offer(called: Centre, desk: Desk, network: Network) -> None:
    desk.says(200)
    phone, answer = takes_over(network, desk.replaces, body=False)
    assert answer.status == 200
    assert answer.body
    phone.ack(phone.sdp())
    phone.heard()
    assert called.media.connected[-1][1].host == "10.0.0.8"


@pytest.mark.parametrize(
    ("replaces", "user", "status"),
    [
        ("{};early-only", "8001", 486),
        ("nobody@knows;to-tag=a;from-tag=b", "8001", 481),
        ("{}", "8002", 403),
        ("{}", "13800000001", 403),
        ("without tags", "8001", 400),
        ("a@b;to-tag=c", "8001", 400),
    ],
)
async def test_who_may_not_is_told_so_and_the_talk_goes_on(
    called: Centre, desk: Desk, network: Network, replaces: str, user: str, status: int
) -> None:
    desk.says(200)
    dialogs = called.access.sip.dialogs
    _, answer = takes_over(network, replaces.format(desk.replaces), user=user)
    assert answer.status == status
    assert desk.requests() == []
    assert called.of(LegEnded) == []
    assert called.access.sip.dialogs <= dialogs + 1
    assert called.crashes == []


async def test_a_ringing_call_is_picked_up_at_another_seat_that_may_have_it(
    called: Centre, desk: Desk, network: Network, clock: VirtualClock
) -> None:
    """What `calls` does then: the seat that asked is dialled for the same contact, the other is told to stop."""
    desk.says(180)
    command = replace(called.dialled(SeatTarget(seat=SeatId("seat-02"))), role=LegRole.AGENT)

    def let_have_it(event: LegEvent) -> None:
        if isinstance(event, LegPickUpAsked):
            called.release(event.leg, ReleaseCause.CANCELLED)
            called.legs.perform(command)

    called.on_event = let_have_it
    phone, answer = takes_over(network, f"{desk.replaces};early-only", user="8002")
    assert answer.status == 200
    phone.ack()
    assert called.of(LegPickUpAsked) == [
        LegPickUpAsked(leg=desk.leg, seat=SeatId("seat-02"), rings_at=SeatId("seat-01"))
    ]
    assert len(desk.requests("CANCEL")) == 1
    assert [answered.leg for answered in called.of(LegAnswered)] == [command.leg]
    assert called.media.connected[-1][1].host == "10.0.0.8"
    assert [seat.stage for seat in called.legs.dialogs_of(SeatId("seat-02"))] == ["confirmed"]
    assert phone.ask(phone.request("BYE")).status == 200
    clock.advance(200)
    assert called.is_clean()


async def test_a_ringing_call_that_is_not_let_go_rings_on(called: Centre, desk: Desk, network: Network) -> None:
    desk.says(180)
    _, answer = takes_over(network, desk.replaces, user="8002")
    assert answer.status == 403
    assert desk.requests() == []
    desk.says(200)
    assert [answered.leg for answered in called.of(LegAnswered)] == [desk.leg]


async def test_lamps_tell_by_which_names_a_call_can_be_picked_up(called: Centre, desk: Desk) -> None:
    (trying,) = called.legs.dialogs_of(SeatId("seat-01"))
    assert (trying.stage, trying.name) == ("trying", None)
    desk.says(180)
    (rings,) = called.legs.dialogs_of(SeatId("seat-01"))
    assert (rings.stage, rings.name) == ("early", (desk.invite.call_id, "desk", desk.invite.from_.tag))
    desk.says(200)
    (talks,) = called.legs.dialogs_of(SeatId("seat-01"))
    assert (talks.stage, talks.name) == ("confirmed", rings.name)
    info = dialog_info("sip:8001@centre", 1, [talks]).decode()
    assert f'call-id="{desk.invite.call_id}" local-tag="desk" remote-tag="{desk.invite.from_.tag}"' in info


async def test_two_replaces_are_one_too_many(called: Centre, desk: Desk, network: Network) -> None:
    desk.says(200)
    _, answer = takes_over(network, f"{desk.replaces}\r\nReplaces: {desk.replaces}")
    assert answer.status == 400


@pytest.mark.parametrize("method", ["BYE", "OPTIONS", "INFO", "REGISTER"])
async def test_nothing_but_an_invite_may_replace(
    called: Centre, desk: Desk, network: Network, method: str, clock: VirtualClock
) -> None:
    """RFC 3891 section 3; an ACK can have no answer, and is taken as it is."""
    desk.says(200)
    phone, _ = takes_over(network, desk.replaces)
    header = f"Replaces: {desk.replaces}"
    phone.send(phone.request("ACK", sequence=phone.sequence, extra=header))
    clock.advance(2)
    assert phone.statuses() == [], "the 200 is not repeated"
    answer = phone.ask(phone.request(method, extra=header))
    assert (answer.status, "Replaces" in answer.reason) == (400, True)
    assert called.of(LegEnded) == []
    assert phone.ask(phone.request("BYE")).status == 200
    assert len(called.of(LegEnded)) == 1


async def test_a_call_of_the_seat_that_nobody_answered_cannot_be_taken_over(
    called: Centre, desk: Desk, network: Network
) -> None:
    """It is no dialog that we began (RFC 3891 section 3)."""
    called.rings_everything()
    desk.says(200)
    caller = RawPeer(network, "10.0.0.7", CENTRE[0], user="8001")
    challenge = caller.ask(caller.request("INVITE", caller.sdp()))
    caller.ack()
    caller.to_tag = ""
    caller.send(caller.with_credentials("INVITE", challenge, "secret", body=caller.sdp()))
    assert caller.heard()
    _, answer = takes_over(network, f"{caller.call_id};to-tag={caller.to_tag};from-tag=raw")
    assert answer.status == 481


async def test_a_session_that_cannot_be_leaves_the_talk_as_it_is(
    called: Centre, desk: Desk, network: Network
) -> None:
    desk.says(200)
    phone = RawPeer(network, "10.0.0.8", CENTRE[0], user="8001")
    useless = phone.sdp().replace("RTP/AVP 8 101", "RTP/AVP 4")
    header = f"Replaces: {desk.replaces}"
    challenge = phone.ask(phone.request("INVITE", useless, extra=header))
    phone.ack()
    phone.to_tag = ""
    phone.send(phone.with_credentials("INVITE", challenge, "secret", body=useless, extra=header))
    answers = [message.status for message in phone.heard() if isinstance(message, SipResponse)]
    assert answers[-1] == 488
    assert desk.requests() == []
    assert called.of(LegEnded) == []

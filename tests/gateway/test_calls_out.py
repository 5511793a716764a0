"""Calls out of the centre, at the access layer: early media, emergencies, servers that ask for time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccplatform.contracts.legs import (
    LegAnswered,
    LegEarly,
    LegEnded,
    LegOffered,
    LegRinging,
    NumberTarget,
    OpenLeg,
    SeatTarget,
)
from ccplatform.contracts.words import LegId, ReleaseCause, SeatId, TrunkId
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outbound_routes import OutboundRoute, TrunkChoice
from gateway.sip.responses import response_to
from gateway.sip.trunk import TrunkState
from tests.gateway.sip.centre import Centre, seat, to_trunk, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import SDP, RawPeer
from tests.gateway.test_trunk_calls import FAR, Provider, centre_with, out


@pytest.fixture
def provider(network: Network, clock: VirtualClock) -> Provider:
    return Provider(network, clock)


def early_dial(centre: Centre) -> LegId:
    command = replace(centre.dialled(to_trunk("far")), early_media=True)
    centre.legs.perform(command)
    return command.leg


def session(status: int, *, host: str = FAR) -> Callable[[SipRequest], SipResponse]:
    def progress(request: SipRequest) -> SipResponse:
        body = SDP.format(host=host, direction="sendrecv").encode() if request.method == "INVITE" else b""
        response = response_to(request, status if request.method == "INVITE" else 200, body=body)
        response.headers.put("contact", f"<sip:far@{host}>")
        return response

    return progress


# --- early media ------------------------------------------------------------------------------------------


async def test_what_a_network_says_before_the_answer_is_connected_if_it_is_wanted(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    centre = await centre_with(clock, network, [out()])
    provider.behave = session(183)
    leg = early_dial(centre)
    provider.play()
    assert [event.leg for event in centre.of(LegEarly)] == [leg]
    assert [event.leg for event in centre.of(LegRinging)] == [leg]
    assert centre.media.connected[0][0] == leg
    assert not centre.of(LegAnswered)
    (invite,) = provider.of("INVITE")
    network.stranger(FAR).send(provider.accepts(invite).encode(), ("10.0.0.1", 5060))
    clock.advance(1)
    assert [event.leg for event in centre.of(LegAnswered)] == [leg]
    assert len(centre.of(LegEarly)) == 1


async def test_it_is_not_connected_unless_it_is_wanted(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    centre = await centre_with(clock, network, [out()])
    provider.behave = session(183)
    centre.dial(to_trunk("far"))
    provider.play()
    assert centre.of(LegRinging)
    assert not centre.of(LegEarly)
    assert centre.media.connected == []


async def test_an_early_session_that_cannot_be_used_changes_nothing(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    centre = await centre_with(clock, network, [out()])

    def broken(request: SipRequest) -> SipResponse:
        return response_to(request, 183, body=b"v=0\r\nm=video 9 RTP/AVP 96\r\n")

    provider.behave = broken
    leg = early_dial(centre)
    provider.play()
    assert centre.of(LegRinging)
    assert not centre.of(LegEarly)
    (invite,) = provider.of("INVITE")
    network.stranger(FAR).send(provider.accepts(invite).encode(), ("10.0.0.1", 5060))
    clock.advance(1)
    assert [event.leg for event in centre.of(LegAnswered)] == [leg]


@pytest.mark.parametrize("answered_at_once", [False, True])
async def test_a_party_that_calls_is_let_hear_before_its_answer(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network, answered_at_once: bool
) -> None:
    called.rings_everything()
    leg = early_dial(calling)
    clock.advance(0.2)
    (offered,) = called.of(LegOffered)
    called.legs.perform(OpenLeg(leg=offered.leg))
    if not answered_at_once:
        clock.advance(0.2)
        assert [event.leg for event in calling.of(LegEarly)] == [leg]
        assert [event.leg for event in called.of(LegEarly)] == [offered.leg]
        assert not calling.of(LegAnswered)
    called.answers(offered.leg)
    clock.advance(0.2)
    assert calling.of(LegAnswered)
    assert called.of(LegAnswered)
    opened = called.media.open[offered.leg]
    assert {remote.port for who, remote in calling.media.connected} == {opened.port}
    calling.release(leg)
    clock.advance(200)
    assert calling.is_clean()
    assert called.is_clean()


async def test_an_opened_leg_may_be_refused(calling: Centre, called: Centre, clock: VirtualClock) -> None:
    called.rings_everything()
    early_dial(calling)
    clock.advance(0.2)
    (offered,) = called.of(LegOffered)
    called.legs.perform(OpenLeg(leg=offered.leg))
    clock.advance(0.2)
    called.release(offered.leg, ReleaseCause.BUSY)
    clock.advance(200)
    assert calling.ended() == [(ReleaseCause.BUSY, True)]
    assert calling.is_clean()
    assert called.is_clean()


# --- servers that ask for time ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [503, 430])
async def test_a_server_that_asks_for_time_is_left_out_for_so_long(
    network: Network, clock: VirtualClock, provider: Provider, status: int
) -> None:
    provider.behave = provider.says(status, retry_after="60")
    centre = await centre_with(clock, network, [out()])
    centre.dial(to_trunk("far"))
    provider.play(0.3)
    centre.dial(to_trunk("far"))  # it is not asked again
    provider.play(0.3)
    assert len(provider.of("INVITE")) == 1
    assert [cause for cause, _ in centre.ended()][1] is ReleaseCause.UNREACHABLE
    clock.advance(61)
    provider.behave = provider.accepts
    centre.dial(to_trunk("far"))
    provider.play(0.3)
    assert len(centre.of(LegAnswered)) == 1


async def test_a_server_that_says_no_time_is_used_last_but_used(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    provider.behave = provider.says(503)
    centre = await centre_with(clock, network, [out()])
    for _ in range(2):
        centre.dial(to_trunk("far"))
        provider.play(0.3)
    assert len(provider.of("INVITE")) == 2


# --- emergency numbers ------------------------------------------------------------------------------------


def routed(centre: Centre, *routes: OutboundRoute) -> None:
    centre.access.routes.replace(routes)


ANY = OutboundRoute(prefix="", choices=(TrunkChoice(trunk=TrunkId("far")),))


async def test_an_emergency_call_takes_a_line_when_none_is_free_and_a_server_that_asked_for_time(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    centre = await centre_with(clock, network, [out(capacity=1)])
    routed(centre, ANY)
    centre.dial(NumberTarget(number="13800000001"))
    provider.play(0.3)
    centre.dial(NumberTarget(number="13800000002"))
    assert centre.ended() == [(ReleaseCause.BUSY, False)]
    centre.access.trunk_service.call_failed(TrunkId("far"), provider_flow(centre), 60)
    centre.dial(NumberTarget(number="110"))
    provider.play(0.3)
    assert [request.uri.name for request in provider.of("INVITE")] == ["13800000001", "110"]
    assert centre.access.channels.in_use(TrunkId("far")) == 2


async def test_an_emergency_number_needs_no_route(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    centre = await centre_with(clock, network, [out("blocked", "10.0.0.13", state=TrunkState.BLOCKED), out()])
    centre.dial(NumberTarget(number="119"))
    provider.play(0.3)
    assert [request.uri.name for request in provider.of("INVITE")] == ["119"]


def provider_flow(centre: Centre) -> Flow:
    (flow,) = centre.access.trunk_service.flows(TrunkId("far"))
    return flow


@pytest.mark.parametrize(("number", "statuses"), [("110", [401, 100]), ("95000", [401, 503])])
async def test_a_phone_of_ours_reaches_help_while_calls_are_refused(
    network: Network, clock: VirtualClock, number: str, statuses: list[int]
) -> None:
    centre = Centre("10.0.0.1", clock, network.wire("10.0.0.1"), seats=[seat(1)])
    await centre.open()
    centre.refusing = ReleaseCause.UNAVAILABLE
    peer = RawPeer(network, "10.0.0.7", "10.0.0.1", user="8001")
    peer.send(peer.request("INVITE", peer.sdp(), uri=f"sip:{number}@10.0.0.1"))
    heard = [message for message in peer.heard() if isinstance(message, SipResponse)]
    peer.to_tag = ""
    again = peer.with_credentials("INVITE", heard[-1], "secret", body=peer.sdp(), uri=f"sip:{number}@10.0.0.1")
    peer.send(again)
    heard += [message for message in peer.heard() if isinstance(message, SipResponse)]
    assert [message.status for message in heard] == statuses
    assert [offered.dialled for offered in centre.of(LegOffered)] == (["110"] if number == "110" else [])


# --- what a number reaches --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "target"),
    [
        ("8002", SeatTarget(seat=SeatId("seat-02"))),
        ("021555", NumberTarget(number="021555")),
        ("110", NumberTarget(number="110")),
        ("199", None),
        ("021;x", None),
        ("", None),
    ],
)
async def test_who_is_reached_by_which_number(
    network: Network, clock: VirtualClock, number: str, target: object
) -> None:
    wire = network.wire("10.0.0.3")
    centre = Centre("10.0.0.3", clock, wire, trunks=[trunk("far", "10.0.0.1")], seats=[seat(2)])
    routed(centre, OutboundRoute(prefix="0", choices=ANY.choices))
    assert centre.access.dialling.reach(number) == target
    assert centre.access.dialling.number_of(SeatId("seat-02")) == "8002"
    assert centre.access.dialling.number_of(SeatId("seat-09")) == ""
    assert centre.access.dialling.shown_by(SeatId("seat-02")) == ""
    assert centre.access.dialling.shown_by(SeatId("seat-09")) == ""


async def test_a_phone_is_asked_to_answer_by_itself_for_a_call_of_its_own_agent(
    network: Network, clock: VirtualClock
) -> None:
    centre = Centre("10.0.0.1", clock, network.wire("10.0.0.1"), seats=[seat(1)])
    await centre.open()
    peer = RawPeer(network, "10.0.0.7", "10.0.0.1", user="8001")
    to, uri = "<sip:8001@10.0.0.1>", "sip:10.0.0.1"
    challenge = peer.ask(peer.request("REGISTER", uri=uri, to=to))
    assert peer.ask(peer.with_credentials("REGISTER", challenge, "secret", uri=uri, to=to)).status == 200
    for wanted in (True, False):
        command = centre.dialled(SeatTarget(seat=SeatId("seat-01")))
        centre.legs.perform(replace(command, auto_answer=wanted))
    invites = [message for message in peer.heard() if isinstance(message, SipRequest)]
    assert [invite.headers.first("answer-mode") for invite in invites] == ["Auto", None]
    assert "answer-after=0" in (invites[0].headers.first("call-info") or "")
    assert [event for event in centre.of(LegEnded)] == []

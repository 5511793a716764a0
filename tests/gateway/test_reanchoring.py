"""Legs whose media worker died: new ports by re-INVITE, or an honest end."""

from __future__ import annotations

import json

import pytest

from ccplatform.contracts.legs import AnswerLeg, LegAnswered, LegMoved, LegOffered
from ccplatform.contracts.words import LegId, ReleaseCause
from ccplatform.kernel.clock import VirtualClock
from gateway.media.port import WorkerLost
from gateway.reanchoring import LIMIT_SECONDS
from gateway.sip.message import SipRequest
from gateway.sip.settings import SipSettings
from tests.gateway.sip.centre import Centre, to_trunk, trunk
from tests.gateway.sip.network import DELAY, Network
from tests.gateway.sip.raw import RawPeer


def lose(centre: Centre, *legs: LegId) -> None:
    """The worker of these legs dies."""
    for leg in legs:
        del centre.media.open[leg]
    centre.legs.media_event(WorkerLost(worker=0, legs=legs))


def settle(clock: VirtualClock) -> None:
    clock.advance(200)


@pytest.fixture
def raw(network: Network) -> RawPeer:
    return RawPeer(network, "10.0.0.1", "10.0.0.2")


@pytest.fixture
def leg(called: Centre, raw: RawPeer) -> LegId:
    """A call that a hand-written peer has with us."""
    called.answers_everything()
    assert raw.ask(raw.request("INVITE", raw.sdp())).status == 200
    raw.ack()
    raw.heard()
    return called.of(LegOffered)[0].leg


def reinvite(raw: RawPeer) -> SipRequest:
    """The re-INVITE that came to the peer."""
    invites = [m for m in raw.heard() if isinstance(m, SipRequest) and m.method == "INVITE"]
    assert len({invite.cseq for invite in invites}) == 1  # it may have been repeated
    return invites[0]


def reply(raw: RawPeer, request: SipRequest, status: int, body: str = "") -> None:
    """Answer a request inside the dialog."""
    lines = [
        f"SIP/2.0 {status} x",
        f"Via: {request.headers.values('via')[0]}",
        f"From: {request.headers.values('from')[0]}",
        f"To: {request.headers.values('to')[0]}",
        f"Call-ID: {request.call_id}",
        f"CSeq: {request.cseq}",
        "Contact: <sip:elsewhere@10.0.0.1:5060>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    raw.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


def methods(raw: RawPeer) -> list[str]:
    """The requests that came to the peer."""
    return [message.method for message in raw.heard() if isinstance(message, SipRequest)]


async def test_both_sides_of_a_call_get_new_ports(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    theirs = called.of(LegOffered)[0].leg
    old = calling.media.open[leg]
    network.sent.clear()
    lose(calling, leg)
    clock.advance(1)
    new = calling.media.open[leg]
    assert new != old
    assert called.media.connected[-1][1].port == new.port
    assert calling.media.connected[-1] == (leg, calling.media.connected[0][1])
    (moved,) = calling.of(LegMoved)
    assert moved.leg == leg
    assert moved.gap_seconds == pytest.approx(2 * DELAY)
    assert called.of(LegMoved) == []
    assert network.sent == [
        "INVITE sip:ccplatform@10.0.0.2:5060 SIP/2.0",
        "SIP/2.0 200 OK",
        "ACK sip:ccplatform@10.0.0.2:5060 SIP/2.0",
    ]
    lose(called, theirs)
    clock.advance(1)
    assert calling.media.connected[-1][1].port == called.media.open[theirs].port
    assert [moved.leg for moved in called.of(LegMoved)] == [theirs]
    clock.advance(60)
    calling.release(leg)
    settle(clock)
    assert called.ended() == [(ReleaseCause.NORMAL, True)]
    assert calling.is_clean()
    assert called.is_clean()


async def test_a_repeated_answer_is_acknowledged_again(called: Centre, raw: RawPeer, leg: LegId) -> None:
    lose(called, leg)
    invite = reinvite(raw)
    for _ in range(3):
        reply(raw, invite, 200, raw.sdp().replace("4000", "4444"))
    assert methods(raw) == ["ACK"] * 3
    assert [remote.port for _, remote in called.media.connected] == [4000, 4444]
    assert len(called.of(LegMoved)) == 1
    called.release(leg)
    (bye,) = [m for m in raw.heard() if isinstance(m, SipRequest)]
    assert bye.uri_text == "sip:elsewhere@10.0.0.1:5060"  # a re-INVITE and its answer are target refreshes


@pytest.mark.parametrize("status", [488, 481, 500, 603])
async def test_a_party_that_refuses_loses_its_leg(
    called: Centre, raw: RawPeer, leg: LegId, status: int, clock: VirtualClock
) -> None:
    lose(called, leg)
    reply(raw, reinvite(raw), status)
    assert methods(raw) == ["ACK", "BYE"]
    assert called.ended() == [(ReleaseCause.FAILED, False)]
    settle(clock)
    assert called.is_clean()


async def test_an_unusable_answer_ends_the_leg(called: Centre, raw: RawPeer, leg: LegId) -> None:
    lose(called, leg)
    reply(raw, reinvite(raw), 200, raw.sdp().replace("AVP 8", "AVP 18"))
    assert methods(raw) == ["ACK", "BYE"]
    assert called.ended() == [(ReleaseCause.FAILED, False)]


async def test_a_party_that_does_not_answer_is_given_up(
    called: Centre, raw: RawPeer, leg: LegId, clock: VirtualClock
) -> None:
    lose(called, leg)
    clock.advance(LIMIT_SECONDS - 0.1)
    assert called.ended() == []
    clock.advance(0.2)
    assert called.ended() == [(ReleaseCause.FAILED, False)]
    settle(clock)
    assert called.is_clean()


async def test_no_worker_in_time_ends_the_leg(called: Centre, leg: LegId, clock: VirtualClock) -> None:
    called.media.full = True
    lose(called, leg)
    assert called.ended() == [(ReleaseCause.FAILED, False)]
    settle(clock)
    assert called.is_clean()


async def test_two_offers_that_meet_are_made_again(
    called: Centre, raw: RawPeer, leg: LegId, clock: VirtualClock
) -> None:
    lose(called, leg)
    invite = reinvite(raw)
    assert raw.ask(raw.request("INVITE", raw.sdp("sendonly"))).status == 491
    raw.ack()
    reply(raw, invite, 491)
    assert raw.ask(raw.request("UPDATE", raw.sdp("sendonly"))).status == 200
    clock.advance(2.0)
    again = reinvite(raw)
    assert again.cseq.number == invite.cseq.number + 1
    reply(raw, again, 200, raw.sdp("sendonly"))
    raw.heard()
    assert [moved.leg for moved in called.of(LegMoved)] == [leg]
    assert not called.media.connected[-1][1].receives


async def test_an_offer_waits_for_the_ack_of_ours(called: Centre, raw: RawPeer) -> None:
    called.answers_everything()
    raw.ask(raw.request("INVITE", raw.sdp()))
    leg = called.of(LegOffered)[0].leg
    lose(called, leg)
    assert methods(raw) == []
    raw.ack()
    reply(raw, reinvite(raw), 200, raw.sdp())
    raw.heard()
    assert [moved.leg for moved in called.of(LegMoved)] == [leg]


async def test_a_second_worker_that_dies_meanwhile_is_followed(called: Centre, raw: RawPeer, leg: LegId) -> None:
    lose(called, leg)
    first = reinvite(raw)
    lose(called, leg)
    assert methods(raw) == []  # the first offer is still under way
    reply(raw, first, 200, raw.sdp())
    assert called.of(LegMoved) == []
    second = reinvite(raw)
    assert f"m=audio {called.media.open[leg].port} ".encode() in second.body
    reply(raw, second, 200, raw.sdp())
    raw.heard()
    assert [moved.leg for moved in called.of(LegMoved)] == [leg]


async def test_a_hang_up_during_the_offer_is_a_hang_up(
    called: Centre, raw: RawPeer, leg: LegId, clock: VirtualClock
) -> None:
    lose(called, leg)
    invite = reinvite(raw)
    called.release(leg)
    reply(raw, invite, 200, raw.sdp())
    heard = raw.heard()
    assert [m.method for m in heard if isinstance(m, SipRequest)] == ["BYE", "ACK"]
    assert called.ended() == [(ReleaseCause.NORMAL, False)]
    settle(clock)
    assert called.is_clean()


async def test_the_peers_bye_during_the_offer_ends_the_leg_once(
    called: Centre, raw: RawPeer, leg: LegId, clock: VirtualClock
) -> None:
    lose(called, leg)
    invite = reinvite(raw)
    assert raw.ask(raw.request("BYE")).status == 200
    reply(raw, invite, 487)
    settle(clock)
    assert called.ended() == [(ReleaseCause.NORMAL, True)]
    assert called.is_clean()


async def test_a_phone_that_rings_is_told_when_it_answers(
    calling: Centre, called: Centre, clock: VirtualClock
) -> None:
    called.rings_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    lose(calling, leg)
    clock.advance(1)
    assert calling.of(LegMoved) == []
    called.legs.perform(AnswerLeg(leg=called.of(LegOffered)[0].leg))
    clock.advance(LIMIT_SECONDS)
    assert [type(event) for event in calling.told][-2:] == [LegAnswered, LegMoved]
    assert called.media.connected[-1][1].port == calling.media.open[leg].port


async def test_a_leg_without_a_worker_waits_for_one(calling: Centre, called: Centre, clock: VirtualClock) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(1)
    calling.media.away = True
    lose(calling, leg)
    clock.advance(2)
    calling.media.come()
    clock.advance(1)
    (moved,) = calling.of(LegMoved)
    assert moved.gap_seconds == pytest.approx(2 + 2 * DELAY)


async def test_a_leg_taken_back_after_a_restart_of_control_can_be_moved_too(
    called: Centre, raw: RawPeer, leg: LegId, clock: VirtualClock, network: Network
) -> None:
    video = "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
    assert raw.ask(raw.request("INVITE", raw.sdp() + video)).status == 200
    raw.ack()
    raw.heard()
    data = json.loads(json.dumps(called.legs.snapshot(leg)))
    restarted = Centre("10.0.0.2", clock, network.wire("10.0.0.2"), trunks=[trunk("near", "10.0.0.1")])
    await restarted.open()
    restarted.media.open[leg] = called.media.open[leg]
    assert restarted.legs.restore(leg, data, media=True)
    lose(restarted, leg)
    invite = reinvite(raw)
    assert invite.body.index(b"m=audio") < invite.body.index(b"m=video 0 ")  # RFC 3264 section 8
    reply(raw, invite, 200, raw.sdp() + video.replace("5000", "0"))
    assert methods(raw) == ["ACK"]
    assert [moved.leg for moved in restarted.of(LegMoved)] == [leg]


async def test_a_lost_worker_makes_no_storm_the_oldest_talks_move_first(
    called: Centre, clock: VirtualClock, network: Network
) -> None:
    settings = SipSettings(bind_ip="10.0.0.1", moves_per_second=5)
    many = Centre(
        "10.0.0.1", clock, network.wire("10.0.0.1"), trunks=[trunk("far", "10.0.0.2")], settings=settings
    )
    await many.open()
    called.answers_everything()
    legs = []
    for _ in range(8):
        legs.append(many.dial(to_trunk("far")))
        clock.advance(0.1)
    clock.advance(5)
    many.media.connected.clear()
    network.sent.clear()
    lose(many, *reversed(legs))
    sent: list[int] = []
    while sum(sent) < len(legs):
        clock.advance(0.1)
        sent.append(sum(line.startswith("INVITE") for line in network.sent))
        network.sent.clear()
    assert max(sent) <= 2
    assert len(sent) >= len(legs) - 2
    clock.advance(1.0)
    assert [leg for leg, _ in many.media.connected] == legs
    assert [moved.leg for moved in many.of(LegMoved)] == legs
    for leg in legs:
        many.release(leg)
    settle(clock)
    assert many.is_clean()


async def test_legs_that_end_while_they_wait_for_their_move_hold_nobody_up(
    called: Centre, clock: VirtualClock, network: Network
) -> None:
    settings = SipSettings(bind_ip="10.0.0.1", moves_per_second=1)
    many = Centre(
        "10.0.0.1", clock, network.wire("10.0.0.1"), trunks=[trunk("far", "10.0.0.2")], settings=settings
    )
    await many.open()
    called.answers_everything()
    legs = [many.dial(to_trunk("far")) for _ in range(5)]
    clock.advance(1.0)
    lose(many, *legs)
    clock.advance(0.2)
    for leg in legs[1:4]:
        many.release(leg)
    clock.advance(1.0)
    assert [moved.leg for moved in many.of(LegMoved)] == [legs[0], legs[4]]
    many.release(legs[0])
    many.release(legs[4])
    settle(clock)
    assert many.is_clean()

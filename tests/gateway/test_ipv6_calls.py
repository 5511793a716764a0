"""Which version of IP the media of a call go over: by what its party offers, else as its signalling."""

from __future__ import annotations

import json
import secrets

import pytest

from ccplatform.contracts.legs import LegAnswered, LegOffered
from ccplatform.kernel.clock import VirtualClock
from gateway.leg_sessions import LegSessions
from gateway.media.port import LocalAudio, WorkerLost
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.flows import Flow
from gateway.sip.media_protection import SrtpPolicy
from gateway.sip.message import SipRequest
from gateway.sip.parser import parse_message
from gateway.sip.sdp import parse_sdp
from gateway.sip.settings import SipSettings
from tests.gateway.sip.centre import FINGERPRINT, Centre, to_trunk, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer

OLD, OLD_PEER = "10.0.0.2", "10.0.0.1"
NEW, NEW_PEER = "2001:db8::2", "2001:db8::3"


@pytest.fixture
def old(network: Network) -> RawPeer:
    return RawPeer(network, OLD_PEER, OLD)


def answered(raw: RawPeer, sdp: str) -> tuple[int, str]:
    """The status of an INVITE with this offer, and the address that its answer gives or the warning."""
    answer = raw.ask(raw.request("INVITE", sdp))
    raw.ack()
    if answer.status != 200:
        return answer.status, answer.headers.first("warning") or ""
    description = parse_sdp(answer.body)
    assert description.origin.address == description.address
    return answer.status, description.address or ""


async def test_an_answer_has_the_version_of_its_offer(called: Centre, old: RawPeer, network: Network) -> None:
    called.answers_everything()
    assert answered(old, old.sdp(host=NEW_PEER)) == (200, called.media.host6)
    assert called.media.connected[0][1].host == NEW_PEER
    other = RawPeer(network, OLD_PEER, OLD, port=5062)
    other.call_id = "other"
    assert answered(other, other.sdp()) == (200, OLD)


async def test_without_media_over_ipv6_such_an_offer_is_refused_with_its_reason(
    clock: VirtualClock, network: Network, old: RawPeer
) -> None:
    centre = Centre(OLD, clock, network.wire(OLD), trunks=[trunk("near", OLD_PEER)], ip_versions=(4,))
    await centre.open()
    centre.answers_everything()
    status, warning = answered(old, old.sdp(host=NEW_PEER))
    assert status == 488
    assert f"media go over IPv4 here, not to {NEW_PEER}" in warning
    assert centre.is_clean()


async def test_a_centre_at_both_versions_names_itself_to_each_party_by_his(
    clock: VirtualClock, network: Network, old: RawPeer
) -> None:
    settings = SipSettings(bind_ip=OLD, bind_ip6=NEW)
    wire, sixth = network.wire(OLD), network.stranger(NEW_PEER)
    centre = Centre(OLD, clock, wire, trunks=[trunk("old", OLD_PEER), trunk("new", NEW_PEER)], settings=settings)
    await centre.open()
    centre.answers_everything()
    answer = old.ask(old.request("INVITE", old.sdp()))
    assert answer.addresses("contact")[0].uri.host == OLD
    old.ack()
    centre.dial(to_trunk("new"))
    (invite,) = (parse_message(text.encode()) for text in sixth.heard())
    assert isinstance(invite, SipRequest)
    assert (invite.via.host, invite.addresses("contact")[0].uri.host) == (f"[{NEW}]", f"[{NEW}]")
    assert invite.from_.uri.host == f"[{NEW}]"
    assert parse_sdp(invite.body).address == centre.media.host6


async def test_of_several_streams_the_one_that_can_be_reached_is_taken(called: Centre, old: RawPeer) -> None:
    called.answers_everything()
    first = old.sdp().partition("m=")[2]
    offer = old.sdp().replace(f"c=IN IP4 {OLD_PEER}\r\n", "")
    offer = offer.replace(f"m={first}", f"m={first}c=IN IP6 {NEW_PEER}\r\nm={first}c=IN IP4 {OLD_PEER}\r\n")
    answer = parse_sdp(old.ask(old.request("INVITE", offer)).body)
    assert [media.port == 0 for media in answer.media] == [True, False]
    assert answer.address == OLD


async def test_a_session_stays_with_its_version_but_hold_is_hold(called: Centre, old: RawPeer) -> None:
    called.answers_everything()
    assert answered(old, old.sdp(host=NEW_PEER))[0] == 200
    assert answered(old, old.sdp())[0] == 488
    assert answered(old, old.sdp(host="0.0.0.0")) == (200, called.media.host6)
    assert not called.media.connected[-1][1].receives
    assert answered(old, old.sdp(host=NEW_PEER)) == (200, called.media.host6)


async def test_a_late_offer_has_the_version_of_the_signalling(called: Centre, old: RawPeer) -> None:
    called.answers_everything()
    answer = old.ask(old.request("INVITE"))
    assert parse_sdp(answer.body).address == OLD


async def test_a_call_goes_out_as_its_signalling_does(clock: VirtualClock, network: Network) -> None:
    far = Centre(NEW_PEER, clock, network.wire(NEW_PEER), trunks=[trunk("near", NEW)])
    near = Centre(NEW, clock, network.wire(NEW), trunks=[trunk("far", NEW_PEER)])
    for centre in (far, near):
        await centre.open()
    far.answers_everything()
    leg = near.dial(to_trunk("far"))
    clock.advance(1)
    assert near.media.open[leg].host == NEW
    assert near.media.connected[0][1].host == NEW_PEER
    assert far.media.connected[0][1].host == NEW
    assert near.of(LegAnswered)
    near.release(leg)
    clock.advance(200)
    assert near.is_clean()
    assert far.is_clean()


async def test_a_leg_that_moves_keeps_its_version_over_a_restart_too(
    clock: VirtualClock, network: Network, called: Centre, old: RawPeer
) -> None:
    called.answers_everything()
    assert answered(old, old.sdp(host=NEW_PEER))[0] == 200
    leg = called.of(LegOffered)[0].leg
    kept = json.loads(json.dumps(called.legs.snapshot(leg)))
    again = Centre(OLD, clock, network.wire(OLD), trunks=[trunk("near", OLD_PEER)])
    await again.open()
    assert again.legs.restore(leg, kept, media=True)
    again.legs.media_event(WorkerLost(worker=0, legs=(leg,)))
    assert again.media.open[leg].host == again.media.host6
    (invite,) = (message for message in old.heard() if isinstance(message, SipRequest))
    assert parse_sdp(invite.body).address == again.media.host6


def test_a_browser_is_where_ice_finds_it_whatever_its_session_says() -> None:
    sessions = LegSessions(
        audio=AudioPolicy(), srtp=SrtpPolicy.ACCEPT, random_number=secrets.randbits, ip_versions=(4, 6)
    )
    ours = LocalAudio(host=NEW, port=10_000, fingerprint=FINGERPRINT)
    offer = sessions.session(ours, "WSS").offer()
    assert f"candidate:1 1 udp 2130706431 {NEW} 10000 typ host".encode() in offer
    browsers = offer.replace(b"a=ice-lite\r\n", b"").replace(f"c=IN IP6 {NEW}".encode(), b"c=IN IP4 192.0.2.5")
    for host, version in ((NEW_PEER, 6), (OLD_PEER, 4)):
        assert sessions.ip_version(Flow("WSS", host, 443), browsers) == version
    session = sessions.session(ours, "WSS")
    assert parse_sdp(session.answer(browsers)).address == NEW
    assert session.remote is not None
    assert (session.remote.host, session.remote.receives) == ("192.0.2.5", True)

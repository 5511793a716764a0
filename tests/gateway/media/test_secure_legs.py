"""Encrypted legs of the engine: nothing in the clear, nobody in between, no tick held up."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccplatform.contracts.legs import DigitPressed
from ccplatform.contracts.media import Bridge, Play, ToneItem
from ccplatform.contracts.words import PlaybackId
from gateway.media import rtcp, stun
from gateway.media.addresses import address_key
from gateway.media.commands import Performer
from gateway.media.dtls import Certificate
from gateway.media.leg_security import MAX_STREAMS
from gateway.media.port import DtlsPeer, LegNotSecured, LegSecured, LegSilent, SdesKeys
from gateway.media.srtp import PROFILES, MasterKeys
from tests.gateway.media.peers import Rig, level, steady_level, tone
from tests.gateway.media.secure_peers import SecurePeer, SecureRig, sdes
from tests.support import pcap

MakeRig = Callable[..., Rig]


def bridge(rig: Rig, a: str, b: str) -> None:
    rig.engine.routing.bridge(rig.engine.legs.by_id[a], rig.engine.legs.by_id[b])  # type: ignore[index]


def hears(peer: SecurePeer, hertz: float) -> bool:
    heard = peer.heard()
    return len(heard) > 4000 and 5000 < steady_level(heard[-3200:], hertz) < 9500


# --- DTLS-SRTP with ICE: browsers -----------------------------------------------------------------------------


@pytest.mark.parametrize("active", [True, False], ids=["the browser begins", "we begin"])
def test_a_browser_and_a_phone_hear_each_other(rig: Rig, active: bool) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.connected(active=active)
    _, phone = rig.leg("phone")
    bridge(rig, "browser", "phone")
    rig.talk((browser, tone(700, 1.0)), (phone, tone(440, 1.0)))
    assert hears(browser, 440)
    assert 5000 < steady_level(phone.heard()[-3200:], 700) < 9500
    assert browser.clear == []
    assert rig.told(LegSecured) == [LegSecured(leg=leg.id, profile="AEAD_AES_128_GCM")]
    assert int(rig.engine.security.protection.unauthentic.sum()) == 0


def test_nothing_is_said_before_there_are_keys_and_a_prompt_waits(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.browser()
    rig.engine.connect_leg(leg, browser.dtls_remote())
    rig.engine.play(leg, Play(leg=leg.id, playback=PlaybackId("p"), items=(ToneItem(hertz=(440.0,), seconds=1),)))
    rig.ticks(50)
    browser.check()
    secure.exchange()
    rig.ticks(20)
    assert (browser.clear, browser.packets, browser.reports) == ([], [], [])
    browser.shake_hands()
    secure.exchange()
    rig.ticks(30)
    heard = browser.heard()
    assert level(heard[:1600], 440) > 1000  # from its first sample on
    assert browser.packets[0].marker


def test_what_comes_in_the_clear_is_not_heard(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.connected()
    _, phone = rig.leg("phone")
    bridge(rig, "browser", "phone")
    browser.say(tone(700, 0.02))
    rig.ticks(2)
    keys, browser.keys = browser.keys, None
    rig.talk((browser, tone(700, 0.5)))
    browser.keys = keys
    assert level(phone.heard()[-3200:], 700) < 100
    assert int(rig.engine.security.protection.unauthentic[leg.row]) == 25


def test_only_a_checked_source_may_shake_hands(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.browser()
    rig.engine.connect_leg(leg, browser.dtls_remote())
    browser.check(pwd="guessed")
    browser.shake_hands()
    secure.exchange()
    assert [answer.kind for answer in browser.answers] == [stun.BINDING_ERROR]
    assert browser.keys is None
    assert leg.security is not None
    assert leg.security.peer == 0
    stranger = SecurePeer(host=rig.host, to=browser.to, expects=browser.expects)
    rig.peers.append(stranger)
    browser.check()
    secure.exchange()
    stranger.shake_hands()
    secure.exchange()
    assert stranger.keys is None


def test_another_certificate_than_the_signalled_is_refused(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.browser()
    rig.engine.connect_leg(leg, browser.dtls_remote())
    browser.certificate = Certificate(rig.clock.wall())
    browser.check()
    secure.exchange()
    browser.shake_hands()
    secure.exchange()
    (failed,) = rig.told(LegNotSecured)
    assert failed.leg == leg.id
    assert "not the one of its session description" in failed.reason
    rig.ticks(10)
    assert browser.packets == []


@pytest.mark.parametrize(("checks", "reason"), [(False, "no connectivity check"), (True, "no DTLS handshake")])
def test_a_peer_has_only_so_long(make_rig: MakeRig, checks: bool, reason: str) -> None:
    rig = make_rig(handshake_seconds=2)
    secure = SecureRig(rig)
    leg, browser = secure.browser()
    rig.engine.connect_leg(leg, browser.dtls_remote())
    if checks:
        browser.check()
    secure.exchange()
    rig.ticks(99)
    assert rig.told(LegNotSecured) == []
    rig.ticks(2)
    assert rig.told(LegNotSecured) == [LegNotSecured(leg=leg.id, reason=f"{reason} in time")]
    rig.ticks(200)
    assert len(rig.told(LegNotSecured)) == 1


def test_a_new_path_has_the_time_of_a_silent_peer_and_however_often_it_is_renewed_the_silence_ends(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(handshake_seconds=2, rtp_timeout_seconds=6)
    leg, browser = SecureRig(rig).connected()
    rig.talk((browser, tone(700, 0.2)))

    def renew() -> None:
        remote = browser.dtls_remote()
        assert remote.dtls is not None
        anew = Certificate(rig.clock.wall()).fingerprint
        changed = DtlsPeer(fingerprint=anew, active=remote.dtls.active, ice=remote.dtls.ice)
        rig.engine.connect_leg(leg, browser.dtls_remote(dtls=changed))

    renew()
    rig.ticks(200)
    renew()  # after 4 s: what a handshake may take is not over before the silence is
    rig.ticks(75)
    assert rig.told(LegNotSecured) == rig.told(LegSilent) == []
    renew()  # after 5.5 s: it has those 2 s
    rig.ticks(75)
    assert rig.told(LegNotSecured) == rig.told(LegSilent) == []
    rig.ticks(50)
    assert rig.told(LegSilent)


def test_a_lost_last_flight_is_repeated(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.browser()
    rig.engine.connect_leg(leg, browser.dtls_remote())
    browser.check()
    secure.exchange()
    flights = 0

    def lose(datagram: bytes) -> bool:
        nonlocal flights
        flights += 20 <= datagram[0] < 64
        return flights == 2

    browser.dropped = lose
    browser.shake_hands()
    secure.exchange()
    assert rig.told(LegSecured)
    assert browser.keys is None
    assert browser.handshake is not None
    while wait := browser.handshake.timeout():  # OpenSSL's timer, on a clock of its own
        time.sleep(wait)
    for datagram in browser.handshake.repeat().datagrams:
        browser.send(datagram)
    secure.exchange()
    assert browser.keys is not None


def test_our_own_lost_flight_is_repeated_by_its_timer(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.browser(active=False)
    browser.dropped = lambda datagram: 20 <= datagram[0] < 64
    rig.engine.connect_leg(leg, browser.dtls_remote())
    browser.check()
    browser.shake_hands()
    secure.exchange()
    assert leg.security is not None
    assert leg.security.handshake is not None
    browser.dropped = lambda datagram: False
    while wait := leg.security.handshake.timeout():
        time.sleep(wait)
    rig.clock.advance(1.0)
    secure.exchange()
    assert browser.keys is not None


def test_checks_are_answered_all_the_time_and_the_pair_may_change(rig: Rig) -> None:
    secure = SecureRig(rig)
    _, browser = secure.connected()
    rig.talk((browser, tone(700, 0.2)))
    browser.answers.clear()
    browser.check()
    rig.tick()
    assert [answer.kind for answer in browser.answers] == [stun.BINDING_SUCCESS]
    moved = SecurePeer(host=rig.host, to=browser.to)
    rig.peers.append(moved)
    assert browser.keys is not None
    moved.use(browser.keys)
    moved._out, moved._in = browser._out, browser._in
    moved.sequence, moved.timestamp = browser.sequence, browser.timestamp
    _, phone = rig.leg("phone")
    bridge(rig, "browser", "phone")
    moved.check()
    rig.tick()
    rig.talk((moved, tone(700, 0.6)), (phone, tone(440, 0.6)))
    assert hears(moved, 440)
    assert 5000 < steady_level(phone.heard()[-3200:], 700) < 9500


def test_a_stranger_cannot_move_the_media(rig: Rig) -> None:
    secure = SecureRig(rig)
    _, browser = secure.connected()
    rig.talk((browser, tone(700, 0.2)))
    stranger = SecurePeer(host=rig.host, to=browser.to)
    rig.peers.append(stranger)
    stranger.check(pwd="guessed")
    for _ in range(20):
        stranger.send(b"\x80\x08" + bytes(170))
        rig.tick()
    assert stranger.clear == []
    assert all(answer.kind == stun.BINDING_ERROR for answer in stranger.answers)
    before = len(browser.packets)
    rig.ticks(10)
    assert len(browser.packets) == before + 10


def test_reports_share_the_port_and_are_encrypted(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.connected()
    rig.talk((browser, tone(700, 5.5)))
    (report, *_) = [rtcp.parse(packet)[0] for packet in browser.reports]
    assert report.sender is not None
    ntp = rtcp.ntp_time(rig.clock.now())
    info = rtcp.SenderInfo(ntp=ntp, rtp_timestamp=0, packets=1, octets=160)
    block = rtcp.ReportBlock(
        ssrc=report.ssrc,
        fraction_lost=0,
        lost=7,
        highest=1,
        jitter=0,
        last_report=rtcp.middle(report.sender.ntp),
        delay=0,
    )
    browser.send(browser.report(rtcp.build(browser.ssrc, "browser", info, block)))
    rig.tick()
    assert leg.rtcp.remote_lost == 7
    browser.send(rtcp.build(browser.ssrc, "clear", None, block))
    rig.tick()
    assert rig.engine.rtcp.malformed == 1


def test_keys_pressed_are_heard(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.connected()
    rig.talk((browser, tone(700, 0.2)))
    for packet in browser.press("5"):
        browser.send(bytes(browser._out.protect(packet)))
        rig.tick()
    rig.ticks(5)
    assert [(event.leg, event.digit) for event in rig.told(DigitPressed)] == [(leg.id, "5")]


def test_a_repeated_offer_changes_nothing_and_hold_holds(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.connected()
    rig.talk((browser, tone(700, 0.2)))
    rig.engine.connect_leg(leg, browser.dtls_remote(receives=False))
    before = len(browser.packets)
    rig.ticks(10)
    assert len(browser.packets) == before
    rig.engine.connect_leg(leg, browser.dtls_remote())
    rig.ticks(10)
    assert len(browser.packets) == before + 10
    assert len(rig.told(LegSecured)) == 1


def test_a_held_browser_that_checks_no_more_is_gone(make_rig: MakeRig) -> None:
    rig = make_rig(rtp_timeout_seconds=2)
    leg, browser = SecureRig(rig).connected()
    rig.talk((browser, tone(700, 0.2)))
    rig.engine.connect_leg(leg, browser.dtls_remote(sends=False, receives=False))
    for _ in range(6):
        browser.check()
        rig.ticks(50)
    assert rig.told(LegSilent) == []
    for _ in range(6):
        browser.check(pwd="guessed")
        rig.ticks(50)
    assert [event.leg for event in rig.told(LegSilent)] == [leg.id]


def test_a_restart_of_ice_keeps_the_keys(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.connected()
    rig.talk((browser, tone(700, 0.2)))
    remote = browser.dtls_remote()
    assert remote.dtls is not None
    assert remote.dtls.ice is not None
    restarted = type(remote.dtls.ice)(ufrag="new", pwd="newpassword", remote_ufrag="newpeer")
    changed = DtlsPeer(fingerprint=remote.dtls.fingerprint, active=remote.dtls.active, ice=restarted)
    rig.engine.connect_leg(leg, browser.dtls_remote(dtls=changed))
    before = len(browser.packets)
    rig.talk((browser, tone(700, 0.2)))
    assert len(browser.packets) == before + 10  # where it was, until another pair is nominated
    browser.answers.clear()
    browser.check()  # with the old password
    rig.tick()
    assert browser.answers[0].kind == stun.BINDING_ERROR
    assert len(rig.told(LegSecured)) == 1


def test_another_certificate_in_a_new_offer_begins_anew(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.connected()
    rig.talk((browser, tone(700, 0.2)))
    browser.certificate, browser.keys = Certificate(rig.clock.wall()), None
    rig.engine.connect_leg(leg, browser.dtls_remote())
    rig.ticks(5)
    assert browser.clear == []
    browser.check()
    secure.exchange()
    browser.shake_hands()
    secure.exchange()
    assert browser.keys is not None
    assert len(rig.told(LegSecured)) == 2


def test_a_closed_leg_leaves_nothing_behind(rig: Rig) -> None:
    secure = SecureRig(rig)
    waiting, peer = secure.browser("waiting")
    rig.engine.connect_leg(waiting, peer.dtls_remote())
    leg, browser = secure.connected("done")
    rig.talk((browser, tone(700, 0.1)))
    browser.check()
    rig.engine.close_leg(leg)
    rig.engine.close_leg(waiting)
    rig.ticks(3)
    secure.exchange()
    assert not rig.engine.parts.transforms.protected.any()
    assert not rig.engine.security._securing
    rig.leg("plain")
    rig.ticks(3)


def test_one_peer_cannot_begin_streams_without_end(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.connected()
    browser.say(tone(700, 0.02))
    rig.tick()
    for ssrc in range(3 * MAX_STREAMS):
        browser.ssrc = 1000 + ssrc
        browser.say(tone(700, 0.02))
        rig.tick()
    assert leg.security is not None
    assert len(leg.security.streams) == MAX_STREAMS
    assert int(rig.engine.security.protection.unauthentic[leg.row]) == 2 * MAX_STREAMS + 1


def test_repeated_packets_are_counted_apart(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.connected()
    rig.talk((browser, tone(700, 0.1)))
    packet = browser.audio(tone(700, 0.02))
    for _ in range(3):
        browser.send(packet)
    rig.tick()
    assert int(rig.engine.security.protection.repeated[leg.row]) == 2
    assert int(rig.engine.security.protection.unauthentic[leg.row]) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(datagrams=st.lists(st.binary(max_size=300), max_size=10))
def test_garbage_harms_nobody(make_rig: MakeRig, datagrams: list[bytes]) -> None:
    rig = make_rig()
    secure = SecureRig(rig)
    leg, browser = secure.browser()
    rig.engine.connect_leg(leg, browser.dtls_remote())
    for datagram in datagrams:
        browser.send(datagram)
    secure.exchange()
    browser.check()
    secure.exchange()
    browser.shake_hands()
    secure.exchange()
    for datagram in datagrams:
        browser.send(datagram)
    browser.say(tone(700, 0.02))
    secure.exchange()
    rig.tick()
    for datagram in datagrams:
        browser.send(datagram)
    rig.tick()
    assert browser.keys is not None
    rig.engine.close_leg(leg)


def test_a_flood_is_read_in_portions(make_rig: MakeRig) -> None:
    rig = make_rig(max_packets_per_tick=16)
    secure = SecureRig(rig)
    leg, browser = secure.browser()
    rig.engine.connect_leg(leg, browser.dtls_remote())
    for _ in range(60):
        browser.check(pwd="guessed")
    rig.engine.security.work(float("inf"))
    assert leg.security is not None
    assert leg.security.ice is not None
    assert leg.security.ice.refused == 16
    rig.tick()
    rig.engine.security.work(float("inf"))
    assert leg.security.ice.refused == 32


def test_one_step_at_least_is_made_however_late_it_is(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, browser = secure.browser()
    rig.engine.connect_leg(leg, browser.dtls_remote())
    for _ in range(3):
        browser.check()
    rig.engine.security.work(0.0)
    assert leg.security is not None
    assert leg.security.ice is not None
    assert leg.security.ice.answered == 1


def test_tshark_finds_nothing_wrong_in_what_we_send(rig: Rig, tmp_path: Path) -> None:
    secure = SecureRig(rig)
    _, browser = secure.connected()
    browser.check(pwd="guessed")
    secure.exchange()
    rig.talk((browser, tone(700, 0.2)))
    there = (browser.host, browser.port)
    # SRTCP looks like broken RTCP to whoever has no keys
    sent = [data for data in browser.received if not (data[0] >= 128 and 192 <= data[1] <= 223)]
    pcap.write(tmp_path / "sent.pcap", [(browser.to, there, data) for data in sent])
    packets = pcap.read(tmp_path / "sent.pcap", "--enable-heuristic", "rtp_udp", "--enable-heuristic", "stun_udp")
    assert [text for layers in packets for text in pcap.complaints(layers)] == []
    kinds = [next(name for name in ("stun", "dtls", "rtp", "udp") if name in layers) for layers in packets]
    assert (kinds[0], kinds.count("stun"), kinds.count("udp")) == ("stun", 2, 0)
    assert kinds.count("dtls") > 1
    assert kinds.count("rtp") >= 9
    answer = str(packets[0]["stun"])
    assert f"'stun.att.port': '{browser.port}'" in answer
    assert "'stun.att.crc32.status': '1'" in answer


# --- DTLS-SRTP without ICE, and SDES: phones ------------------------------------------------------------------


@pytest.mark.parametrize("active", [True, False], ids=["the phone begins", "we begin"])
def test_a_phone_without_ice_shakes_hands_from_its_signalled_address(rig: Rig, active: bool) -> None:
    secure = SecureRig(rig)
    _, phone = secure.connected("dtls-phone", ice=False, active=active)
    _, other = rig.leg("phone")
    bridge(rig, "dtls-phone", "phone")
    rig.talk((phone, tone(700, 1.0)), (other, tone(440, 1.0)))
    assert hears(phone, 440)
    assert 5000 < steady_level(other.heard()[-3200:], 700) < 9500


def test_without_ice_another_address_may_not_shake_hands(rig: Rig) -> None:
    secure = SecureRig(rig)
    leg, phone = secure.browser("dtls-phone", ice=False)
    rig.engine.connect_leg(leg, phone.dtls_remote(port=phone.port + 1))
    phone.shake_hands()
    secure.exchange()
    assert phone.keys is None
    assert int(rig.engine.parts.sources.strangers[leg.row]) == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_a_phone_with_sdes_hears_and_is_heard(rig: Rig, profile: str) -> None:
    _, phone = SecureRig(rig).phone(profile)
    _, other = rig.leg("other")
    bridge(rig, "phone", "other")
    rig.talk((phone, tone(700, 1.0)), (other, tone(440, 1.0)))
    assert hears(phone, 440)
    assert 5000 < steady_level(other.heard()[-3200:], 700) < 9500


def test_sdes_reports_go_to_their_own_port(rig: Rig) -> None:
    leg, phone = SecureRig(rig).phone()
    rig.talk((phone, tone(700, 5.5)))
    sent = phone.rtcp.recv(2048)
    assert rtcp.parse(bytes(phone._in.unprotect_rtcp(sent)))[0].sender is not None
    report = phone.report(rtcp.build(phone.ssrc, "phone", None, None))
    phone.rtcp.sendto(report, (phone.to[0], phone.to[1] + 1))
    phone.rtcp.sendto(b"\x80\xc9\x00\x01garb", (phone.to[0], phone.to[1] + 1))
    rig.tick()
    assert rig.engine.rtcp.malformed == 1
    assert leg.rtcp.to == address_key(phone.host, phone.port + 1)


def test_an_authentic_packet_from_another_address_moves_a_phone(rig: Rig) -> None:
    _, phone = SecureRig(rig).phone()
    rig.talk((phone, tone(700, 0.2)))
    moved = SecurePeer(host=rig.host, to=phone.to, ice=False)
    assert phone.keys is not None
    moved.use(phone.keys)
    moved._out, moved._in = phone._out, phone._in
    moved.sequence, moved.timestamp = phone.sequence, phone.timestamp
    rig.peers.append(moved)
    rig.talk((moved, tone(700, 0.1)))
    assert moved.packets


def test_new_keys_in_a_new_offer_are_used_and_the_same_go_on(rig: Rig) -> None:
    profile = "AES_CM_128_HMAC_SHA1_80"
    leg, phone = SecureRig(rig).phone(profile)
    rig.talk((phone, tone(700, 0.2)))
    rig.engine.connect_leg(leg, phone.remote(sdes=sdes(profile)))
    rig.talk((phone, tone(700, 0.2)))
    assert len(phone.packets) == 20
    new = sdes(profile, 7)
    phone.use(MasterKeys(profile=PROFILES[profile], local=new.remote, remote=new.local))
    rig.engine.connect_leg(leg, phone.remote(sdes=new))
    rig.talk((phone, tone(700, 0.2)))
    assert len(phone.packets) == 30
    assert int(rig.engine.security.protection.unauthentic.sum()) == 0


def test_keys_of_the_wrong_length_are_refused_and_nothing_is_sent(rig: Rig) -> None:
    leg, peer = rig.leg("phone")
    short = SdesKeys(profile="AES_CM_128_HMAC_SHA1_80", local=b"short", remote=b"short")
    rig.engine.connect_leg(leg, peer.remote(sdes=short))
    rig.ticks(5)
    assert peer.packets == []
    assert [event.reason for event in rig.told(LegNotSecured)] == ["unusable SDES keys"]


def test_plain_and_encrypted_legs_do_not_disturb_each_other(rig: Rig) -> None:
    secure = SecureRig(rig)
    legs = [secure.connected(f"browser-{number}") for number in range(70)]  # rows grow beyond their first capacity
    _, plain = rig.leg("plain")
    answers: list[object] = []
    performer = Performer(rig.engine, answers.append, lambda: None)
    performer.perform(Bridge(a=legs[0][0].id, b=rig.engine.legs.by_row[70].id))
    rig.talk(
        *((peer, tone(500 + 10 * number, 0.6)) for number, (_, peer) in enumerate(legs)), (plain, tone(440, 0.6))
    )
    assert hears(legs[0][1], 440)
    assert 5000 < steady_level(plain.heard()[-3200:], 500) < 9500
    assert all(np.abs(peer.heard()).max() < 100 for _, peer in legs[1:])

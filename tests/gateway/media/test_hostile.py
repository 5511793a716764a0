"""Strangers, garbage, floods: counted, dropped, harmless to the neighbours."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccplatform.contracts.words import CallId, LegId
from gateway.media.errors import CannotOpenLeg
from gateway.media.port import LegSilent
from gateway.media.settings import MediaSettings
from tests.gateway.media.peers import EVENT_TYPE, HEADER, Rig, level, tone


def test_a_stranger_is_dropped_and_counted_while_the_peer_talks(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    stranger = rig.peer(ssrc=99)
    stranger.to = caller.to
    rig.talk((caller, tone(440, 0.6)), (stranger, tone(1000, 0.6)))
    heard = agent.heard()[1600:]
    assert level(heard, 440) > 7000
    assert level(heard, 1000) < 100
    assert int(rig.engine.parts.sources.strangers[a.row]) == 10  # then the kernel keeps them out: test_settling.py
    assert stranger.packets == []


def test_a_peer_behind_a_nat_is_latched_after_several_packets(rig: Rig) -> None:
    a, _ = rig.leg("a")
    nat = rig.peer()
    nat.to = rig.peers[0].to
    rig.engine.routing.echo(a)
    rig.talk((nat, tone(440, 0.06)))
    assert nat.packets == []
    rig.talk((nat, tone(440, 0.6)))
    assert level(nat.heard()[800:], 440) > 7000
    rig.engine.connect_leg(a, rig.peers[0].remote())  # a re-INVITE with the same address changes nothing
    count = len(nat.packets)
    rig.ticks(3)
    assert len(nat.packets) == count + 3


def test_the_signalled_address_wins_over_a_latched_stranger(rig: Rig) -> None:
    _, caller = rig.leg("a")
    stranger = rig.peer(ssrc=99)
    stranger.to = caller.to
    rig.talk((stranger, tone(440, 0.2)))
    assert stranger.packets
    caller.packets.clear()
    rig.talk((caller, tone(440, 0.1)))
    count = len(stranger.packets)
    rig.ticks(5)
    assert len(stranger.packets) == count
    assert len(caller.packets) >= 9


def test_a_stranger_with_wrong_payload_type_or_gaps_is_never_latched(rig: Rig) -> None:
    _, caller = rig.leg("a")
    stranger = rig.peer(ssrc=99)
    stranger.to = caller.to
    for _ in range(20):
        stranger.send(stranger.packet(bytes(160), payload_type=96))
        stranger.skip()
        stranger.say(tone(440, 0.02))
        rig.tick()
    assert stranger.packets == []


def test_another_source_may_take_over_after_proven_silence(rig: Rig) -> None:
    a, caller = rig.leg("a")
    moved = rig.peer()
    moved.to = caller.to
    rig.engine.routing.echo(a)
    rig.talk((caller, tone(440, 0.1)))
    rig.talk((moved, tone(440, 0.2)))
    assert moved.packets == []
    rig.ticks(260)
    rig.talk((moved, tone(440, 0.3)))
    assert moved.packets


def test_an_ssrc_change_goes_on_talking_and_loses_nothing_in_the_count(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    rig.talk((caller, tone(440, 0.4)))
    caller.ssrc, caller.sequence, caller.timestamp = 77, 5, 1234
    rig.talk((caller, tone(440, 0.6)))
    assert level(agent.heard()[-1600:], 440) > 7000
    quality = rig.engine.close_leg(a)
    assert (quality.packets_received, quality.packets_lost) == (50, 0)


def test_loss_and_duplicates_are_counted_by_sequence_number(rig: Rig) -> None:
    a, caller = rig.leg("a")
    for index in range(100):
        if index % 10 == 5:
            caller.skip()
        else:
            packet = caller.audio(tone(440, 0.02))
            caller.send(packet)
            if index % 10 == 7:
                caller.send(packet)
        rig.tick()
    quality = rig.engine.close_leg(a)
    assert quality.packets_received == 90
    assert quality.packets_lost == 10
    assert quality.packets_sent == 100


def test_lost_packets_are_concealed_and_a_long_gap_is_silence(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    said = tone(400, 2.0)
    for index in range(0, len(said), 160):
        if index // 160 % 10 == 9:
            caller.skip()
        else:
            caller.say(said[index : index + 160])
        rig.tick()
    heard = agent.heard()[1600:]
    assert level(heard, 400) > 7500
    assert np.min([np.max(np.abs(heard[start : start + 160])) for start in range(0, 12000, 160)]) > 6000
    agent.packets.clear()
    rig.ticks(10)
    assert not np.any(np.abs(agent.heard()[-800:]) > 8)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(max_size=900), max_size=30), st.lists(st.binary(max_size=100), max_size=5))
def test_garbage_from_the_peer_itself_does_no_harm(rig: Rig, rtp: list[bytes], rtcp: list[bytes]) -> None:
    leg = LegId("x")
    local = rig.engine.open_leg(CallId("x"), leg, ipv6=":" in rig.host)
    peer = rig.peer()
    peer.to = (local.host, local.port)
    rig.engine.connect_leg(rig.engine.legs.by_id[leg], peer.remote())
    for data in rtp:
        peer.send(data)
        peer.send(HEADER.pack(0x80, 8, 1, 2, 3) + data)
        peer.send(HEADER.pack(0x80, EVENT_TYPE, 1, 2, 3) + data)
    for data in rtcp:
        peer.rtcp.sendto(data, (local.host, local.port + 1))
    rig.ticks(3)
    rig.engine.close_leg(rig.engine.legs.by_id[leg])
    peer.close()
    rig.peers.remove(peer)


def test_a_flood_on_one_leg_is_bounded_and_the_neighbours_keep_their_sound(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    c, flooder = rig.leg("c", call="other")
    rig.engine.routing.bridge(a, b)
    said = tone(440, 0.6)
    for index in range(0, len(said), 160):
        packet = flooder.audio(said[:160])
        for _ in range(1000):  # 50,000 a second
            flooder.send(packet)
        caller.say(said[index : index + 160])
        rig.tick()
    assert level(agent.heard()[800:], 440) > 7500
    parts = rig.engine.parts
    assert parts.receiver.limited == 30
    taken = int(parts.reception.received[c.row] + parts.reception.duplicates[c.row])
    assert taken <= 30 * rig.settings.max_packets_per_tick
    assert rig.engine.close_leg(a).packets_lost == 0


_GOOD = HEADER.pack(0x80, 8, 1, 2, 3)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x80",
        _GOOD[:11],
        bytes([0x40]) + _GOOD[1:] + bytes(160),  # version 1
        _GOOD + bytes(700),  # longer than a packet that is looked at
        _GOOD + bytes(39),  # 39 and 481 octets of G.711
        _GOOD + bytes(481),
        bytes([0x8F]) + _GOOD[1:] + bytes(40),  # fifteen CSRCs announced, ten there
        bytes([0x90]) + _GOOD[1:] + b"\xbe\xde\xff\xff" + bytes(160),  # an extension beyond the end
        bytes([0x90]) + _GOOD[1:],  # no room for an extension
        bytes([0xA0]) + _GOOD[1:] + bytes(160),  # no octet of padding
        bytes([0xA0]) + _GOOD[1:] + bytes(159) + b"\xff",  # more padding than packet
    ],
)
def test_rtp_that_is_none_is_counted_even_when_its_leg_is_gone(rig: Rig, garbage: bytes) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    said = tone(440, 0.4)
    for index in range(0, len(said), 160):
        caller.say(said[index : index + 160])
        caller.send(garbage)
        rig.tick()
    assert level(agent.heard()[1600:], 440) > 7000
    sources = rig.engine.parts.sources
    assert int(sources.malformed[a.row]) == 20
    assert rig.engine.close_leg(a).packets_lost == 0
    assert sources.total("malformed") == 20


def test_rtp_to_a_closed_leg_reaches_nobody(rig: Rig) -> None:
    a, caller = rig.leg("a")
    rig.talk((caller, tone(440, 0.1)))
    caller.say(tone(440, 0.02))  # waits in the socket
    rig.engine.close_leg(a)
    b, agent = rig.leg("b")
    assert b.row == a.row
    rig.engine.routing.echo(b)
    for _ in range(10):
        with suppress(ConnectionRefusedError):
            caller.say(tone(440, 0.02))
        rig.tick()
    assert int(rig.engine.parts.reception.received[b.row]) == 0
    assert not np.any(np.abs(agent.heard()) > 8)


def test_packets_to_a_leg_that_is_not_connected_are_dropped(rig: Rig) -> None:
    leg, local = rig.open("a")
    peer = rig.peer()
    peer.to = (local.host, local.port)
    rig.talk((peer, tone(440, 0.1)))
    assert int(rig.engine.parts.reception.received[leg.row]) == 0
    assert peer.packets == []


def test_a_silent_peer_is_told_once_per_silence_unless_it_need_not_send(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(rtp_timeout_seconds=2)
    _, caller = rig.leg("a")
    held, other = rig.leg("b")
    rig.engine.connect_leg(held, other.remote(sends=False))
    rig.ticks(250)
    (silent,) = rig.told(LegSilent)
    assert silent.leg == "a"
    assert 2 <= silent.seconds <= 3.1
    rig.talk((caller, tone(440, 1.2)))
    rig.ticks(200)
    assert len(rig.told(LegSilent)) == 2


def test_used_ports_are_passed_over_and_an_exhausted_range_is_refused(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(rtp_ports="22000-22005")
    blocker = socket.socket(socket.AF_INET6 if ":" in rig.host else socket.AF_INET, socket.SOCK_DGRAM)
    blocker.bind((rig.host, 22001))
    _, first = rig.open("a")
    leg, second = rig.open("b")
    assert [first.port, second.port] == [22002, 22004]
    with pytest.raises(CannotOpenLeg, match="no RTP port is free"):
        rig.open("c")
    blocker.close()
    rig.engine.close_leg(leg)
    assert rig.open("c")[1].port == 22000


def test_more_legs_than_allowed_are_refused_and_rows_are_used_again(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(max_legs_per_worker=3)
    legs = [rig.open(name)[0] for name in "abc"]
    with pytest.raises(CannotOpenLeg, match="no more than 3 legs"):
        rig.open("d")
    rig.engine.close_leg(legs[1])
    assert rig.open("d")[0].row == legs[1].row
    with pytest.raises(CannotOpenLeg, match="open already"):
        rig.open("d")


def test_the_table_grows_under_running_calls(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    rig.talk((caller, tone(440, 0.2)))
    for index in range(100):
        rig.open(f"more-{index}")
    agent.packets.clear()
    rig.talk((caller, tone(440, 0.4)))
    assert level(agent.heard()[320:], 440) > 7500
    sequence = [packet.sequence for packet in agent.packets]
    assert sequence == [(sequence[0] + index) & 0xFFFF for index in range(20)]


def test_unusable_addresses_leave_the_leg_mute(rig: Rig) -> None:
    leg, phone = rig.leg("a")
    other = "127.0.0.1" if ":" in rig.host else "::1"
    for host, port in (("0.0.0.0", phone.port), ("example.invalid", phone.port), (rig.host, 0), (other, 9)):
        rig.engine.connect_leg(leg, phone.remote(host=host, port=port))
        rig.ticks(2)
    assert phone.packets == []
    rig.engine.connect_leg(leg, phone.remote(dtmf_payload_type=700))
    rig.ticks(2)
    assert len(phone.packets) == 2


@pytest.mark.parametrize("ports", ["", "1-2", "20000", "20001-20000", "20000-70000", "a-b", "²-³"])
def test_wrong_port_ranges_are_refused(ports: str) -> None:
    with pytest.raises(ValueError, match="rtp_ports"):
        MediaSettings(rtp_ports=ports)


def test_workers_share_the_ports_without_overlap() -> None:
    settings_ = MediaSettings(rtp_ports="10001-10101", workers=3)
    shares = [settings_.ports_of(index) for index in range(3)]
    ports = [port for share in shares for port in share]
    assert len(ports) == len(set(ports)) == 48
    assert all(port % 2 == 0 and port + 1 <= 10101 for port in ports)


def test_reports_give_round_trip_and_remote_loss(rig: Rig) -> None:
    leg, phone = rig.leg("a")
    rig.talk((phone, tone(440, 0.2)))
    rig.ticks(250)
    data = phone.rtcp.recv(1500)
    assert data[1] == 200
    own_ssrc, ntp = struct.unpack_from("!IQ", data, 4)
    blocks = struct.unpack_from("!IIIIII", data, 28)
    assert blocks[0] == phone.ssrc
    assert blocks[1] & 0xFFFFFF == 0
    held = 3 * 65536 // 10
    body = struct.pack("!IIIIIII", phone.ssrc, own_ssrc, 12, 0, 0, ntp >> 16 & 0xFFFFFFFF, held)
    rig.clock.advance(0.35)
    phone.rtcp.sendto(struct.pack("!BBH", 0x81, 201, 7) + body, (phone.to[0], phone.to[1] + 1))
    phone.rtcp.sendto(b"garbage", (phone.to[0], phone.to[1] + 1))
    rig.tick()
    quality = rig.engine.close_leg(leg)
    assert quality.remote_packets_lost == 12
    assert quality.round_trip_seconds is not None
    assert rig.engine.rtcp.malformed == 1
    assert 0.05 <= quality.round_trip_seconds <= 0.4

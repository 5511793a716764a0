"""Wide legs beside narrow ones: who hears which band, in which codec, and what goes over the wire."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ccplatform.contracts.legs import DigitPressed
from ccplatform.contracts.media import StartRecording
from ccplatform.contracts.words import CallId, LegId, RecordingId
from gateway.media import opus
from gateway.media.audio import Pcm
from gateway.media.codecs import CODECS
from gateway.media.g711 import Law, encode
from gateway.media.opus import opus_is_here
from gateway.media.rtcp import ReportBlock, build
from tests.gateway.media.peers import Rig, level, steady_level, tone
from tests.gateway.media.wide import FRAME, RATE, converse, wide_leg, wide_level, wide_tone
from tests.support.sealed import SEAL, unsealed

needs_opus = pytest.mark.skipif(not opus_is_here(), reason="this machine has no libopus")
codecs = pytest.mark.parametrize("codec", ["G722", pytest.param("opus", marks=needs_opus)])


def decibels(value: float) -> float:
    return float(20 * np.log10(max(value, 1e-3) / 8000))


def after(pcm: Pcm, seconds: float) -> Pcm:
    return pcm[round(seconds * RATE) :]


@pytest.mark.parametrize("hertz", [50, 100, 300, 1000, 2000, 3400, 3900, 4000, 4100, 5000, 6000, 7000])
def test_a_wide_bridge_passes_50_to_7000_hz(rig: Rig, hertz: int) -> None:
    a, caller = wide_leg(rig, "a")
    b, agent = wide_leg(rig, "b")
    rig.engine.routing.bridge(a, b)
    converse(rig, (caller, wide_tone(hertz, 0.5)))
    assert decibels(wide_level(after(agent.heard(), 0.15), hertz)) == pytest.approx(0, abs=0.3)


@codecs
def test_both_bands_arrive_in_any_wide_codec(rig: Rig, codec: str) -> None:
    a, caller = wide_leg(rig, "a", codec)
    b, agent = wide_leg(rig, "b", "G722")
    rig.engine.routing.bridge(a, b)
    said, back = wide_tone(1000, 0.6) // 2 + wide_tone(5600, 0.6) // 2, wide_tone(700, 0.6)
    converse(rig, (caller, said), (agent, back))
    heard = after(agent.heard(), 0.2)
    assert decibels(2 * wide_level(heard, 1000)) == pytest.approx(0, abs=1)
    assert decibels(2 * wide_level(heard, 5600)) == pytest.approx(0, abs=3)
    assert decibels(wide_level(after(caller.heard(), 0.2), 700)) == pytest.approx(0, abs=1)


@codecs
def test_narrow_and_wide_hear_each_other(rig: Rig, codec: str) -> None:
    a, caller = rig.leg("a")
    b, agent = wide_leg(rig, "b", codec)
    rig.engine.routing.bridge(a, b)
    converse(rig, (caller, tone(3000, 0.6)), (agent, wide_tone(800, 0.6) // 2 + wide_tone(5000, 0.6) // 2))
    to_caller, to_agent = caller.heard()[1600:], after(agent.heard(), 0.2)
    assert decibels(2 * steady_level(to_caller, 800)) == pytest.approx(0, abs=1)
    assert decibels(2 * level(to_caller, 3000)) < -30  # 5 kHz would alias to 3 kHz; A-law's own noise is there
    assert decibels(wide_level(to_agent, 3000)) == pytest.approx(0, abs=1)
    assert decibels(wide_level(to_agent, 5000)) < -30  # no image


def test_a_conference_mixes_both_bands_of_all_others(rig: Rig) -> None:
    hertz = {"a": 5000, "b": 6200, "c": 900}
    wide = {name: wide_leg(rig, name, call=name) for name in ("a", "b")}
    narrow = rig.leg("c", call="c")
    for leg, _ in (*wide.values(), narrow):
        rig.engine.routing.join(leg, "room")
    converse(rig, *((wide[name][1], wide_tone(hertz[name], 0.6, 5000)) for name in wide),
             (narrow[1], tone(hertz["c"], 0.6, 5000)))  # fmt: skip
    for name, (_, peer) in wide.items():
        heard = after(peer.heard(), 0.2)
        for other, value in hertz.items():
            expected = 0 if other == name else 5000
            assert wide_level(heard, value) == pytest.approx(expected, abs=400), (name, other)


def test_echo_returns_both_bands_and_unbridging_ends_them(rig: Rig) -> None:
    leg, peer = wide_leg(rig, "a")
    rig.engine.routing.echo(leg)
    converse(rig, (peer, wide_tone(5000, 0.5)))
    assert wide_level(after(peer.heard(), 0.2), 5000) > 7500
    rig.engine.routing.separate(leg)
    peer.packets.clear()
    converse(rig, (peer, wide_tone(5000, 0.3)))
    assert wide_level(after(peer.heard(), 0.1), 5000) < 20


def test_a_steady_tone_has_no_clicks_in_it(rig: Rig) -> None:
    a, caller = wide_leg(rig, "a")
    b, agent = wide_leg(rig, "b")
    rig.engine.routing.bridge(a, b)
    converse(rig, (caller, wide_tone(1000, 1.0)))
    heard = after(agent.heard(), 0.2).astype(float)
    second_difference = np.abs(np.diff(heard, 2)).max()
    assert second_difference < 1.3 * 8000 * (2 * np.pi * 1000 / RATE) ** 2


def test_a_bridge_that_begins_and_ends_fades_the_high_band(rig: Rig) -> None:
    a, caller = wide_leg(rig, "a")
    b, agent = wide_leg(rig, "b")
    converse(rig, (caller, wide_tone(5000, 0.2)))
    agent.packets.clear()
    rig.engine.routing.bridge(a, b)
    converse(rig, (caller, wide_tone(5000, 0.1)))
    begun = np.abs(agent.heard()[:FRAME].astype(float))
    assert begun[: FRAME // 4].max() < 0.4 * 8000 < 0.7 * 8000 < begun[-FRAME // 4 :].max()


def test_packets_are_understood_by_our_numbers_and_sent_by_the_peers(rig: Rig) -> None:
    a, caller = wide_leg(rig, "a")
    rig.engine.routing.echo(a)
    rig.engine.connect_leg(a, caller.remote(payload_type=97, own_payload_type=9))
    converse(rig, (caller, wide_tone(5000, 0.3)))
    assert {packet.payload_type for packet in caller.packets} == {97}
    caller.payload_type = 97
    assert wide_level(after(caller.heard(), 0.15), 5000) > 7500


@codecs
def test_every_codec_has_its_rtp_clock_and_one_packet_a_tick(rig: Rig, codec: str) -> None:
    _, peer = wide_leg(rig, "a", codec)
    rig.ticks(20)
    steps = {
        (b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in zip(peer.packets, peer.packets[1:], strict=False)
    }
    assert steps == {CODECS[codec].clock // 50}
    assert {packet.payload_type for packet in peer.packets} == {CODECS[codec].payload_type}
    assert len(peer.packets) == 20
    if codec == "G722":
        assert {len(packet.payload) for packet in peer.packets} == {160}


@codecs
@pytest.mark.parametrize("milliseconds", [10, 40, 60])
def test_packet_times_from_10_to_60_ms_are_understood_in_wide_codecs(
    rig: Rig, codec: str, milliseconds: int
) -> None:
    a, caller = wide_leg(rig, "a", codec)
    b, agent = wide_leg(rig, "b")
    rig.engine.routing.bridge(a, b)
    said, size = wide_tone(500, 1.2), milliseconds * 16
    sent = 0
    for now in range(FRAME, len(said) + 1, FRAME):
        while sent + size <= now:
            caller.say(said[sent : sent + size])
            sent += size
        rig.tick()
    assert wide_level(after(agent.heard(), 0.6), 500) == pytest.approx(8000, rel=0.05)


def test_the_loudest_sample_of_a_decoder_is_no_lost_one(rig: Rig) -> None:
    a, caller = wide_leg(rig, "a")
    rig.engine.routing.echo(a)
    square = np.where(np.arange(RATE // 2) // 20 % 2, -32768, 32767).astype(np.int16)
    loudest = min(
        int(caller.coder.decode(caller.coder.encode(frame)).min()) for frame in square.reshape(-1, FRAME)
    )
    assert loudest == -32768
    converse(rig, (caller, square))
    assert int(rig.engine.parts.wide.concealer.concealed[0]) == 0


@needs_opus
def test_digits_to_an_opus_peer_count_at_48_khz(rig: Rig) -> None:
    leg, peer = wide_leg(rig, "a", "opus")
    rig.engine.connect_leg(leg, peer.remote(dtmf_clock=48000))
    rig.engine.send_digits(leg, "5")
    rig.ticks(15)
    events = [struct.unpack("!BBH", p.payload) for p in peer.packets if p.payload_type == peer.event_type]
    assert [event[0] for event in events] == [5] * 8
    assert [event[2] for event in events[:5]] == [960, 1920, 2880, 3840, 4800]


def test_a_secure_leg_is_silent_in_both_bands(rig: Rig) -> None:
    a, caller = wide_leg(rig, "a")
    b, agent = wide_leg(rig, "b")
    rig.engine.routing.bridge(a, b)
    rig.engine.digits.secure(a, True)
    converse(rig, (caller, wide_tone(900, 0.4) // 2 + wide_tone(5000, 0.4) // 2))
    assert np.abs(after(agent.heard(), 0.1)).max() < 20


def test_keys_of_a_wide_peer_are_heard(rig: Rig) -> None:
    _, peer = wide_leg(rig, "a")
    converse(rig, (peer, wide_tone(500, 0.2)))
    for packet in peer.press("7"):
        peer.send(packet)
        rig.tick()
    assert [event.digit for event in rig.told(DigitPressed)] == ["7"]


@codecs
def test_packets_that_overtake_one_another_change_nothing(make_rig: Callable[..., Rig], codec: str) -> None:
    bends = []  # the largest second difference: a click has a large one
    for swapped in (False, True):
        rig = make_rig(jitter_start_ms=60)
        a, caller = wide_leg(rig, "a", codec)
        b, agent = wide_leg(rig, "b")
        rig.engine.routing.bridge(a, b)
        packets = [caller.audio(frame) for frame in wide_tone(600, 1.0).reshape(-1, FRAME)]
        if swapped:
            for at in (10, 20, 31, 40):
                packets[at], packets[at + 1] = packets[at + 1], packets[at]
        for packet in packets:
            caller.send(packet)
            rig.tick()
        heard = after(agent.heard(), 0.25).astype(float)
        bends.append(np.abs(np.diff(heard, 2)).max())
        assert wide_level(heard, 600) == pytest.approx(8000, rel=0.1)
    assert bends[1] < 1.2 * bends[0]


@codecs
def test_a_lost_packet_leaves_no_hole(make_rig: Callable[..., Rig], codec: str) -> None:
    rig = make_rig(jitter_start_ms=60)
    a, caller = wide_leg(rig, "a", codec, fmtp="useinbandfec=1")
    b, agent = wide_leg(rig, "b")
    caller.coder.expect_loss(0.05)
    rig.engine.routing.bridge(a, b)
    for at, frame in enumerate(wide_tone(500, 0.9).reshape(-1, FRAME)):
        packet = caller.audio(frame)
        if at % 20 != 10:
            caller.send(packet)
        rig.tick()
    heard = after(agent.heard(), 0.2)
    levels = np.sqrt(
        2 * np.mean(heard[: len(heard) // FRAME * FRAME].reshape(-1, FRAME).astype(float) ** 2, axis=1)
    )
    assert 4000 < levels.min() <= levels.max() < 12_000


@needs_opus
def test_loss_that_the_peer_reports_is_what_the_coder_expects(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(opus.OpusCoder, "expect_loss", lambda _, share: told.append(share))
    _, peer = wide_leg(rig, "a", "opus", fmtp="useinbandfec=1")
    rig.ticks(5)
    ssrc = peer.packets[0].ssrc
    block = ReportBlock(ssrc=ssrc, fraction_lost=26, lost=5, highest=5, jitter=0, last_report=0, delay=0)
    peer.rtcp.sendto(build(peer.ssrc, "peer", None, block), (peer.to[0], peer.to[1] + 1))
    rig.tick()
    assert told == [pytest.approx(0.1, abs=0.01)]


def test_garbage_in_opus_packets_is_counted_and_harmless(rig: Rig) -> None:
    if not opus_is_here():
        pytest.skip("this machine has no libopus")
    a, caller = wide_leg(rig, "a", "opus")
    b, agent = wide_leg(rig, "b")
    rig.engine.routing.bridge(a, b)
    for size in (0, 1, 2, 40, 600):
        caller.send(caller.packet(b"\xff" * size))
        rig.tick()
    assert int(rig.engine.parts.sources.malformed[a.row]) >= 3
    converse(rig, (caller, wide_tone(900, 0.6)))
    assert wide_level(after(agent.heard(), 0.4), 900) > 6000


def test_a_re_invite_takes_a_leg_from_wide_to_narrow_and_back(rig: Rig) -> None:
    a, caller = wide_leg(rig, "a")
    b, agent = wide_leg(rig, "b")
    rig.engine.routing.bridge(a, b)
    converse(rig, (caller, wide_tone(5000, 0.4)))
    assert wide_level(after(agent.heard(), 0.2), 5000) > 7500
    rig.engine.connect_leg(a, caller.remote(codec="PCMA", payload_type=8))
    agent.packets.clear()
    said = tone(700, 0.4)
    for start in range(0, len(said), 160):
        caller.send(caller.packet(encode(Law.PCMA, said[start : start + 160]).tobytes(), 8))
        caller.timestamp = (caller.timestamp + 160) & 0xFFFFFFFF
        rig.tick()
    assert {packet.payload_type for packet in caller.packets[-10:]} == {8}
    assert wide_level(after(agent.heard(), 0.2), 700) > 7000
    rig.engine.connect_leg(a, caller.remote())
    agent.packets.clear()
    converse(rig, (caller, wide_tone(5000, 0.5)))
    assert wide_level(after(agent.heard(), 0.3), 5000) > 7000
    assert len(rig.engine.parts.wide) == 2


def test_g711_from_a_wide_peer_that_may_send_both_is_heard(rig: Rig) -> None:
    a, caller = wide_leg(rig, "a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    converse(rig, (caller, wide_tone(500, 0.2)))
    said = tone(700, 0.6)
    for start in range(0, len(said), 160):
        caller.send(caller.packet(encode(Law.PCMA, said[start : start + 160]).tobytes(), 8))
        caller.timestamp = (caller.timestamp + 160) & 0xFFFFFFFF
        rig.tick()
    assert steady_level(agent.heard()[3200:], 700) > 7000


def test_a_closed_wide_leg_leaves_nothing_to_the_next_one_in_its_row(rig: Rig) -> None:
    a, caller = wide_leg(rig, "a")
    rig.engine.routing.echo(a)
    converse(rig, (caller, wide_tone(5000, 0.3)))
    quality = rig.engine.close_leg(a)
    assert (quality.codec, quality.packets_received) == ("G722", 15)
    assert len(rig.engine.parts.wide) == 0
    again, narrow = rig.leg("b")
    assert again.row == a.row
    rig.engine.routing.echo(again)
    rig.talk((narrow, tone(400, 0.4)))
    assert {len(packet.payload) for packet in narrow.packets} == {160}
    assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF
            for a, b in zip(narrow.packets, narrow.packets[1:], strict=False)} == {160}  # fmt: skip
    assert level(narrow.heard()[1600:], 400) > 7500


def test_a_wide_leg_that_is_on_hold_is_sent_nothing(rig: Rig) -> None:
    leg, peer = wide_leg(rig, "a")
    rig.engine.connect_leg(leg, peer.remote(receives=False))
    rig.ticks(10)
    assert peer.packets == []


def test_what_a_wide_leg_says_is_recorded(rig: Rig, tmp_path: Path) -> None:
    a, caller = wide_leg(rig, "a")
    b, _ = wide_leg(rig, "b")
    rig.engine.routing.bridge(a, b)
    path = tmp_path / "talk.wav"
    order = StartRecording(call=CallId("call"), recording=RecordingId("r"), left=LegId("a"), right=LegId("b"),
                           path=str(path), seal=SEAL)  # fmt: skip
    rig.engine.start_recording(order, a, b)
    converse(rig, (caller, wide_tone(1000, 0.6)))
    rig.close()
    left = unsealed(path)[0][:, 0]
    assert level(left[1600:], 1000) > 7500


def test_a_worker_without_libopus_leaves_an_opus_leg_mute(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "_library", lambda: None)
    leg, local = rig.open("a")
    peer = rig.peer()
    peer.to = (local.host, local.port)
    rig.engine.connect_leg(leg, peer.remote(codec="opus", payload_type=111))
    peer.send(peer.packet(b"abc", 111))
    rig.ticks(5)
    assert peer.packets == []


def test_a_hundred_wide_legs_come_and_go(rig: Rig) -> None:
    for turn in range(3):
        legs = [wide_leg(rig, f"{turn}-{number}", call=f"{number}") for number in range(100)]
        for (a, _), (b, _) in zip(legs[::2], legs[1::2], strict=True):
            rig.engine.routing.bridge(a, b)
        converse(rig, *((peer, wide_tone(5000, 0.1)) for _, peer in legs))
        for leg, peer in legs:
            rig.engine.close_leg(leg)
            peer.close()
            rig.peers.remove(peer)
    assert len(rig.engine.parts.wide) == 0

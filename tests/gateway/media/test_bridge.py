from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from ccplatform.contracts.legs import LegAudible
from gateway.media.audio import FRAME
from gateway.media.g711 import Law
from tests.gateway.media.peers import Rig, level, steady_level, tone


def test_a_tone_of_one_side_comes_out_on_the_other_in_its_own_codec(rig: Rig) -> None:
    a, caller = rig.leg("a", Law.PCMA)
    b, agent = rig.leg("b", Law.PCMU)
    rig.engine.routing.bridge(a, b)
    rig.talk((caller, tone(440, 1.0)), (agent, tone(1000, 1.0)))
    to_agent, to_caller = agent.heard()[1600:], caller.heard()[1600:]
    assert {packet.payload_type for packet in agent.packets} == {0}
    assert {packet.payload_type for packet in caller.packets} == {8}
    assert 7500 < level(to_agent, 440) < 8500
    assert level(to_agent, 1000) < 100
    assert 7500 < level(to_caller, 1000) < 8500
    assert level(to_caller, 440) < 100


def test_a_clean_stream_arrives_sample_by_sample(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    said = tone(440, 1.0)
    rig.talk((caller, said))
    heard = agent.heard()
    start = int(np.argmax(np.abs(heard) > 1000)) // 160 * 160
    expected = said[160 : len(heard) - start]  # the first frame fades in
    got = heard[start + 160 : start + 160 + len(expected)]
    assert np.max(np.abs(got.astype(int) - expected[: len(got)])) <= 256  # one step of A-law
    assert start <= 3 * 160


def test_echo_returns_the_legs_own_sound_and_unbridge_ends_it(rig: Rig) -> None:
    a, caller = rig.leg("a")
    rig.engine.routing.echo(a)
    rig.talk((caller, tone(700, 0.6)))
    assert level(caller.heard()[1600:], 700) > 7000
    rig.engine.routing.separate(a)
    caller.packets.clear()
    rig.talk((caller, tone(700, 0.4)))
    assert level(caller.heard()[FRAME:], 700) < 50  # it fades within one frame
    assert len(caller.packets) == 20


def test_in_a_room_everyone_hears_all_others_but_not_himself(rig: Rig) -> None:
    hertz = {"a": 400, "b": 700, "c": 1100}
    legs = {name: rig.leg(name, call=name) for name in hertz}
    for leg, _ in legs.values():
        rig.engine.routing.join(leg, "room")
    rig.talk(*((legs[name][1], tone(hertz[name], 0.8, peak=5000)) for name in hertz))
    for name, (_, peer) in legs.items():
        heard = peer.heard()[1600:]
        for other, frequency in hertz.items():
            assert (level(heard, frequency) > 4500) == (other != name), (name, other)
    rig.engine.routing.separate(legs["a"][0])
    for _, peer in legs.values():
        peer.packets.clear()
    rig.talk(*((legs[name][1], tone(hertz[name], 0.4, peak=5000)) for name in hertz))
    assert level(legs["b"][1].heard()[320:], 400) < 300
    assert level(legs["b"][1].heard()[320:], 1100) > 4000
    assert len(legs["a"][1].heard())
    assert not np.any(np.abs(legs["a"][1].heard()[320:]) > 50)


def test_a_full_room_takes_nobody_more(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(max_room_legs=2)
    legs = [rig.leg(name, call=name)[0] for name in "abc"]
    for leg in legs:
        rig.engine.routing.join(leg, "room")
    assert [leg.room for leg in legs] == ["room", "room", None]


def test_silence_is_sent_with_continuous_sequence_and_timestamps(rig: Rig) -> None:
    _, caller = rig.leg("a")
    rig.ticks(25)
    packets = caller.packets
    assert len(packets) == 25
    assert [packet.marker for packet in packets] == [True] + [False] * 24
    for earlier, later in itertools.pairwise(packets):
        assert later.sequence == (earlier.sequence + 1) & 0xFFFF
        assert later.timestamp == (earlier.timestamp + 160) & 0xFFFFFFFF
    assert not np.any(np.abs(caller.heard()) > 8)


def test_skipped_ticks_move_the_clock_but_send_no_burst(rig: Rig) -> None:
    _, caller = rig.leg("a")
    rig.tick()
    rig.tick(skipped=4)
    first, second = caller.packets
    assert second.timestamp == (first.timestamp + 5 * 160) & 0xFFFFFFFF
    assert second.sequence == (first.sequence + 1) & 0xFFFF


def test_ticks_that_are_done_late_lose_nothing_of_what_is_said(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    said = tone(440, 2.0).reshape(-1, 160)
    for index, frame in enumerate(said):
        caller.say(frame)
        if index % 25 not in (10, 11):
            rig.tick(late=2 if index % 25 == 12 else 0)
    assert len(agent.packets) == len(said)
    for earlier, later in itertools.pairwise(agent.packets):
        assert later.sequence == (earlier.sequence + 1) & 0xFFFF
        assert later.timestamp == (earlier.timestamp + 160) & 0xFFFFFFFF
    assert steady_level(agent.heard()[800:], 440) > 7900


def test_a_peer_on_hold_gets_no_packets_and_takes_up_where_the_clock_is(rig: Rig) -> None:
    a, caller = rig.leg("a")
    rig.ticks(2)
    rig.engine.connect_leg(a, caller.remote(receives=False))
    rig.ticks(5)
    assert len(caller.packets) == 2
    rig.engine.connect_leg(a, caller.remote())
    rig.tick()
    before, after = caller.packets[1:]
    assert after.timestamp == (before.timestamp + 6 * 160) & 0xFFFFFFFF
    assert after.marker


def test_the_first_audible_sample_is_told_once(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, _ = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    rig.ticks(5)
    assert rig.told(LegAudible) == []
    rig.talk((caller, tone(440, 0.5)))
    assert [(event.leg, event.at > 1000.1) for event in rig.told(LegAudible)] == [("b", True)]


def test_packet_times_from_10_to_60_ms_are_understood(rig: Rig) -> None:
    for milliseconds in (10, 30, 40, 50, 60):
        size = milliseconds * 8
        a, caller = rig.leg(f"a{milliseconds}")
        b, agent = rig.leg(f"b{milliseconds}")
        rig.engine.routing.bridge(a, b)
        said, sent = tone(500, 1.2), 0
        for now in range(0, len(said), 160):
            while sent + size <= now + 160:
                caller.say(said[sent : sent + size])
                sent += size
            rig.tick()
        heard = agent.heard()[3200:]
        assert level(heard, 500) > 7000, milliseconds
        assert int(rig.engine.parts.concealer.concealed[a.row]) <= 8, milliseconds

"""Link legs: legs of several engines that hear each other over their sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ccplatform.contracts.legs import DigitPressed
from ccplatform.contracts.media import RecordingClosed, StartRecording
from ccplatform.contracts.words import CallId, LegId, RecordingId
from gateway.media.audio import FRAME, Pcm
from gateway.media.legs import Leg
from tests.gateway.media.peers import Peer, Rig, level, steady_level, tone
from tests.gateway.media.wide import WidePeer, wide_leg, wide_level, wide_tone
from tests.support.ports import PortBlock
from tests.support.sealed import SEAL, unsealed

LINK = LegId("link:a+b")


class Rigs:
    """Engines whose ticks alternate, each with its place for link frames."""

    def __init__(self, directory: Path, ports: PortBlock, count: int) -> None:
        self.paths = [str(directory / f"{index}.link") for index in range(count)]
        self.all = [
            Rig(link_path=path, rtp_ports=f"{ports.first + 100 * index}-{ports.first + 100 * index + 99}")
            for index, path in enumerate(self.paths)
        ]

    def __getitem__(self, index: int) -> Rig:
        return self.all[index]

    def link(self, one: int, other: int, link: LegId, leg: str | None, far: str | None) -> None:
        for rig, peer, name in ((one, other, leg), (other, one, far)):
            self[rig].engine.open_link(link, LegId(name) if name else None, self.paths[peer])

    def ticks(self, count: int, *speeches: tuple[Peer, Pcm]) -> None:
        for index in range(count):
            for peer, pcm in speeches:
                peer.say(pcm[index * FRAME : (index + 1) * FRAME])
            for rig in self.all:
                rig.tick()

    def close(self) -> None:
        for rig in self.all:
            rig.close()


@pytest.fixture
def make_rigs(tmp_path: Path, ports: PortBlock) -> Iterator[Callable[[int], Rigs]]:
    made: list[Rigs] = []

    def make(count: int) -> Rigs:
        made.append(Rigs(tmp_path, ports, count))
        return made[-1]

    yield make
    for rigs in made:
        rigs.close()


@pytest.fixture
def two(make_rigs: Callable[[int], Rigs]) -> Rigs:
    return make_rigs(2)


def joined(two: Rigs) -> tuple[Leg, Peer, Leg, Peer]:
    """A leg on each of two engines, bridged over a link."""
    a, caller = two[0].leg("a")
    b, agent = two[1].leg("b")
    two.link(0, 1, LINK, "a", "b")
    for rig, leg in ((two[0], a), (two[1], b)):
        rig.engine.routing.bridge(leg, rig.engine.links.by_id[LINK])
    return a, caller, b, agent


def lost(rig: Rig) -> int:
    return int(rig.engine.parts.links.lost.sum())


def test_legs_of_two_workers_hear_each_other_and_not_themselves(two: Rigs) -> None:
    _, caller, _, agent = joined(two)
    two.ticks(50, (caller, tone(440, 1.0)), (agent, tone(1000, 1.0)))
    for peer, other, own in ((caller, 1000, 440), (agent, 440, 1000)):
        heard = peer.heard()[2400:]
        assert steady_level(heard, other) > 7500
        assert level(heard, own) < 50
    assert lost(two[0]) == lost(two[1]) == 0


def test_a_link_adds_no_more_than_one_tick(two: Rigs) -> None:
    _, caller, _, agent = joined(two)
    other, near = two[0].leg("c")
    two[0].engine.routing.bridge(two[0].engine.legs.by_id[LegId("a")], other)
    silence = np.zeros(25 * FRAME, dtype=np.int16)
    two.ticks(50, (caller, np.concatenate([silence, tone(440, 0.5)])), (agent, np.zeros(8000, dtype=np.int16)))
    begins = [int(np.flatnonzero(np.abs(peer.heard()) > 1000)[0]) for peer in (near, agent)]
    assert 0 <= begins[1] - begins[0] <= FRAME


def test_a_held_leg_hears_nothing_and_is_heard_again_when_retrieved(two: Rigs) -> None:
    a, caller, _, agent = joined(two)
    link = two[0].engine.links.by_id[LINK]
    two.ticks(20, (caller, tone(440, 0.4)), (agent, tone(1000, 0.4)))
    two[0].engine.routing.separate(a)
    two[1].engine.routing.separate(two[1].engine.links.by_id[LINK])
    two.ticks(2)  # it fades
    for peer in (caller, agent):
        peer.packets.clear()
    two.ticks(20, (caller, tone(440, 0.4)), (agent, tone(1000, 0.4)))
    assert np.abs(caller.heard()).max() < 50
    assert np.abs(agent.heard()).max() < 50
    two[0].engine.routing.bridge(a, link)
    two[1].engine.routing.bridge(two[1].engine.legs.by_id[LegId("b")], two[1].engine.links.by_id[LINK])
    two.ticks(20, (caller, tone(440, 0.4)), (agent, tone(1000, 0.4)))
    assert level(caller.heard()[-1600:], 1000) > 7500
    assert level(agent.heard()[-1600:], 440) > 7500


def test_everyone_in_a_room_over_three_workers_hears_each_other_once(
    make_rigs: Callable[[int], Rigs],
) -> None:
    three = make_rigs(3)
    hertz = {"a": 400.0, "b": 700.0, "c": 1100.0, "d": 1600.0}
    places = {"a": 0, "b": 0, "c": 1, "d": 2}
    peers: dict[str, Peer] = {}
    for name, place in places.items():
        leg, peers[name] = three[place].leg(name)
        three[place].engine.routing.join(leg, "room")
    for one, other in ((0, 1), (0, 2), (1, 2)):
        link = LegId(f"link:{one}-{other}:room")
        three.link(one, other, link, None, None)
        for rig in (three[one], three[other]):
            rig.engine.routing.join(rig.engine.links.by_id[link], "room")
    three.ticks(50, *((peers[name], tone(hertz[name], 1.0, peak=4000)) for name in hertz))
    for name, peer in peers.items():
        heard = peer.heard()[3200:]
        for speaker, frequency in hertz.items():
            if speaker == name:
                assert level(heard, frequency) < 60
            else:
                assert steady_level(heard, frequency) == pytest.approx(4000, rel=0.1)


def wide_joined(two: Rigs, far: str = "G722") -> tuple[WidePeer, WidePeer]:
    """A wide leg on each of two engines, bridged over a link."""
    (a, caller), (b, agent) = wide_leg(two[0], "a"), wide_leg(two[1], "b", far)
    two.link(0, 1, LINK, "a", "b")
    for rig, leg in ((two[0], a), (two[1], b)):
        rig.engine.routing.bridge(leg, rig.engine.links.by_id[LINK])
    return caller, agent


def wide_ticks(two: Rigs, *speeches: tuple[Peer, Pcm]) -> None:
    """Let peers say what they have to say, 20 ms per tick each."""
    for tick in range(max(len(pcm) // (320 if isinstance(peer, WidePeer) else FRAME) for peer, pcm in speeches)):
        for peer, pcm in speeches:
            size = 320 if isinstance(peer, WidePeer) else FRAME
            peer.say(pcm[tick * size : (tick + 1) * size])
        for rig in two.all:
            rig.tick()


def test_wide_legs_of_two_workers_hear_both_bands_of_each_other(two: Rigs) -> None:
    caller, agent = wide_joined(two)
    said = wide_tone(700, 1.0) // 2 + wide_tone(5000, 1.0) // 2
    answered = wide_tone(1100, 1.0) // 2 + wide_tone(6100, 1.0) // 2
    wide_ticks(two, (caller, said), (agent, answered))
    for peer, others, own in ((caller, (1100, 6100), (700, 5000)), (agent, (700, 5000), (1100, 6100))):
        heard = peer.heard()[8000:]
        assert [wide_level(heard, hertz) for hertz in others] == [pytest.approx(4000, rel=0.05)] * 2
        assert max(wide_level(heard, hertz) for hertz in own) < 50


def test_a_lost_frame_of_a_wide_leg_fades_both_bands_and_does_no_more(two: Rigs) -> None:
    caller, agent = wide_joined(two)
    said = wide_tone(700, 0.4) // 2 + wide_tone(5000, 0.4) // 2
    silence = np.zeros(6400, dtype=np.int16)
    wide_ticks(two, (caller, said), (agent, silence))
    caller.say(said[:320])
    two[0].tick()
    two[1].engine.parts.links._socket.recv(1 << 17)
    two[1].tick()
    agent.packets.clear()
    for _ in range(8):  # nothing more comes: it fades in both bands
        two[1].tick()
    assert np.abs(agent.heard()[-640:].astype(int)).max() < 100
    agent.packets.clear()
    wide_ticks(two, (caller, said), (agent, silence))
    assert [wide_level(agent.heard()[-3200:], hertz) for hertz in (700, 5000)] == [
        pytest.approx(4000, rel=0.05)
    ] * 2


def test_a_held_wide_leg_is_silent_over_a_link_in_both_bands(two: Rigs) -> None:
    caller, agent = wide_joined(two)
    said = wide_tone(700, 0.4) // 2 + wide_tone(5000, 0.4) // 2
    silence = np.zeros(6400, dtype=np.int16)
    wide_ticks(two, (caller, said), (agent, silence))
    two[1].engine.routing.separate(two[1].engine.links.by_id[LINK])
    wide_ticks(two, (caller, said[:1280]), (agent, silence[:1280]))
    agent.packets.clear()
    wide_ticks(two, (caller, said), (agent, silence))
    assert np.abs(agent.heard().astype(int)).max() < 50


def test_a_leg_that_turns_narrow_leaves_no_high_band_on_its_link(two: Rigs) -> None:
    caller, agent = wide_joined(two)
    wide_ticks(two, (caller, wide_tone(5000, 0.4)), (agent, np.zeros(6400, dtype=np.int16)))
    a = two[0].engine.legs.by_id[LegId("a")]
    two[0].engine.connect_leg(a, caller.remote(codec="PCMA", payload_type=8))
    two.ticks(3)
    agent.packets.clear()
    two.ticks(20)
    assert np.abs(agent.heard().astype(int)).max() < 50


def test_what_narrow_legs_say_needs_no_more_on_a_link_than_before(two: Rigs) -> None:
    _, caller, _, agent = joined(two)
    wide_leg(two[0], "c")  # another call of the same worker
    two.ticks(10, (caller, tone(440, 0.2)), (agent, tone(1000, 0.2)))
    two[0].tick()
    assert len(two[1].engine.parts.links._socket.recv(1 << 17)) == 16 + 16 + 2 * FRAME
    assert not two[1].engine.parts.links._above


def test_a_wide_recording_over_two_workers_has_both_bands_of_both_sides(two: Rigs, tmp_path: Path) -> None:
    caller, agent = wide_joined(two)
    engine = two[0].engine
    order = StartRecording(
        call=CallId("x"),
        recording=RecordingId("r"),
        left=LegId("a"),
        right=LINK,
        path=str(tmp_path / "r.wav"),
        seal=SEAL,
        rate=16000,
    )
    engine.start_recording(order, engine.legs.by_id[LegId("a")], engine.links.by_id[LINK])
    said = wide_tone(700, 1.0) // 2 + wide_tone(5000, 1.0) // 2
    wide_ticks(two, (caller, said), (agent, said))
    engine.recorder.close(5.0)
    samples, rate = unsealed(tmp_path / "r.wav")
    assert rate == 16000
    for side in samples[8000:].T:
        assert [wide_level(side, hertz) for hertz in (700, 5000)] == [pytest.approx(4000, rel=0.05)] * 2


def test_keys_reach_the_partner_on_the_other_worker_once_each(two: Rigs) -> None:
    _, caller, _, agent = joined(two)
    two.ticks(5, (caller, tone(440, 0.1)), (agent, tone(1000, 0.1)))
    for digit in "15":
        for packet in caller.press(digit):
            caller.send(packet)
            two.ticks(1)
        two.ticks(5)
    two.ticks(50)
    assert [event.digit for event in two[0].told(DigitPressed)] == ["1", "5"]
    assert two[1].told(DigitPressed) == []
    events = [packet for packet in agent.packets if packet.payload_type == 101]
    ends = {(packet.timestamp, packet.payload[0]) for packet in events if packet.payload[1] & 0x80}
    assert sorted(code for _, code in ends) == [1, 5]


def test_a_recording_holds_both_sides_whatever_they_hear(two: Rigs, tmp_path: Path) -> None:
    a, caller, _, agent = joined(two)
    path = tmp_path / "talk.wav"
    order = StartRecording(
        call=CallId("call"), recording=RecordingId("r"), left=LegId("a"), right=LINK, path=str(path), seal=SEAL
    )
    two[0].engine.start_recording(order, a, two[0].engine.links.by_id[LINK])
    two.ticks(25, (caller, tone(440, 0.5)), (agent, tone(1000, 0.5)))
    two[0].engine.routing.separate(a)  # on hold
    two[1].engine.routing.separate(two[1].engine.links.by_id[LINK])
    two.ticks(25, (caller, tone(440, 0.5)), (agent, tone(1000, 0.5)))
    two[0].engine.close_link(two[0].engine.links.by_id[LINK])
    while not two[0].told(RecordingClosed):
        two.ticks(1)
    samples, _ = unsealed(path)
    assert len(samples) == 50 * FRAME
    assert steady_level(samples[1600:, 0], 440) > 7500
    assert steady_level(samples[1600:, 1], 1000) > 7500


def test_lost_frames_are_counted_and_bridged_over(two: Rigs) -> None:
    _, caller, _, agent = joined(two)
    speech, answer = tone(440, 2.0), tone(1000, 2.0)
    two.ticks(20, (caller, speech), (agent, answer))
    frames = two[1].engine.parts.links
    receiver = frames._socket
    for _ in range(3):  # what the other worker sends in this tick is lost
        caller.say(tone(440, 0.02))
        two[0].tick()
        receiver.recv(1 << 16)
        two[1].tick()
        two.ticks(3, (caller, speech), (agent, answer))
    assert lost(two[1]) == 3
    assert frames.frames_lost == 3
    agent.packets.clear()
    two.ticks(20, (caller, speech), (agent, answer))
    assert steady_level(agent.heard()[800:], 440) > 7500
    two[1].engine.close_link(two[1].engine.links.by_id[LINK])
    assert frames.frames_lost == 3


def test_ticks_that_were_skipped_on_one_side_do_not_delay_the_other_for_good(two: Rigs) -> None:
    _, caller, _, agent = joined(two)
    two.ticks(20, (caller, tone(440, 0.4)), (agent, tone(1000, 0.4)))
    two[0].tick(skipped=20)
    for _ in range(21):
        two[1].tick()
    agent.packets.clear()
    two.ticks(30, (caller, tone(440, 0.6)), (agent, tone(1000, 0.6)))
    assert steady_level(agent.heard()[1600:], 440) > 7500
    held = two[1].engine.parts.links._held
    assert int(held.sum()) <= 1


def test_frames_that_come_just_after_the_tick_are_waited_for_and_the_wait_ends(two: Rigs) -> None:
    _, caller, _, agent = joined(two)
    silence = np.zeros(FRAME, dtype=np.int16)

    def early(count: int) -> None:
        for _ in range(count):
            caller.say(silence)
            two[0].tick()
            two[1].tick()

    def late(count: int) -> None:
        for _ in range(count):
            caller.say(silence)
            two[1].tick()
            two[0].tick()

    early(20)
    late(20)
    before = lost(two[1])
    for _ in range(20):
        early(1)
        late(1)
    assert lost(two[1]) == before  # one frame is held back: both orders are in time
    early(1)
    assert int(two[1].engine.parts.links._held.sum()) == 1
    early(300)
    assert int(two[1].engine.parts.links._held.sum()) == 0
    assert agent.packets


def test_a_peer_that_dies_harms_nobody(two: Rigs) -> None:
    _, caller, _, agent = joined(two)
    two.ticks(10, (caller, tone(440, 0.2)), (agent, tone(1000, 0.2)))
    two[1].engine.parts.links.close()
    for _ in range(60):
        caller.say(tone(440, 0.02))
        two[0].tick()
    links = two[0].engine.parts.links
    assert links.refused == 60
    caller.packets.clear()
    two[0].ticks(5)
    assert np.abs(caller.heard()).max() < 50


def test_garbage_and_frames_of_unknown_links_are_dropped(two: Rigs) -> None:
    _, caller, _, agent = joined(two)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        for data in (b"", b"x", b"\x00" * 16, b"1knl" + b"\xff" * 1000, bytes(40_000)):
            stranger.sendto(data, two.paths[0])
    two.ticks(50, (caller, tone(440, 1.0)), (agent, tone(1000, 1.0)))
    two[0].engine.close_link(two[0].engine.links.by_id[LINK])
    two.ticks(10, (agent, tone(1000, 0.2)))  # frames of a link that is closed here
    assert len(two[0].engine.links) == 0
    assert steady_level(caller.heard()[2400:8000], 1000) > 7500


def test_many_links_share_a_datagram_and_still_find_their_legs(two: Rigs) -> None:
    peers: list[tuple[Peer, Peer]] = []
    for index in range(20):
        pair: list[Any] = []
        for place in (0, 1):
            leg, peer = two[place].leg(f"{place}-{index}", call=f"call-{index}")
            pair.append((leg, peer))
        link = LegId(f"link:{index}")
        two.link(0, 1, link, f"0-{index}", f"1-{index}")
        for place, (leg, _) in enumerate(pair):
            two[place].engine.routing.bridge(leg, two[place].engine.links.by_id[link])
        peers.append((pair[0][1], pair[1][1]))
    two.ticks(30, *((peer, tone(300 + 50 * index, 0.6)) for index, (peer, _) in enumerate(peers)))
    for index, (_, far) in enumerate(peers):
        assert steady_level(far.heard()[1600:], 300 + 50 * index) > 7000

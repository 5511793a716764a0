from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ccplatform.contracts.legs import DigitPressed
from ccplatform.contracts.media import RecordingClosed, StartRecording
from ccplatform.contracts.words import CallId, RecordingId
from gateway.media.audio import FRAME, Pcm
from gateway.media.legs import Leg
from tests.gateway.media.dtmf import dialled, key_tone, keys_in, over_the_wire
from tests.gateway.media.peers import EVENT_TYPE, Packet, Peer, Rig, level, tone
from tests.support.sealed import SEAL, unsealed


def _deliver(rig: Rig, peer: Peer, packets: list[bytes]) -> None:
    for packet in packets:
        peer.send(packet)
        rig.tick()


def _digits(rig: Rig) -> str:
    return "".join(event.digit for event in rig.told(DigitPressed))


def test_each_key_is_told_once_at_its_first_end_packet(rig: Rig) -> None:
    _, caller = rig.leg("a")
    packets = caller.press("7", ticks=4, ends=3)
    _deliver(rig, caller, packets[:4])
    assert rig.told(DigitPressed) == []
    _deliver(rig, caller, packets[4:5])
    (digit,) = rig.told(DigitPressed)
    assert (digit.leg, digit.digit) == ("a", "7")
    assert rig.clock.now() - 0.02 <= digit.ended_at <= rig.clock.now()
    _deliver(rig, caller, packets[5:])
    rig.ticks(20)
    assert _digits(rig) == "7"


def test_all_sixteen_keys_and_repeated_ones_are_understood(rig: Rig) -> None:
    _, caller = rig.leg("a")
    for key in "00123456789*#ABCD":
        _deliver(rig, caller, caller.press(key))
    assert _digits(rig) == "00123456789*#ABCD"


def test_a_key_whose_end_packets_are_all_lost_ends_at_its_last_packet(rig: Rig) -> None:
    _, caller = rig.leg("a")
    _deliver(rig, caller, caller.press("3", ticks=4, ends=3)[:4])
    let_go = rig.clock.now()
    for _ in range(10):
        caller.say(tone(400, 0.02))
        rig.tick()
    (digit,) = rig.told(DigitPressed)
    assert digit.digit == "3"
    assert let_go - 0.02 <= digit.ended_at <= let_go


def test_a_new_key_ends_the_one_before(rig: Rig) -> None:
    _, caller = rig.leg("a")
    _deliver(rig, caller, caller.press("1", ends=3)[:4])
    _deliver(rig, caller, caller.press("2"))
    assert _digits(rig) == "12"


def test_duplicates_losses_and_reordering_neither_add_nor_lose_a_key(rig: Rig) -> None:
    _, caller = rig.leg("a")
    first, second = caller.press("4", ticks=5), caller.press("5", ticks=5)
    order = [first[1], first[0], first[1], first[3], first[6], first[5], first[2]]
    order += [second[0], first[4], second[2], second[7], second[7], second[3], second[5]]
    _deliver(rig, caller, order)
    rig.ticks(10)
    assert _digits(rig) == "45"


def test_a_long_press_in_several_segments_is_one_key(rig: Rig) -> None:
    _, caller = rig.leg("a")
    begin = caller.timestamp
    for offset, duration, end in ((0, 0xFFFF, False), (0xFFFF, 800, False), (0xFFFF, 1600, True)):
        caller.timestamp = (begin + offset) & 0xFFFFFFFF
        caller.send(caller.packet(struct.pack("!BBH", 9, 0x8A if end else 0x0A, duration), EVENT_TYPE))
        rig.tick()
    assert _digits(rig) == "9"


def test_other_events_and_short_payloads_are_passed_over(rig: Rig) -> None:
    _, caller = rig.leg("a")
    for payload in (b"", b"\x01", struct.pack("!BBH", 32, 0x8A, 800), struct.pack("!BBH", 16, 0x8A, 800)):
        caller.send(caller.packet(payload, EVENT_TYPE))
        rig.tick()
    assert rig.told(DigitPressed) == []


def test_a_key_is_not_heard_as_audio_but_regenerated_to_the_partner(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    rig.talk((caller, tone(440, 0.2)))
    _deliver(rig, caller, caller.press("8"))
    rig.ticks(15)
    events = [packet for packet in agent.packets if packet.payload_type == EVENT_TYPE]
    assert {packet.payload[0] for packet in events} == {8}
    assert len(events) == 8


def _sent_events(peer: Peer) -> list[Packet]:
    return [packet for packet in peer.packets if packet.payload_type == EVENT_TYPE]


def test_sent_digits_follow_rfc_4733(rig: Rig) -> None:
    leg, phone = rig.leg("a")
    rig.ticks(3)
    rig.engine.send_digits(leg, "5#")
    rig.ticks(30)
    events = _sent_events(phone)
    first = [packet for packet in events if packet.payload[0] == 5]
    assert [packet.payload[0] for packet in events] == [5] * 8 + [11] * 8
    assert [packet.marker for packet in first] == [True] + [False] * 7
    assert len({packet.timestamp for packet in first}) == 1
    assert [bool(packet.payload[1] & 0x80) for packet in first] == [False] * 5 + [True] * 3
    assert [int.from_bytes(packet.payload[2:], "big") for packet in first] == [
        160,
        320,
        480,
        640,
        800,
        800,
        800,
        800,
    ]
    sequence = [packet.sequence for packet in phone.packets]
    assert sequence == [(sequence[0] + index) & 0xFFFF for index in range(len(sequence))]
    audio = [packet for packet in phone.packets if packet.payload_type == 8]
    assert (audio[-1].timestamp - audio[0].timestamp) & 0xFFFFFFFF == 32 * 160


def test_a_peer_without_telephone_event_hears_the_tones(rig: Rig) -> None:
    leg, phone = rig.leg("a", event_type=None)
    rig.engine.send_digits(leg, "1")
    rig.ticks(12)
    heard = phone.heard()[:800]
    assert level(heard, 697) > 5000
    assert level(heard, 1209) > 5000


def test_digits_sent_to_oneself_come_back_as_the_same_digits(rig: Rig) -> None:
    a, phone_a = rig.leg("a")
    _, phone_b = rig.leg("b")
    rig.engine.send_digits(a, "0123456789*#abcd")
    for _ in range(200):
        rig.tick()
        for packet in phone_a.packets:
            phone_b.timestamp = packet.timestamp
            phone_b.send(phone_b.packet(packet.payload, packet.payload_type))
        phone_a.packets.clear()
    assert _digits(rig) == "0123456789*#ABCD"


def test_tones_of_a_peer_without_telephone_event_are_keys(rig: Rig) -> None:
    _, caller = rig.leg("a", event_type=None)
    rig.talk((caller, dialled(np.random.default_rng(3), "0123456789*#", seconds=0.08, pause=0.08)))
    assert _digits(rig) == "0123456789*#"


def test_the_end_of_a_tone_is_told_as_it_was_before_the_jitter_buffer(rig: Rig) -> None:
    _, caller = rig.leg("a", event_type=None)
    rig.talk((caller, over_the_wire(np.concatenate([np.zeros(3200), key_tone("4", 0.1)]))))
    let_go = rig.clock.now()
    rig.talk((caller, np.zeros(1600, dtype=np.int16)))
    (digit,) = rig.told(DigitPressed)
    assert abs(digit.ended_at - let_go) < 0.03


def test_tones_are_not_looked_for_where_telephone_event_was_agreed_unless_set(
    rig: Rig, make_rig: Callable[..., Rig]
) -> None:
    keys = dialled(np.random.default_rng(3), "12", seconds=0.08, pause=0.08)
    _, caller = rig.leg("a")
    rig.talk((caller, keys))
    assert _digits(rig) == ""
    always = make_rig(inband_dtmf="always")
    _, caller = always.leg("a")
    always.talk((caller, keys))
    assert _digits(always) == "12"
    never = make_rig(inband_dtmf="never")
    _, caller = never.leg("a", event_type=None)
    never.talk((caller, keys))
    assert _digits(never) == ""


def test_a_phone_that_tells_keys_by_all_three_ways_presses_each_once(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(inband_dtmf="always")
    leg, caller = rig.leg("a")
    for digit in "5512":
        rig.talk((caller, over_the_wire(key_tone(digit, 0.08))))
        _deliver(rig, caller, caller.press(digit))
        rig.engine.signal_digit(leg, digit)
        rig.talk((caller, np.zeros(480, dtype=np.int16)))
    assert _digits(rig) == "5512"


def test_keys_handed_in_by_signalling_are_sent_on_too(rig: Rig) -> None:
    a, _ = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    rig.engine.signal_digit(a, "9")
    rig.engine.signal_digit(a, "x")
    rig.ticks(12)
    assert _digits(rig) == "9"
    assert {packet.payload[0] for packet in _sent_events(agent)} == {9}


def test_tones_reach_the_partner_as_events_and_no_longer_as_tones(rig: Rig) -> None:
    a, caller = rig.leg("a", event_type=None)
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    rig.talk((caller, dialled(np.random.default_rng(8), "147*", seconds=0.1, pause=0.1)))
    rig.ticks(15)
    assert [packet.payload[0] for packet in _sent_events(agent)][::8] == [1, 4, 7, 10]
    assert keys_in([agent.heard()]) == [""]


def test_tones_that_are_kept_from_the_partner_do_not_click(rig: Rig) -> None:
    a, _ = rig.leg("a", event_type=None)
    b, _ = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    told = []
    for sounding in (False, True, True, False, False):
        rig.engine.parts.dtmf.sounding[a.row] = sounding
        sound = np.full((rig.engine.parts.table.high, FRAME), 8000, dtype=np.int16)
        rig.engine.digits.hide_tones(sound)
        told.append(sound[a.row].astype(int))
        assert np.all(sound[b.row] == 8000)
    heard = np.concatenate(told)
    assert np.abs(np.diff(heard)).max() < 500
    assert np.all(heard[FRAME + 20 : 3 * FRAME] == 0)
    assert np.all(heard[:FRAME] == 8000)
    assert np.all(heard[3 * FRAME + 20 :] == 8000)


def test_tones_reach_a_partner_without_telephone_event_once(rig: Rig) -> None:
    a, caller = rig.leg("a", event_type=None)
    b, agent = rig.leg("b", event_type=None)
    rig.engine.routing.bridge(a, b)
    rig.talk((caller, dialled(np.random.default_rng(8), "147*", seconds=0.1, pause=0.2)))
    rig.ticks(15)
    assert keys_in([agent.heard()]) == ["147*"]


def _recorded(
    rig: Rig, a: Leg, b: Leg, path: Path
) -> Callable[[], np.ndarray[tuple[int, int], np.dtype[np.int16]]]:
    order = StartRecording(
        call=CallId("call"), recording=RecordingId("r"), left=a.id, right=b.id, path=str(path), seal=SEAL
    )
    rig.engine.start_recording(order, a, b)

    def finish() -> Pcm:
        rig.engine.recorder.stop(RecordingId("r"))
        done = threading.Event()
        while not rig.told(RecordingClosed):
            done.wait(0.002)
            rig.events.extend(rig.engine.recorder.closed())
        samples, _ = unsealed(path)
        return np.asarray(samples)

    return finish


def test_in_secure_collect_keys_go_to_control_only_and_nobody_hears_the_leg(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a", event_type=None)
    b, agent = rig.leg("b")
    c, caller_with_events = rig.leg("c")
    rig.engine.routing.bridge(a, b)
    rig.engine.routing.bridge(c, b)
    finish = _recorded(rig, a, b, tmp_path / "r.wav")
    spoken = tone(440, 1.0)
    rig.talk((caller, spoken), (agent, spoken))
    rig.engine.digits.secure(a, True)
    rig.engine.digits.secure(c, True)
    begin, agent.packets[:] = len(spoken) // FRAME + 2, []
    keys = dialled(np.random.default_rng(4), "4929", seconds=0.1, pause=0.1)
    rig.talk((caller, keys), (agent, tone(440, len(keys) / 8000)))
    _deliver(rig, caller_with_events, caller_with_events.press("7"))
    rig.engine.signal_digit(a, "5")
    rig.ticks(5)
    assert _digits(rig) == "492975"
    assert _sent_events(agent) == []
    assert not np.any(np.abs(agent.heard()) > 8)
    rig.engine.digits.secure(a, False)
    rig.talk((caller, spoken), (agent, spoken))
    assert level(agent.heard()[-4000:], 440) > 7000
    samples = finish()
    secure = samples[begin * FRAME : begin * FRAME + len(keys)]
    assert not np.any(secure[:, 0])
    assert level(secure[400:-400, 1], 440) > 7000
    assert level(samples[-4000:, 0], 440) > 7000

"""What is said is what is heard, whatever the order and however often packets come."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.proof.ear import Ear
from ccplatform.proof.mouth import KEYS, Mouth
from gateway.media.audio import FRAME, Pcm
from gateway.media.g711 import Law, decode, encode
from gateway.media.telephone_event import DigitListener


def _tone(frames: int) -> Pcm:
    return np.asarray(8000 * np.sin(np.arange(frames * FRAME) / 3), dtype=np.int16)


def _spoken(pcm: Pcm, law: Law = Law.PCMA, ssrc: int = 0xFFFFFFF0) -> list[bytes]:
    mouth = Mouth(ssrc=ssrc, law=law, event_type=101)
    mouth.say(pcm)
    packets = []
    while mouth.speaking:
        said, ends = mouth.packets()
        assert not ends
        packets += said
    return packets


@given(
    st.permutations(range(12)),
    st.lists(st.integers(0, 11), max_size=6),
    st.sampled_from([Law.PCMA, Law.PCMU]),
    st.sampled_from([0xFFFC, 5, 0x8000FFFA]),
)
def test_sound_is_heard_in_its_places_once(order: list[int], again: list[int], law: Law, ssrc: int) -> None:
    said = _tone(12)
    packets, ear = _spoken(said, law, ssrc), Ear()
    first = order.index(0)  # the first packet of all is what the others are placed by
    for place, number in enumerate([*order[first:], *order[:first], *again]):
        ear.packet(packets[number], 10.0 + place / 1000)
    assert (ear.received, ear.expected, ear.lost) == (12, 12, 0)
    heard = ear.sound(10.0, 12 * 0.02)
    assert np.array_equal(heard, decode(law, encode(law, said)))


def test_what_is_missing_is_counted_and_silent() -> None:
    packets, ear = _spoken(_tone(10)), Ear()
    for number in (0, 1, 2, 5, 6, 9):
        ear.packet(packets[number], 1.0 + number * 0.02)
    assert (ear.received, ear.expected, ear.lost) == (6, 10, 4)
    heard = ear.sound(1.0, 0.2).reshape(10, FRAME)
    assert [bool(frame.any()) for frame in heard] == [n in (0, 1, 2, 5, 6, 9) for n in range(10)]


def test_the_first_audible_packet_after_an_instant_is_found() -> None:
    quiet, loud, ear = _spoken(np.zeros(FRAME, dtype=np.int16)), _spoken(_tone(4)), Ear()
    assert ear.first_audible(0.0) is None
    assert ear.last_audible_at is None
    ear.packet(quiet[0], 1.0)
    assert ear.first_audible(0.0) is None
    for number, packet in enumerate(loud[1:]):
        ear.packet(packet, 2.0 + number)
    assert [ear.first_audible(since) for since in (0.0, 2.0, 2.5, 4.5)] == [2.0, 2.0, 3.0, None]
    assert ear.last_audible_at == 4.0


@given(st.binary(max_size=400))
def test_garbage_is_left_out(data: bytes) -> None:
    ear = Ear()
    ear.packet(data, 1.0)
    ear.sound(0.0, 1.0)
    assert ear.lost <= ear.expected


def test_a_new_stream_is_counted_from_its_beginning() -> None:
    ear = Ear()
    for packet in _spoken(_tone(3), ssrc=1):
        ear.packet(packet, 1.0)
    for packet in _spoken(_tone(2), ssrc=0x9999):
        ear.packet(packet, 2.0)
    assert (ear.received, ear.expected, ear.lost) == (5, 5, 0)


def _heard_of(packets: list[bytes], at: list[float]) -> Ear:
    ear = Ear()
    for packet, arrives in zip(packets, at, strict=True):
        ear.packet(packet, arrives)
    return ear


def _beats(packets: int, begin: float) -> list[float]:
    return [begin + place * 0.02 for place in range(packets)]


def _restamped(packet: bytes, by: int) -> bytes:
    return packet[:4] + ((int.from_bytes(packet[4:8], "big") + by) % (1 << 32)).to_bytes(4, "big") + packet[8:]


@pytest.mark.parametrize("by", [8000 * 60, -8000 * 60, 1 << 31, 8000])
@pytest.mark.parametrize("ssrc", [0xFFFFFFF0, 0x77])
def test_who_takes_over_in_the_middle_is_heard_where_he_begins(by: int, ssrc: int) -> None:
    said = _tone(10)
    ringing, voice = _spoken(np.zeros(5 * FRAME, dtype=np.int16)), _spoken(said, ssrc=ssrc)
    numbered = [packet[:2] + (60000 + place).to_bytes(2, "big") + packet[4:] for place, packet in enumerate(voice)]
    ear = _heard_of(ringing + [_restamped(packet, by) for packet in numbered], _beats(15, 3.0))
    heard = ear.sound(3.0, 0.3)
    assert not heard[: 5 * FRAME].astype(np.int32).max() > 8  # A-law has no zero
    assert np.array_equal(heard[5 * FRAME :], decode(Law.PCMA, encode(Law.PCMA, said)))


def test_a_stream_that_goes_on_late_beside_the_next_one_is_counted_once() -> None:
    old, new = _spoken(_tone(4), ssrc=1), _spoken(_tone(4), ssrc=2)
    ear = _heard_of([*old[:3], new[0], old[3], *new[1:], new[2]], _beats(9, 1.0))
    assert (ear.received, ear.expected, ear.lost) == (8, 8, 0)


def test_who_is_silent_for_a_while_is_heard_in_his_places_thereafter() -> None:
    packets = _spoken(_tone(100))
    ear = _heard_of(packets[:3] + packets[90:], [*_beats(3, 1.0), *_beats(10, 1.0 + 90 * 0.02 + 0.1)])
    heard = ear.sound(1.0, 2.2).reshape(110, FRAME)
    assert [place for place, frame in enumerate(heard) if frame.any()] == [0, 1, 2, *range(90, 100)]


def test_who_does_not_count_the_time_of_his_silence_is_heard_where_he_goes_on() -> None:
    packets = _spoken(_tone(6))
    ear = _heard_of(packets, [*_beats(3, 1.0), *_beats(3, 2.0)])
    heard = ear.sound(1.0, 1.06).reshape(53, FRAME)
    assert [place for place, frame in enumerate(heard) if frame.any()] == [0, 1, 2, 50, 51, 52]


def test_more_streams_than_anybody_needs_are_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccplatform.proof.ear._MOST_STREAMS", 2)
    ear = _heard_of([_spoken(_tone(1), ssrc=ssrc)[0] for ssrc in (1, 2, 3)], _beats(3, 1.0))
    assert (ear.received, ear.expected, ear.lost) == (2, 2, 0)


@given(st.text(alphabet="".join(KEYS), min_size=1, max_size=12))
def test_keys_are_told_as_the_engine_understands_them(keys: str) -> None:
    mouth, heard = Mouth(ssrc=7, law=Law.PCMA, event_type=96), []
    listener = DigitListener(lambda digit, at: heard.append(digit))
    mouth.press(keys)
    ended, now = 0, 0.0
    while mouth.pressing:
        packets, ends = mouth.packets()
        ended += ends
        now += 0.02
        for packet in packets:
            if packet[1] & 0x7F == 96:
                listener.packet(packet[12:], int.from_bytes(packet[4:8], "big"), now)
        listener.tick(now)
    assert "".join(heard) == keys
    assert ended == len(keys)


def test_sound_waits_for_keys_and_nothing_else_is_a_key() -> None:
    mouth = Mouth(ssrc=7, law=Law.PCMA, event_type=96)
    with pytest.raises(KeyError):
        mouth.press("12x")
    assert not mouth.pressing
    mouth.say(_tone(2))
    mouth.press("5")
    kinds = [packet[1] & 0x7F for _ in range(12) for packet in mouth.packets()[0]]
    assert kinds == [96] * (4 + 3) + [8] * 7  # held for 100 ms, its end told three times


def test_without_telephone_events_keys_are_not_sent() -> None:
    mouth = Mouth(ssrc=random.getrandbits(32), law=Law.PCMU, event_type=None)
    assert not mouth.presses
    mouth.press("1")
    packets, ends = mouth.packets()
    assert ([packet[1] & 0x7F for packet in packets], ends) == ([0], False)


def test_who_floods_is_heard_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccplatform.proof.ear._MOST_PACKETS", 3)
    ear = Ear()
    for packet in _spoken(_tone(5)):
        ear.packet(packet, 1.0)
    assert (ear.received, len(ear.packets)) == (3, 3)

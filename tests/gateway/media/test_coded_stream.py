"""Payloads of a codec with state: decoded once, in order, whatever the network does to their order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.audio import Pcm
from gateway.media.codecs import Codec
from gateway.media.coded_stream import CodedPacket, CodedStream

_CODEC = Codec(name="opus", payload_type=96, clock=48000, rate=16000)
_BAD = b"bad"


class _Coder:
    """Writes down what it is asked for."""

    def __init__(self, recovers: bool = True) -> None:
        self.decoded: list[int] = []
        self.recovered: list[tuple[int, int]] = []
        self._recovers = recovers

    def encode(self, pcm: Pcm) -> bytes:
        return b""

    def decode(self, payload: bytes) -> Pcm:
        if payload == _BAD:
            return np.zeros(0, dtype=np.int16)
        self.decoded.append(int(payload))
        return np.zeros(320, dtype=np.int16)

    def expect_loss(self, share: float) -> None:
        pass

    def recover(self, following: bytes, samples: int) -> Pcm:
        self.recovered.append((int(following), samples))
        return np.zeros(samples if self._recovers else 0, dtype=np.int16)


def packet(number: int, *, begins: bool = False, payload: bytes | None = None, start: int = 65_530) -> CodedPacket:
    return CodedPacket(
        sequence=(start + number) & 0xFFFF,
        timestamp=(0xFFFFF000 + 960 * number) & 0xFFFFFFFF,
        marker=False,
        begins=begins,
        payload=b"%d" % number if payload is None else payload,
        due=0.0,
        tick=0,
    )


def fed(coder: _Coder, *numbers: int) -> CodedStream:
    stream = CodedStream(_CODEC, coder)
    for number in numbers:
        stream.put(packet(number))
    return stream


def stamps(stream: CodedStream, needed: bool) -> list[float]:
    return [((piece.timestamp - 0xFFFFF000) & 0xFFFFFFFF) / 960 for piece in stream.decode(needed)]


def test_what_follows_is_decoded_at_once_over_the_wrap_of_both_counters() -> None:
    coder = _Coder()
    assert stamps(fed(coder, *range(12)), needed=False) == list(range(12))
    assert coder.decoded == list(range(12))


def test_behind_a_gap_packets_wait_for_what_is_missing() -> None:
    coder = _Coder()
    stream = fed(coder, 0, 2, 3)
    assert stamps(stream, needed=False) == [0]
    assert stamps(stream, needed=False) == []
    stream.put(packet(1))
    assert stamps(stream, needed=False) == [1, 2, 3]
    assert (coder.decoded, coder.recovered) == ([0, 1, 2, 3], [])


def test_a_gap_that_is_needed_is_filled_with_what_the_codec_recovers() -> None:
    coder = _Coder()
    stream = fed(coder, 0, 2)
    assert stamps(stream, needed=True) == [0]  # packet 2 came early enough: the next take does not need it yet
    assert stamps(stream, needed=True) == [1, 2]
    assert coder.recovered == [(2, 320)]
    stream.put(packet(1))
    assert (stamps(stream, needed=True), stream.late) == ([], 1)


def test_of_a_long_gap_only_the_end_is_recovered() -> None:
    coder = _Coder()
    stream = fed(coder, 0, 3)
    assert [stamps(stream, needed=True) for _ in range(2)] == [[0], [1, 3]]
    stream.put(packet(40))
    assert stamps(stream, needed=True) == [39, 40]
    assert coder.recovered == [(3, 640), (40, 320)]


def test_a_codec_without_redundancy_leaves_the_gap_to_concealment() -> None:
    stream = fed(_Coder(recovers=False), 0, 2)
    assert [stamps(stream, needed=True) for _ in range(2)] == [[0], [2]]


def test_a_new_stream_forgets_what_waited() -> None:
    coder = _Coder()
    stream = fed(coder, 0, 5, 6)
    stream.decode(needed=False)
    stream.put(packet(1000, begins=True))
    assert stamps(stream, needed=False) == [1000]
    assert coder.decoded == [0, 1000]


def test_malformed_payloads_are_counted_and_leave_a_gap() -> None:
    stream = fed(_Coder(), 0)
    stream.put(packet(1, payload=_BAD))
    stream.put(packet(2))
    assert stamps(stream, needed=False) == [0, 2]
    assert (stream.take_malformed(), stream.take_malformed()) == (1, 0)


@given(st.lists(st.tuples(st.integers(0, 300), st.booleans(), st.booleans()), max_size=80))
def test_nothing_is_decoded_twice_or_backwards(events: list[tuple[int, bool, bool]]) -> None:
    coder = _Coder()
    stream = CodedStream(_CODEC, coder)
    for number, needed, _ in events:
        stream.put(packet(number))
        stream.decode(needed)
    assert coder.decoded == sorted(set(coder.decoded))

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.kernel.frames import BadFrame, FrameDecoder, encode_frame

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=8), st.lists(st.integers(1, 50), min_size=1))
def test_messages_come_out_as_they_went_in_however_the_stream_is_cut(
    messages: list[object], cuts: list[int]
) -> None:
    stream = b"".join(encode_frame(message) for message in messages)
    decoder, out, place, turn = FrameDecoder(), [], 0, 0
    while place < len(stream):
        size = cuts[turn % len(cuts)]
        out += decoder.feed(stream[place : place + size])
        place, turn = place + size, turn + 1
    assert out == messages


def test_a_frame_over_the_limit_is_refused_before_its_body_is_there() -> None:
    with pytest.raises(BadFrame, match="frame of 101 bytes, the limit is 100"):
        FrameDecoder(max_bytes=100).feed((101).to_bytes(4, "big"))


@given(st.binary(min_size=1, max_size=40))
def test_bytes_that_are_no_frame_raise_nothing_but_bad_frame(junk: bytes) -> None:
    with suppress(BadFrame):
        FrameDecoder(max_bytes=1000).feed(junk)


def test_a_body_that_is_not_json_is_refused() -> None:
    with pytest.raises(BadFrame, match="not JSON"):
        FrameDecoder().feed((3).to_bytes(4, "big") + b"{a}")

"""How far the clock is off: answers of time servers, who of them is believed, and when that is an alarm."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.operations.timekeeping import (
    OFF,
    ROUNDS,
    UNWATCHED,
    BadAnswer,
    ClockWatch,
    Reading,
    question,
    reading,
    stamp,
)
from tests.support.time_server import answer_to

COOKIE = 0x0123456789ABCDEF
NOW = 1_790_000_000.0


def read(offset: float, *, there: float = 0.010, back: float = 0.010, at: float = NOW, **more: int) -> Reading:
    """What comes of a server whose clock is ``offset`` seconds before ours, over a way of these delays."""
    answer = answer_to(question(COOKIE), at=at + there + offset, **more)
    return reading(answer, cookie=COOKIE, sent=at, received=at + there + back)


@given(st.floats(-3600, 3600), st.floats(0, 1.0))
def test_the_offset_is_found_whatever_the_way_takes(offset: float, way: float) -> None:
    found = read(offset, there=way, back=way)
    assert found.offset == pytest.approx(offset, abs=1e-4)
    assert found.delay == pytest.approx(2 * way, abs=1e-4)


@given(st.floats(0, 0.5), st.floats(0, 0.5))
def test_what_the_way_hides_is_within_the_distance(there: float, back: float) -> None:
    found = read(0.0, there=there, back=back)
    assert abs(found.offset) <= found.distance + 1e-4


def test_a_new_era_changes_nothing() -> None:
    turn = 2_085_978_496.0  # 7 February 2036, when the seconds of NTP begin anew
    assert stamp(turn) == 0
    assert read(5.0, at=turn - 2.0).offset == pytest.approx(5.0, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stratum": 0}, "left alone"),
        ({"stratum": 16}, "does not know"),
        ({"head": 0xE4}, "does not know"),  # leap indicator 3
        ({"head": 0x23}, "another question"),  # a client's
    ],
)
def test_what_says_nothing_of_the_time_is_not_read(change: dict[str, int], reason: str) -> None:
    with pytest.raises(BadAnswer, match=reason):
        read(0.0, **change)


def test_an_answer_to_somebody_elses_question_is_not_read() -> None:
    with pytest.raises(BadAnswer, match="another question"):
        reading(answer_to(question(COOKIE + 1), at=NOW), cookie=COOKIE, sent=NOW, received=NOW)


@given(st.binary(max_size=80))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        reading(data, cookie=COOKIE, sent=NOW, received=NOW)


def test_the_question_tells_nothing_of_our_clock() -> None:
    asked = struct.unpack("!BBbbII4sQQQQ", question(COOKIE))
    assert asked == (0x23, 0, 0, 0, 0, 0, bytes(4), 0, 0, 0, COOKIE)


def test_of_three_one_may_be_wrong() -> None:
    watch = ClockWatch(("a", "b", "c"), 1.0)
    for _ in range(ROUNDS):
        watch.round({"a": read(0.1), "b": read(500.0), "c": read(-0.1)})
    assert watch.due() == {OFF: "", UNWATCHED: ""}


def test_of_two_the_nearer_one_is_believed() -> None:
    watch = ClockWatch(("near", "far"), 1.0)
    watch.round({"near": read(0.2), "far": read(9.0, there=0.4, back=0.4)})
    best = watch.best()
    assert best is not None
    assert best.offset == pytest.approx(0.2, abs=1e-4)


@pytest.mark.parametrize(("offset", "words"), [(1.2, "1.200 s behind"), (-1.2, "1.200 s ahead of")])
def test_a_clock_that_is_wrong_twice_is_an_alarm_and_right_twice_its_end(offset: float, words: str) -> None:
    watch = ClockWatch(("a",), 1.0)
    watch.round({"a": read(offset)})
    assert OFF not in watch.due()
    watch.round({"a": read(offset)})
    assert words in watch.due()[OFF]
    watch.round({"a": read(0.9)})
    assert OFF not in watch.due()
    watch.round({"a": read(0.9)})
    assert watch.due()[OFF] == ""


def test_servers_that_are_silent_are_an_alarm_of_their_own() -> None:
    watch = ClockWatch(("a", "b"), 1.0)
    for _ in range(ROUNDS):
        watch.round({"a": "no answer", "b": "Connection refused"})
    assert watch.due() == {UNWATCHED: "no time server answers: a: no answer; b: Connection refused"}
    for _ in range(ROUNDS):
        watch.round({"a": "no answer", "b": read(0.0)})
    assert watch.due() == {OFF: "", UNWATCHED: ""}


def test_without_servers_nothing_is_up() -> None:
    watch = ClockWatch((), 1.0)
    for _ in range(2 * ROUNDS):
        watch.round({})
    assert watch.due() == {OFF: "", UNWATCHED: ""}

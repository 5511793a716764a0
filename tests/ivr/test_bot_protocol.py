"""What bots may say, how their sound waits, and what no transcript holds."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.kernel.errors import RemoteViolation
from ivr.bots.masking import CardMask, without_cards
from ivr.bots.protocol import MAX_TEXT_BYTES, End, Mark, Transfer, Turn, message_from
from ivr.bots.sound import MAX_MARKS, WaitingSound

#: Frames at 8 kHz.
LOUD, QUIET = b"\0\x10" * 160, b"\1\0" * 160


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "mark", "name": "a"}', Mark(name="a")),
        ('{"type": "turn", "speaker": "caller", "text": "hi", "more": 1}', Turn(speaker="caller", text="hi")),
        ('{"type": "transfer", "to": "people"}', Transfer(to="people", variables={})),
        ('{"type": "end", "outcome": "x", "variables": {"a": "1"}}', End(outcome="x", variables={"a": "1"})),
    ],
)
def test_messages_of_bots(text: str, message: object) -> None:
    assert message_from(text) == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"type": "sing"}',
        '{"type": "turn", "speaker": "nobody", "text": "x"}',
        '{"type": "turn", "speaker": "bot", "text": ""}',
        '{"type": "turn", "speaker": "bot", "text": "' + "x" * 2001 + '"}',
        '{"type": "transfer"}',
        '{"type": "end", "variables": {"a": 1}}',
        '{"type": "mark", "name": "' + "x" * 65 + '"}',
        '{"type": "clear", "more": "' + "x" * MAX_TEXT_BYTES + '"}',
        '{"type": "turn", "speaker": "bot", "text": "\\ud800"}',
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(RemoteViolation):
        message_from(text)


@given(st.one_of(st.text(), st.recursive(st.none() | st.text(), st.lists).map(json.dumps)))
def test_whatever_a_bot_says_is_a_message_or_a_violation(text: str) -> None:
    with suppress(RemoteViolation):
        message_from(text)


@given(st.lists(st.integers(1, 500), max_size=30))
def test_sound_comes_out_as_it_went_in_then_silence(lengths: list[int]) -> None:
    sound = WaitingSound(8000, 10.0)
    said = b"".join(bytes([1 + index % 255]) * (2 * length) for index, length in enumerate(lengths))
    begin = 0
    for length in lengths:
        sound.put(said[begin : begin + 2 * length])
        begin += 2 * length
    frames = [sound.take() for _ in range(len(said) // sound.frame_bytes + 5)]
    heard = b"".join(frame for frame in frames if frame is not None)
    assert heard.rstrip(b"\0") == said
    assert len(heard) % sound.frame_bytes == 0
    assert sound.take() is None


def test_a_mark_is_reached_when_the_sound_before_it_was_taken() -> None:
    sound = WaitingSound(8000, 10.0)
    sound.mark("begin")
    sound.put(b"\1\0" * 160)
    sound.mark("end")
    assert sound.reached() == ["begin"]
    sound.take()
    assert sound.reached() == ["end"]
    sound.put(b"\1\0" * 160)
    sound.mark("dropped")
    assert sound.clear() == ["dropped"]
    assert (sound.take(), sound.reached(), len(sound)) == (None, [], 0)


def test_the_rest_of_a_frame_is_waited_for_a_while() -> None:
    sound = WaitingSound(8000, 1.0)
    sound.put(b"\1\0" * 100)
    assert sound.take() is None
    sound.put(b"\1\0" * 60)
    assert sound.take() == b"\1\0" * 160
    sound.put(b"\1\0" * 10)
    assert [sound.take() is None for _ in range(3)] == [True, True, False]


def test_a_bot_that_speaks_as_it_hears_is_not_late_for_good() -> None:
    sound = WaitingSound(8000, 1.0)
    assert [sound.take() for _ in range(4)] == [None] * 4  # its turns that it missed, as the processor was busy
    sound.put(QUIET * 4)
    delays = []
    for number in range(200):
        sound.put(LOUD if number % 50 == 0 else QUIET)
        sound.take()
        delays.append(len(sound) // sound.frame_bytes)
    assert (delays[0], delays[-1]) == (4, 1)


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=300))
def test_of_what_a_bot_says_only_quiet_frames_are_left_out(said: list[tuple[int, bool]]) -> None:
    sound, heard, loud = WaitingSound(8000, 60.0), list[bytes | None](), 0
    for frames, speaks in said:
        for _ in range(frames):
            sound.put(LOUD if speaks else QUIET)
        loud += frames if speaks else 0
        heard.append(sound.take())
    heard += [sound.take() for _ in range(sum(frames for frames, _ in said))]
    assert (heard.count(LOUD), len(sound)) == (loud, 0)


def test_a_pause_in_what_a_bot_sent_ahead_is_as_long_as_it_is() -> None:
    sound = WaitingSound(8000, 10.0)
    said = [LOUD] * 40 + [QUIET] * 100 + [LOUD] * 40
    sound.put(b"".join(said))
    assert [sound.take() for _ in said] == said


def test_what_goes_beyond_the_bounds_is_refused() -> None:
    sound = WaitingSound(8000, 1.0)
    with pytest.raises(RemoteViolation, match="half a sample"):
        sound.put(b"\0")
    sound.put(bytes(16_000))
    with pytest.raises(RemoteViolation, match="more sound"):
        sound.put(bytes(2))
    for number in range(MAX_MARKS):
        sound.mark(str(number))
    with pytest.raises(RemoteViolation, match="marks"):
        sound.mark("one more")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("My card is 4111 1111 1111 1111, thanks", "My card is ****1111, thanks"),
        ("4111-1111-1111-1112", "****1112"),
        ("卡号是6222020200112233445", "卡号是****3445"),
        ("六二二二 零二零零 一一二二 三三四四", "****"),
        ("four one one one, one one one one one one one one one one one one.", "****."),
        ("four 111 one 1111111111", "****"),
        ("call 13800000001 or 010-8888-8888", "call 13800000001 or 010-8888-8888"),
        ("it is one of three", "it is one of three"),
    ],
)
def test_numbers_of_cards_are_masked(said: str, kept: str) -> None:
    assert without_cards(said) == kept


@pytest.mark.parametrize(
    ("turns", "kept"),
    [
        (["4111 1111", "1111 1111"], ["4111 1111", "****"]),
        (["it is 6222", "0202", "ok, 0011", "2233 445"], ["it is 6222", "0202", "ok, ****", "****"]),
        (["四一一一 一一一一", "嗯", "一一一一 一一一一。"], ["四一一一 一一一一", "嗯", "****。"]),
        (
            ["four one one one", "one one one one one", "one one", "one"],
            ["four one one one", "one one one one one", "one one", "****"],
        ),
        (["138 0000", "0001"], ["138 0000", "0001"]),
        (
            ["my account is 600001", "I moved and now it is 13800000001"],
            ["my account is 600001", "I moved and now it is 13800000001"],
        ),
    ],
)
def test_numbers_of_cards_in_several_turns_are_masked(turns: list[str], kept: list[str]) -> None:
    mask = CardMask()
    found = []
    for turn in turns:
        found.append(mask.masked("caller", turn))
        mask.masked("bot", "go on")
    assert found == kept


@given(st.lists(st.integers(1, 8), min_size=2, max_size=19))
def test_of_a_number_in_turns_no_more_than_eleven_digits_are_shown(sizes: list[int]) -> None:
    mask = CardMask()
    shown = "".join(mask.masked("caller", "7" * size) for size in sizes)
    assert shown.count("7") <= max(11, sizes[0])


@given(st.text(alphabet="0123456789 -one四x", max_size=300))
def test_no_thirteen_digits_are_left_together(said: str) -> None:
    kept = "".join(without_cards(said).split()).replace("-", "")
    run = 0
    for sign in kept:
        run = run + 1 if sign.isdecimal() else 0
        assert run < 17, kept  # four shown ones may stand before twelve others

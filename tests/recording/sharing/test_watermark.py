"""The mark of an export: found again after what people do to sound, never found where there is none."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from recording.sharing.watermark import BLOCK, LEVEL_DB, MAX_NUMBER, find, mark
from tests.support import g711
from tests.support.speech import speech_like

KEY = b"k" * 32
NUMBER = 0b11_0101_0001_1100_1110_0011_0101


def talk(seconds: int = 40) -> np.ndarray:
    """Two who speak in turns, with silence between them."""
    left, right = speech_like(seconds, seed=1), speech_like(seconds, seed=2)
    turn = (np.arange(seconds * 8000) // 24_000) % 3
    return np.stack([left * (turn == 0), right * (turn == 1)], axis=1).astype(np.int16)


TALK = talk()
MARKED = mark(TALK, 0, NUMBER, KEY)


def coded(sound: np.ndarray, form: str, subtype: str) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, sound, 8000, format=form, subtype=subtype)
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="int16")[0])


def test_it_is_as_quiet_as_told_and_nothing_where_nobody_speaks() -> None:
    difference = MARKED.astype(float) - TALK
    told = 20 * np.log10(np.sqrt((TALK.astype(float) ** 2).mean()) / np.sqrt((difference**2).mean()))
    assert told == pytest.approx(LEVEL_DB, abs=0.5)
    assert not difference[TALK.reshape(-1, BLOCK, 2).any(axis=(1, 2)).repeat(BLOCK) == 0].any()


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda sound: sound, id="as it is"),
        pytest.param(lambda sound: sound[12_345:212_345], id="cut out"),
        pytest.param(lambda sound: sound[:, 0], id="one side"),
        pytest.param(lambda sound: sound.astype(int).sum(axis=1) // 3, id="mixed and quieter"),
        pytest.param(lambda sound: g711.decode(g711.encode(sound[:, 0], "PCMA"), "PCMA"), id="through G.711"),
        pytest.param(lambda sound: coded(sound, "OGG", "OPUS"), id="through Opus"),
        pytest.param(lambda sound: coded(sound, "MP3", "MPEG_LAYER_III"), id="through MP3"),
    ],
)
def test_it_is_found_after_what_people_do_to_sound(changed: object) -> None:
    found = find(changed(MARKED), KEY)  # type: ignore[operator]
    assert found is not None
    assert found.number == NUMBER


def test_nothing_is_found_without_a_mark_or_with_another_key() -> None:
    assert find(TALK, KEY) is None
    assert find(MARKED, b"o" * 32) is None
    assert find(np.zeros((80_000, 2), dtype=np.int16), KEY) is None
    assert find(MARKED[:100], KEY) is None


@settings(max_examples=15, deadline=None)
@given(number=st.integers(0, MAX_NUMBER))
def test_every_number_is_told_from_the_others(number: int) -> None:
    found = find(mark(TALK, 0, number, KEY), KEY)
    assert found is not None
    assert found.number == number


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, len(TALK) // BLOCK - 1), max_size=4))
def test_parts_of_any_size_are_marked_as_the_whole(cuts: list[int]) -> None:
    places = [0, *sorted({cut * BLOCK for cut in cuts}), len(TALK)]
    parts = [mark(TALK[a:b], a, NUMBER, KEY) for a, b in pairwise(places)]
    assert (np.concatenate(parts) == MARKED).all()

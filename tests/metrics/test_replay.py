"""Each event counts once."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from metrics.replay import MAX_EPOCHS, REPLAY_EVENTS, ReplayWindow


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 300))))
def test_first_sights_are_exactly_the_distinct_numbers(numbers: list[tuple[str, int]]) -> None:
    window = ReplayWindow()
    seen = [number for number in numbers if window.first_sight(*number)]
    assert sorted(seen) == sorted(set(numbers))
    assert window.repeated == len(numbers) - len(seen)


def test_memory_is_bounded_by_forgetting_old_numbers() -> None:
    window = ReplayWindow()
    for seq in range(1, 4 * REPLAY_EVENTS, 7):
        assert window.first_sight("epoch", seq)
    assert not window.first_sight("epoch", 1)
    assert len(window.snapshot()["epoch"]["blocks"]) <= REPLAY_EVENTS // 64 + 2
    assert window.first_sight("epoch", 10**12)
    assert len(window.snapshot()["epoch"]["blocks"]) == 1


def test_old_epochs_are_forgotten() -> None:
    window = ReplayWindow()
    for number in range(MAX_EPOCHS + 5):
        window.first_sight(str(number), 1)
    assert len(window.snapshot()) == MAX_EPOCHS


def test_a_restored_window_knows_what_was_seen() -> None:
    window, restored = ReplayWindow(), ReplayWindow()
    window.first_sight("epoch", 5)
    restored.restore(json.loads(json.dumps(window.snapshot())))
    assert not restored.first_sight("epoch", 5)
    assert restored.first_sight("epoch", 4)

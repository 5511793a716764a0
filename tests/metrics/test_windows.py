"""Sliding windows equal brute force, whatever the order, exactly."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from metrics.windows import SlidingLevel, SlidingSums

WIDTH = 10

seconds = st.integers(0, 60)
events = st.lists(st.tuples(seconds, st.integers(-3, 9), st.integers(0, 10**9)), max_size=60)


def brute_force(facts: list[tuple[int, int, int]], now: int) -> tuple[int, int]:
    end = max([now, *(second for second, _, _ in facts)])
    inside = [(a, b) for second, a, b in facts if end - WIDTH < second <= end]
    return sum(a for a, _ in inside), sum(b for _, b in inside)


@given(events, seconds)
def test_sums_equal_brute_force(facts: list[tuple[int, int, int]], now: int) -> None:
    window = SlidingSums(WIDTH, 2)
    for second, a, b in facts:
        window.add(second, a, b)
    assert window.totals(now) == brute_force(facts, now)


@given(events, st.randoms(use_true_random=False), seconds)
def test_sums_do_not_depend_on_order(facts: list[tuple[int, int, int]], random: object, now: int) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = SlidingSums(WIDTH, 2), SlidingSums(WIDTH, 2)
    for second, a, b in facts:
        one.add(second, a, b)
    for second, a, b in shuffled:
        other.add(second, a, b)
    assert one.totals(now) == other.totals(now)
    assert one.snapshot() == other.snapshot()


@given(events, seconds, seconds)
def test_reading_changes_nothing(facts: list[tuple[int, int, int]], now: int, then: int) -> None:
    window = SlidingSums(WIDTH, 2)
    for second, a, b in facts:
        window.add(second, a, b)
    before = window.snapshot()
    window.totals(now)
    assert window.snapshot() == before
    assert window.totals(then) == brute_force(facts, then)


@given(events, events, seconds)
def test_snapshot_and_later_facts_equal_the_live_window(
    first: list[tuple[int, int, int]], rest: list[tuple[int, int, int]], now: int
) -> None:
    live, restored = SlidingSums(WIDTH, 2), SlidingSums(WIDTH, 2)
    for second, a, b in first:
        live.add(second, a, b)
    restored.restore(json.loads(json.dumps(live.snapshot())))
    for second, a, b in rest:
        live.add(second, a, b)
        restored.add(second, a, b)
    assert restored.totals(now) == live.totals(now)
    assert restored.snapshot() == live.snapshot()


@given(events, st.randoms(use_true_random=False), st.integers(0, 90))
def test_windows_that_end_together_are_as_windows_alone(
    facts: list[tuple[int, int, int]], random: object, now: int
) -> None:
    random.shuffle(facts)  # type: ignore[attr-defined]
    widths = (3, WIDTH, 25)
    together, alone = SlidingSums(widths, 2), {width: SlidingSums(width, 2) for width in widths}
    for second, a, b in facts:
        together.add(second, a, b)
        for window in alone.values():
            window.add(second, a, b)
    restored = SlidingSums(widths, 2)
    restored.restore(json.loads(json.dumps(together.snapshot())))
    for width, window in alone.items():
        assert together.totals(now, width) == restored.totals(now, width) == window.totals(now)
    assert together.totals(now) == together.totals(now, 25)


def test_a_window_holds_exactly_its_width_in_seconds() -> None:
    window = SlidingSums(7200, 1)
    window.add(1000, 1)
    assert window.totals(1000 + 7199) == (1,)
    assert window.totals(1000 + 7200) == (0,)


def test_a_fact_too_late_is_not_counted_and_says_so() -> None:
    window = SlidingSums(WIDTH, 1)
    assert window.add(100, 1)
    assert window.add(91, 1)
    assert not window.add(90, 1)
    assert window.totals(100) == (2,)


def test_a_clock_set_back_does_not_empty_the_window() -> None:
    window = SlidingSums(WIDTH, 1)
    window.add(100, 1)
    window.add(95, 1)  # the clock was set back by five seconds
    assert window.totals(95) == (2,)


changes = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 5), st.integers(1, 5)), max_size=30)


@given(changes, st.integers(0, 25))
def test_level_equals_brute_force(steps: list[tuple[int, int, int]], elapsed: int) -> None:
    level = SlidingLevel(WIDTH)
    ticks: list[tuple[int, int]] = []  # one per microsecond
    current: tuple[int, int] | None = None
    for duration, amount, capacity in steps:
        level.change(duration, amount, capacity)
        ticks += [current] * duration if current is not None else []
        current = (amount, capacity)
    ticks += [current] * elapsed if current is not None else []
    inside = ticks[-WIDTH:]
    assert level.integrals(elapsed) == (sum(a for a, _ in inside), sum(c for _, c in inside))


@given(changes, changes, st.integers(0, 25))
def test_level_snapshot_and_later_changes_equal_live(
    first: list[tuple[int, int, int]], rest: list[tuple[int, int, int]], elapsed: int
) -> None:
    live, restored = SlidingLevel(WIDTH), SlidingLevel(WIDTH)
    for step in first:
        live.change(*step)
    restored.restore(json.loads(json.dumps(live.snapshot())))
    for step in rest:
        live.change(*step)
        restored.change(*step)
    assert restored.integrals(elapsed) == live.integrals(elapsed)
    assert restored.snapshot() == live.snapshot()


def test_load_of_an_unknown_level_is_unknown() -> None:
    assert SlidingLevel(WIDTH).load(5) is None

"""What waits between the worker's clock and the line's, over hours of virtual time."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isdn.line import BLOCK_SECONDS, OCTETS, SILENCE
from gateway.isdn.row_store import FIRST_ROWS, MOST_ROWS, RowStore

HOUR = 3600.0
#: How much later than its time a row may come, seconds.
JITTER = 0.008


@dataclass
class Taken:
    """One row at the line: when, and how long after it was sent (None: silence)."""

    at: float
    delay: float | None


def played(store: RowStore, *, ppm: float, hours: float) -> Iterator[Taken]:
    """A worker whose clock is by so much faster than the line's, which takes a row each 20 ms."""
    source = random.Random(1)
    pause, due, number = BLOCK_SECONDS / (1 + ppm / 1e6), 0.0, 0
    underway: deque[tuple[float, float]] = deque()
    for take in range(int(hours * HOUR / BLOCK_SECONDS)):
        at = take * BLOCK_SECONDS + BLOCK_SECONDS / 2
        while due <= at:
            underway.append((due, due + source.uniform(0, JITTER)))
            number, due = number + 1, (number + 1) * pause
        while underway and underway[0][1] <= at:
            store.put(underway.popleft()[0].hex().encode())
        row = store.take()
        yield Taken(at, None if row is SILENCE else at - float.fromhex(row.decode()))


@pytest.mark.parametrize("ppm", [50.0, -50.0, 0.0])
def test_clocks_that_differ_cost_slips_that_are_counted_and_no_delay(ppm: float) -> None:
    hours, store = 4.0, RowStore()
    first = last = 0.0
    silent = 0
    for taken in played(store, ppm=ppm, hours=hours):
        silent += taken.delay is None
        if taken.delay is not None:
            assert taken.delay < (FIRST_ROWS + 2) * BLOCK_SECONDS
            if taken.at < HOUR:
                first = max(first, taken.delay)
            elif taken.at > (hours - 1) * HOUR:
                last = max(last, taken.delay)
    assert last <= first + 0.001
    due = hours * HOUR * abs(ppm) / 1e6 / BLOCK_SECONDS  # 36 rows in four hours
    if ppm > 0:
        assert store.lost == 0
        assert store.dropped == pytest.approx(due, abs=2)
    elif ppm < 0:
        # A row is missing; another one is waited for, which is left out when it is not needed any more.
        assert store.lost - store.dropped == pytest.approx(due, abs=2)
        assert store.lost <= 2 * due + 2
    else:
        assert (store.lost, store.dropped) == (0, 0)
    assert silent <= store.lost + FIRST_ROWS


def test_what_a_burst_left_behind_is_left_out_within_a_minute() -> None:
    store = RowStore()
    for number in range(MOST_ROWS):
        store.put(bytes([number]) * OCTETS)
    for _ in range(3000):
        store.put(SILENCE)
        store.take()
    assert len(store) == FIRST_ROWS - 1
    assert store.lost == 0


@given(st.lists(st.booleans(), max_size=200))
def test_no_row_is_said_twice_or_out_of_order_or_lost_without_a_count(steps: list[bool]) -> None:
    store, put, said = RowStore(), 0, []
    for puts in steps:
        if puts:
            store.put(put.to_bytes(4, "big"))
            put += 1
        elif (row := store.take()) is not SILENCE:
            said.append(int.from_bytes(row, "big"))
        assert len(store) <= MOST_ROWS
    assert said == sorted(set(said))
    assert put == len(said) + len(store) + store.dropped

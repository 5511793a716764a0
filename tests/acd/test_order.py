"""The order that items can leave without being looked for."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from acd.order import Order


@dataclass(eq=False)
class Item:
    key: int
    place: int = 0


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=300))
def test_the_first_is_always_the_least_of_those_in_line(steps: list[tuple[int, bool]]) -> None:
    items = [Item(key=number % 7) for number in range(31)]
    order: Order[Item] = Order()
    for place, (number, joins) in enumerate(steps, start=1):
        item = items[number]
        item.place = place if joins else 0
        if joins:
            order.add((item.key,), item)
        waiting = [(item.key, item.place) for item in items if item.place]
        first = order.first()
        assert (None if first is None else (first[2].key, first[1])) == min(waiting, default=None)


def test_stale_entries_do_not_pile_up() -> None:
    order: Order[Item] = Order()
    items = [Item(key=number) for number in range(10)]
    for place in range(1, 10_000):
        item = items[place % 10]
        item.place = place
        order.add((item.key,), item)
    assert len(order) < 100

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
            order.add(item.key, str(number), item)
        waiting = [(item.key, str(number), item.place) for number, item in enumerate(items) if item.place]
        front = order.front()
        assert (None if front is None else front[:3]) == min(waiting, default=None)
        assert order.first() is (None if front is None else front[3])


def test_stale_entries_do_not_pile_up() -> None:
    order: Order[Item] = Order()
    items = [Item(key=number) for number in range(10)]
    for place in range(1, 10_000):
        item = items[place * 7 % 10]
        item.place = place
        order.add(item.key, "", item)
    assert len(order) < 100

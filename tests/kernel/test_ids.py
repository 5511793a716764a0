from __future__ import annotations

import uuid
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids


@given(st.lists(st.floats(min_value=-5, max_value=5), min_size=2, max_size=200))
def test_ids_of_one_instance_strictly_increase_whatever_the_wall_clock_does(jumps: list[float]) -> None:
    clock = VirtualClock()
    ids = Ids(clock)
    made = []
    for jump in jumps:
        clock.set_wall(datetime.fromtimestamp(clock.wall().timestamp() + jump, UTC))
        made.append(ids.new())
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_more_than_4096_ids_in_one_millisecond_still_increase() -> None:
    ids = Ids(VirtualClock())
    made = [ids.new() for _ in range(10_000)]
    assert all(a < b for a, b in pairwise(made))


def test_an_id_is_a_version_7_uuid_with_the_time_in_front() -> None:
    clock = VirtualClock(wall=datetime(2026, 1, 5, tzinfo=UTC))
    ident = uuid.UUID(Ids(clock).new())
    assert (ident.version, ident.variant) == (7, uuid.RFC_4122)
    assert ident.int >> 80 == int(clock.wall().timestamp() * 1000)

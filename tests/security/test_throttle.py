from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccplatform.security.throttle import Throttle


def _throttle(remembered: int = 100) -> Throttle:
    return Throttle(free=3, first_wait=5.0, longest_wait=60.0, remembered=remembered)


def test_the_first_attempts_are_free_then_waits_double_up_to_the_longest() -> None:
    throttle, now, waits = _throttle(), 0.0, []
    for _ in range(8):
        throttle.failed("sup1", now)
        waits.append(throttle.wait("sup1", now))
        now += waits[-1]
    assert waits == [0, 0, 5, 10, 20, 40, 60, 60]


def test_a_right_attempt_starts_anew() -> None:
    throttle = _throttle()
    for _ in range(5):
        throttle.failed("sup1", 0.0)
    throttle.succeeded("sup1")
    assert throttle.wait("sup1", 0.0) == 0
    assert len(throttle) == 0


def test_forgiving_takes_one_attempt_back_and_leaves_the_others() -> None:
    throttle = _throttle()
    for _ in range(3):
        throttle.failed("192.0.2.7", 0.0)
    throttle.forgive("192.0.2.7")
    assert throttle.wait("192.0.2.7", 0.0) == 0
    throttle.failed("192.0.2.7", 0.0)
    assert throttle.wait("192.0.2.7", 0.0) == 5
    throttle.forgive("nobody")


def test_a_long_quiet_time_is_forgotten() -> None:
    throttle = _throttle()
    for _ in range(4):
        throttle.failed("sup1", 0.0)
    assert throttle.wait("sup1", 10 + 60 + 1) == 0
    throttle.failed("sup1", 71.0)
    assert throttle.wait("sup1", 71.0) == 0


@given(st.lists(st.tuples(st.integers(0, 500), st.booleans()), max_size=400))
def test_memory_is_bounded_and_a_wait_is_never_longer_than_the_longest(attempts: list[tuple[int, bool]]) -> None:
    throttle = _throttle(remembered=50)
    for now, (key, right) in enumerate(attempts):
        if right:
            throttle.succeeded(str(key))
        else:
            throttle.failed(str(key), float(now))
        assert len(throttle) <= 50
        assert 0 <= throttle.wait(str(key), float(now)) <= 60

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccplatform.kernel.rates import TokenBucket


def test_a_burst_passes_then_the_rate_decides() -> None:
    bucket = TokenBucket(rate=2.0, burst=3.0)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(10.5), bucket.take(10.5)] == [True, False]
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False], "idle time saves one burst only"


@given(st.lists(st.floats(0, 5), max_size=200), st.floats(0.1, 50), st.floats(1, 50))
def test_never_more_pass_than_burst_and_rate_allow(pauses: list[float], rate: float, burst: float) -> None:
    now, passed = 0.0, 0
    bucket = TokenBucket(rate=rate, burst=burst)
    for pause in pauses:
        now += pause
        passed += bucket.take(now)
    assert passed <= burst + rate * now + 1e-6

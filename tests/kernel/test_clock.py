from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from ccplatform.kernel.clock import SystemClock, VirtualClock, sleep


def test_timers_fire_in_order_of_time_and_then_of_setting() -> None:
    clock, fired = VirtualClock(), []
    for name, delay in (("late", 2.0), ("early", 1.0), ("also early", 1.0)):
        clock.call_at(clock.now() + delay, lambda name=name: fired.append((name, clock.now())))  # type: ignore[misc]
    clock.advance(3)
    assert fired == [("early", 1001.0), ("also early", 1001.0), ("late", 1002.0)]
    assert clock.now() == 1003.0


def test_a_timer_set_by_a_timer_fires_in_the_same_advance_when_due() -> None:
    clock, fired = VirtualClock(), []

    def again() -> None:
        clock.call_at(1002, lambda: fired.append(clock.now()))

    clock.call_at(1001, again)
    clock.advance(5)
    assert fired == [1002.0]


def test_a_cancelled_timer_does_not_fire() -> None:
    clock, fired = VirtualClock(), []
    timer = clock.call_at(1001, lambda: fired.append(1))
    timer.cancel()
    clock.advance(5)
    timer.cancel()
    assert fired == []


def test_a_timer_in_the_past_fires_now_and_time_does_not_go_back() -> None:
    clock, seen = VirtualClock(), []
    clock.call_at(500, lambda: seen.append(clock.now()))
    clock.advance(0)
    assert seen == [1000.0]


def test_setting_the_wall_clock_changes_no_duration() -> None:
    clock = VirtualClock()
    clock.set_wall(datetime(2030, 1, 1, tzinfo=UTC))
    clock.advance(1.5)
    assert clock.now() == 1001.5
    assert clock.wall() == datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=1.5)


async def test_sleep_follows_the_clock_it_is_given() -> None:
    clock = VirtualClock()
    sleeper = asyncio.ensure_future(sleep(clock, 3600))
    await asyncio.sleep(0)
    clock.advance(3599)
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.advance(1)
    await sleeper


async def test_the_system_clock_runs_timers_on_the_loop() -> None:
    clock, fired = SystemClock(), asyncio.Event()
    clock.call_at(clock.now() - 1, fired.set)
    await fired.wait()
    assert clock.wall().tzinfo is UTC


async def test_a_timer_of_the_system_clock_is_never_early() -> None:
    clock, loop = SystemClock(), asyncio.get_running_loop()
    for microseconds in range(300, 3000, 90):
        due, fired = clock.now() + microseconds / 1e6, loop.create_future()
        clock.call_at(due, lambda fired=fired: fired.set_result(clock.now()))  # type: ignore[misc]
        assert await fired >= due

"""Delay that grew leaves within seconds once all is calm again, and our own late ticks bring none that stays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gateway.media.audio import FRAME, RATE, TICK_SECONDS, Array, Pcm
from gateway.media.jitter import JitterBuffer
from gateway.media.portable import PortableHotPath
from tests.gateway.media.lossy_legs import noise, voice

ROW = np.array([0])
PHASE = 0.008  # how long before a tick packets arrive
SECONDS = 12.0

#: What a leg says all the time: never a pause that a listener would call one.
SOUNDS: dict[str, Callable[[float], Pcm]] = {
    "a voice": lambda seconds: voice(seconds, 110.0),
    "a quiet room": lambda seconds: noise(seconds, 20.0),
    "a loud room": lambda seconds: noise(seconds, 400.0),
}


def _delays(sound: Pcm, *, stalls: tuple[tuple[float, float], ...] = (), late: Callable[[float], float]) -> Array:
    """The delay of the leg after each tick, ms. ``stalls`` of the network: since when, how long; ``late``: how
    many seconds the tick that is due then comes too late."""
    buffer = JitterBuffer(PortableHotPath(), start_ms=20, min_ms=10, max_ms=400)
    buffer.grow(1)
    packets = sound[: len(sound) // FRAME * FRAME].reshape(-1, 1, FRAME)
    number, due, heard = 0, TICK_SECONDS, []
    while due < SECONDS - 1:
        now = due + late(due)
        skipped = int((now - due) / TICK_SECONDS)
        buffer.overdue = skipped
        while (arrival := _arrival(number, stalls)) <= now:
            lead = np.array([(now - arrival) * RATE])
            timestamp, none = np.array([number * FRAME], dtype=np.uint32), np.array([False])
            buffer.place(ROW, timestamp, packets[number], none, np.array([number == 0]), lead)
            number += 1
        for _ in range(skipped + 1):
            buffer.take(1)
        due += (skipped + 1) * TICK_SECONDS
        heard.append(float(buffer.delay[0]) / RATE * 1000)
    return np.array(heard)


def _arrival(number: int, stalls: tuple[tuple[float, float], ...]) -> float:
    at = (number + 1) * TICK_SECONDS - PHASE
    return max([at, *(begin + length for begin, length in stalls if begin <= at < begin + length)])


def _at(seconds: float) -> int:
    return round(seconds / TICK_SECONDS)


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS)
def test_the_delay_of_one_stall_is_gone_after_five_seconds(sound: Callable[[float], Pcm]) -> None:
    delays = _delays(sound(SECONDS), stalls=((2.0, 0.06),), late=lambda due: 0.0)
    before = delays[_at(1.9)]
    assert delays[_at(3.0)] > before + 30
    assert delays[_at(7.0)] < before + 10


def test_the_delay_of_a_bad_start_is_gone_after_eight_seconds() -> None:
    stalls = ((0.5, 0.06), (1.1, 0.05), (1.8, 0.06))
    delays = _delays(SOUNDS["a loud room"](SECONDS), stalls=stalls, late=lambda due: 0.0)
    assert delays[_at(2.5)] > 50
    assert delays[_at(10.0)] < 30


@pytest.mark.parametrize("worst", [0.015, 0.055])
def test_late_ticks_of_our_own_bring_no_delay_that_stays(worst: float) -> None:
    generator = np.random.default_rng(3)
    delays = _delays(
        SOUNDS["a loud room"](SECONDS), late=lambda due: generator.uniform(0, worst) if due < 3 else 0.0
    )
    calm = _delays(SOUNDS["a loud room"](SECONDS), late=lambda due: 0.0)
    assert delays[-100:].mean() < calm[-100:].mean() + 1

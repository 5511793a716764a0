from __future__ import annotations

import numpy as np
import pytest

from gateway.media.audio import Pcm
from gateway.media.comfort_noise import ComfortNoise
from tests.gateway.media.lossy_legs import rms
from tests.gateway.media.peers import Rig, tone

ROW = np.array([0])


def _noise() -> ComfortNoise:
    noise = ComfortNoise(8000)
    noise.grow(2)
    return noise


def _sound(noise: ComfortNoise, ticks: int = 14) -> Pcm:
    return np.concatenate([noise.frame(ROW, tick)[0] for tick in range(ticks)])


@pytest.mark.parametrize("level", [30, 50, 65])
def test_the_level_of_a_sid_is_that_of_the_noise(level: int) -> None:
    """RFC 3389 section 3.1: decibels below the overload of the digital system."""
    noise = _noise()
    noise.describe(0, bytes([level]))
    assert 20 * np.log10(rms(_sound(noise)) / 32768) == pytest.approx(-level, abs=0.5)


def test_reflection_coefficients_colour_the_noise_and_keep_its_level() -> None:
    low, high = _noise(), _noise()
    low.describe(0, bytes([40, 127 - 100]))
    high.describe(0, bytes([40, 127 + 100]))
    for noise, is_low in ((low, True), (high, False)):
        sound = _sound(noise, 7)
        power = np.abs(np.fft.rfft(sound)) ** 2
        assert (power[: len(power) // 2].sum() > 10 * power[len(power) // 2 :].sum()) == is_low
        assert (power[len(power) // 2 :].sum() > 10 * power[: len(power) // 2].sum()) != is_low
        assert 20 * np.log10(rms(sound) / 32768) == pytest.approx(-40, abs=0.5)


def test_the_loop_of_noise_has_no_seam() -> None:
    noise = _noise()
    noise.describe(0, bytes([30, 20]))  # low-pass: neighbouring samples are close
    sound = _sound(noise, 15).astype(np.int32)
    steps = np.abs(np.diff(sound))
    assert steps[7 * 160 - 1] <= np.percentile(steps, 99.9)
    assert np.array_equal(sound[:160], sound[7 * 160 : 8 * 160])


@pytest.mark.parametrize("payload", [b"", b"\xff", bytes(200), bytes([10]) + b"\xff" * 40])
def test_any_payload_makes_noise_within_bounds(payload: bytes) -> None:
    noise = _noise()
    noise.describe(0, payload)
    assert np.abs(_sound(noise).astype(np.int32)).max() <= 32767


def test_a_described_noise_is_not_replaced_by_a_guess() -> None:
    noise = _noise()
    noise.follow(ROW, np.array([50.0]))
    assert rms(_sound(noise)) == pytest.approx(50, rel=0.05)
    noise.follow(ROW, np.array([5000.0]))  # nothing but speech was heard
    assert not _sound(noise).any()
    noise.describe(0, bytes([60]))
    noise.follow(ROW, np.array([100.0]))
    assert rms(_sound(noise)) == pytest.approx(32.8, rel=0.05)
    noise.clear(0)
    assert not _sound(noise).any()


def test_a_peer_that_sends_comfort_noise_is_heard_as_noise_until_it_speaks(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.connect_leg(a, caller.remote(noise_payload_type=13))
    rig.engine.routing.bridge(a, b)
    rig.talk((caller, tone(500, 1.0)))
    caller.send(caller.packet(bytes([50, 127]), 13))
    caller.timestamp += 50 * 160
    rig.ticks(50)
    pause = agent.heard()[-6000:]
    assert 20 * np.log10(rms(pause) / 32768) == pytest.approx(-50, abs=1)
    assert rig.engine.parts.concealer.concealed[a.row] == 0
    agent.packets.clear()
    rig.talk((caller, tone(500, 1.0)))
    assert rms(agent.heard()[800:7000]) > 5000

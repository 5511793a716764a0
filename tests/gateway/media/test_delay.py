"""The delay of the jitter buffer: what is wanted (delays.py), and how it is brought about (stretching.py)."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.media.audio import RATE, Array, Pcm
from gateway.media.delays import DelayHistogram, delay_rules
from gateway.media.portable import PortableHotPath, worth_waiting
from gateway.media.stretching import Stretcher
from tests.gateway.media.lossy_legs import LossyLegs, click, voice
from tests.gateway.media.peers import tone

ROW = np.array([0])
ABSENT = -32768


def _histogram(delays_ms: Array) -> DelayHistogram:
    histogram = DelayHistogram(RATE)
    histogram.grow(1)
    base = histogram.begin(ROW)
    for delay in delays_ms.tolist():
        histogram.forget()
        histogram.note(ROW, base + delay * 8, np.array([False]))
    return histogram


def _worth(histogram: DelayHistogram) -> float:
    return float(worth_waiting(histogram.bins[ROW], delay_rules(RATE, 160, 80))[0][0])


def _wanted_ms(histogram: DelayHistogram) -> float:
    return (_worth(histogram) - (32 + 0.5) * histogram.bin) / 8


def test_the_delay_covers_the_jitter_but_not_a_rare_spike() -> None:
    generator = np.random.default_rng(1)
    delays = generator.uniform(0, 60, 1000)
    assert 55 <= _wanted_ms(_histogram(delays)) <= 65
    delays[::400] = 250
    assert 55 <= _wanted_ms(_histogram(delays)) <= 65
    delays[::25] = 150  # one in twenty-five is worth waiting for
    assert 150 <= _wanted_ms(_histogram(delays)) <= 160


def test_a_calm_network_is_believed_within_a_minute() -> None:
    stormy, calm = np.linspace(0, 100, 500), np.zeros(1500)
    assert _wanted_ms(_histogram(np.concatenate([stormy, calm[:250]]))) > 80
    assert _wanted_ms(_histogram(np.concatenate([stormy, calm, calm]))) <= 10


def test_a_drifting_clock_stays_within_the_histogram() -> None:
    histogram = DelayHistogram(RATE)
    histogram.grow(1)
    delay, moved = float(histogram.begin(ROW)[0]), 0.0
    for _ in range(60_000):
        histogram.forget()
        delay += 0.05
        histogram.note(ROW, np.array([delay]), np.array([False]))
        if delay % 20 < 0.05:
            by = float(histogram.recentre(ROW)[0])
            delay, moved = delay + by, moved + by
        assert 0 <= _worth(histogram) - delay < 4 * histogram.bin
    assert moved < -2000


def _stretched(sound: Pcm, wanted: int, background: float = 0.0) -> tuple[Pcm, int]:
    """Whether and how 20 ms at a time of a buffered sound are changed, until nothing more is wanted."""
    ring = np.full((1, 8 * RATE), ABSENT, dtype=np.int16)
    ring[0, 1000 : 1000 + len(sound)] = sound
    stretcher, head, end, total = Stretcher(PortableHotPath(), RATE), 1800, 1000 + len(sound), 0
    while head + 400 < end:
        if wanted - total:
            added = stretcher.apply(
                ring, ROW, head, np.array([end]), np.array([wanted - total]), np.array([background])
            )
            total += int(added[0])
            end += int(added[0])
        head += 160
    return ring[0, 1000:end], total


@pytest.mark.parametrize("hertz", [400.0, 425.0, 440.0, 1004.0, 2100.0])
@pytest.mark.parametrize("wanted", [160, -160])
def test_tones_are_made_longer_and_shorter_without_a_click(hertz: float, wanted: int) -> None:
    sound, added = _stretched(tone(hertz, 1.0), wanted)
    assert added != 0
    assert added * wanted > 0
    assert len(sound) == RATE + added
    assert click(sound, hertz) < 0.02 * 8000
    assert np.abs(sound[800:-800].astype(np.int32)).reshape(-1)[:6000].reshape(-1, 40).max(axis=1).min() > 6000


@pytest.mark.parametrize("wanted", [160, 37, -37, -160])
def test_a_pause_is_changed_to_the_sample(wanted: int) -> None:
    quiet = np.random.default_rng(3).integers(-20, 20, RATE).astype(np.int16)
    sound, added = _stretched(quiet, wanted, background=12.0)
    assert added == wanted
    assert len(sound) == RATE + wanted


def test_speech_is_changed_by_whole_pitch_periods() -> None:
    said = voice(1.0, 100.0)
    sound, added = _stretched(said, 160)
    assert added > 0
    first = int(np.argmax(sound[: len(said)] != said))
    follows = said[first + 200 : first + 800]
    assert np.array_equal(sound[first + 200 + added : first + 800 + added], follows)


@pytest.mark.parametrize("peak", [100, 200, 1000])
@pytest.mark.parametrize("wanted", [400, -400])
def test_a_quiet_tone_stays_in_phase_though_it_is_all_there_is(peak: int, wanted: int) -> None:
    period, cycles = RATE / 440.0, round(440.0)
    said = np.rint(peak * np.sin(2 * np.pi * np.arange(RATE) * cycles / RATE)).astype(np.int16)
    sound, added = _stretched(said, wanted, background=peak / 2**0.5)
    assert abs(added) >= 300
    off = (np.arange(len(sound)) / period % 1) * 2 * np.pi
    angles = [
        np.angle(np.sum(sound[at : at + 200] * np.exp(-1j * off[at : at + 200])))
        for at in range(0, len(sound) - 200, 200)
    ]
    loudness = np.sqrt(np.square(sound[: len(sound) // 200 * 200].astype(float)).reshape(-1, 200).mean(axis=1))
    assert loudness.min() > 0.9 * peak / 2**0.5
    assert np.abs(np.diff(np.unwrap(angles))).max() < 0.6  # a cut at any place shifts it by up to pi


def test_growth_adds_no_more_than_is_wanted_where_less_will_do() -> None:
    least = 24  # three periods: the shortest that may be added at once
    for wanted in range(40, 160, 7):
        _, added = _stretched(tone(1020.0, 1.0), wanted)
        assert wanted <= added < wanted + least


def test_noise_is_not_cut_for_a_little_gain() -> None:
    loud = (np.random.default_rng(4).standard_normal(RATE) * 3000).astype(np.int16)
    assert _stretched(loud, -160)[1] == 0


def _drifted(seconds: float, parts_per_million: float, hertz: float) -> tuple[LossyLegs, float, int]:
    """A tone from a peer whose clock drifts: the legs, the worst click, and the samples that were missing."""
    period = round(RATE / np.gcd(RATE, round(hertz)))
    said = tone(hertz, period * 160 / RATE)
    legs = LossyLegs(said[np.newaxis])
    packets = len(said) // 160
    worst, tail, put = 0.0, np.zeros(0, dtype=np.int16), 0
    step = 1 - parts_per_million * 1e-6
    for tick in range(1, round(seconds * 50)):
        while put * step <= tick:
            legs.jitter.place(
                ROW,
                np.array([put * 160 & 0xFFFFFFFF], dtype=np.uint32),
                said[np.newaxis, put % packets * 160 : put % packets * 160 + 160],
                np.array([False]),
                np.array([put == 0]),
                np.array([(tick - put * step) * 160]),
            )
            put += 1
        frame = legs.take()[0]
        if tick > 5:
            worst = max(worst, click(np.concatenate([tail, frame]), hertz))
        tail = frame[-2:]
    return legs, worst, int(legs.concealer.concealed[0])


@pytest.mark.parametrize("parts_per_million", [500, -500])
@pytest.mark.parametrize("hertz", [400.0, 1020.0])
def test_a_drifting_clock_does_not_click(parts_per_million: int, hertz: float) -> None:
    legs, worst, missing = _drifted(100, parts_per_million, hertz)
    assert 0 < int(legs.jitter.stretched[0]) < 1.2 * 100 * RATE * 500e-6
    assert missing == 0
    assert worst < 0.02 * 8000


@pytest.mark.soak
@pytest.mark.parametrize("parts_per_million", [200, -200])
def test_a_drifting_clock_does_not_click_for_hours(parts_per_million: int) -> None:
    legs, worst, missing = _drifted(3 * 3600, parts_per_million, 1020.0)
    drift = 3 * 3600 * RATE * 200e-6
    assert drift - 320 <= int(legs.jitter.stretched[0]) < 1.2 * drift
    assert missing == 0
    assert worst < 0.02 * 8000

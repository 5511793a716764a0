from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ccplatform.contracts.media import StartTap, StopTap, TapEnded
from gateway.media.legs import Leg
from gateway.media.taps import QUEUED_FRAMES
from tests.gateway.media.peers import Rig, level, tone
from tests.gateway.media.tap_reader import Reader
from tests.gateway.media.wide import converse, wide_leg, wide_level, wide_tone


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path / "tap")
    yield made
    made.close()


def _tap(rig: Rig, leg: Leg, path: str, rate: int = 8000, name: str = "t") -> None:
    rig.engine.hearing.perform(leg, StartTap(leg=leg.id, tap=name, path=path, rate=rate))


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_reader_gets_every_20_ms_with_its_instant_at_its_rate(rig: Rig, reader: Reader, rate: int) -> None:
    leg, caller = rig.leg("a")
    _tap(rig, leg, reader.path, rate)
    rig.talk((caller, tone(440, 1.0)))
    packets = reader.read()
    assert [number for number, _, _, _ in packets] == list(range(50))
    assert {lost for _, lost, _, _ in packets} == {0}
    instants = [at for _, _, at, _ in packets]
    assert instants[-1] == rig.clock.now()
    assert np.allclose(np.diff(instants), 0.02)
    heard = np.concatenate([samples for *_, samples in packets])
    assert len(heard) == rate
    wave = np.exp(-2j * np.pi * 440 * np.arange(rate // 2) / rate)
    steady = heard[rate // 4 :][: rate // 2]
    assert 2 * abs(np.dot(steady, wave)) / (rate // 2) == pytest.approx(8000, rel=0.03)
    assert np.abs(np.diff(steady.astype(int))).max() < 8000 * 2 * np.pi * 440 / rate * 1.15
    rig.engine.hearing.perform(leg, StopTap(leg=leg.id, tap="t"))
    (ended,) = rig.told(TapEnded)
    assert (ended.seconds, ended.lost_seconds, ended.error) == (1.0, 0.0, "")


def test_a_reader_too_slow_loses_the_oldest_frames_and_is_told(rig: Rig, reader: Reader) -> None:
    leg, _ = rig.leg("a")
    _tap(rig, leg, reader.path)
    ticks = 3000
    rig.ticks(ticks)
    first = reader.read()
    rig.tick()
    rest = reader.read()
    numbers = [number for number, *_ in first + rest]
    assert numbers == sorted(set(numbers))
    lost = rest[-1][1]
    assert lost == ticks + 1 - len(numbers) > 0
    assert len(rest) == QUEUED_FRAMES + 1
    assert rest[0][1] == lost
    rig.engine.close_leg(leg)
    (ended,) = rig.told(TapEnded)
    assert ended.lost_seconds == pytest.approx(lost * 0.02)


def test_a_reader_that_goes_away_ends_the_tap(rig: Rig, reader: Reader) -> None:
    leg, _ = rig.leg("a")
    _tap(rig, leg, reader.path)
    rig.tick()
    reader.read()
    reader.close()
    rig.ticks(2)
    (ended,) = rig.told(TapEnded)
    assert "the reader is gone" in ended.error


def test_what_cannot_be_tapped_is_told_with_its_reason(
    make_rig: Callable[..., Rig], reader: Reader, tmp_path: Path
) -> None:
    rig = make_rig(max_taps=1)
    leg, _ = rig.leg("a")
    _tap(rig, leg, str(tmp_path / "nobody"))
    _tap(rig, leg, "/" + 200 * "x")
    _tap(rig, leg, reader.path, rate=44100)
    _tap(rig, leg, reader.path)
    _tap(rig, leg, reader.path)
    _tap(rig, leg, reader.path, name="another")
    reasons = [event.error for event in rig.told(TapEnded)]
    for part, reason in zip(("No such file", "too long", "44100 Hz", "1 taps"), reasons, strict=True):
        assert part in reason


def test_a_secure_leg_is_silent_for_taps(rig: Rig, reader: Reader) -> None:
    leg, caller = rig.leg("a")
    _tap(rig, leg, reader.path)
    rig.engine.digits.secure(leg, True)
    rig.talk((caller, tone(440, 0.5)))
    assert not np.any(np.concatenate([samples for *_, samples in reader.read()]))
    rig.engine.digits.secure(leg, False)
    rig.talk((caller, tone(440, 0.5)))
    assert level(np.concatenate([samples for *_, samples in reader.read()]), 440) > 7000


def test_a_tap_at_16_khz_has_all_that_a_wide_leg_says(rig: Rig, reader: Reader) -> None:
    leg, caller = wide_leg(rig, "a")
    _tap(rig, leg, reader.path, 16000)
    converse(rig, (caller, wide_tone(1000, 0.6) // 2 + wide_tone(5600, 0.6) // 2))
    heard = np.concatenate([samples for *_, samples in reader.read()])[3200:]
    for hertz in (1000, 5600):
        assert wide_level(heard, hertz) == pytest.approx(4000, rel=0.25)
    rig.engine.digits.secure(leg, True)
    converse(rig, (caller, wide_tone(5600, 0.1)))
    assert not np.any(np.abs(np.concatenate([samples for *_, samples in reader.read()])[400:]) > 2)

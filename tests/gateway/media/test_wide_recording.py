"""Recordings at 16 kHz: both bands of wide legs, and narrow legs beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ccplatform.contracts.media import RecordingClosed, StartRecording
from ccplatform.contracts.words import CallId, LegId, RecordingId
from gateway.media.audio import Pcm
from gateway.media.bands import DELAY
from gateway.media.legs import Leg
from gateway.media.sealed_file import SealedFile, append
from tests.gateway.media.peers import Rig, tone
from tests.gateway.media.wide import RATE, converse, wide_leg, wide_level, wide_tone
from tests.support.sealed import SEAL, unsealed


def order_for(left: str, right: str, path: Path, name: str = "r", rate: int = RATE) -> StartRecording:
    return StartRecording(
        call=CallId("call"),
        recording=RecordingId(name),
        left=LegId(left),
        right=LegId(right),
        path=str(path),
        seal=SEAL,
        rate=rate,
    )


def record(rig: Rig, left: Leg, right: Leg, path: Path, name: str = "r", rate: int = RATE) -> None:
    rig.engine.start_recording(order_for(left.id, right.id, path, name, rate), left, right)


def finish(rig: Rig) -> dict[str, RecordingClosed]:
    return {closed.recording: closed for closed in rig.engine.recorder.close(5.0)}


def read(path: Path) -> Pcm:
    samples, rate = unsealed(path)
    assert rate == RATE
    return np.asarray(samples)


def both_bands(seconds: float) -> Pcm:
    return wide_tone(700, seconds) // 2 + wide_tone(5000, seconds) // 2


def test_a_wide_leg_is_recorded_in_both_bands_beside_a_narrow_one(rig: Rig, tmp_path: Path) -> None:
    a, caller = wide_leg(rig, "a")
    b, agent = rig.leg("b")
    record(rig, a, b, tmp_path / "r.wav")
    converse(rig, (caller, both_bands(1.0)), (agent, tone(1000, 1.0)))
    closed = finish(rig)["r"]
    assert (closed.error, closed.seconds) == ("", 1.0)
    assert closed.size_bytes == (tmp_path / "r.wav").stat().st_size > RATE * 4
    left, right = read(tmp_path / "r.wav")[RATE // 4 :].T
    for hertz in (700, 5000):
        assert wide_level(left, hertz) == pytest.approx(4000, rel=0.03)
    assert wide_level(right, 1000) == pytest.approx(8000, rel=0.03)
    for hertz in (700, 5000, 7000):  # nothing of the other side, and no image of 1,000 Hz at 7,000
        assert wide_level(right, hertz) < 10


def test_both_sides_are_late_by_the_same(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    record(rig, a, b, tmp_path / "wide.wav", "wide")
    record(rig, a, b, tmp_path / "narrow.wav", "narrow", 8000)
    noise = np.random.default_rng(1).standard_normal(8000)
    said = (np.convolve(noise, np.hanning(20), "same") * 1500).astype(np.int16)  # below 1 kHz
    rig.talk((caller, said), (agent, said))
    assert {closed.seconds for closed in finish(rig).values()} == {1.0}
    wide, narrow = read(tmp_path / "wide.wav"), unsealed(tmp_path / "narrow.wav")[0]
    assert np.array_equal(wide[:, 0], wide[:, 1])
    late = (DELAY + 1) // 2  # by which joining delays, and half a sample of 16 kHz
    there = (wide[late : late + 15800 : 2, 0].astype(int) + wide[late + 1 : late + 15801 : 2, 0]) // 2
    assert np.abs(there - narrow[:7900, 0]).max() < 0.02 * narrow.max()


def test_a_pause_is_silent_to_the_sample_and_nothing_of_it_is_heard_later(rig: Rig, tmp_path: Path) -> None:
    a, caller = wide_leg(rig, "a")
    b, _ = wide_leg(rig, "b")
    record(rig, a, b, tmp_path / "r.wav")
    converse(rig, (caller, both_bands(0.4)))
    rig.engine.recorder.pause(RecordingId("r"), True)
    converse(rig, (caller, both_bands(0.4)))
    converse(rig, (caller, np.zeros(2 * 320, dtype=np.int16)))  # so that what is said at its end has come
    rig.engine.recorder.pause(RecordingId("r"), False)
    for _ in range(10):
        caller.say(np.zeros(320, dtype=np.int16))
        rig.tick()
    assert finish(rig)["r"].pauses == ((0.4, 0.84),)
    left = np.abs(read(tmp_path / "r.wav")[:, 0].astype(int))
    assert left[RATE // 4 : 6400].max() > 7000
    assert left[6400 : round(0.84 * RATE)].max() == 0
    assert left[round(0.84 * RATE) :].max() < 40  # what the codec makes of silence


def test_a_secure_leg_is_silent_in_both_bands(rig: Rig, tmp_path: Path) -> None:
    a, caller = wide_leg(rig, "a")
    b, _ = wide_leg(rig, "b")
    rig.engine.digits.secure(a, True)
    record(rig, a, b, tmp_path / "r.wav")
    converse(rig, (caller, both_bands(0.5)))
    finish(rig)
    assert not read(tmp_path / "r.wav").any()


def test_recordings_of_both_rates_come_and_go_on_their_own(rig: Rig, tmp_path: Path) -> None:
    a, caller = wide_leg(rig, "a")
    b, _ = rig.leg("b")
    rates = {"w1": 16000, "n1": 8000, "w2": 16000, "n2": 8000}
    for name, rate in rates.items():
        record(rig, a, b, tmp_path / f"{name}.wav", name, rate)
    converse(rig, (caller, both_bands(0.6)))
    for name in ("w1", "n2"):
        rig.engine.recorder.stop(RecordingId(name))
    converse(rig, (caller, both_bands(0.6)))
    record(rig, a, b, tmp_path / "n3.wav", "n3", 8000)
    converse(rig, (caller, both_bands(0.4)))
    ended = {event.recording: event.seconds for event in rig.told(RecordingClosed)}
    ended |= {name: closed.seconds for name, closed in finish(rig).items()}
    assert ended == {"w1": 0.6, "n2": 0.6, "n1": 1.6, "w2": 1.6, "n3": 0.4}
    for name, seconds in ended.items():
        samples, rate = unsealed(tmp_path / f"{name}.wav")
        assert (rate, len(samples)) == (rates.get(name, 8000), round(seconds * rate))


def test_a_file_is_gone_on_with_at_its_rate(tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    first = SealedFile(str(path), RecordingId("r"), SEAL, rate=RATE)
    assert append([(first, b"\x01\0" * (2 * RATE))]) == [0]
    first.close()
    second = SealedFile(str(path), RecordingId("r"), SEAL, 1.5)
    assert (second.rate, second.missing_seconds) == (RATE, 0.5)
    assert append([(second, b"\x02\0" * RATE)]) == [0]
    second.close()
    samples, rate = unsealed(path)
    assert (rate, len(samples)) == (RATE, 2 * RATE)
    assert [int(samples[at, 1]) for at in (RATE - 1, RATE, 3 * RATE // 2 - 1, 3 * RATE // 2)] == [1, 0, 0, 2]

from __future__ import annotations

import resource
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from ccplatform.contracts.media import RecordingClosed, SecureCollect, StartRecording
from ccplatform.contracts.words import CallId, RecordingId
from gateway.media.audio import RATE
from gateway.media.commands import Performer
from gateway.media.legs import Leg
from tests.gateway.media.peers import Rig, level, tone
from tests.support.sealed import SEAL, unsealed


def _record(rig: Rig, left: Leg, right: Leg, path: Path, name: str = "r") -> None:
    order = StartRecording(
        call=CallId("call"), recording=RecordingId(name), left=left.id, right=right.id, path=str(path), seal=SEAL
    )
    rig.engine.start_recording(order, left, right)


def _perform(rig: Rig, command: SecureCollect) -> None:
    Performer(rig.engine, lambda _: None, lambda: None).perform(command)


def _closed(rig: Rig, count: int = 1) -> list[RecordingClosed]:
    """Wait until the writer is done: it answers in the order of its jobs."""
    done = threading.Event()
    while len(rig.told(RecordingClosed)) < count:
        done.wait(0.002)
        for event in rig.engine.recorder.closed():
            rig.events.append(event)
    return rig.told(RecordingClosed)


def test_left_and_right_hold_what_each_leg_said_sample_true(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    path = tmp_path / "2026" / "01" / "talk.wav"
    _record(rig, a, b, path)
    rig.talk((caller, tone(440, 1.5)), (agent, tone(1000, 1.0)))
    rig.engine.recorder.stop(RecordingId("r"))
    (closed,) = _closed(rig)
    assert closed.error == ""
    assert closed.seconds == 75 * 0.02
    assert 0 < closed.size_bytes - 75 * 160 * 4 < 2000
    assert closed.size_bytes == path.stat().st_size
    assert closed.root
    samples, rate = unsealed(path)
    assert (rate, len(samples)) == (8000, 75 * 160)
    assert level(samples[800:8000, 0], 440) > 7500
    assert level(samples[800:8000, 0], 1000) < 100
    assert level(samples[800:8000, 1], 1000) > 7500
    assert not np.any(samples[9600:, 1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]


def test_a_recording_keeps_the_time_of_ticks_that_were_skipped(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a")
    b, _ = rig.leg("b")
    _record(rig, a, b, tmp_path / "r.wav")
    said = tone(440, 1.0)
    for index in range(0, len(said), 160):
        caller.say(said[index : index + 160])
        if index % 1600 != 1440:
            rig.tick(skipped=1 if index % 1600 == 0 and index else 0)
    rig.engine.recorder.stop(RecordingId("r"))
    (closed,) = _closed(rig)
    assert closed.seconds == pytest.approx(0.98, abs=0.021)
    samples, _ = unsealed(tmp_path / "r.wav")
    assert level(samples[800:6400, 0], 440) > 7000


def test_a_pause_is_silence_to_the_sample_and_its_marks_are_told(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    _record(rig, a, b, tmp_path / "r.wav")
    name, said = RecordingId("r"), tone(440, 0.4)
    for paused in (False, True, True, False, True):
        rig.engine.recorder.pause(name, paused)
        rig.talk((caller, said), (agent, said))
    rig.engine.recorder.pause(RecordingId("unknown"), True)
    rig.engine.recorder.stop(name)
    (closed,) = _closed(rig)
    assert closed.seconds == 2.0
    assert closed.pauses == ((0.4, 1.2), (1.6, 2.0))
    samples, _ = unsealed(tmp_path / "r.wav")
    heard = np.abs(samples).max(axis=1).reshape(-1, 160) > 0
    silent = np.flatnonzero(~heard.any(axis=1)).tolist()
    assert set(silent) >= {*range(20, 60), *range(80, 100)}
    assert heard[61:79].any(axis=1).all()


def test_while_a_leg_keys_a_secret_nobody_can_go_on_with_its_recording(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    _record(rig, a, b, tmp_path / "r.wav")
    name, said, recorder = RecordingId("r"), tone(440, 0.4), rig.engine.recorder

    def talk() -> None:
        rig.talk((caller, said), (agent, said))

    talk()
    recorder.pause(name, True)
    talk()
    _perform(rig, SecureCollect(leg=a.id, on=True))
    recorder.pause(name, False)
    talk()
    recorder.pause(name, True)
    recorder.pause(name, False)
    talk()
    _perform(rig, SecureCollect(leg=a.id, on=False))
    talk()
    recorder.stop(name)
    (closed,) = _closed(rig)
    assert closed.pauses == ((0.4, 1.6),)
    samples, _ = unsealed(tmp_path / "r.wav")
    frames = np.abs(samples).max(axis=1).reshape(-1, 160)
    assert not frames[20:80].any()
    assert frames[1:19].any(axis=1).all()
    assert frames[81:99].any(axis=1).all()


def test_a_recording_that_begins_with_a_secret_leg_begins_paused(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    c, expert = rig.leg("c")
    _perform(rig, SecureCollect(leg=c.id, on=True))
    _record(rig, a, b, tmp_path / "r.wav")
    said, recorder = tone(440, 0.4), rig.engine.recorder
    rig.talk((caller, said), (agent, said), (expert, said))
    recorder.mix(RecordingId("r"), (a.row,), (b.row, c.row))
    rig.talk((caller, said), (agent, said), (expert, said))
    rig.engine.close_leg(c)
    rig.talk((caller, said), (agent, said))
    recorder.stop(RecordingId("r"))
    (closed,) = _closed(rig)
    assert closed.pauses == ((0.4, 0.8),)


def test_the_file_is_readable_while_it_grows(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a")
    b, _ = rig.leg("b")
    path = tmp_path / "r.wav"
    _record(rig, a, b, path)
    rig.talk((caller, tone(440, 1.2)))
    done = threading.Event()
    while not path.exists() or path.stat().st_size < 20_000:
        done.wait(0.002)
    assert len(unsealed(path)[0]) >= 4000


@pytest.mark.parametrize("rate", [8000, 16000])
def test_of_more_than_two_parties_those_of_a_channel_are_mixed_and_come_and_go(
    rig: Rig, tmp_path: Path, rate: int
) -> None:
    legs = [rig.leg(name) for name in "abc"]
    (a, caller), (b, agent), (c, expert) = legs
    order = StartRecording(
        call=CallId("call"),
        recording=RecordingId("r"),
        left=a.id,
        right=b.id,
        path=str(tmp_path / "r.wav"),
        seal=SEAL,
        rate=rate,
    )
    rig.engine.start_recording(order, a, b)

    def all_talk() -> None:
        rig.talk((caller, tone(440, 0.4) // 2), (agent, tone(1000, 0.4) // 2), (expert, tone(1500, 0.4) // 2))

    name = RecordingId("r")
    for right in ((b.row, c.row), (b.row,), (), (c.row,)):
        rig.engine.recorder.mix(name, (a.row,), right)
        all_talk()
    rig.engine.close_leg(c)
    rig.engine.recorder.mix(RecordingId("unknown"), (a.row,), ())
    rig.talk((caller, tone(440, 0.4) // 2), (agent, tone(1000, 0.4) // 2))
    rig.engine.recorder.stop(name)
    (closed,) = _closed(rig)
    assert closed.error == ""
    samples, _ = unsealed(tmp_path / "r.wav")
    pieces = samples.reshape(5, -1, 2)[:, rate // 10 : -rate // 20]
    heard = [[bool(level(piece[:, 1], hertz * RATE / rate) > 3000) for hertz in (1000, 1500)] for piece in pieces]
    assert heard == [[True, True], [True, False], [False, False], [False, True], [False, False]]
    assert all(level(piece[:, 0], 440 * RATE / rate) > 3000 for piece in pieces)
    assert not any(level(piece[:, 0], hertz * RATE / rate) > 100 for piece in pieces for hertz in (1000, 1500))


def test_a_recording_closes_with_its_leg(rig: Rig, tmp_path: Path) -> None:
    a, _ = rig.leg("a")
    b, _ = rig.leg("b")
    _record(rig, a, b, tmp_path / "r.wav")
    rig.ticks(10)
    rig.engine.close_leg(b)
    (closed,) = _closed(rig)
    assert closed.seconds == 0.2
    assert len(rig.engine.recorder) == 0


def test_closing_the_engine_completes_recordings(rig: Rig, tmp_path: Path) -> None:
    a, _ = rig.leg("a")
    b, _ = rig.leg("b")
    _record(rig, a, b, tmp_path / "r.wav")
    rig.ticks(30)
    rig.engine.close()
    (closed,) = rig.told(RecordingClosed)
    assert len(unsealed(tmp_path / "r.wav")[0]) == 30 * 160
    assert closed.seconds == 0.6


def test_a_path_that_cannot_be_written_is_an_error_not_a_crash(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a")
    b, _ = rig.leg("b")
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "there.wav").write_text("kept")
    _record(rig, a, b, tmp_path / "file" / "r.wav", "under-a-file")
    _record(rig, a, b, tmp_path / "there.wav", "exists")
    rig.talk((caller, tone(440, 0.6)))
    closed = {event.recording: event for event in _closed(rig, 2)}
    assert "cannot write" in closed[RecordingId("under-a-file")].error
    assert "exists" in closed[RecordingId("exists")].error
    assert (tmp_path / "there.wav").read_text() == "kept"
    rig.ticks(3)
    assert len(rig.engine.recorder) == 0


def test_a_file_that_may_not_grow_cuts_the_recording_and_keeps_what_was_written(rig: Rig, tmp_path: Path) -> None:
    a, caller = rig.leg("a")
    b, _ = rig.leg("b")
    path = tmp_path / "r.wav"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, limits[1]))  # the second second fits in part
    try:
        _record(rig, a, b, path)
        rig.talk((caller, tone(440, 3.0)))
        (closed,) = _closed(rig)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert closed.error == "cannot write: File too large"
    assert closed.seconds == 1.0
    assert len(unsealed(path)[0]) == 8000

"""Speech that is played while it is being made."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ccplatform.contracts.legs import PlaybackEnded, PlaybackStarted
from ccplatform.contracts.media import Play, PlayItem, StreamItem, ToneItem
from ccplatform.contracts.words import PlaybackId
from gateway.media.audio import Pcm
from gateway.media.legs import Leg
from gateway.media.streams import SpeechStream
from tests.gateway.media.peers import Peer, Rig, level, tone

_DYING = """
import fcntl, sys
file = open(sys.argv[1], "wb", buffering=0)
fcntl.flock(file, fcntl.LOCK_EX)
file.write(1600 * (1000).to_bytes(2, "little"))
sys.stdout.write("x")
sys.stdout.flush()
sys.stdin.read()
"""


class Writer:
    """A speech engine that hands its samples over bit by bit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("wb", buffering=0)
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def write(self, samples: Pcm) -> None:
        self.file.write(samples.astype("<i2").tobytes())

    def finish(self) -> None:
        self.file.close()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path / "speech.raw")
    yield made
    made.finish()


def _play(rig: Rig, leg: Leg, *items: PlayItem) -> None:
    rig.engine.play(leg, Play(leg=leg.id, playback=PlaybackId("p"), items=items))


def _stream(rig: Rig, row: int) -> SpeechStream:
    player = rig.engine.parts.players._players[row]
    if player._source is None:
        player._open()  # as its first tick would, without playing what is there by then
    assert isinstance(player._source, SpeechStream)
    return player._source


def _until_followed(rig: Rig, row: int, samples: int) -> None:
    """Wait for the thread that follows the file, without looking at a clock."""
    stream, pause = _stream(rig, row), threading.Event()
    while sum(part.shape[1] for part in tuple(stream._ready)) < samples and not stream._ended:
        pause.wait(0.002)


def _until_over(rig: Rig, row: int) -> None:
    stream, pause = _stream(rig, row), threading.Event()
    while not stream._ended:
        pause.wait(0.002)


def _hear(rig: Rig, phone: Peer, ticks: int) -> Pcm:
    phone.packets.clear()
    rig.ticks(ticks)
    return phone.heard()


def test_speech_sounds_as_soon_as_20_ms_are_there_and_silence_where_it_runs_dry(rig: Rig, writer: Writer) -> None:
    leg, phone = rig.leg("a")
    _play(rig, leg, StreamItem(path=str(writer.path)), ToneItem(hertz=(900.0,), seconds=0.1))
    assert not np.any(np.abs(_hear(rig, phone, 3)) > 8)
    said = tone(400, 0.5)
    writer.write(said[:100])
    rig.ticks(2)
    assert rig.told(PlaybackStarted) == []
    writer.write(said[100:1600])
    _until_followed(rig, leg.row, 1600)
    heard = _hear(rig, phone, 15)
    assert len(rig.told(PlaybackStarted)) == 1
    assert level(heard[:1600], 400) > 7500
    assert not np.any(np.abs(heard[1600:]) > 8)
    assert rig.told(PlaybackEnded) == []
    writer.write(said[1600:])
    writer.finish()
    _until_over(rig, leg.row)
    heard = _hear(rig, phone, 21)
    assert level(heard[:2400], 400) > 7500
    assert level(heard[2400:3200], 900) > 4900
    (ended,) = rig.told(PlaybackEnded)
    assert ended.finished


def test_the_stream_of_a_writer_that_died_ends_with_what_was_written(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "speech.raw"
    child = subprocess.Popen(
        [sys.executable, "-c", _DYING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.read(1)
    leg, phone = rig.leg("a")
    _play(rig, leg, StreamItem(path=str(path)))
    _until_followed(rig, leg.row, 1600)
    written = not _stream(rig, leg.row)._ended
    child.kill()
    child.communicate()
    assert written
    _until_over(rig, leg.row)
    assert np.abs(_hear(rig, phone, 12)[:1600]).min() > 900
    assert rig.told(PlaybackEnded)[0].finished


def test_other_rates_are_heard_at_their_pitch_and_the_gain_counts(rig: Rig, writer: Writer) -> None:
    leg, phone = rig.leg("a")
    time = np.arange(24_000 // 2) / 24_000
    writer.write((8000 * np.sin(2 * np.pi * 500 * time)).astype(np.int16))
    writer.finish()
    _play(rig, leg, StreamItem(path=str(writer.path), rate=24_000, gain_db=-6.0))
    _until_followed(rig, leg.row, 4000)
    _until_over(rig, leg.row)
    assert level(_hear(rig, phone, 25)[400:3600], 500) == pytest.approx(8000 * 10 ** (-6 / 20), rel=0.03)


def test_speech_that_stays_away_is_given_up(make_rig: Callable[..., Rig], writer: Writer) -> None:
    rig = make_rig(stream_stall_seconds=0.2)
    leg, _ = rig.leg("a")
    _play(rig, leg, StreamItem(path=str(writer.path)))
    rig.ticks(10)
    assert rig.told(PlaybackEnded) == []
    rig.ticks(2)
    (ended,) = rig.told(PlaybackEnded)
    assert not ended.finished
    assert "nothing came for 0.2 s" in ended.error


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        ("missing", "No such file"),
        ("pipe", "not a file"),
        ("folder", "not a file"),
        ("good", "a rate of 1 Hz"),
        ("long", "longer than is played"),
    ],
)
def test_what_cannot_be_followed_ends_with_its_reason(
    make_rig: Callable[..., Rig], tmp_path: Path, prepare: str, reason: str
) -> None:
    path = tmp_path / "speech.raw"
    if prepare == "pipe":
        os.mkfifo(path)
    elif prepare == "folder":
        path.mkdir()
    elif prepare != "missing":
        path.write_bytes(bytes(2 * 8000 * (3 if prepare == "long" else 1)))
    rig = make_rig(max_sound_seconds=2)
    leg, _ = rig.leg("a")
    _play(rig, leg, StreamItem(path=str(path), rate=1 if prepare == "good" else 8000))
    _until_over(rig, leg.row)
    rig.ticks(110)
    (ended,) = rig.told(PlaybackEnded)
    assert reason in ended.error
    assert str(path) in ended.error


def test_a_stream_that_is_stopped_is_followed_no_longer(rig: Rig, writer: Writer) -> None:
    leg, _ = rig.leg("a")
    _play(rig, leg, StreamItem(path=str(writer.path)))
    rig.tick()
    followed = rig.engine.parts.library.streams
    rig.engine.stop_play(leg)
    done = threading.Event()
    while followed._streams:
        done.wait(0.002)
    assert not rig.told(PlaybackEnded)[0].finished


def _sine(hertz: float, seconds: float, rate: int) -> Pcm:
    wave = 8000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.asarray(np.rint(wave), dtype=np.int16)


def test_speech_at_16_khz_is_at_a_narrow_leg_as_soon_as_it_is_written(writer: Writer) -> None:
    stream = SpeechStream(str(writer.path), 16000, 10.0, 1.0, wide=False)
    said = _sine(1000, 1.0, 16000)
    for end in range(320, len(said) + 1, 320):
        writer.write(said[end - 320 : end])
        assert stream.follow()
        assert sum(part.shape[1] for part in stream._ready) == end // 2
    heard = np.concatenate([part[0] for part in stream._ready])
    assert level(heard[800:], 1000) > 7800


@pytest.mark.parametrize(("hertz", "passes"), [(300, True), (3400, True), (5000, False), (7000, False)])
def test_a_narrow_leg_gets_the_low_band_and_no_mirror_of_the_high_one(
    writer: Writer, hertz: float, passes: bool
) -> None:
    stream = SpeechStream(str(writer.path), 16000, 10.0, 1.0, wide=False)
    writer.write(_sine(hertz, 1.0, 16000))
    writer.finish()
    assert not stream.follow()
    out, high = np.zeros(8000, dtype=np.int16), np.ones(8000, dtype=np.int16)
    assert stream.read(out, high) == 8000
    assert not high.any()
    loud = np.abs(out[800:]).max()
    assert loud > 7500 if passes else loud < 30

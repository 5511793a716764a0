"""Long recordings: as long as the talk, and every word where it was said, whatever the phones' clocks do."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from ccplatform.contracts.media import RecordingClosed, StartRecording
from ccplatform.contracts.words import CallId, RecordingId
from gateway.media.audio import FRAME, RATE, Pcm
from tests.gateway.media.peers import Peer, Rig
from tests.support import audio
from tests.support.sealed import SEAL, unsealed

TICKS_PER_SECOND = 50
#: What is said to be found again, and at every how many ticks.
WORD = np.random.default_rng(3).normal(0, 4000, 10 * FRAME).astype(np.int16)
EVERY = 10 * TICKS_PER_SECOND
#: R10.1.f as we hold ourselves to it: right length within 20 ms, and no drift of more.
TOLERANCE_SECONDS = 0.02
SO_TIMESTAMPNS = 35


@pytest.mark.parametrize("minutes", [1, pytest.param(30, marks=pytest.mark.soak)])
@pytest.mark.parametrize("ppm", [0, 100, -100])
def test_words_stay_where_they_were_said_and_the_length_is_right(
    rig: Rig, tmp_path: Path, minutes: int, ppm: int
) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    for leg in (a, b):
        forget_arrivals(leg.ports.rtp)
    path = tmp_path / "r.wav"
    rig.engine.start_recording(
        StartRecording(
            call=CallId("call"), recording=RecordingId("r"), left=a.id, right=b.id, path=str(path), seal=SEAL
        ),
        a,
        b,
    )
    ticks = minutes * 60 * TICKS_PER_SECOND
    hum = np.random.default_rng(4).normal(0, 60, FRAME).astype(np.int16)
    phones = Clocked(caller, 1 + ppm / 1e6), Clocked(agent, 1.0)
    for tick in range(ticks):
        word = WORD[tick % EVERY * FRAME :][:FRAME] if tick % EVERY < WORD.size // FRAME else hum
        for phone in phones:
            phone.say(word)
        rig.tick()
    rig.engine.recorder.stop(RecordingId("r"))
    done = threading.Event()
    while not (closed := rig.engine.recorder.closed()):
        done.wait(0.002)
    (told,) = [event for event in closed if isinstance(event, RecordingClosed)]
    assert abs(told.seconds - minutes * 60) <= TOLERANCE_SECONDS
    samples, _ = unsealed(path)
    assert abs(len(samples) / RATE - minutes * 60) <= TOLERANCE_SECONDS
    for channel in (0, 1):
        delays = [delay(samples[:, channel], tick) for tick in range(EVERY, ticks - EVERY, EVERY)]
        assert max(delays) - min(delays) <= TOLERANCE_SECONDS, delays
        assert max(delays) < 0.1


class Clocked:
    """A phone whose clock goes so many times as fast as ours."""

    def __init__(self, peer: Peer, speed: float) -> None:
        self._peer = peer
        self._speed = speed
        self._due = 0.0

    def say(self, frame: Pcm) -> None:
        """Say a frame in each 20 ms of its own clock: now and then two, or none."""
        before = int(self._due)
        self._due += self._speed
        for _ in range(int(self._due) - before):
            self._peer.say(frame)


def forget_arrivals(rtp: socket.socket) -> None:
    """No stamps of the kernel: here a tick takes less than 20 ms of its clock.

    With them, a second packet in one tick is left for the next one, which knows by its stamp that it was left
    (tests/gateway/media/test_hot_path.py). Without, every tick reads all that there is.
    """
    rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 0)


def delay(channel: Pcm, tick: int) -> float:
    """How long after it was said a word is in the recording, seconds."""
    begin = tick * FRAME
    found = audio.find(WORD, channel[begin : begin + WORD.size + RATE // 2])
    assert found.correlation > 0.7, f"{tick}: {found}"
    return found.lag_seconds

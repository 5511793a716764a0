"""What a listener may hear of a delay that is changed: nothing, whatever the sound is."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.media.audio import ABSENT, FRAME, RATE, Pcm
from gateway.media.jitter import JitterBuffer
from gateway.media.portable import PortableHotPath
from tests.support import audio

ROW = np.array([0])
PIECE = RATE // 10


def _played(sound: Pcm, start_ms: int) -> tuple[Pcm, int]:
    """What plays of a stream that comes on time through a buffer that began with too much delay, and how many
    samples were added and taken out."""
    buffer = JitterBuffer(PortableHotPath(), start_ms=start_ms, min_ms=10, max_ms=400)
    buffer.grow(1)
    frames = []
    for number in range(len(sound) // FRAME):
        pcm = sound[np.newaxis, number * FRAME : (number + 1) * FRAME]
        timestamp = np.array([number * FRAME], dtype=np.uint32)
        begins = np.array([number == 0])
        buffer.place(ROW, timestamp, pcm, np.array([False]), begins, np.array([0.0]))
        frames.append(buffer.take(1)[0].copy())
    played = np.concatenate(frames)
    return played[played != ABSENT], int(buffer.stretched[0])


@pytest.mark.parametrize("hertz", [350.0, 440.0, 1000.0, 1004.0])
def test_a_tone_stays_a_tone_while_its_delay_is_taken_out(hertz: float) -> None:
    played, stretched = _played(_tone(hertz, 8.0), start_ms=200)
    assert stretched > 100 * RATE // 1000
    pieces = [played[at : at + PIECE] for at in range(0, len(played) - PIECE, PIECE)]
    assert [n for n, piece in enumerate(pieces) if not audio.has_tone(piece, hertz, purity_db=0.5)] == []


def _tone(hertz: float, seconds: float) -> Pcm:
    time = np.arange(round(seconds * RATE)) / RATE
    tone: Pcm = np.rint(8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)
    return tone

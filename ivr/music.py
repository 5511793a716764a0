"""Music on hold: a soft piece of our own, made by synthesis, the same samples on every machine.

Eight bars in C major at an easy pace: broken chords of a bell-like piano, a quiet pad under them, a melody above.
The piece ends where it begins: what rings on after the last bar is folded over its start, so that it loops
without a seam.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ivr.speech.audio import Level, Samples, levelled, write_wav

#: The file in the prompt directory, and its rate in hertz.
MUSIC_FILE = "music-on-hold.wav"
RATE = 8000

_LEVEL = Level(mean_dbfs=-22.0, peak_dbfs=-6.0)
_BEAT_SECONDS = 60 / 76
_BEATS = 4

#: MIDI notes: the chords of the bars, from the bass up.
_CHORDS = (
    (48, 55, 59, 64),
    (45, 52, 57, 60),
    (41, 53, 57, 64),
    (43, 50, 59, 62),
    (40, 52, 55, 59),
    (45, 52, 60, 64),
    (50, 53, 57, 60),
    (43, 53, 59, 62),
)

#: The melody: (bar, beat, beats held, MIDI note).
_MELODY = (
    (0, 0.0, 1.5, 76),
    (0, 2.0, 1.0, 74),
    (0, 3.0, 1.0, 71),
    (1, 0.0, 2.0, 72),
    (1, 2.5, 1.5, 69),
    (2, 0.0, 1.5, 72),
    (2, 2.0, 2.0, 76),
    (3, 0.0, 3.0, 74),
    (4, 0.0, 1.5, 71),
    (4, 2.0, 1.0, 74),
    (4, 3.0, 1.0, 76),
    (5, 0.0, 2.0, 72),
    (5, 2.5, 1.5, 76),
    (6, 0.0, 1.5, 77),
    (6, 2.0, 1.0, 76),
    (6, 3.0, 1.0, 72),
    (7, 0.0, 3.5, 74),
)


def ensure_music(directory: Path) -> Path:
    """The music's WAV file (mono, 8 kHz, loops), made now if it is not there; takes well under a second."""
    path = directory.resolve() / MUSIC_FILE
    if not path.exists():
        write_wav(path, compose_music(), RATE)
    return path


def compose_music() -> Samples:
    """The samples of the piece, about 25 seconds at -22 dBFS."""
    bar = _BEATS * _BEAT_SECONDS
    piece = np.zeros(round(len(_CHORDS) * bar * RATE))
    for number, chord in enumerate(_CHORDS):
        for note in chord[1:]:
            _add(piece, number * bar, _pad(note, bar * 1.15), 0.10)
        _add(piece, number * bar, _bell(chord[0], bar), 0.55)
        for step in range(2 * _BEATS):
            note = chord[(1, 2, 3, 2)[step % 4]] + (12 if step in (3, 6) else 0)
            _add(piece, number * bar + step * _BEAT_SECONDS / 2, _bell(note, 1.6), 0.30 if step else 0.38)
    for number, beat, held, note in _MELODY:
        _add(piece, number * bar + beat * _BEAT_SECONDS, _bell(note, held * _BEAT_SECONDS + 0.9), 0.5)
    return levelled(_with_room(piece), RATE, _LEVEL)


def _add(piece: Samples, at_seconds: float, sound: Samples, gain: float) -> None:
    """Mix in; what goes past the end continues at the beginning."""
    positions = (round(at_seconds * RATE) + np.arange(len(sound))) % len(piece)
    np.add.at(piece, positions, sound * gain)


def _bell(note: int, seconds: float) -> Samples:
    """A struck, bell-like tone: frequency modulation that fades faster than the tone itself."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * _hertz(note) * time
    tone = np.sin(phase + 1.1 * np.exp(-time * 5) * np.sin(phase)) + 0.15 * np.exp(-time * 6) * np.sin(3 * phase)
    attack = np.minimum(time / 0.008, 1)
    release = np.minimum((seconds - time) / 0.08, 1)
    return np.asarray(tone * np.exp(-time * 1.7) * attack * release)


def _pad(note: int, seconds: float) -> Samples:
    """A slow, slightly beating chord tone."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * _hertz(note) * detune * time) for detune in (0.998, 1.0, 1.0025))
    swell = np.minimum(np.minimum(time / 0.5, (seconds - time) / 0.6), 1)
    return np.asarray(tone * np.sin(np.pi / 2 * np.clip(swell, 0, 1)) ** 2)


def _with_room(piece: Samples) -> Samples:
    """A few soft, darker echoes, around the loop."""
    wet = np.zeros_like(piece)
    for delay, gain in ((0.067, 0.22), (0.113, 0.17), (0.181, 0.13), (0.293, 0.09)):
        wet += gain * np.roll(piece, round(delay * RATE))
    darker = (wet + np.roll(wet, 1) + np.roll(wet, 2)) / 3
    return piece + darker


def _hertz(note: int) -> float:
    return float(440 * 2 ** ((note - 69) / 12))

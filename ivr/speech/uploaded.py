"""From a file that somebody uploads to a telephone prompt: WAV, FLAC, Ogg (Opus, Vorbis) or MP3.

Nobody trusts the file: its first bytes say which decoders are asked at all, and what they give is taken piece by
piece up to a bound, so that a small file of hours of silence stays small. Recordings are brought to the level of
spoken texts by the same rule (:mod:`ivr.speech.audio`, the active speech level after the idea of ITU-T P.56), so
that a menu of both sounds even.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import soundfile
import soxr

from ivr.errors import BadRecording
from ivr.settings import UploadSettings
from ivr.speech.audio import Level, Samples, gain_for, soft_limited, trimmed, wav_of

#: What a file may begin with.
_BEGINNINGS: Final = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa")
_FORMATS: Final = frozenset({"WAV", "WAVEX", "FLAC", "OGG", "MP3", "MPEG"})
_RATES: Final = range(6_000, 192_001)
_PIECE_FRAMES: Final = 65_536
_SHORTEST_SECONDS: Final = 0.05
#: What has to be made louder than this (40 dB) is noise.
_LARGEST_GAIN: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """A prompt: mono 16-bit WAV without silence around it; ``gain_db`` brought it to the level of prompts."""

    wav: bytes
    seconds: float
    gain_db: float


def prompt_of(data: bytes, rate: int, level: Level, limits: UploadSettings) -> Uploaded:
    """The prompt in a file; raises BadRecording. Takes a while: not on an event loop."""
    if len(data) > limits.max_bytes:
        raise BadRecording(f"the file is larger than {limits.max_bytes} bytes")
    if not data.startswith(_BEGINNINGS):
        raise BadRecording("the file is neither WAV, FLAC, Ogg (Opus, Vorbis) nor MP3")
    samples = _samples(data, rate, limits.max_seconds)
    gain = gain_for(samples, rate, level)
    whole = trimmed(soft_limited(samples * gain, level.limit), rate) if 0 < gain <= _LARGEST_GAIN else samples[:0]
    if len(whole) < _SHORTEST_SECONDS * rate:
        raise BadRecording("nothing is to be heard in the file")
    return Uploaded(wav=wav_of(whole, rate), seconds=len(whole) / rate, gain_db=20 * math.log10(gain))


def _samples(data: bytes, rate: int, max_seconds: float) -> Samples:
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format not in _FORMATS or file.samplerate not in _RATES or file.channels > 2:
                raise BadRecording(
                    f"{file.format}, {file.channels} channels at {file.samplerate} Hz: "
                    f"mono or stereo at {_RATES[0]} to {_RATES[-1]} Hz is taken"
                )
            return _mono(file, rate, max_seconds)
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        raise BadRecording(f"the file cannot be decoded: {error}") from error


def _mono(file: soundfile.SoundFile, rate: int, max_seconds: float) -> Samples:
    resampler = soxr.ResampleStream(file.samplerate, rate, 1, dtype="float64")
    pieces: list[Samples] = []
    frames = 0
    while True:
        piece = file.read(_PIECE_FRAMES, dtype="float64", always_2d=True)
        frames += len(piece)
        if frames > max_seconds * file.samplerate:
            raise BadRecording(f"the recording is longer than {max_seconds:g} s")
        last = len(piece) < _PIECE_FRAMES
        mono = np.nan_to_num(piece.mean(axis=1), nan=0.0, posinf=0.0, neginf=0.0)
        pieces.append(resampler.resample_chunk(np.clip(mono, -1.0, 1.0), last=last))
        if last:
            return np.concatenate(pieces)

"""Reference speech for echo calls: recorded files, or made by the bundled voice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from ccplatform.proof.errors import WrongPlan
from gateway.media.audio import RATE, Pcm

_SHORTEST, _LONGEST = 2.0, 30.0
_ACTIVE: Final = 300
#: Level of active speech, RMS: -26 dB below overload (ITU-T P.830).
_LEVEL: Final = 32768 * 10 ** (-26 / 20)


def read_speech(paths: Sequence[Path]) -> list[Pcm]:
    """Speech of these files (WAV or FLAC, one channel is taken), 8 kHz, levelled; raises WrongPlan."""
    return [_read(path) for path in paths]


def read_prompt(path: Path) -> Pcm:
    """A prompt in a file, of any length up to 30 s, 8 kHz; raises WrongPlan."""
    return _read(path, shortest=0.2)


def _read(path: Path, shortest: float = _SHORTEST) -> Pcm:
    try:
        found, rate = soundfile.read(path, dtype="float64", always_2d=True, frames=int(_LONGEST * 192_000))
    except (OSError, soundfile.SoundFileError) as error:
        raise WrongPlan(f"{path} cannot be read as sound: {error}", where="speech") from error
    sound = soxr.resample(found[:, 0], rate, RATE) * 32767
    if not shortest <= len(sound) / RATE <= _LONGEST:
        seconds = len(sound) / RATE
        raise WrongPlan(f"{path} has {seconds:.1f} s, {shortest:g} to {_LONGEST:g} are needed", where="speech")
    active = sound[np.abs(sound) > _ACTIVE]
    if not len(active):
        raise WrongPlan(f"{path} is silent", where="speech")
    levelled = sound * (_LEVEL / math.sqrt(float(np.mean(active**2))))
    return np.asarray(np.clip(np.rint(levelled), -32768, 32767), dtype=np.int16)

"""From an engine's samples to a telephone prompt: resampled, trimmed, brought to one level.

Levels are dB relative to full scale; the mean level is that of the speech itself, pauses left out (after the idea
of ITU-T P.56), so that short words and long sentences sound equally loud.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Samples: TypeAlias = npt.NDArray[np.float64]

#: What is quieter than this counts as silence, and how much of it stays around the speech, seconds.
SILENCE_DBFS = -45.0
LEAD_SECONDS = 0.005
TAIL_SECONDS = 0.06

_FRAME_SECONDS = 0.02
_PAUSE_BELOW_LOUDEST = 10 ** (-25 / 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Where prompts are brought to."""

    mean_dbfs: float = -20.0
    peak_dbfs: float = -3.0


def telephone_wav(sound: bytes, rate: int, target_rate: int, level: Level, into: Path) -> None:
    """Write 16-bit native samples as a prompt; the file appears whole or not at all."""
    samples = np.frombuffer(sound[: len(sound) // 2 * 2], np.int16) / 32768
    write_wav(into, prompt_samples(samples, rate, target_rate, level), target_rate)


def prompt_samples(samples: Samples, rate: int, target_rate: int, level: Level) -> Samples:
    """Resample, trim and level."""
    resampled = (
        np.asarray(soxr.resample(samples, rate, target_rate), dtype=np.float64) if samples.size else samples
    )
    return levelled(trimmed(resampled, target_rate), target_rate, level)


def trimmed(samples: Samples, rate: int) -> Samples:
    """Without the silence before and after."""
    loud = np.flatnonzero(np.abs(samples) > 10 ** (SILENCE_DBFS / 20))
    if not loud.size:
        return samples[:0]
    return samples[max(0, loud[0] - round(LEAD_SECONDS * rate)) : loud[-1] + round(TAIL_SECONDS * rate)]


def levelled(samples: Samples, rate: int, level: Level) -> Samples:
    """At the level's mean; the few peaks that would stand out are bent below its peak, not cut."""
    active = active_rms(samples, rate)
    if active == 0:
        return samples
    limit = 10 ** (level.peak_dbfs / 20)
    return soft_limited(samples * (10 ** (level.mean_dbfs / 20) / active), limit)


def soft_limited(samples: Samples, limit: float) -> Samples:
    """Straight up to two thirds of ``limit``, bent towards it above."""
    knee = limit * 2 / 3
    over = np.maximum(np.abs(samples) - knee, 0)
    room = limit - knee
    return np.sign(samples) * (np.minimum(np.abs(samples), knee) + room * np.tanh(over / room))


def active_rms(samples: Samples, rate: int) -> float:
    """Root mean square of the frames that hold speech; 0 for silence."""
    size = round(_FRAME_SECONDS * rate)
    count = len(samples) // size
    if not count:
        return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
    frames = np.sqrt(np.mean(samples[: count * size].reshape(count, size) ** 2, axis=1))
    spoken = frames[frames > frames.max() * _PAUSE_BELOW_LOUDEST]
    return float(np.sqrt(np.mean(spoken**2))) if spoken.size else 0.0


def write_wav(path: Path, samples: Samples, rate: int) -> None:
    """Mono 16-bit WAV, put in place under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    whole = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
    soundfile.write(draft, whole, rate, format="WAV", subtype="PCM_16")
    draft.replace(path)

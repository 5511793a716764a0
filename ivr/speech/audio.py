"""From an engine's samples to a telephone prompt: resampled, trimmed, brought to one level.

Levels are dB relative to full scale; the mean level is that of the speech itself, pauses left out (after the idea
of ITU-T P.56), so that short words and long sentences sound equally loud.
"""

from __future__ import annotations

import io
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

    @property
    def limit(self) -> float:
        """The peak as a share of full scale."""
        return float(10 ** (self.peak_dbfs / 20))


def telephone_wav(sound: bytes, rate: int, target_rate: int, level: Level, into: Path) -> None:
    """Write 16-bit native samples as a prompt; the file appears whole or not at all."""
    samples = samples_of(sound)
    write_wav(into, prompt_samples(samples, rate, target_rate, level), target_rate)


def samples_of(sound: bytes) -> Samples:
    """What an engine gives, as shares of full scale."""
    return np.frombuffer(sound[: len(sound) // 2 * 2], np.int16) / 32768


class StreamShaper:
    """The same for speech that is still being made, at a gain that is known: an engine's samples in, 16-bit
    little-endian samples at ``target_rate`` out. Silence is held back until something follows it."""

    def __init__(self, rate: int, target_rate: int, gain: float, level: Level) -> None:
        self._resampler = soxr.ResampleStream(rate, target_rate, 1, dtype="float64")
        self._lead, self._tail = round(LEAD_SECONDS * target_rate), round(TAIL_SECONDS * target_rate)
        self._gain = gain
        self._limit = level.limit
        self._begun = False
        self._held: Samples = np.zeros(0)

    def feed(self, sound: bytes, *, last: bool = False) -> bytes:
        """What can be played now."""
        samples = np.concatenate([self._held, self._resampler.resample_chunk(samples_of(sound), last=last)])
        loud = np.flatnonzero(np.abs(samples) > 10 ** (SILENCE_DBFS / 20))
        if not loud.size and not self._begun:
            self._held = samples[-self._lead :]
            return b""
        first = 0 if self._begun else max(0, int(loud[0]) - self._lead)
        end = int(loud[-1]) + 1 if loud.size else 0
        end = min(len(samples), end + self._tail) if last else end
        self._begun = True
        self._held = samples[end:]
        shaped = soft_limited(samples[first:end] * self._gain, self._limit)
        return np.clip(np.round(shaped * 32768), -32768, 32767).astype("<i2").tobytes()


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
    gain = gain_for(samples, rate, level)
    return soft_limited(samples * gain, level.limit) if gain else samples


def gain_for(samples: Samples, rate: int, level: Level) -> float:
    """What brings speech to the level's mean; 0 for silence."""
    active = active_rms(samples, rate)
    return 10 ** (level.mean_dbfs / 20) / active if active else 0.0


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
    write_whole(path, wav_of(samples, rate))


def wav_of(samples: Samples, rate: int) -> bytes:
    """The bytes of a mono 16-bit WAV file."""
    file = io.BytesIO()
    whole = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
    soundfile.write(file, whole, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def write_whole(path: Path, data: bytes) -> None:
    """A file that appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.write_bytes(data)
    draft.replace(path)

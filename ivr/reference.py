"""The reference speech of voice-quality tests: eight seconds, the same for every call of one installation."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import soundfile

from ivr.speech.audio import write_wav
from ivr.speech.port import Speech

#: Length of the reference speech, and its file in the prompt directory.
REFERENCE_SECONDS = 8.0
REFERENCE_FILE = "reference-speech.wav"

#: Two sentences with a pause, as ITU-T P.862.3 advises for test signals.
_TEXT = (
    "The harbour lights were bright when the early boats came in. "
    "Five gentle horses walked along the narrow road beside the lake."
)


async def ensure_reference(directory: Path, speech: Speech) -> Path:
    """The reference file in an existing directory, made if it is not there; raises SpeechUnavailable."""
    path = directory / REFERENCE_FILE
    if not await asyncio.to_thread(path.exists):
        spoken = path.with_name(f".{REFERENCE_FILE}.spoken.part")
        await speech.synthesize(_TEXT, "en", spoken)
        await asyncio.to_thread(_cut, spoken, path)
    return path


def _cut(spoken: Path, into: Path) -> None:
    samples, rate = soundfile.read(spoken, dtype="float64")
    count = round(REFERENCE_SECONDS * rate)
    cut = np.zeros(count)
    cut[: min(count, len(samples))] = samples[:count]
    fade = round(0.02 * rate)
    cut[-fade:] *= np.linspace(1, 0, fade)
    write_wav(into, cut, rate)
    spoken.unlink()

"""People's voices: the recorded prompts of Debian's ``asterisk-core-sounds-en-wav`` (8000 Hz)."""

from __future__ import annotations

from pathlib import Path

from tests.support import audio
from tests.support.g711 import RATE, Samples

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")


def recorded(name: str) -> Samples:
    """A prompt, such as ``digits/2``."""
    rate, channels = audio.read_wav(SOUNDS / f"{name}.wav")
    assert rate == RATE, name
    return channels[0]

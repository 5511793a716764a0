"""Recorded speech for measurements: prompts of Debian's ``asterisk-core-sounds-*``, joined to samples.

Those at 8 kHz come from the packages ``-wav``, those at 16 kHz from ``-g722``: raw G.722 at 64 kbit/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from gateway.media.audio import FRAME, RATE, Pcm
from gateway.media.g722 import G722Coder

#: Where the packages put their sounds.
INSTALLED: Final = Path("/usr/share/asterisk/sounds")
HOW_TO_INSTALL: Final = (
    "install Debian's asterisk-core-sounds-{en,es,fr,it,ru}-wav (apt-get install --no-install-recommends),\n"
    "or unpack them (apt-get download, dpkg -x) and name the directory with --speech"
)
_NO_SPEECH: Final = ("beep", "tone", "dtmf", "silence", "ding", "buzz", "zip", "monkeys")
_SHORTEST_PROMPT: Final = 1.5
_SHORTEST, _LONGEST = 8.0, 12.0
_EDGE: Final = 0.5  # of silence before and after (ITU-T P.862.3 section 7.4: silence at both ends)
_ACTIVE: Final = 300
#: Level of active speech, RMS: -26 dB below overload (ITU-T P.862.3, P.830).
_LEVEL: Final = 32768 * 10 ** (-26 / 20)


@dataclass(frozen=True, slots=True)
class Sample:
    """Some seconds of one voice at 8 or 16 kHz."""

    voice: str
    pcm: Pcm


def samples(directory: Path, per_voice: int, seed: int = 1, rate: int = RATE) -> list[Sample]:
    """``per_voice`` samples of every voice below ``directory``, the same for the same seed."""
    voices: dict[str, list[Path]] = {}
    for path in sorted(directory.rglob("*.wav" if rate == RATE else "*.g722")):
        name = next((part for part in path.parts if len(part) > 4 and part[2] == "_"), None)
        if name and not any(word in path.name for word in _NO_SPEECH):
            voices.setdefault(name, []).append(path)
    found = []
    for number, (voice, paths) in enumerate(sorted(voices.items())):
        prompts = [prompt for path in paths if (prompt := _prompt(path, rate)) is not None]
        generator = np.random.default_rng([seed, number])
        found += [Sample(voice, _joined(prompts, generator, rate)) for _ in range(per_voice)]
    return found


def _prompt(path: Path, rate: int) -> Pcm | None:
    if rate == RATE:
        pcm, found = soundfile.read(path, dtype="int16", always_2d=True)
        return pcm[:, 0] if found == RATE and len(pcm) >= _SHORTEST_PROMPT * RATE else None
    coder, data = G722Coder(""), path.read_bytes()
    if len(data) * 2 < _SHORTEST_PROMPT * rate:  # an octet is two samples
        return None
    return np.concatenate([coder.decode(data[at : at + FRAME]) for at in range(0, len(data), FRAME)])


def _joined(prompts: list[Pcm], generator: np.random.Generator, rate: int) -> Pcm:
    """Prompts at random with pauses of 0.2 to 0.6 s, levelled."""
    edge = np.zeros(round(_EDGE * rate), dtype=np.int16)
    length, parts = len(edge), [edge]
    goal = generator.uniform(_SHORTEST + _EDGE, _LONGEST - _EDGE) * rate
    while length < goal - _SHORTEST_PROMPT * rate:
        prompt = prompts[generator.integers(len(prompts))][: round((_LONGEST - _EDGE) * rate) - length]
        pause = np.zeros(round(generator.uniform(0.2, 0.6) * rate), dtype=np.int16)
        parts += [prompt, pause]
        length += len(prompt) + len(pause)
    speech = np.concatenate([*parts, edge]).astype(np.float64)
    active = speech[np.abs(speech) > _ACTIVE]
    levelled = speech * (_LEVEL / np.sqrt(np.mean(active**2)))
    return np.asarray(np.clip(np.rint(levelled), -32768, 32767), dtype=np.int16)

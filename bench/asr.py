"""How many words of recorded speech the bundled recogniser gets right; run with ``python -m bench.asr``.

People's voices: the English prompts of Debian's ``asterisk-core-sounds-en-wav`` (one speaker, 8000 Hz), each one
word or phrase, levelled to -26 dBov (ITU-T P.830), with the noise of a quiet line, through G.711 A-law. They go
through the engine as a call's sound does. Grammars: the ten digits; short commands; all words of the set at once.
What is in no grammar should be refused: every other word is said against digits and commands. Decoding is CPU time
per second of sound. Nothing but two numbers of the confidence was fitted to these recordings.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from bench.speech import HOW_TO_INSTALL, INSTALLED
from gateway.media.audio import RATE, Pcm
from gateway.media.g711 import Law, decode, encode
from ivr.speech.recognition.sphinx import SphinxEngine

_VOICE: Final = "en_US_f_Allison"
_LEVEL: Final = 32768 * 10 ** (-26 / 20)
_LEAST, _SURE = 0.3, 0.6  # the defaults of a speech node

DIGITS: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
COMMANDS: Final = {
    "no": "vm-no",
    "press": "vm-press",
    "transfer": "pbx-transfer",
    "cancelled": "cancelled",
    "goodbye": "vm-goodbye",
    "hello": "hello",
    "password": "vm-password",
    "message": "vm-message",
    "messages": "vm-messages",
    "family": "vm-Family",
    "friends": "vm-Friends",
    "work": "vm-Work",
    "urgent": "vm-Urgent",
    "first": "vm-first",
    "last": "vm-last",
    "saved": "vm-saved",
    "received": "vm-received",
    "activated": "activated",
    "enabled": "enabled",
    "disabled": "disabled",
    "added": "added",
    "removed": "removed",
    "number": "number",
    "location": "location",
    "extension": "extension",
    "today": "digits/today",
    "tomorrow": "digits/tomorrow",
    "yesterday": "digits/yesterday",
    "star": "digits/star",
    "pound": "digits/pound",
    "hours": "hours",
    "minutes": "minutes",
    "seconds": "seconds",
    "telephone number": "telephone-number",
    "call waiting": "call-waiting",
    "call forwarding": "call-forwarding",
    "do not disturb": "do-not-disturb",
    "speed dial": "speed-dial",
}
_NUMBERS: Final = {
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen": "digits/1{}",
    "twenty thirty forty fifty sixty seventy eighty ninety": "digits/{}0",
    "sunday monday tuesday wednesday thursday friday saturday": "digits/day-{}",
    "january february march april may june july august september october november december": "digits/mon-{}",
}


def _recordings() -> dict[str, str]:
    """Word → file."""
    found = {word: f"digits/{digit}" for digit, word in enumerate(DIGITS)} | COMMANDS
    for words, name in _NUMBERS.items():
        first = 2 if name == "digits/{}0" else 0
        found |= {word: name.format(index + first) for index, word in enumerate(words.split())}
    return found


ALL: Final = _recordings()


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a recording."""

    said: str
    text: str
    confidence: float


def heard(folder: Path, phrases: Sequence[str], said: Iterable[str]) -> tuple[list[Heard], float]:
    """Every recording against a grammar; and CPU seconds per second of sound."""
    engine = SphinxEngine()
    found, cpu, seconds = [], 0.0, 0.0
    for word in said:
        sound = _telephone(folder / f"{ALL[word]}.wav")
        ear = engine.open("en", phrases, 1)
        begin = time.process_time()
        ear.begin()
        for at in range(0, len(sound), RATE // 50):
            ear.feed(sound[at : at + RATE // 50].astype("<i2").tobytes())
        best = next(iter(ear.finish()), None)
        cpu += time.process_time() - begin
        seconds += len(sound) / RATE
        ear.close()
        found.append(Heard(word, best.text if best else "", best.confidence if best else 0.0))
    return found, cpu / seconds


def _telephone(path: Path) -> Pcm:
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE, path
    sound = samples.astype(np.float64)
    active = sound[np.abs(sound) > 300]
    sound = np.pad(sound * (_LEVEL / np.sqrt(np.mean(active**2))), (RATE * 3 // 10, RATE * 8 // 10))
    sound += np.random.default_rng(len(sound)).normal(0, 8, len(sound))
    pcm = np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
    return np.asarray(decode(Law.PCMA, encode(Law.PCMA, pcm)), dtype=np.int16)


def _tell(name: str, folder: Path, phrases: Sequence[str]) -> None:
    inside, share = heard(folder, phrases, phrases)
    right = [one for one in inside if one.text == one.said]
    sure = [one for one in right if one.confidence >= _SURE]
    wrong = [one for one in inside if one.text != one.said]
    wrong_sure = [one for one in wrong if one.confidence >= _SURE]
    percent = 100 * len(right) / len(inside)
    print(f"{name}: {len(right)} of {len(inside)} right ({percent:.0f} %), {len(sure)} of them surely")
    print(f"  wrong: {', '.join(f'{one.said} → {one.text} ({one.confidence:.2f})' for one in wrong) or 'none'}")
    print(f"  wrong and believed: {len(wrong_sure)}; decoding {share:.3f} s of CPU a second")
    others = [word for word in ALL if word not in phrases]
    if others:
        outside, _ = heard(folder, phrases, others)
        let_in = sum(one.confidence >= _LEAST for one in outside)
        believed = sum(one.confidence >= _SURE for one in outside)
        print(f"  not in the grammar: {len(outside)} said, {let_in} not refused, {believed} believed at once")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--speech", type=Path, default=INSTALLED, help="where the sound packages are")
    folder = parser.parse_args().speech / _VOICE
    if not folder.is_dir():
        raise SystemExit(HOW_TO_INSTALL)
    _tell("ten digits", folder, DIGITS)
    _tell("commands", folder, list(COMMANDS))
    _tell("all words at once", folder, list(ALL))


if __name__ == "__main__":
    main()

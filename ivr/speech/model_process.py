"""Voices with model files in a process of its own: ``python model_process.py piper '{"en": "/a.onnx"}' 1``.

The second argument names the model of each language, the third the threads that one text may use. This script
needs nothing of the platform, so that the engine may live in an environment of its own; it alone loads the engine
(Piper is under the GPL: the pipe is the licence border). Frames on stdin and stdout as those of
:mod:`ivr.speech.espeak_process`: first ``{"ready": true}`` once the models are loaded, or ``{"error": reason}``;
a request is ``{"text", "language", "speed"}``. The process ends when stdin does.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

#: Longest request that is read, bytes; longest speech that is made, seconds.
MAX_REQUEST_BYTES = 65_536
MAX_SECONDS = 120

_LENGTH = struct.Struct("!I")


class Voice(Protocol):
    """One model, loaded."""

    rate: int

    def speak(self, text: str, speed: float) -> Iterator[bytes]:
        """16-bit native-endian samples as they are made."""


class Piper:
    """A Piper voice: ``name.onnx`` with ``name.onnx.json`` beside it."""

    def __init__(self, path: str, threads: int) -> None:
        from onnxruntime import InferenceSession, SessionOptions
        from piper import PiperConfig, PiperVoice

        options = SessionOptions()  # which would take all cores
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = InferenceSession(path, sess_options=options, providers=["CPUExecutionProvider"])
        config = PiperConfig.from_dict(json.loads(Path(f"{path}.json").read_text("utf-8")))
        self._voice = PiperVoice(session=session, config=config)
        self.rate: int = self._voice.config.sample_rate

    def speak(self, text: str, speed: float) -> Iterator[bytes]:
        """A sentence at a time."""
        from piper import SynthesisConfig

        for chunk in self._voice.synthesize(text, SynthesisConfig(length_scale=1 / speed)):
            yield chunk.audio_int16_bytes


class Sherpa:
    """A VITS voice of sherpa-onnx: a directory with a model ``*.onnx``, ``tokens.txt`` and ``lexicon.txt``."""

    def __init__(self, path: str, threads: int) -> None:
        import sherpa_onnx

        place = Path(path)
        vits = sherpa_onnx.OfflineTtsVitsModelConfig(
            model=str(_one(place, "*.onnx")),
            tokens=str(_one(place, "tokens.txt")),
            lexicon=str(_one(place, "lexicon.txt")),
        )
        config = sherpa_onnx.OfflineTtsConfig(
            model=sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=threads),
            rule_fsts=",".join(str(rule) for rule in sorted(place.glob("*.fst"))),
        )
        if not config.validate():
            raise OSError(f"{path} is no VITS voice of sherpa-onnx")
        self._voice = sherpa_onnx.OfflineTts(config)
        self.rate = int(self._voice.sample_rate)

    def speak(self, text: str, speed: float) -> Iterator[bytes]:
        """A sentence of some length is one piece."""
        import numpy as np

        samples = np.asarray(self._voice.generate(text, speed=speed).samples, dtype=np.float32)
        yield (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()


def _one(place: Path, pattern: str) -> Path:
    found = sorted(place.glob(pattern))
    if len(found) != 1:
        raise OSError(f"{place} has {len(found)} files {pattern}; one is needed")
    return found[0]


_ENGINES: dict[str, Callable[[str, int], Voice]] = {"piper": Piper, "sherpa": Sherpa}


def read_frame(stream: BinaryIO) -> bytes | None:
    """One body, None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_REQUEST_BYTES:
        raise ValueError(f"a request of {length} bytes is too long")
    return stream.read(length)


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Send one body."""
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def tell(stream: BinaryIO, **fields: Any) -> None:
    """Send a JSON object."""
    write_frame(stream, json.dumps(fields).encode())


def answer(voices: dict[str, Voice], body: bytes, stream: BinaryIO) -> None:
    """Write the frames that answer a request; an engine that fails in the midst ends the process."""
    wanted = json.loads(body)
    voice = voices.get(wanted["language"])
    if voice is None:
        tell(stream, error=f"there is no model of {wanted['language']!r}")
        return
    begun, made = False, 0
    for sound in voice.speak(wanted["text"], wanted["speed"]):
        if not begun:
            tell(stream, rate=voice.rate)
        begun = True
        sound = sound[: MAX_SECONDS * voice.rate * 2 - made]
        made += len(sound)
        if not sound:
            break
        write_frame(stream, sound)
    if not begun:
        tell(stream, rate=voice.rate)
    write_frame(stream, b"")


def main(engine: str, models: str, threads: str) -> None:
    """Load the models, answer requests until stdin ends; whatever the engine prints goes to stderr."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        voices: dict[str, Voice] = {
            language: _ENGINES[engine](path, int(threads)) for language, path in json.loads(models).items()
        }
    except Exception as error:  # whatever a library raises for a file that is no model
        tell(replies, error=f"{type(error).__name__}: {error}"[:500])
        return
    tell(replies, ready=True)
    while (body := read_frame(sys.stdin.buffer)) is not None:
        answer(voices, body, replies)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""sherpa-onnx (Apache-2.0, from 2.0 without espeak-ng) with streaming transducers that the operator supplies.

These models hear anything; a grammar is looked for in what they heard. Confidence is the geometric mean of the
tokens' probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sherpa_onnx

from ivr.speech.recognition.engine import CannotHear
from ivr.speech.recognition.places import ModelPlaces
from ivr.speech.recognition.spotting import spotted
from ivr.speech.recognition.wire import Hypothesis

#: What the model has to hear after the last word before it tells it, seconds.
_TAIL_SECONDS = 0.4


class SherpaEngine:
    """Loads the models at once; raises OSError for a directory that has not one of each file."""

    def __init__(self, places: ModelPlaces) -> None:
        self._rate = places.rate
        self._models = {language: _model(Path(path), places) for language, path in places.models.items()}

    @property
    def rate(self) -> int:
        """See the port."""
        return self._rate

    def open(self, language: str, phrases: Sequence[str] | None, alternatives: int) -> SherpaEar:
        """See the port; there is one hypothesis."""
        model = self._models.get(language)
        if model is None:
            raise CannotHear(f"there is no model of {language!r}")
        return SherpaEar(model, self._rate, phrases)


class SherpaEar:
    """One caller."""

    def __init__(self, model: Any, rate: int, phrases: Sequence[str] | None) -> None:
        self._model = model
        self._rate = rate
        self._phrases = phrases
        self._stream = model.create_stream()

    def begin(self) -> None:
        """See the port."""
        self._stream = self._model.create_stream()

    def feed(self, samples: bytes) -> None:
        """See the port."""
        self._hear(np.frombuffer(samples, "<i2").astype(np.float32) / 32768)

    def finish(self) -> Sequence[Hypothesis]:
        """See the port."""
        self._hear(np.zeros(round(_TAIL_SECONDS * self._rate), dtype=np.float32))
        self._stream.input_finished()
        self._decode()
        text = self._model.get_result(self._stream).strip()
        if self._phrases is not None:
            text = spotted(text, self._phrases)
        return (Hypothesis(text=text, confidence=_sure(self._model.ys_probs(self._stream))),) if text else ()

    def close(self) -> None:
        """See the port."""
        self._stream = None

    def _hear(self, samples: Any) -> None:
        self._stream.accept_waveform(self._rate, samples)
        self._decode()

    def _decode(self) -> None:
        while self._model.is_ready(self._stream):
            self._model.decode_stream(self._stream)


def _sure(logarithms: Sequence[float]) -> float:
    return math.exp(min(0.0, sum(logarithms) / len(logarithms))) if logarithms else 1.0


def _model(place: Path, places: ModelPlaces) -> Any:
    return sherpa_onnx.OnlineRecognizer.from_transducer(
        tokens=str(_one(place, "tokens.txt")),
        encoder=str(_one(place, "*encoder*.onnx")),
        decoder=str(_one(place, "*decoder*.onnx")),
        joiner=str(_one(place, "*joiner*.onnx")),
        sample_rate=places.rate,
        num_threads=places.threads,
    )


def _one(place: Path, pattern: str) -> Path:
    """The file of a pattern; of several the one with 8-bit weights, which needs less."""
    found = sorted(place.glob(pattern))
    smaller = [path for path in found if ".int8." in path.name]
    if len(found) != 1 and len(smaller) != 1:
        raise OSError(f"{place} has {len(found)} files {pattern}; one is needed")
    return found[0] if len(found) == 1 else smaller[0]

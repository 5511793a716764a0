"""Vosk with models that the operator supplies (``alphacep/vosk-api``, Apache-2.0): Mandarin, English, others.

Phrases become the recogniser's grammar, which small models take; its words are those of the model, so Mandarin
phrases are written with spaces between words. ``[unk]`` stands for everything else. One hypothesis carries the
mean of its words' confidences; of several, Vosk tells scores, whose softmax is what is told on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Final

import vosk

from ivr.speech.recognition.engine import CannotHear
from ivr.speech.recognition.places import ModelPlaces
from ivr.speech.recognition.server import joined, part_of
from ivr.speech.recognition.wire import Hypothesis

#: What a grammar does not have.
UNKNOWN: Final = "[unk]"


class VoskEngine:
    """Loads the models at once; raises what Vosk does for a directory that is none."""

    def __init__(self, places: ModelPlaces) -> None:
        vosk.SetLogLevel(-1)
        self._rate = places.rate
        self._models = {language: vosk.Model(model_path=path) for language, path in places.models.items()}

    @property
    def rate(self) -> int:
        """See the port."""
        return self._rate

    def open(self, language: str, phrases: Sequence[str] | None, alternatives: int) -> VoskEar:
        """See the port."""
        model = self._models.get(language)
        if model is None:
            raise CannotHear(f"there is no model of {language!r}")
        if phrases is None:
            recogniser = vosk.KaldiRecognizer(model, self._rate)
        else:
            for word in sorted({word for phrase in phrases for word in phrase.split()}):
                if model.vosk_model_find_word(word) < 0:
                    raise CannotHear(f"the model does not know {word!r}")
            recogniser = vosk.KaldiRecognizer(model, self._rate, json.dumps([*phrases, UNKNOWN]))
        recogniser.SetWords(True)
        if alternatives > 1:
            recogniser.SetMaxAlternatives(alternatives)
        return VoskEar(recogniser)


class VoskEar:
    """One caller."""

    def __init__(self, recogniser: Any) -> None:
        self._recogniser = recogniser
        self._parts: list[tuple[Hypothesis, ...]] = []

    def begin(self) -> None:
        """See the port."""
        self._recogniser.Reset()
        self._parts.clear()

    def feed(self, samples: bytes) -> None:
        """See the port; a pause within an utterance completes a part of it."""
        if self._recogniser.AcceptWaveform(samples):
            self._take(self._recogniser.Result())

    def finish(self) -> Sequence[Hypothesis]:
        """See the port."""
        self._take(self._recogniser.FinalResult())
        return joined(self._parts)

    def close(self) -> None:
        """See the port."""
        self._recogniser = None

    def _take(self, answer: str) -> None:
        self._parts.append(known(part_of(softened(answer)) or ()))


def softened(answer: str) -> str:
    """An answer whose alternatives carry shares of 1 in place of scores."""
    told = json.loads(answer)
    several = told.get("alternatives")
    if not several:
        return answer
    best = max(one.get("confidence", 0.0) for one in several)
    weights = [math.exp(one.get("confidence", 0.0) - best) for one in several]
    shares = [weight / sum(weights) for weight in weights]
    made = [{**one, "confidence": share} for one, share in zip(several, shares, strict=True)]
    return json.dumps({"alternatives": made})


def known(part: Sequence[Hypothesis]) -> tuple[Hypothesis, ...]:
    """What is left without words that are not in the grammar; equal ones become one, as sure as all of them."""
    sure: dict[str, float] = {}
    for one in part:
        text = " ".join(word for word in one.text.split() if word != UNKNOWN)
        if text:
            sure[text] = min(1.0, sure.get(text, 0.0) + one.confidence)
    return tuple(Hypothesis(text=text, confidence=confidence) for text, confidence in sure.items())

"""The bundled engine: pocketsphinx with its English model, for telephone sound.

*Band.* The model wants 16 kHz, a telephone says nothing above 4 kHz. Samples are spread with zeros in between and
not filtered, so that the band above 4 kHz is the mirror image of the one below: hisses keep a likeness of their
upper half, which is worth more to this model than silence there (measured: ``bench/asr.py``).

*Grammar.* The phrases become one JSGF grammar. Free text goes to the model's own trigrams; it is poor.

*Confidence.* What a grammar matched says nothing of how well it fits, for it must match something. So the
utterance is decoded once more as any sequence of phones (with the model's phone trigrams), and the difference of
the acoustic log likelihoods, per frame of the words, becomes a number from 0 to 1 by a logistic curve fitted to
the same recordings.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pocketsphinx

from ivr.speech.recognition.engine import CannotHear
from ivr.speech.recognition.wire import Hypothesis

_RATE: Final = 8000
_GRAMMAR: Final = "said"
_TEXT: Final = "text"
_PHONES: Final = "phones"
#: Log likelihood ratio per frame of the words that is as likely right as wrong, and how steep the curve is there.
_MIDDLE: Final = -3.2
_STEEPNESS: Final = 3.0
_LEAST: Final = 1e-300
#: Hypotheses of the lattice that are looked at for alternatives: most differ only in their silences.
_MOST_HYPOTHESES: Final = 50
_MODEL: Final = Path(pocketsphinx.__file__).parent / "model" / "en-us"


class SphinxEngine:
    """Lends decoders to ears; one costs a third of a second and some 10 MB, so they are kept."""

    rate = _RATE

    def __init__(self) -> None:
        self._free: list[Any] = []
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Have a decoder ready."""
        self._free.append(_decoder())

    def open(self, language: str, phrases: Sequence[str] | None, alternatives: int) -> SphinxEar:
        """See the port."""
        if language != "en":
            raise CannotHear(f"pocketsphinx is bundled for English only, not for {language!r}")
        with self._lock:
            decoder = self._free.pop() if self._free else None
        decoder = decoder or _decoder()
        ear = SphinxEar(decoder, alternatives, self._give_back)
        try:
            ear.listen_for(phrases)
        except CannotHear:
            self._give_back(decoder)
            raise
        return ear

    def _give_back(self, decoder: Any) -> None:
        with self._lock:
            self._free.append(decoder)


class SphinxEar:
    """One caller's decoder."""

    def __init__(self, decoder: Any, alternatives: int, give_back: Callable[[Any], None]) -> None:
        self._decoder = decoder
        self._alternatives = alternatives
        self._give_back = give_back
        self._search = _GRAMMAR
        self._heard = bytearray()
        self._open = False

    def listen_for(self, phrases: Sequence[str] | None) -> None:
        """Set what can be heard; raises CannotHear for words that the dictionary lacks."""
        if phrases is None:
            self._search = _TEXT
            if not self._has_text:
                self._decoder.add_lm_file(_TEXT, str(_MODEL / "en-us.lm.bin"))
            return
        words = [phrase.lower().split() for phrase in phrases]
        unknown = sorted({word for phrase in words for word in phrase if not self._decoder.lookup_word(word)})
        if unknown or not words or not all(words):
            raise CannotHear(f"the dictionary of pocketsphinx has no {', '.join(unknown) or 'empty phrase'}")
        rule = " | ".join(" ".join(phrase) for phrase in words)
        self._decoder.add_jsgf_string(_GRAMMAR, f"#JSGF V1.0; grammar said; public <said> = {rule} ;")

    def begin(self) -> None:
        """See the port."""
        self._stop()
        self._heard.clear()
        self._decoder.activate_search(self._search)
        self._decoder.start_utt()
        self._open = True

    def feed(self, samples: bytes) -> None:
        """See the port."""
        mirrored = with_mirrored_band(samples)
        self._heard += mirrored
        self._decoder.process_raw(mirrored)

    def finish(self) -> Sequence[Hypothesis]:
        """See the port."""
        self._stop()
        best = self._decoder.hyp()
        if best is None or not best.hypstr:
            return ()
        texts = self._texts(best.hypstr)
        confidence = self._confidence(list(self._decoder.seg() or ()))
        return tuple(Hypothesis(text=text, confidence=confidence * share) for text, share in texts)

    def close(self) -> None:
        """See the port."""
        self._stop()
        self._give_back(self._decoder)

    @property
    def _has_text(self) -> bool:
        return self._decoder.get_lm(_TEXT) is not None

    def _stop(self) -> None:
        if self._open:
            self._decoder.end_utt()
            self._open = False

    def _texts(self, best: str) -> list[tuple[str, float]]:
        """Different texts, the likeliest first, and how likely each is against the first."""
        found = {best: 1.0}
        top = 0.0
        for index, hypothesis in enumerate(self._decoder.nbest() or ()):
            if hypothesis is None or index >= _MOST_HYPOTHESES or len(found) >= self._alternatives:
                break
            score = math.log(max(hypothesis.score, _LEAST))
            top = top or score
            text = hypothesis.hypstr
            if text and text not in found:
                found[text] = math.exp(min(0.0, score - top))
        return list(found.items())

    def _confidence(self, segments: Sequence[Any]) -> float:
        words = [segment for segment in segments if _is_word(segment.word)]
        if not words:
            return 0.0
        first, last = words[0].start_frame, words[-1].end_frame
        said = _likelihood(segments, first, last)
        self._decoder.activate_search(_PHONES)
        self._decoder.start_utt()
        self._decoder.process_raw(bytes(self._heard))
        self._decoder.end_utt()
        phones = _likelihood(self._decoder.seg() or (), first, last)
        ratio = (said - phones) / (last - first + 1)
        return 1 / (1 + math.exp(-_STEEPNESS * (ratio - _MIDDLE)))


def with_mirrored_band(samples: bytes) -> bytes:
    """8 kHz to 16 kHz, the upper band being the image of the lower."""
    narrow = np.frombuffer(samples, "<i2")
    wide = np.zeros(2 * len(narrow), dtype=np.int32)
    wide[::2] = 2 * narrow.astype(np.int32)
    return np.clip(wide, -32768, 32767).astype("<i2").tobytes()


def _decoder() -> Any:
    decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
    decoder.add_allphone_file(_PHONES, str(_MODEL / "en-us-phone.lm.bin"))
    return decoder


def _is_word(word: str) -> bool:
    return not word.startswith(("<", "[", "+")) and word != "SIL"


def _likelihood(segments: Iterable[Any], first: int, last: int) -> float:
    """Acoustic log likelihood of the frames from ``first`` to ``last``; a share of what reaches beyond."""
    total = 0.0
    for segment in segments:
        inside = min(segment.end_frame, last) - max(segment.start_frame, first) + 1
        if inside > 0:
            frames = segment.end_frame - segment.start_frame + 1
            total += math.log(max(segment.ascore, _LEAST)) * inside / frames
    return total

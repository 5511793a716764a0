"""Prompts as callers would hear them, before anybody does: spoken and put together into one file."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import soundfile

from ivr.errors import BadRecording
from ivr.numbers import Language
from ivr.prompt_model import PromptText
from ivr.prompts import Composer, RecordedPrompt, Recordings, Utterance
from ivr.recordings import Recordings as RecordingStore
from ivr.speech.audio import Samples, wav_of
from ivr.speech.cache import kept_name
from ivr.speech.port import Speech

#: Most characters that are spoken for one preview.
MAX_TEXT: Final = 2000

_Variables: TypeAlias = Mapping[str, str]


class Previews:
    """Speaks prompts with an engine of its own; ``directory`` is that of the callers' cache, and of
    files that live for a moment."""

    def __init__(self, *, speech: Speech, recordings: RecordingStore, directory: Path, rate: int) -> None:
        self._speech = speech
        self._recordings = recordings
        self._directory = directory
        self._rate = rate
        self._serial = itertools.count()

    async def wav(
        self, prompt: PromptText, language: Language, variables: _Variables, recordings: Recordings
    ) -> bytes:
        """The WAV file of a prompt.

        Raises UnspeakableValue naming the variable, BadRecording, SpeechUnavailable, DatabaseUnavailable.
        """
        pieces = Composer({language: prompt}, recordings).pieces((language,), variables)
        if sum(len(piece.text) for piece in pieces if isinstance(piece, Utterance)) > MAX_TEXT:
            raise BadRecording(f"the prompt is longer than {MAX_TEXT} characters")
        sounds = []
        for piece in pieces:
            if isinstance(piece, Utterance):
                sounds.append(await self.spoken(piece.text, piece.language))
            elif isinstance(piece, RecordedPrompt):
                sounds.append(_samples(await self._recordings.sound(piece.sha256) or b""))
        return wav_of(np.concatenate(sounds), self._rate)

    async def spoken(self, text: str, language: Language) -> Samples:
        """A text; what callers heard already is taken from their cache. Raises SpeechUnavailable."""
        kept = self._directory / kept_name(self._speech, text, language)
        if kept.is_file():
            with suppress(OSError):  # the cache let it go meanwhile
                return _samples(await asyncio.to_thread(kept.read_bytes))
        path = self._directory / f"preview-{next(self._serial)}.wav"
        try:
            await self._speech.synthesize(text, language, path)
            return _samples(await asyncio.to_thread(path.read_bytes))
        finally:
            path.unlink(missing_ok=True)


def _samples(wav: bytes) -> Samples:
    samples: Samples = soundfile.read(io.BytesIO(wav), dtype="float64")[0]
    return samples

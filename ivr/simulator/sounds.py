"""What callers of a simulated session hear, as a file: the same recordings, the same voice, its cache of texts."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from ccplatform.contracts.media import CallToneItem, SilenceItem, ToneItem
from ivr.errors import BadRecording, SoundUnavailable
from ivr.previews import MAX_TEXT, Previews
from ivr.prompts import Piece, RecordedPrompt, Sound, SoundFile, Utterance
from ivr.recordings import Recordings
from ivr.simulator.model import SoundPiece
from ivr.speech.audio import Samples, wav_of

#: The beep before a message, which has no pieces.
BEEP: Final = SoundPiece(hertz=[1000.0], seconds=0.3)
#: What is only marked by a pause: reference speech, messages of callers, tones of the network.
MARK: Final = SoundPiece(seconds=1.0)
#: Longest that is heard at once, and longest file of the directory of sounds, seconds.
LONGEST: Final = 300.0
_TONE_LEVEL: Final = 0.1


def sound_pieces(pieces: Sequence[Piece], text: str) -> list[SoundPiece]:
    """The pieces of a prompt as a page sends them back."""
    if not pieces:
        return [BEEP] if text else []
    return [_sound_piece(piece) for piece in pieces]


def _sound_piece(piece: Piece) -> SoundPiece:
    match piece:
        case Utterance(language=language, text=text):
            return SoundPiece(language=language, text=text)
        case RecordedPrompt(sha256=content):
            return SoundPiece(recording=content)
        case SoundFile(name=name):
            return SoundPiece(file=name)
        case Sound(item=ToneItem(hertz=hertz, seconds=seconds)):
            return SoundPiece(hertz=list(hertz), seconds=seconds)
        case Sound(item=SilenceItem(seconds=seconds)):
            return SoundPiece(seconds=seconds)
        case Sound(item=CallToneItem(seconds=seconds)) if seconds:
            return SoundPiece(seconds=seconds)
        case _:
            return MARK


class Sounds:
    """Makes files of pieces; ``directory`` holds the sounds that play nodes name (None: there are none)."""

    def __init__(
        self, *, previews: Previews, recordings: Recordings, directory: Path | None, rate: int, at_once: int = 4
    ) -> None:
        self._previews = previews
        self._recordings = recordings
        self._directory = None if directory is None else directory.resolve()
        self._rate = rate
        self._turns = asyncio.Semaphore(at_once)

    async def wav(self, pieces: Sequence[SoundPiece]) -> bytes:
        """The WAV file; raises BadRecording, SoundUnavailable, SpeechUnavailable, DatabaseUnavailable."""
        if sum(len(piece.text or "") for piece in pieces) > MAX_TEXT:
            raise BadRecording(f"the prompt is longer than {MAX_TEXT} characters")
        async with self._turns:
            sounds = [await self._samples(piece) for piece in pieces]
        whole = np.concatenate(sounds)
        if len(whole) > LONGEST * self._rate:
            raise BadRecording(f"the prompt is longer than {LONGEST:g} s")
        return await asyncio.to_thread(wav_of, whole, self._rate)

    async def _samples(self, piece: SoundPiece) -> Samples:
        if piece.text is not None and piece.language is not None:
            return await self._previews.spoken(piece.text, piece.language)
        if piece.recording is not None:
            data = await self._recordings.sound(piece.recording)
            if data is None:
                raise SoundUnavailable("a recording of the flow is no longer there")
            return await asyncio.to_thread(_decoded, io.BytesIO(data), self._rate)
        if piece.file is not None:
            return await asyncio.to_thread(self._file, piece.file)
        time = np.arange(round(piece.seconds * self._rate)) / self._rate
        tones = [np.sin(2 * np.pi * hertz * time) * _TONE_LEVEL for hertz in piece.hertz]
        return np.sum(tones, axis=0) if tones else np.zeros(len(time))

    def _file(self, name: str) -> Samples:
        if self._directory is None or ".." in name.split("/"):
            raise SoundUnavailable(f"there is no sound file {name!r}")
        try:
            return _decoded(self._directory / name, self._rate)
        except (soundfile.SoundFileError, OSError, RuntimeError):
            raise SoundUnavailable(f"the sound file {name!r} cannot be played") from None


def _decoded(source: Path | io.BytesIO, rate: int) -> Samples:
    with soundfile.SoundFile(source) as file:
        samples = file.read(round(LONGEST * file.samplerate), dtype="float64", always_2d=True).mean(axis=1)
        resampled: Samples = np.asarray(soxr.resample(samples, file.samplerate, rate), dtype=np.float64)
    return resampled

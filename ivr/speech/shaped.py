"""What every engine's speech goes through on its way to callers: one level, no silence ahead, file or stream."""

from __future__ import annotations

import asyncio
import fcntl
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from ivr.errors import SpeechUnavailable
from ivr.numbers import Language
from ivr.settings import SpeechSettings
from ivr.speech.audio import Level, StreamShaper, gain_for, samples_of, telephone_wav, trimmed

#: Longest text that is spoken, characters.
MAX_TEXT = 2000

#: Spoken once to learn how loud an engine speaks a language.
_LEVEL_TEXTS: dict[Language, str] = {
    "zh": "您的账户余额为一百二十八元五角。",
    "en": "Your balance is one hundred and twenty-eight yuan.",
}

#: Takes the engine's rate and some 16-bit samples; none at the end.
Take: TypeAlias = Callable[[int, bytes], None]


class ShapedSpeech(ABC):
    """The port on an engine that gives samples as it makes them (:meth:`_say`)."""

    def __init__(self, settings: SpeechSettings) -> None:
        self._settings = settings
        self._level = Level(mean_dbfs=settings.level_dbfs, peak_dbfs=settings.peak_dbfs)
        self._gains: dict[Language, float] = {}

    @abstractmethod
    def voice(self, language: Language) -> str:
        """Engine version, voice and every setting that changes the sound."""

    @abstractmethod
    def working(self) -> dict[str, bool]:
        """See the port."""

    @abstractmethod
    async def close(self) -> None:
        """Let the engine go."""

    @abstractmethod
    async def _say(self, text: str, language: Language, take: Take) -> None:
        """Give the sound to ``take`` as it is made, at its end nothing; raises SpeechUnavailable."""

    async def synthesize(self, text: str, language: Language, into: Path) -> None:
        """Speak into a file; see the port."""
        rate, sound = await self._spoken(text, language)
        await asyncio.to_thread(telephone_wav, sound, rate, self._settings.sample_rate, self._level, into)

    async def stream(self, text: str, language: Language, into: Path, begun: Callable[[int], None]) -> None:
        """Speak into a file that grows; see the port."""
        gain = await self._gain(language)
        target = self._settings.sample_rate
        shaper: StreamShaper | None = None
        told = False
        with into.open("wb", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

            def take(rate: int, sound: bytes) -> None:
                nonlocal shaper, told
                shaper = shaper or StreamShaper(rate, target, gain, self._level)
                written = file.write(shaper.feed(sound, last=not sound))
                if not told and (written or not sound):  # a text without a sound has been spoken, too
                    told = True
                    begun(target)

            await self._speak(text, language, take)

    async def _gain(self, language: Language) -> float:
        """What brings the engine's voice to the level of prompts."""
        if language not in self._gains:
            rate, sound = await self._spoken(_LEVEL_TEXTS[language], language)
            samples = trimmed(samples_of(sound), rate)
            self._gains[language] = gain_for(samples, rate, self._level)
        return self._gains[language]

    async def _spoken(self, text: str, language: Language) -> tuple[int, bytes]:
        whole, rates = bytearray(), set[int]()

        def take(rate: int, sound: bytes) -> None:
            nonlocal whole
            rates.add(rate)
            whole += sound

        await self._speak(text, language, take)
        return rates.pop(), bytes(whole)

    async def _speak(self, text: str, language: Language, take: Take) -> None:
        if len(text) > MAX_TEXT:
            raise SpeechUnavailable(f"a text of {len(text)} characters is too long to be spoken")
        await self._say(text, language, take)

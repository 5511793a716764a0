"""The default engine: espeak-ng (see :mod:`ivr.speech.espeak_process`).

Synthesis runs some hundred times faster than the speech it makes.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

from ccplatform.contracts.ports import Alarms
from ccplatform.kernel.clock import Clock
from ivr.numbers import Language
from ivr.settings import SpeechSettings
from ivr.speech.piped import PipedSpeech

_VOICES: dict[Language, str] = {"zh": "cmn", "en": "en-us"}


class EspeakSpeech(PipedSpeech):
    """Speaks Mandarin and English by espeak-ng; ``command`` is replaced in tests."""

    def __init__(
        self, *, settings: SpeechSettings, clock: Clock, alarms: Alarms, command: tuple[str, ...] | None = None
    ) -> None:
        super().__init__(
            name="espeak",
            command=command or (sys.executable, "-m", "ivr.speech.espeak_process"),
            timeout=settings.espeak.timeout_seconds,
            restart=settings.espeak.restart_seconds,
            settings=settings,
            clock=clock,
            alarms=alarms,
        )
        self._engine = f"espeakng_loader-{version('espeakng_loader')}"

    def voice(self, language: Language) -> str:
        """Engine version, voice and every setting that changes the sound."""
        own = self._settings.espeak
        sound = (self._rate(language), own.pitch, own.volume, self._settings.sample_rate)
        return f"{self._engine} {_VOICES[language]} {sound} {self._level}"

    def _request(self, text: str, language: Language) -> dict[str, Any]:
        own = self._settings.espeak
        return {
            "text": text,
            "voice": _VOICES[language],
            "rate": self._rate(language),
            "pitch": own.pitch,
            "volume": own.volume,
        }

    def _rate(self, language: Language) -> int:
        return self._settings.espeak.rate_zh if language == "zh" else self._settings.espeak.rate_en

"""The default engine: espeak-ng, spoken to over pipes (see :mod:`ivr.speech.espeak_process`).

One request at a time; synthesis runs some hundred times faster than the speech it makes. A child that crashes,
hangs or talks nonsense is killed, an alarm is raised, and the next request after a growing pause starts another;
requests during the pause fail at once, so that no caller waits for a dead engine.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import Process
from importlib.metadata import version

from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import RemoteViolation
from ivr.errors import SpeechUnavailable
from ivr.numbers import Language
from ivr.pipes import framed, kill, read_frame, spawn
from ivr.settings import SpeechSettings
from ivr.speech.shaped import ShapedSpeech, Take

#: Alarm kind and subject of a speech engine that does not work.
ALARM = ("tts_unavailable", "espeak")

_MAX_ANSWER_BYTES = 16 * 2**20
_RATES = range(4000, 192_001)
_VOICES: dict[Language, str] = {"zh": "cmn", "en": "en-us"}


class EspeakSpeech(ShapedSpeech):
    """Speaks Mandarin and English by espeak-ng; ``command`` is replaced in tests."""

    def __init__(
        self, *, settings: SpeechSettings, clock: Clock, alarms: Alarms, command: tuple[str, ...] | None = None
    ) -> None:
        super().__init__(settings)
        self._clock = clock
        self._alarms = alarms
        self._command = command or (sys.executable, "-m", "ivr.speech.espeak_process")
        self._lock = asyncio.Lock()
        self._process: Process | None = None
        self._pause = 0.0
        self._not_before = 0.0
        self._engine = f"espeakng_loader-{version('espeakng_loader')}"

    def voice(self, language: Language) -> str:
        """Engine version, voice and every setting that changes the sound."""
        own = self._settings.espeak
        sound = (self._rate(language), own.pitch, own.volume, self._settings.sample_rate)
        return f"{self._engine} {_VOICES[language]} {sound} {self._level}"

    async def _say(self, text: str, language: Language, take: Take) -> None:
        own = self._settings.espeak
        request = {
            "text": text,
            "voice": _VOICES[language],
            "rate": self._rate(language),
            "pitch": own.pitch,
            "volume": own.volume,
        }
        async with self._lock:
            await self._ask(json.dumps(request).encode(), take)

    def working(self) -> dict[str, bool]:
        """See the port."""
        return {"espeak": not self._pause}

    async def close(self) -> None:
        """End the child."""
        async with self._lock:
            await self._kill()

    def _rate(self, language: Language) -> int:
        return self._settings.espeak.rate_zh if language == "zh" else self._settings.espeak.rate_en

    async def _ask(self, request: bytes, take: Take) -> None:
        if self._clock.now() < self._not_before:
            raise SpeechUnavailable("the speech engine is being restarted")
        try:
            async with asyncio.timeout(self._settings.espeak.timeout_seconds):
                process = await self._started()
                refused = await _exchange(process, request, take)
        except (OSError, EOFError, TimeoutError, ValueError, RemoteViolation) as error:
            await self._lost(error)
            raise SpeechUnavailable("the speech engine does not answer") from error
        except asyncio.CancelledError:
            await self._kill()  # an answer half read would be taken for the next one
            raise
        self._alarms.clear_alarm(*ALARM)
        self._pause = 0.0
        if refused:
            raise SpeechUnavailable(f"the speech engine refused a text: {refused}")

    async def _started(self) -> Process:
        if self._process is None:
            self._process = await spawn(self._command)
        return self._process

    async def _lost(self, error: Exception) -> None:
        first, longest = self._settings.espeak.restart_seconds
        self._pause = min(longest, self._pause * 2 or first)
        self._not_before = self._clock.now() + self._pause
        reason = str(error) or type(error).__name__
        self._alarms.raise_alarm(*ALARM, Severity.URGENT, f"the speech engine does not work: {reason}")
        await self._kill()

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        kill(process)
        if process.stdin is not None:
            process.stdin.close()
        await process.communicate()


async def _exchange(process: Process, request: bytes, take: Take) -> str:
    """Give what the engine says to ``take``, at its end nothing; returns why it said nothing at all."""
    if process.stdin is None or process.stdout is None:
        raise EOFError("the engine has no pipes")
    process.stdin.write(framed(request))
    await process.stdin.drain()
    answer = json.loads(await read_frame(process.stdout, _MAX_ANSWER_BYTES))
    match answer:
        case {"error": reason}:
            return str(reason)
        case {"rate": int(rate)} if rate in _RATES:
            size = 0
            while sound := await read_frame(process.stdout, _MAX_ANSWER_BYTES):
                size += len(sound)
                if size > _MAX_ANSWER_BYTES:
                    raise ValueError(f"the engine's answer of more than {_MAX_ANSWER_BYTES} bytes is too long")
                take(rate, sound)
            take(rate, b"")
            return ""
        case _:
            raise ValueError("the engine's answer has an unknown form")
